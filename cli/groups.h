/*
 * groups.h - many reports at once: read from files, completed, grouped by signature.
 *
 * For the verbs that write one page about all of them. What was told by many processes or many
 * times is one group, in the order of its first finding.
 */
#ifndef UD_GROUPS_H
#define UD_GROUPS_H

#include "cli.h"
#include "finding.h"

struct group {
	const char *key; /* the signature, or what stands for it */
	const struct finding *first;
	size_t times;
	struct group *next;
};

struct groups {
	const char *verb;
	FILE *out; /* whole's, or stdout */
	struct whole whole;
	bool sources; /* source lines may be shown */
	size_t findings;
	struct group *first, **last;
};

/*
 * The arguments of a verb: [-o FILE] [--debug-dir=DIR] [--no-lines] [--no-source] [FILE...].
 * Refuses what is wrong with them.
 */
void groups_read(struct groups *g, int argc, char **argv);

/* Writes end here; refuses if not all could be written, and then what was in the file stays. The exit status. */
int groups_done(struct groups *g);

#endif
