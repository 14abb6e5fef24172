/*
 * template.c - the host backend's state, below all of its files; see template.h.
 */
#include "template.h"

struct host host;
vaddr_t host_templates[HOST_TEMPLATES] UD_TABLE;
