/*
 * host.c - views of shared memory, guards, private ranges.
 *
 * app context, under no engine lock that a system call could need. Owns the templates, the
 * chunk ids and every mapping at a fresh address. The rule that breaks it: a mapping below
 * host.hi that is replaced with MAP_FIXED although it is not ours.
 */
#include "segment.h"
#include "base/base.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

struct host host;
struct lock host_lock = LOCK(HOST);

static uint64_t free_ids[HOST_SEGMENTS][HOST_SEG_CHUNKS / 64];
/* Between PIEs and what clisp keeps for its heap, whoever is there: 16 to 32 TB. */
#define ADDRESSES  (53UL << 40)
#define SPARE_FROM 64 /* views made: a small program needs no spare mappings */
static _Atomic uint32_t maps_made, maps_killed;
static uint32_t free_hint; /* no segment below it has a free chunk */

static void host_warn_once(_Atomic bool *said, const char *text)
{
	if (!atomic_exchange(said, true) && !options.quiet)
		out_line(log_fd(), "undangle: warning: %s", text);
}

/* Dead, and nobody's: reserved again, or unmapped. */
static long host_bury(vaddr_t at, size_t len)
{
	if (!host.reserved)
		return sys_munmap(at, len);
	return sys_mmap(
		at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}

long host_segment_map(void)
{
	size_t len = host_seg_bytes();
	vaddr_t room, at;
	long r;

	do
		r = sys_mmap(0, len + HUGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	while (sys_is_err(r) && host_spare());
	if (sys_is_err(r))
		return r;
	/* A view is one huge page only if address and file offset agree modulo 2 MB. */
	room = (vaddr_t)r;
	at = ALIGN_UP(room, HUGE_SIZE);
	r = sys_mmap(at, len, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (sys_is_err(r)) {
		sys_munmap(room, len + HUGE_SIZE);
		return r;
	}
	if (at > room)
		sys_munmap(room, at - room);
	sys_munmap(at + len, room + HUGE_SIZE - at);
	sys_madvise(at, len, MADV_DONTFORK);
	sys_madvise(at, len, MADV_DONTDUMP);
	return (long)at;
}

int host_enter(size_t want, struct run *fresh)
{
	struct rlimit as = {RLIM_INFINITY, RLIM_INFINITY};
	size_t size = want ? ALIGN_UP(want, HUGE_SIZE) : ADDRESSES;
	const char *why;
	int err = host_probe(&why);

	if (err)
		return err;
	sys_call4(__NR_prlimit64, 0, RLIMIT_AS, 0, (long)&as);
	host.seg_shift = as.rlim_cur == RLIM_INFINITY ? 9 : 3;
	host.reserved = as.rlim_cur == RLIM_INFINITY;
	for (; host.reserved && size >= GIGA_SIZE; size /= 2) {
		long r = sys_mmap(0, size + HUGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (!sys_is_err(r)) {
			host.lo = ALIGN_UP((vaddr_t)r, HUGE_SIZE);
			host.hi = host.lo + size;
			break;
		}
		if (want && size < 2 * GIGA_SIZE)
			break;
	}
	if (!host.hi) {
		/*
		 * Address space is rationed: take addresses that the kernel never picks itself, and
		 * not more than a table of a sixteenth of the ration has entries for.
		 */
		size_t most = 32UL << 40;

		if (as.rlim_cur != RLIM_INFINITY)
			most = MIN(most, as.rlim_cur / 16 / sizeof(void *) << VSPACE_PART_SHIFT);
		host.reserved = false;
		host.lo = 0x100000000000UL;
		host.hi = host.lo + ALIGN_UP(want ? MIN(want, most) : most, HUGE_SIZE);
	}
	fresh->lo = host.lo;
	fresh->hi = host.hi;
	return 0;
}

static int host_new_segment(void)
{
	long r;

	if (host.nsegs == HOST_SEGMENTS)
		return -ENOMEM;
	r = host_segment_map();
	if (sys_is_err(r))
		return -ENOMEM;
	host.seg[host.nsegs] = (vaddr_t)r;
	for (unsigned i = 0; i < (1U << host.seg_shift); i++)
		free_ids[host.nsegs][i / 64] |= 1UL << (i % 64);
	host.nsegs++;
	return 0;
}

/* n of a segment's free chunks, in a row; false: it has none. */
static bool segment_take(uint32_t seg, uint32_t n, uint32_t *id)
{
	for (unsigned w = 0; w < HOST_SEG_CHUNKS / 64; w++) {
		uint64_t m = free_ids[seg][w], row = ~0UL >> (64 - n);
		unsigned at = m ? (unsigned)__builtin_ctzl(m) & ~(n - 1) : 64;

		while (at < 64 && (m >> at & row) != row)
			at += n;
		if (at >= 64)
			continue;
		*id = seg << host.seg_shift | (w * 64 + at);
		free_ids[seg][w] = m & ~(row << at);
		return true;
	}
	return false;
}

int host_chunk_take(uint32_t n, uint32_t *id)
{
	uint32_t seg;
	int err = 0;

	lock_take(&host_lock);
	for (seg = free_hint;; seg++) {
		if (seg == host.nsegs && (err = host_new_segment()) != 0)
			break;
		if (segment_take(seg, n, id))
			break;
		free_hint += n == 1;
	}
	lock_drop(&host_lock);
	return err;
}

void host_chunk_trim(uint32_t id, unsigned first, unsigned pages)
{
	vaddr_t at = host_chunk(id) + ((vaddr_t)first << PAGE_SHIFT);
	size_t len = (size_t)pages << PAGE_SHIFT;

	/* The engine counts on zeros. */
	if (sys_madvise(at, len, MADV_REMOVE))
		__builtin_memset(vaddr_ptr(at), 0, len);
}

void host_chunk_give(uint32_t id)
{
	unsigned seg = id >> host.seg_shift, i = id & ((1U << host.seg_shift) - 1);

	host_chunk_trim(id, 0, CHUNK_PAGES);
	lock_take(&host_lock);
	free_ids[seg][i / 64] |= 1UL << (i % 64);
	free_hint = MIN(free_hint, seg);
	lock_drop(&host_lock);
}

long host_collapse(vaddr_t at)
{
	if (!host.collapse)
		return -ENOSYS;
	(void)*(volatile char *)vaddr_ptr(at); /* at least one page must be there */
	return sys_madvise(at, HUGE_SIZE, MADV_COLLAPSE_NR);
}

bool host_chunk_huge(uint32_t id)
{
	long r = -EAGAIN;

	for (unsigned try = 0; try < 3 && r == -EAGAIN; try++)
		r = host_collapse(host_chunk(id));
	return r != -EAGAIN;
}

/* Without the reservation somebody else may live there: ask first. */
static long host_claim(vaddr_t at, size_t len)
{
	long r;

	if (host.reserved)
		return 0;
	r = sys_mmap(at, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_NOREPLACE, -1, 0);
	if (!sys_is_err(r) && (vaddr_t)r != at) { /* a kernel before 4.17 took it as a hint */
		sys_munmap((vaddr_t)r, len);
		return -EEXIST;
	}
	return sys_is_err(r) ? r : 0;
}

int host_view_map(vaddr_t at, uint32_t id, unsigned first, unsigned pages)
{
	size_t len = (size_t)pages << PAGE_SHIFT;
	vaddr_t from = host_chunk(id) + ((vaddr_t)first << PAGE_SHIFT);
	long r = host_claim(at, len);

	if (sys_is_err(r))
		return (int)r;
	r = sys_call6(
		__NR_mremap, (long)from, 0, (long)len, MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0);
	if (!sys_is_err(r)) {
		uint32_t n = atomic_fetch_add(&maps_made, 1);

		if (n >= SPARE_FROM && n % 2)
			host_spare_fill(1);
		return 0;
	}
	/* mremap may have unmapped the place before it failed. */
	sys_mmap(at, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_NOREPLACE,
		-1, 0);
	return r == -ENOMEM && host_maps_scarce() ? -ENOSPC : (int)r;
}

/* Guards kill a part without a mapping of its own; what else there is would not. */
uint32_t host_chunks_joined(void)
{
	return host.guards ? 1U << host.seg_shift : 1;
}

bool host_views_dear(void)
{
	return host.reserved;
}

void host_view_warm(vaddr_t at, unsigned pages)
{
	if (host.populate)
		sys_madvise(at, (size_t)pages << PAGE_SHIFT, MADV_POPULATE_R_NR);
}

/* Every way we know, dearest last. 0 or -errno: the range may be alive still. */
static int host_kill(vaddr_t at, size_t len)
{
	static _Atomic bool said;
	long r = host_bury(at, len);

	while (r == -ENOMEM && host_spare_use())
		r = host_bury(at, len);
	if (!sys_is_err(r))
		return 0;
	if (host.guards && !sys_is_err(sys_madvise(at, len, MADV_GUARD_NR)))
		return 0;
	if (!sys_is_err(sys_mprotect(at, len, PROT_NONE)))
		return 0;
	host_warn_once(&said,
		"the kernel refuses more mappings (vm.max_map_count): some freed blocks "
		"stay readable, but are not used again");
	return (int)r;
}

int host_view_kill(vaddr_t at, unsigned pages)
{
	int err = host_kill(at, (size_t)pages << PAGE_SHIFT);

	/* What was spared may be had again. */
	if (!err && atomic_fetch_add(&maps_killed, 1) % 64 == 0 && maps_made > SPARE_FROM)
		host_spare_fill(64);
	return err;
}

#define VEC_MAX 64

/* One advice for many runs in one call. How many runs at the front it did for certain. */
static size_t host_advise(const struct run *r, size_t n, int advice)
{
	struct {
		vaddr_t base;
		size_t len;
	} vec[VEC_MAX];
	size_t want = 0;
	long did;

	if (!host.vectors || n > VEC_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		vec[i].base = r[i].lo;
		vec[i].len = r[i].hi - r[i].lo;
		want += vec[i].len;
	}
	did = sys_call6(__NR_process_madvise, PIDFD_SELF_NR, (long)vec, (long)n, advice, 0, 0);
	return !sys_is_err(did) && (size_t)did == want ? n : 0;
}

static void host_advise_all(const struct run *r, size_t n, int advice)
{
	if (host_advise(r, n, advice) == n)
		return;
	for (size_t i = 0; i < n; i++)
		sys_madvise(r[i].lo, r[i].hi - r[i].lo, advice);
}

/* Where there are no guards, kills do not profit. Linux >= 6.16 flushes once for all runs. */
void host_runs_empty(const struct run *r, size_t n)
{
	if (host.guards)
		host_advise_all(r, n, MADV_DONTNEED);
}

int host_runs_kill(vaddr_t at, unsigned pages, const struct run *r, size_t n)
{
	int err = 0;

	if (n > 1 && host_advise(r, n, MADV_GUARD_NR) == n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		size_t len = r[i].hi - r[i].lo;
		int e;

		if (host.guards && !sys_is_err(sys_madvise(r[i].lo, len, MADV_GUARD_NR)))
			continue;
		e = host_kill(r[i].lo, len);
		err = e ? e : err;
	}
	return err;
}

void host_runs_warm(const struct run *r, size_t n)
{
	if (host.populate)
		host_advise_all(r, n, MADV_POPULATE_R_NR);
}

int host_range_map(vaddr_t at, size_t len)
{
	long r = host_claim(at, len);

	if (!sys_is_err(r))
		r = sys_mmap(at, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return sys_is_err(r) ? (int)r : 0;
}

int host_range_kill(vaddr_t at, size_t len)
{
	int err = host_kill(at, len);

	if (err)
		sys_madvise(at, len, MADV_DONTNEED);
	return err;
}

int host_range_move(vaddr_t from, size_t len, vaddr_t to, size_t newlen)
{
	long r = host_claim(to, newlen);

	if (sys_is_err(r))
		return (int)r;
	r = sys_call6(__NR_mremap, (long)from, (long)len, (long)newlen,
		MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0);
	/* Pages that grew after an earlier move are a mapping of their own: then it is EFAULT. */
	if (r == -EFAULT) {
		r = sys_mmap(to, newlen, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (!sys_is_err(r)) {
			__builtin_memcpy(vaddr_ptr(to), vaddr_ptr(from), len);
			return host_range_kill(from, len);
		}
	}
	if (sys_is_err(r)) {
		host_bury(to, newlen);
		return (int)r;
	}
	if (host.reserved)
		sys_mmap(from, len, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_NOREPLACE, -1, 0);
	return 0;
}

void host_dump(struct out *o)
{
	out_fmt(o,
		"host backend: addresses %p-%p %s, %u segments of %lu MB, guards %s, collapse %s\n",
		vaddr_ptr(host.lo), vaddr_ptr(host.hi),
		host.reserved ? "reserved" : "by convention", host.nsegs, host_seg_bytes() >> 20,
		host.guards ? "yes" : "no", host.collapse ? "yes" : "no");
}
