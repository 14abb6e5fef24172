/*
 * segment.c - the host backend's state, below all of its files; see segment.h.
 */
#include "segment.h"

struct host host;
