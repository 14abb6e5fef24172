/*
 * host.c - views of shared memory, guards, private ranges.
 *
 * app context, under no engine lock that a system call could need. Owns the templates, the
 * chunk ids and every mapping at a fresh address. The rule that breaks it: a mapping that is
 * replaced with MAP_FIXED although it is not ours.
 */
#include "template.h"
#include "base/base.h"

#include <errno.h>
#include <sys/mman.h>

static struct lock host_lock = LOCK(HOST); /* chunk ids */

static uint8_t free_ids[HOST_CHUNKS / 8] UD_TABLE;
#define SPARE_FROM 64 /* views made: a small program needs no spare mappings */
static _Atomic uint32_t maps_made, maps_killed;
static uint32_t free_hint; /* no byte of free_ids below it has one */

long host_template_put(vaddr_t at, uint32_t n)
{
	size_t len = (size_t)n << HUGE_SHIFT;
	long r;

	do
		r = sys_mmap(at, len, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
	while (sys_is_err(r) && host_spare());
	if (sys_is_err(r))
		return r;
	sys_madvise(at, len, MADV_DONTFORK);
	sys_madvise(at, len, MADV_DONTDUMP);
	return r;
}

long host_template_map(uint32_t n)
{
	size_t len = (size_t)n << HUGE_SHIFT;
	vaddr_t room, at;
	long r;

	do
		r = sys_mmap(0, len + HUGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	while (sys_is_err(r) && host_spare());
	if (sys_is_err(r))
		return r;
	/* A view is one huge page only if address and file offset agree modulo 2 MB. */
	room = (vaddr_t)r;
	at = ALIGN_UP(room, HUGE_SIZE);
	r = host_template_put(at, n);
	if (sys_is_err(r)) {
		sys_munmap(room, len + HUGE_SIZE);
		return r;
	}
	if (at > room)
		sys_munmap(room, at - room);
	sys_munmap(at + len, room + HUGE_SIZE - at);
	return r;
}

static int template_new(void)
{
	uint32_t first = host.chunks, n = host_template_chunks(first);
	long r;

	if (first == HOST_CHUNKS)
		return -ENOMEM;
	r = host_template_map(n);
	if (sys_is_err(r))
		return -ENOMEM;
	host_templates[host_template(first)] = (vaddr_t)r;
	for (uint32_t id = first; id < first + n; id++)
		free_ids[id / 8] |= (uint8_t)(1U << id % 8);
	free_hint = MIN(free_hint, first / 8);
	host.chunks = host_template_next(first);
	return 0;
}

/* n (at most 8) of a byte's free chunks, in a row; false: it has none. */
static bool byte_take(uint32_t byte, uint32_t n, uint32_t *id)
{
	uint8_t row = (uint8_t)(0xff >> (8 - n));

	for (uint32_t at = 0; at < 8; at += n) {
		if ((free_ids[byte] >> at & row) != row)
			continue;
		free_ids[byte] &= (uint8_t) ~(row << at);
		*id = byte * 8 + at;
		return true;
	}
	return false;
}

static bool chunks_take(uint32_t n, uint32_t *id)
{
	for (uint32_t byte = free_hint; byte * 8 < host.chunks; byte++) {
		if (byte_take(byte, n, id))
			return true;
		free_hint += n == 1;
	}
	return false;
}

int host_chunk_take(uint32_t n, uint32_t *id)
{
	int err = 0;

	lock_take(&host_lock);
	while (!err && !chunks_take(n, id))
		err = template_new();
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
	host_chunk_trim(id, 0, CHUNK_PAGES);
	lock_take(&host_lock);
	free_ids[id / 8] |= (uint8_t)(1U << id % 8);
	free_hint = MIN(free_hint, id / 8);
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

int host_view_map(vaddr_t at, uint32_t id, unsigned first, unsigned pages)
{
	size_t len = (size_t)pages << PAGE_SHIFT;
	vaddr_t from = host_chunk(id) + ((vaddr_t)first << PAGE_SHIFT);
	long r = sys_call6(
		__NR_mremap, (long)from, 0, (long)len, MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0);
	if (!sys_is_err(r)) {
		uint32_t n = atomic_fetch_add(&maps_made, 1);

		if (n >= SPARE_FROM && n % 2)
			host_spare_fill(1);
		return 0;
	}
	return r == -ENOMEM && host_maps_scarce() ? -ENOSPC : (int)r;
}

int host_view_own(vaddr_t at, unsigned pages, bool others)
{
	size_t len = (size_t)pages << PAGE_SHIFT;
	long to, r;

	do
		to = sys_mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	while (sys_is_err(to) && host_spare());
	if (sys_is_err(to))
		return (int)to;
	if (others)
		sys_mprotect(at, len, PROT_READ);
	host_copy((vaddr_t)to, at, pages);
	r = sys_call6(
		__NR_mremap, to, (long)len, (long)len, MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0);
	if (!sys_is_err(r))
		return 0;
	sys_munmap((vaddr_t)to, len);
	if (others)
		sys_mprotect(at, len, PROT_READ | PROT_WRITE);
	return (int)r;
}

void host_core(vaddr_t at, size_t len, bool in)
{
	sys_madvise(at, len, in ? MADV_DODUMP : MADV_DONTDUMP);
}

/* Guards kill a part without a mapping of its own; what else there is would not. */
bool host_joins(void)
{
	return host.guards;
}

uint32_t host_chunks_joined(uint32_t id)
{
	return host_template_chunks(id);
}

void host_view_warm(vaddr_t at, unsigned pages)
{
	if (host.populate)
		sys_madvise(at, (size_t)pages << PAGE_SHIFT, MADV_POPULATE_R_NR);
}

/* One page just populated is in every cache; of 511 each took three times as long as it. */
#define TOUCH_COLD 3

uint64_t host_touches(unsigned pages)
{
	static char room[2 * PAGE_SIZE] UD_TABLE; /* aligned, all that is static would be */
	const char *page = vaddr_ptr(ALIGN_UP(vaddr_of(room), PAGE_SIZE));
	uint64_t begun;

	if (!pages)
		return 0;
	sys_madvise(vaddr_of(page), PAGE_SIZE, MADV_DONTNEED);
	host_view_warm(vaddr_of(page), 1);
	begun = ticks();
	(void)*(const volatile char *)page;
	return (ticks() - begun) * TOUCH_COLD * pages;
}

/* Every way we know, dearest last. 0 or -errno: the range may be alive still. */
static int host_kill(vaddr_t at, size_t len)
{
	static _Atomic bool said;
	long r = sys_munmap(at, len);

	while (r == -ENOMEM && host_spare_kill())
		r = sys_munmap(at, len);
	if (!sys_is_err(r))
		return 0;
	if (host.guards && !sys_is_err(sys_madvise(at, len, MADV_GUARD_NR)))
		return 0;
	if (!sys_is_err(sys_mprotect(at, len, PROT_NONE)))
		return 0;
	if (filter_on) /* what that means is said by the last heap */
		return -EPERM;
	log_warn(&said, "the kernel refuses more mappings (vm.max_map_count): some freed blocks "
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

	if (host.vectors == VECTORS_REFUSED || n > VEC_MAX ||
		(host.vectors == VECTORS_UNTRIED && host_filtered()))
		return 0;
	for (size_t i = 0; i < n; i++) {
		vec[i].base = r[i].lo;
		vec[i].len = r[i].hi - r[i].lo;
		want += vec[i].len;
	}
	did = sys_call6(__NR_process_madvise, PIDFD_SELF_NR, (long)vec, (long)n, advice, 0, 0);
	if (host.vectors == VECTORS_UNTRIED)
		host.vectors = sys_is_err(did) ? VECTORS_REFUSED : VECTORS_TAKEN;
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

static long range_map(vaddr_t at, size_t len)
{
	return sys_mmap(
		at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
}

int host_range_map(vaddr_t at, size_t len)
{
	long r;

	/* The kernel counts no data where pages of any kind are replaced, reserved ones too. */
	if (unlikely(ownlimit_data()))
		sys_munmap(at, len);
	r = range_map(at, len);

	/* All memory is locked, and what is there already would count twice until it is replaced. */
	if (r == -EAGAIN) {
		sys_munmap(at, len);
		r = range_map(at, len);
	}
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
	long r = sys_call6(__NR_mremap, (long)from, (long)len, (long)newlen,
		MREMAP_MAYMOVE | MREMAP_FIXED, (long)to, 0);

	if (!sys_is_err(r))
		return 0;
	/* It was claimed, and near ulimit -v each try would take more. */
	sys_munmap(to, newlen);
	return (int)r;
}

void host_range_huge(vaddr_t at, size_t len, bool huge)
{
	sys_madvise(at, len, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void host_range_warm(vaddr_t at, size_t len)
{
	if (host.populate)
		sys_madvise(at, len, MADV_POPULATE_W_NR);
}

/* An advice that the kernel gives to whole pages only: it splits what is larger first (5.4). */
void host_range_split(vaddr_t page)
{
	sys_madvise(page, PAGE_SIZE, MADV_COLD);
}

bool host_range_guard(vaddr_t at, size_t len)
{
	return host.guards && !sys_is_err(sys_madvise(at, len, MADV_GUARD_NR));
}

void host_range_revive(vaddr_t at, size_t len)
{
	sys_madvise(at, len, MADV_REVIVE_NR);
}

void host_dump(struct out *o)
{
	out_fmt(o, "host backend: addresses %p-%p, %lu MB of templates, guards %s, collapse %s\n",
		vaddr_ptr(space.base), vaddr_ptr(space.end), (size_t)host.chunks << 1,
		host.guards ? "yes" : "no", host.collapse ? "yes" : "no");
}
