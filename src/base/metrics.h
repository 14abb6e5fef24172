/*
 * metrics.h - the counts of a process as others read them: OpenMetrics, and lines for people.
 *
 * pure. The library fills a struct metrics (malloc/metrics.c) and writes it (--metrics), the command has
 * the library of another process fill one (undangle stat). The rows are those of metrics.def.
 */
#ifndef UD_METRICS_H
#define UD_METRICS_H

#include "words.h"

struct metrics {
#define COUNTER(name, help)	uint64_t name;
#define GAUGE(name, unit, help) uint64_t name;
#include "metrics.def"
#undef COUNTER
#undef GAUGE
	uint64_t started_ns; /* by the clock of clock_ns */
	unsigned detect;     /* DETECT_... */
	bool kvm;	     /* nothing else is known: another malloc counts there */
};

/* What follows from the others, at that moment. */
void metrics_finish(struct metrics *m, uint64_t now_ns);

#define METRICS_TEXT 4096 /* enough for both */

/* The whole text of an OpenMetrics file; comm: the program's name, any bytes. Returns its length. */
size_t metrics_open(const struct metrics *m, int pid, const char *comm, char *dst, size_t size);

/* A line each, for people. */
size_t metrics_lines(const struct metrics *m, char *dst, size_t size);

/* Malloc's answer to undangle stat (cli/foreign.c): nothing but reading, and no lock. mappings is left out. */
void ud_count(struct metrics *m);

#endif
