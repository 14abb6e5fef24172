/* stats.c - see stats.h. app context; prints without malloc or stdio. */
#include "stats.h"
#include "malloc.h"

#include <time.h>

static unsigned long page_table_bytes(void)
{
	static const char key[] = "VmPTE:";
	char buf[4096];
	const char *at;

	file_text("/proc/self/status", buf, sizeof(buf));
	at = __builtin_strstr(buf, key);
	return at ? text_number(at + sizeof(key) - 1) << 10 : 0;
}

static unsigned long count_vmas(void)
{
	char buf[4096];
	int fd = file_open("/proc/self/maps");
	unsigned long lines = 0;
	long n;

	if (fd < 0)
		return 0;
	while ((n = sys_read(fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n; i++)
			lines += buf[i] == '\n';
	sys_close(fd);
	return lines;
}

static void print_space(struct out *o)
{
	size_t used = space.next - space.base, all = space.end - space.base;
	struct timespec t = {0};
	unsigned long ms;

	sys_call3(__NR_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, (long)&t, 0);
	ms = (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
	out_fmt(o, "undangle: virtual space  %lu MB of %lu GB used", used >> 20, all >> 30);
	if (used && ms)
		out_fmt(o, "; at this rate the rest lasts %lu minutes of CPU time",
			(unsigned long)((double)(all - used) / (double)used * (double)ms / 6e4));
	out_fmt(o, "\n");
}

void stats_print(struct out *o)
{
	uint64_t allocs = tcache_shared.allocs, frees = tcache_shared.frees;

	for (struct tcache *tc = tcache_all; tc; tc = tc->next) {
		allocs += tc->allocs;
		frees += tc->frees + FREED_COUNT(tc->freed);
	}
	if (start_why)
		out_fmt(o, "undangle: chosen because %s\n", start_why);
	if (kvm_heap) {
		out_fmt(o, "undangle: backend        kvm, detect=strict\n");
		kvm_heap->stats(o);
		return;
	}
	out_fmt(o, "undangle: backend        host, detect=%s\n",
		mode.strict    ? "strict"
		: mode.grouped ? "grouped"
			       : "deferred");
	out_fmt(o, "undangle: allocations    %lu, freed %lu; large %lu, freed %lu\n", allocs, frees,
		rows_counts.large_made, rows_counts.large_killed);
	out_fmt(o, "undangle: views          %lu made, %lu killed whole, %u live\n",
		rows_counts.views_made, rows_counts.views_killed, rows_counts.views_live);
	out_fmt(o, "undangle: kills          %lu units, %lu runs, %lu sweeps\n",
		rows_counts.units_killed, rows_counts.runs_killed, rows_counts.sweeps);
	out_fmt(o,
		"undangle: memory         heap %lu KB, large %lu KB, records %lu KB, stacks %lu "
		"KB, page "
		"tables %lu KB\n",
		heap_bytes() >> 10, large_bytes() >> 10, meta_bytes() >> 10, depot_bytes() >> 10,
		page_table_bytes() >> 10);
	out_fmt(o, "undangle: mappings       %lu; %u views are parts of %u super-views\n",
		count_vmas(), rows_counts.views_joined, rows_counts.supers_live);
	print_space(o);
}
