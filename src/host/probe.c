/*
 * probe.c - what this kernel offers to the host backend, found by trying it on one page.
 *
 * app context, from the first malloc; leaves nothing mapped behind. Only the second mapping of
 * shared memory is indispensable; everything else has a fallback in host.c.
 */
#include "template.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * By a seccomp filter that was there before us: what it says to a call is learned by dying of it.
 * Such lists are often older than process_madvise, and know no userfaultfd.
 */
static bool is_filtered(void)
{
	char status[4096];

	return file_text("/proc/self/status", status, sizeof(status)) &&
	       __builtin_strstr(status, "Seccomp:\t2");
}

/* What can be done to these two pages, which nobody uses. */
static void pages_try(long at)
{
	struct {
		long base, len;
	} vec = {at + (long)PAGE_SIZE, PAGE_SIZE};

	host.populate = !sys_is_err(sys_madvise((vaddr_t)at, PAGE_SIZE, MADV_POPULATE_R_NR));
	host.guards = !sys_is_err(sys_madvise((vaddr_t)at, PAGE_SIZE, MADV_GUARD_NR));
	host.filtered = is_filtered();
	host.vectors = host.guards && !host.filtered &&
		       sys_call6(__NR_process_madvise, PIDFD_SELF_NR, (long)&vec, 1, MADV_GUARD_NR,
			       0, 0) == (long)PAGE_SIZE;
	sys_munmap((vaddr_t)at, 2 * PAGE_SIZE);
}

static long map_two(int flags)
{
	return sys_mmap(0, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int views_try(const char **why)
{
	long a = map_two(MAP_SHARED), b;
	char thp[80];

	if (sys_is_err(a)) {
		*why = "no shared memory: mmap(MAP_SHARED | MAP_ANONYMOUS) is refused";
		return (int)a;
	}
	*(volatile char *)a = 1;
	b = sys_call6(__NR_mremap, a, 0, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0, 0);
	if (sys_is_err(b) || *(volatile char *)b != 1) {
		sys_munmap((vaddr_t)a, 2 * PAGE_SIZE);
		*why = "mremap of shared memory is refused: a seccomp filter forbids what aliases "
		       "need";
		return sys_is_err(b) ? (int)b : -EINVAL;
	}
	sys_munmap((vaddr_t)a, 2 * PAGE_SIZE);
	pages_try(b);
	/* An unknown advice is refused before its range is looked at; an empty range is fine. */
	host.collapse = !sys_is_err(sys_madvise(0, 0, MADV_COLLAPSE_NR)) &&
			file_text("/sys/kernel/mm/transparent_hugepage/enabled", thp, sizeof(thp));
	return 0;
}

int host_probe(bool views, const char **why)
{
	long a;

	*why = "";
	if (views)
		return views_try(why);
	a = map_two(MAP_PRIVATE);
	if (!sys_is_err(a))
		pages_try(a);
	return 0;
}
