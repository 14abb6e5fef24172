/*
 * probe.c - what this kernel offers to the host backend, found by trying it.
 *
 * app context, from the first malloc; leaves nothing mapped behind. Only the second mapping of
 * shared memory is indispensable; everything else has a fallback in host.c.
 */
#include "template.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * What such a filter says to a call is learned by dying of it; their lists are often older than
 * process_madvise, and know no userfaultfd. The kernel takes 30 us for this file, as long as the rest
 * of a start, so it is read when it matters. Where it cannot be, nobody knows.
 */
bool host_filtered(void)
{
	static _Atomic enum { UNKNOWN, NO, YES } filtered;
	char status[4096];

	if (filtered == UNKNOWN)
		filtered = file_text("/proc/self/status", status, sizeof(status)) &&
					   !__builtin_strstr(status, "Seccomp:\t2")
				   ? NO
				   : YES;
	return filtered == YES;
}

/* An unknown advice is refused before its range is looked at; an empty range is fine. */
static bool advice_known(int advice)
{
	return !sys_is_err(sys_madvise(0, 0, advice));
}

static int views_try(const char **why)
{
	long a = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	long b;

	if (sys_is_err(a)) {
		*why = "no shared memory: mmap(MAP_SHARED | MAP_ANONYMOUS) is refused";
		return (int)a;
	}
	*(volatile char *)a = 1;
	b = sys_call6(__NR_mremap, a, 0, PAGE_SIZE, MREMAP_MAYMOVE, 0, 0);
	if (sys_is_err(b) || *(volatile char *)b != 1) {
		sys_munmap((vaddr_t)a, PAGE_SIZE);
		*why = "mremap of shared memory is refused: a seccomp filter forbids what aliases "
		       "need";
		return sys_is_err(b) ? (int)b : -EINVAL;
	}
	sys_munmap((vaddr_t)a, PAGE_SIZE);
	/* Known to the kernel two versions before shared memory may have it. */
	host.guards = !sys_is_err(sys_madvise((vaddr_t)b, PAGE_SIZE, MADV_GUARD_NR));
	sys_munmap((vaddr_t)b, PAGE_SIZE);
	host.collapse = advice_known(MADV_COLLAPSE_NR);
	return 0;
}

int host_probe(bool views, const char **why)
{
	*why = "";
	host.populate = advice_known(MADV_POPULATE_R_NR);
	host.guards = advice_known(MADV_GUARD_NR);
	return views ? views_try(why) : 0;
}
