/*
 * spare.c - mappings kept for the worst: for kills, and for a way on at vm.max_map_count.
 *
 * app context. Every second page of a small range has another protection than its neighbours,
 * and so is a mapping; making the protections equal gives them back at once. One pair is taken
 * for every other view, so that they are a third of what views cost, and again when kills have
 * made room. A thread that finds the range in another's hands does without: it never waits, for
 * another thread's fork may have copied the lock held.
 */
#include "template.h"

#include <sys/mman.h>

#define PAIRS	    512 /* each is two mappings */
#define PAIRS_KILLS 16	/* of them, for kills alone */
#define PAIRS_LAST  2	/* beside them, from the start: the heap that needs no more takes one */
#define PAIRS_PROBE 8	/* behind them, to ask whether there are any more: mremap wants several */
#define STEP	    4

static struct lock spare_lock = LOCK(SPARE);
static vaddr_t range; /* of 2 * (PAIRS + PAIRS_PROBE) pages */
static uint32_t pairs;
static _Atomic vaddr_t last; /* PAIRS_LAST of them; 0: there are none (any more) */
static uint32_t pairs_kept = PAIRS_KILLS;

/* For n pairs; 0: there is none. */
static vaddr_t range_new(uint32_t n)
{
	long r = sys_mmap(
		0, 2UL * n * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	return sys_is_err(r) ? 0 : (vaddr_t)r;
}

static bool range_make(void)
{
	if (!range)
		range = range_new(PAIRS + PAIRS_PROBE);
	return range;
}

static bool pair_take(vaddr_t of, uint32_t i)
{
	return !sys_is_err(sys_mprotect(of + (2UL * i + 1) * PAGE_SIZE, PAGE_SIZE, PROT_READ));
}

/* Pairs [from, to) are one mapping with what is behind them again. */
static void pairs_give(uint32_t from, uint32_t to)
{
	sys_mprotect(range + 2UL * from * PAGE_SIZE, 2UL * (to - from) * PAGE_SIZE, PROT_NONE);
}

void host_spare_fill(uint32_t most)
{
	if (!lock_try(&spare_lock))
		return;
	for (most = MIN(most + pairs, (uint32_t)PAIRS);
		pairs < most && range_make() && pair_take(range, pairs); pairs++)
		;
	lock_drop(&spare_lock);
}

static bool spare_use(uint32_t keep)
{
	bool some = false;
	uint32_t n;

	if (!lock_try(&spare_lock))
		return false;
	if (pairs > keep) {
		n = MIN(pairs - keep, (uint32_t)STEP);
		pairs -= n;
		pairs_give(pairs, pairs + n);
		some = true;
	}
	lock_drop(&spare_lock);
	return some;
}

/* Small, for a user who locks all memory has a limit for what is mapped. */
void host_spare_start(void)
{
	last = range_new(PAIRS_LAST);
	for (uint32_t i = 0; last && i < PAIRS_LAST; i++)
		pair_take(last, i);
}

bool host_spare_kill(void)
{
	return spare_use(0);
}

bool host_spare_last(void)
{
	vaddr_t at;

	if (spare_use(0))
		return true;
	at = atomic_exchange(&last, 0);
	return at && !sys_is_err(sys_munmap(at, 2 * PAIRS_LAST * PAGE_SIZE));
}

/* Asked of the kernel: Needs no address space. */
bool host_maps_scarce(void)
{
	bool scarce;
	uint32_t n = 0;

	if (!lock_try(&spare_lock))
		return true;
	if (!range_make()) {
		lock_drop(&spare_lock);
		return false; /* ulimit -v may be what refuses */
	}
	while (n < PAIRS_PROBE && pair_take(range, pairs + n))
		n++;
	scarce = n < PAIRS_PROBE;
	pairs_give(pairs, pairs + PAIRS_PROBE);
	lock_drop(&spare_lock);
	return scarce;
}

bool host_spare(void)
{
	return host_maps_scarce() && spare_use(pairs_kept);
}

void host_spare_fork_child(void)
{
	lock_reset(&spare_lock);
	/* To have as many mappings as its parent, it needs some more for a moment. */
	pairs_kept = PAIRS_KILLS / 2;
}

uint32_t host_maps_count(void)
{
	char buf[4096];
	int fd = file_open("/proc/self/maps");
	uint32_t lines = 0;
	long n;

	if (fd < 0)
		return 0;
	while ((n = sys_read(fd, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n; i++)
			lines += buf[i] == '\n';
	sys_close(fd);
	return lines;
}
