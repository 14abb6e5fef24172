/*
 * fork.c - fork: the child gets its own copy of the canonical memory.
 *
 * app context; every engine lock is held and signals are blocked from prepare to the end of the
 * parent's or child's half, which run in two processes. Templates and views are not inherited
 * (MADV_DONTFORK), so nothing can be corrupted by accident; the copy is made before the fork in
 * fresh segments, which are inherited, and takes the template's place in the child.
 */
#include "segment.h"

#include <errno.h>
#include <sys/mman.h>

static vaddr_t copy[HOST_SEGMENTS]; /* 0: nothing in that segment is used */
static uint32_t ncopy;
static int copy_err;

static void copy_pages(vaddr_t to, vaddr_t from)
{
	unsigned char in[CHUNK_PAGES];
	unsigned n = 0;

	if (sys_call3(__NR_mincore, (long)from, HUGE_SIZE, (long)in))
		__builtin_memset(in, 1, sizeof(in));
	for (unsigned i = 0; i < CHUNK_PAGES; i++)
		n += in[i] & 1;
	if (n > 128)
		host_collapse(to);
	for (unsigned i = 0; i < CHUNK_PAGES;) {
		unsigned j = i;

		while (j < CHUNK_PAGES && (in[j] & 1))
			j++;
		if (j > i)
			__builtin_memcpy(vaddr_ptr(to + i * PAGE_SIZE),
				vaddr_ptr(from + i * PAGE_SIZE), (j - i) * PAGE_SIZE);
		i = j + 1;
	}
}

static bool unit_used(uint32_t seg, const uint8_t *used, uint32_t n)
{
	bool any = false;

	for (uint32_t id = seg * HOST_SEG_CHUNKS;
		id < (seg + host_unit(seg)) * HOST_SEG_CHUNKS && id < n && !any; id++)
		any = used[id];
	return any;
}

static long unit_copy(uint32_t seg, const uint8_t *used, uint32_t n)
{
	long r = host_segments_map(host_unit(seg));
	uint32_t first = seg * HOST_SEG_CHUNKS, ids = host_unit(seg) * HOST_SEG_CHUNKS;

	if (sys_is_err(r))
		return r;
	sys_madvise((vaddr_t)r, host_unit(seg) * HOST_SEG_BYTES, MADV_DOFORK);
	for (uint32_t i = 0; i < ids && first + i < n; i++)
		if (used[first + i])
			copy_pages((vaddr_t)r + ((vaddr_t)i << HUGE_SHIFT), host_chunk(first + i));
	return r;
}

int host_fork_prepare(const uint8_t *used, uint32_t n)
{
	long r;

	ncopy = host.nsegs;
	copy_err = 0;
	for (uint32_t s = 0; s < ncopy; s += host_unit(s))
		copy[s] = 0;
	for (uint32_t s = 0; s < ncopy; s += host_unit(s)) {
		if (!unit_used(s, used, n))
			continue;
		r = unit_copy(s, used, n);
		if (sys_is_err(r)) {
			copy_err = (int)r;
			return copy_err;
		}
		copy[s] = (vaddr_t)r;
	}
	return 0;
}

void host_fork_parent(void)
{
	for (uint32_t s = 0; s < ncopy; s += host_unit(s))
		if (copy[s])
			sys_munmap(copy[s], host_unit(s) * HOST_SEG_BYTES);
}

bool host_fork_missing(void)
{
	unsigned char in[1];

	return host.nsegs &&
	       sys_call3(__NR_mincore, (long)host.seg[0], PAGE_SIZE, (long)in) == -ENOMEM;
}

static bool unit_restore(uint32_t s)
{
	size_t len = host_unit(s) * HOST_SEG_BYTES;
	long from = (long)copy[s];

	if (!from) /* nothing in it: a fresh one will do */
		from = host_segments_map(host_unit(s));
	if (sys_is_err(from) || sys_is_err(sys_call6(__NR_mremap, from, (long)len, (long)len,
					MREMAP_MAYMOVE | MREMAP_FIXED, (long)host.seg[s], 0)))
		return false;
	sys_madvise(host.seg[s], len, MADV_DONTFORK);
	return true;
}

void host_fork_child(void)
{
	host_spare_fork_child();
	if (copy_err) {
		out_line(2,
			"undangle: no memory for a forked child's copy of the heap; it ends here");
		sys_exit_group(127);
	}
	for (uint32_t s = 0; s < ncopy; s += host_unit(s))
		if (!unit_restore(s)) {
			out_line(2, "undangle: a forked child cannot map its heap; it ends here");
			sys_exit_group(127);
		}
}
