/* stats.c - see stats.h. app context; prints without malloc or stdio. */
#include "stats.h"
#include "alias.h"
#include "depot.h"
#include "meta.h"
#include "mmu.h"
#include "options.h"
#include "tcache.h"

#include <time.h>

struct stats stats;

/* The number after `key` in a /proc file of text, 0 if there is none. */
static unsigned long proc_number(const char *text, const char *key)
{
	const char *p = __builtin_strstr(text, key);
	unsigned long n = 0;

	if (!p)
		return 0;
	for (p += __builtin_strlen(key); *p == ' ' || *p == '\t'; p++)
		;
	for (; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	return n;
}

static unsigned long page_table_bytes(void)
{
	char buf[4096];
	int fd = (int)sys_openat(-100, "/proc/self/status", 0, 0);
	long n = fd < 0 ? 0 : sys_read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		sys_close(fd);
	buf[n > 0 ? n : 0] = 0;
	return proc_number(buf, "VmPTE:") << 10;
}

static unsigned long count_vmas(void)
{
	char buf[4096];
	int fd = (int)sys_openat(-100, "/proc/self/maps", 0, 0);
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
	size_t used = alias_space.next - alias_space.base, all = alias_space.end - alias_space.base;
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
	if (mmu_why)
		out_fmt(o, "undangle: chosen because %s\n", mmu_why);
	if (heap_other) {
		out_fmt(o, "undangle: backend        %s, heap=%s, detect=strict\n", mmu->name,
			heap_other->name);
		heap_other->stats(o);
		return;
	}
	out_fmt(o, "undangle: backend        %s, detect=%s\n", mmu->name,
		policy.strict	 ? "strict"
		: policy.grouped ? "grouped"
				 : "deferred");
	out_fmt(o, "undangle: allocations    %lu, freed %lu; large %lu, freed %lu\n", allocs, frees,
		stats.large_made, stats.large_killed);
	out_fmt(o, "undangle: views          %lu made, %lu killed whole, %u live\n",
		stats.views_made, stats.views_killed, stats.views_live);
	out_fmt(o, "undangle: kills          %lu units, %lu runs, %lu sweeps\n", stats.units_killed,
		stats.runs_killed, stats.sweeps);
	out_fmt(o,
		"undangle: memory         heap %lu KB, large %lu KB, records %lu KB, stacks %lu "
		"KB, page "
		"tables %lu KB\n",
		heap_bytes() >> 10, large_bytes() >> 10, meta_bytes() >> 10, depot_bytes() >> 10,
		page_table_bytes() >> 10);
	out_fmt(o, "undangle: mappings       %lu; %u views are parts of %u super-views\n",
		count_vmas(), stats.views_joined, stats.supers_live);
	print_space(o);
	mmu->stats(o);
}
