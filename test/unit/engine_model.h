/*
 * engine_model.h - a host for the engines that is held in two arrays: what each page of addresses
 * shows, and which chunks are out. Included once, by a test of the whole engine.
 *
 * Memory is a file; a view is a mapping of it, so that the engine and the test can use addresses as
 * a program does. Killed is what the array says: a read of the test asks it first.
 */
#ifndef ENGINE_MODEL_H
#define ENGINE_MODEL_H

#include "host/host.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MODEL_PAGES  (4UL << 20) /* of addresses: 16 GB */
#define MODEL_CHUNKS 1024U
#define PRIVATE	     UINT32_MAX

static vaddr_t model_lo;
static int model_file = -1;
static uint32_t shows[MODEL_PAGES]; /* 1 + the page of the file, PRIVATE, or 0: a fault */
static bool used[MODEL_PAGES];	    /* it showed something before */
static size_t pages_top;	    /* no page from here on was used */
static uint8_t chunk_out[MODEL_CHUNKS];
static bool asked_huge[MODEL_PAGES / CHUNK_PAGES];
static bool slow_huge; /* their first touch faults, which the test answers */
static bool again;     /* in a fork's child: used pages are mapped once more */
static unsigned joined_chunks = 1;

/* Every n-th call that can fail does; 0: none. */
static unsigned fail_every, fail_calls, fail_count;

static inline bool fails(void)
{
	if (!fail_every || ++fail_calls % fail_every)
		return false;
	fail_count++;
	return true;
}

static inline void model_init(void)
{
	CHECK_EQ(space_start(MODEL_PAGES * PAGE_SIZE), 0);
	model_lo = space.base;
	model_file = memfd_create("model", 0);
	CHECK(model_file >= 0 && !ftruncate(model_file, (off_t)MODEL_CHUNKS << HUGE_SHIFT));
}

static inline size_t page_of(vaddr_t at)
{
	CHECK(at >= model_lo && at - model_lo < MODEL_PAGES * PAGE_SIZE);
	return (at - model_lo) >> PAGE_SHIFT;
}

/* Does a read there fault? */
static inline bool is_dead(vaddr_t at)
{
	return !shows[page_of(at)];
}

int host_chunk_take(uint32_t n, uint32_t *id)
{
	if (fails())
		return -ENOMEM;
	for (*id = 0; *id + n <= MODEL_CHUNKS; *id += n) {
		bool out = false;

		for (uint32_t i = 0; i < n; i++)
			out |= chunk_out[*id + i];
		if (out)
			continue;
		memset(&chunk_out[*id], 1, n);
		return 0;
	}
	return -ENOMEM;
}

void host_chunk_trim(uint32_t id, unsigned first, unsigned pages)
{
	CHECK(chunk_out[id] && first + pages <= CHUNK_PAGES);
	CHECK(!fallocate(model_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		((off_t)id << HUGE_SHIFT) + ((off_t)first << PAGE_SHIFT),
		(off_t)pages << PAGE_SHIFT));
}

void host_chunk_give(uint32_t id)
{
	host_chunk_trim(id, 0, CHUNK_PAGES);
	chunk_out[id] = 0;
}

bool host_chunk_huge(uint32_t id)
{
	CHECK(chunk_out[id]);
	return !fails();
}

/* [at, at + pages) shows pages of the file, or is private. */
static inline int model_map(vaddr_t at, size_t pages, uint32_t page, int flags, int fd)
{
	size_t from = page_of(at);
	void *p = mmap(vaddr_ptr(at), pages << PAGE_SHIFT, PROT_READ | PROT_WRITE,
		flags | MAP_FIXED, fd, (off_t)page << PAGE_SHIFT);

	CHECK(p == vaddr_ptr(at));
	for (size_t i = 0; i < pages; i++) {
		CHECK(!used[from + i] || again || fd < 0);
		used[from + i] = true;
		shows[from + i] = fd < 0 ? PRIVATE : 1 + page + (uint32_t)i;
	}
	pages_top = MAX(pages_top, from + pages);
	return 0;
}

int host_view_map(vaddr_t at, uint32_t id, unsigned first, unsigned pages)
{
	if (!again && fails())
		return fail_count % 3 ? -ENOSPC : -ENOMEM;
	for (uint32_t i = 0; i < pages / CHUNK_PAGES && joined_chunks == 1; i++)
		CHECK(chunk_out[id + i]);
	CHECK(pages < CHUNK_PAGES || at % HUGE_SIZE == 0);
	return model_map(at, pages, id * CHUNK_PAGES + first, MAP_SHARED, model_file);
}

bool host_filtered(void)
{
	return false;
}

bool host_joins(void)
{
	return joined_chunks > 1;
}

uint32_t host_chunks_joined(uint32_t id)
{
	return joined_chunks;
}

void host_spare_start(void)
{
}

bool host_spare_last(void)
{
	return false;
}

static bool maps_scarce; /* as the kernel would say; and how often it was asked */
static unsigned maps_asked;

bool host_maps_scarce(void)
{
	maps_asked++;
	return maps_scarce;
}

bool host_spare(void)
{
	return false;
}

void host_view_warm(vaddr_t at, unsigned pages)
{
	page_of(at);
}

/* Each as long as the whole run. */
static unsigned touches_asked;

uint64_t host_touches(unsigned pages)
{
	touches_asked += pages;
	return pages * (1UL << 50);
}

static inline void model_unmap(vaddr_t at, size_t pages)
{
	void *p = mmap(vaddr_ptr(at), pages << PAGE_SHIFT, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	CHECK(p == vaddr_ptr(at));
	memset(&shows[page_of(at)], 0, pages * sizeof(shows[0]));
}

int host_view_kill(vaddr_t at, unsigned pages)
{
	if (fails())
		return -ENOMEM;
	model_unmap(at, pages);
	return 0;
}

/* Private memory with the same bytes; what dies there is only told by shows[]. */
int host_view_own(vaddr_t at, unsigned pages, bool others)
{
	size_t len = pages * PAGE_SIZE;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	memcpy(p, vaddr_ptr(at), len);
	CHECK(mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, vaddr_ptr(at)) == vaddr_ptr(at));
	return 0;
}

static inline void runs_check(const struct run *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(r[i].lo < r[i].hi);
}

/* Private memory loses its bytes. */
void host_runs_empty(const struct run *r, size_t n)
{
	runs_check(r, n);
	for (size_t i = 0; i < n; i++)
		if (shows[page_of(r[i].lo)] == PRIVATE)
			madvise(vaddr_ptr(r[i].lo), r[i].hi - r[i].lo, MADV_DONTNEED);
}

/* Is called, once, between the two steps of a kill of private pages: they are empty, and not dead yet. */
static void (*in_gap)(void);

static inline void gap(const struct run *r)
{
	void (*fn)(void) = in_gap;

	if (!fn || shows[page_of(r->lo)] != PRIVATE)
		return;
	madvise(vaddr_ptr(r->lo), r->hi - r->lo, MADV_DONTNEED);
	in_gap = NULL;
	fn();
}

static size_t runs_again; /* killed in a fork's child */

int host_runs_kill(vaddr_t at, unsigned pages, const struct run *r, size_t n)
{
	runs_again += again ? n : 0;
	if (!again && fails())
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t from = page_of(r[i].lo), to = page_of(r[i].hi - 1) + 1;

		CHECK(r[i].lo >= at && r[i].hi <= at + ((vaddr_t)pages << PAGE_SHIFT));
		CHECK(!i || r[i].lo >= r[i - 1].hi);
		gap(&r[i]);
		memset(&shows[from], 0, (to - from) * sizeof(shows[0]));
	}
	return 0;
}

void host_core(vaddr_t at, size_t len, bool in)
{
	page_of(at);
}

void host_runs_warm(const struct run *r, size_t n)
{
	runs_check(r, n);
}

int host_range_map(vaddr_t at, size_t len)
{
	return fails() ? -ENOMEM
		       : model_map(at, len >> PAGE_SHIFT, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* What cannot be unmapped loses its bytes at least, as on the host. */
static unsigned ranges_killed;

int host_range_kill(vaddr_t at, size_t len)
{
	ranges_killed++;
	if (fails()) {
		madvise(vaddr_ptr(at), len, MADV_DONTNEED);
		return -ENOMEM;
	}
	model_unmap(at, len >> PAGE_SHIFT);
	return 0;
}

static size_t move_last; /* bytes that were moved by the last call */

int host_range_move(vaddr_t from, size_t len, vaddr_t to, size_t newlen)
{
	size_t n = MIN(len, newlen) >> PAGE_SHIFT;

	if (fails())
		return -ENOMEM;
	move_last = len;
	model_map(to, newlen >> PAGE_SHIFT, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memcpy(vaddr_ptr(to), vaddr_ptr(from), n << PAGE_SHIFT);
	memcpy(&shows[page_of(to)], &shows[page_of(from)], n * sizeof(shows[0]));
	model_unmap(from, len >> PAGE_SHIFT);
	return 0;
}

void host_range_huge(vaddr_t at, size_t len, bool huge)
{
	CHECK(at % HUGE_SIZE == 0 && len % HUGE_SIZE == 0);
	if (!huge)
		return;
	for (size_t i = 0; slow_huge && i < len; i += HUGE_SIZE)
		mprotect(vaddr_ptr(at + i), PAGE_SIZE, PROT_NONE);
	memset(&asked_huge[page_of(at) / CHUNK_PAGES], 1, len >> HUGE_SHIFT);
}

static size_t range_warmed; /* bytes */

void host_range_warm(vaddr_t at, size_t len)
{
	CHECK(len && (page_of(at) ^ page_of(at + len - 1)) < CHUNK_PAGES);
	range_warmed += len;
}

static unsigned splits;

void host_range_split(vaddr_t page)
{
	splits++;
	CHECK_EQ(shows[page_of(page)], PRIVATE);
}

bool host_range_guard(vaddr_t at, size_t len)
{
	if (fails())
		return false;
	madvise(vaddr_ptr(at), len, MADV_DONTNEED);
	memset(&shows[page_of(at)], 0, (len >> PAGE_SHIFT) * sizeof(shows[0]));
	return true;
}

void host_range_revive(vaddr_t at, size_t len)
{
	for (size_t i = page_of(at); i < page_of(at) + (len >> PAGE_SHIFT); i++) {
		if (!shows[i])
			madvise(vaddr_ptr(model_lo + i * PAGE_SIZE), PAGE_SIZE, MADV_DONTNEED);
		shows[i] = PRIVATE;
	}
}

void host_spare_fork_child(void)
{
}

uint32_t host_maps_count(void)
{
	return 100;
}

/* The child has a file of its own, and no view. */
static int file_copy = -1;

int host_fork_prepare(bool (*used)(uint32_t), uint32_t n)
{
	static char buf[HUGE_SIZE];

	file_copy = memfd_create("copy", 0);
	CHECK(file_copy >= 0 && !ftruncate(file_copy, (off_t)MODEL_CHUNKS << HUGE_SHIFT));
	for (uint32_t id = 0; id < n; id++)
		if (used(id)) {
			off_t at = (off_t)id << HUGE_SHIFT;

			CHECK(pread(model_file, buf, HUGE_SIZE, at) == (ssize_t)HUGE_SIZE);
			CHECK(pwrite(file_copy, buf, HUGE_SIZE, at) == (ssize_t)HUGE_SIZE);
		}
	return 0;
}

void host_freeze(vaddr_t lo, size_t len)
{
}

void host_thaw(void)
{
}

void host_fork_parent(void)
{
	close(file_copy);
}

void host_fork_child(void)
{
	close(model_file);
	model_file = file_copy;
	again = true;
	for (size_t i = 0, n; i < pages_top; i += n) {
		for (n = 0; i + n < pages_top && shows[i + n] && shows[i + n] != PRIVATE; n++)
			;
		if (n)
			model_unmap(model_lo + i * PAGE_SIZE, n);
		n += !n;
	}
}

bool host_fork_missing(void)
{
	return false;
}

#endif
