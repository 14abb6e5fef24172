/* metrics.c - see metrics.h. pure. Source: OpenMetrics 1.0, "Text format". */
#include "metrics.h"
#include "out.h"

#define SECOND_NS 1000000000UL

static const struct row {
	const char *name, *unit, *help;
	unsigned offset;
	bool counter;
} rows[] = {
#define COUNTER(name, help)	{#name, "", help, offsetof(struct metrics, name), true},
#define GAUGE(name, unit, help) {#name, unit, help, offsetof(struct metrics, name), false},
#include "metrics.def"
#undef COUNTER
#undef GAUGE
};

static uint64_t value(const struct metrics *m, const struct row *r)
{
	return *(const uint64_t *)(const void *)((const char *)m + r->offset);
}

void metrics_finish(struct metrics *m, uint64_t now_ns)
{
	uint64_t ns = now_ns - MIN(m->started_ns, now_ns), used = m->address_used_bytes;
	double left = used ? (double)m->address_left_bytes / (double)used * (double)ns / 1e9 : 0;

	m->live_blocks = m->allocations - MIN(m->frees, m->allocations);
	m->age_seconds = ns / SECOND_NS;
	m->address_left_seconds = (uint64_t)left;
}

/* A label's value: quotes and backslashes are marked, and what is no ASCII is not shown. */
static void label(char *dst, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 2 < size; s++) {
		if (*s == '"' || *s == '\\')
			dst[n++] = '\\';
		dst[n++] = *s < ' ' || *s > '~' ? '?' : *s;
	}
	dst[n] = 0;
}

size_t metrics_open(const struct metrics *m, int pid, const char *comm, char *dst, size_t size)
{
	char name[64];
	size_t n = 0;

	label(name, sizeof(name), comm);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		n += out_snprintf(dst + n, size - n, "# TYPE undangle_%s %s\n", r->name,
			r->counter ? "counter" : "gauge");
		if (r->unit[0])
			n += out_snprintf(
				dst + n, size - n, "# UNIT undangle_%s %s\n", r->name, r->unit);
		n += out_snprintf(dst + n, size - n,
			"# HELP undangle_%s %s\nundangle_%s%s{pid=\"%d\",comm=\"%s\"} %lu\n",
			r->name, r->help, r->name, r->counter ? "_total" : "", pid, name,
			value(m, r));
	}
	return n + out_snprintf(dst + n, size - n, "# EOF\n");
}

size_t metrics_lines(const struct metrics *m, char *dst, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		n += out_snprintf(dst + n, size - n, "%-20s %16lu  %s\n", rows[i].name,
			value(m, &rows[i]), rows[i].help);
	return n;
}
