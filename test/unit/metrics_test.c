// sources: src/base/metrics.c src/base/out.c
/* The texts of --metrics and undangle stat: what follows from what, odd names, the largest numbers. */
#include "unit.h"
#include "base/metrics.h"

static char text[METRICS_TEXT];

static bool has(const char *line)
{
	const char *at = strstr(text, line);

	return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static void follows(void)
{
	struct metrics m = {.allocations = 10,
		.frees = 4,
		.address_used_bytes = 1000,
		.address_left_bytes = 5000,
		.started_ns = 3000000000};

	metrics_finish(&m, 13000000000);
	CHECK_EQ(m.live_blocks, 6);
	CHECK_EQ(m.age_seconds, 10);
	CHECK_EQ(m.address_left_seconds, 50);
	/* Read while they change. */
	m.frees = 11;
	metrics_finish(&m, 2000000000);
	CHECK_EQ(m.live_blocks, 0);
	CHECK_EQ(m.age_seconds, 0);
	m.address_used_bytes = 0;
	metrics_finish(&m, 13000000000);
	CHECK_EQ(m.address_left_seconds, 0);
}

static void format(void)
{
	struct metrics m = {.allocations = 7, .live_bytes = 9};

	metrics_open(&m, 12, "a\"b\\c\nd\xff", text, sizeof(text));
	CHECK(has("# TYPE undangle_allocations counter"));
	CHECK(has("undangle_allocations_total{pid=\"12\",comm=\"a\\\"b\\\\c?d?\"} 7"));
	CHECK(has("# TYPE undangle_live_bytes gauge"));
	CHECK(has("# UNIT undangle_live_bytes bytes"));
	CHECK(has("undangle_live_bytes{pid=\"12\",comm=\"a\\\"b\\\\c?d?\"} 9"));
	metrics_lines(&m, text, sizeof(text));
	CHECK(has("live_bytes                          9  bytes of blocks that live, small ones as "
		  "large as their size class"));
}

static void fits(void)
{
	struct metrics m;
	size_t n;

	memset(&m, 0xff, sizeof(m));
	n = metrics_open(&m, 0x7fffffff, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", text, sizeof(text));
	CHECK(n == strlen(text) && n < sizeof(text) - 100);
	CHECK(!strcmp(text + n - 6, "# EOF\n"));
	n = metrics_lines(&m, text, sizeof(text));
	CHECK(n == strlen(text) && n < sizeof(text) - 100 && text[n - 1] == '\n');
}

int main(void)
{
	RUN(follows);
	RUN(format);
	RUN(fits);
	return UNIT_END();
}
