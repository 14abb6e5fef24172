/* stats.c - the counts, printed. app context; without malloc or stdio. */
#include "bypass.h"
#include "malloc.h"
#include "off.h"

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

static void print_space(struct out *o)
{
	size_t used = space.next - space.base, all = space.end - space.base;
	struct timespec t = {0};
	unsigned long ms;

	sys_call3(__NR_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, (long)&t, 0);
	ms = (unsigned long)t.tv_sec * 1000 + (unsigned long)t.tv_nsec / 1000000;
	log_stat(o, "virtual space  %lu MB of %lu GB used", used >> 20, all >> 30);
	if (used && ms >= 1000) /* what a start takes is no rate */
		log_stat(o, "at this rate   the rest lasts %lu minutes of CPU time",
			(unsigned long)((double)(all - used) / (double)used * (double)ms / 6e4));
}

void stats_print(struct out *o)
{
	struct engine_bytes b;

	if (off_is()) {
		log_stat(o, "protected      no: off");
		return;
	}
	log_stat(o,
		bypass_is() ? "protected      no: it brings its own malloc" : "protected      yes");
	if (start_why)
		log_stat(o, "chosen because %s", start_why);
	if (kvm_heap) {
		log_stat(o, "backend        kvm, detect=strict");
		kvm_heap->stats(o);
		return;
	}
	engine_stats(o);
	engine_bytes(&b);
	log_stat(o,
		"memory         heap %lu KB (%lu KB live), large %lu KB, records %lu KB, "
		"stacks %lu "
		"KB, page tables %lu KB",
		b.heap >> 10, engine_live_bytes(false) >> 10, b.large >> 10, meta_bytes() >> 10,
		depot_bytes() >> 10, page_table_bytes() >> 10);
	print_space(o);
}
