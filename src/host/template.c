/*
 * template.c - the host backend's state, below all of its files; see template.h.
 */
#include "template.h"

struct host host UD_TABLE;
