/*
 * probe.h - the rows of undangle --probe: any file of the command may define some (probes.def).
 */
#ifndef UD_PROBE_H
#define UD_PROBE_H

#include "base/out.h"

/* Exit statuses of the child that a probe runs in. */
enum probe_verdict {
	PROBE_YES, /* there, and it works                 */
	PROBE_NO,  /* not there; the text says why        */
};

#define PROBE(name, label) int probe_##name(struct out *o);
#include "probes.def"
#undef PROBE

#endif
