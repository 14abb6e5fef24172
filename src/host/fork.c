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

int host_fork_prepare(const uint8_t *used, uint32_t n)
{
	ncopy = host.nsegs;
	copy_err = 0;
	for (uint32_t s = 0; s < ncopy; s++) {
		copy[s] = 0;
		for (uint32_t i = 0; i < (1U << host.seg_shift); i++) {
			uint32_t id = s << host.seg_shift | i;

			if (id >= n || !used[id])
				continue;
			if (!copy[s]) {
				long r = host_segment_map();

				if (sys_is_err(r)) {
					copy_err = (int)r;
					return copy_err;
				}
				copy[s] = (vaddr_t)r;
				sys_madvise(copy[s], host_seg_bytes(), MADV_DOFORK);
			}
			copy_pages(copy[s] + ((vaddr_t)i << HUGE_SHIFT), host_chunk(id));
		}
	}
	return 0;
}

void host_fork_parent(void)
{
	for (uint32_t s = 0; s < ncopy; s++)
		if (copy[s])
			sys_munmap(copy[s], host_seg_bytes());
}

bool host_fork_missing(void)
{
	unsigned char in[1];

	return host.nsegs &&
	       sys_call3(__NR_mincore, (long)host.seg[0], PAGE_SIZE, (long)in) == -ENOMEM;
}

void host_fork_child(void)
{
	size_t len = host_seg_bytes();

	host_spare_fork_child();
	if (copy_err) {
		out_line(2,
			"undangle: no memory for a forked child's copy of the heap; it ends here");
		sys_exit_group(127);
	}
	for (uint32_t s = 0; s < ncopy; s++) {
		vaddr_t from = copy[s];
		long r;

		if (!from) { /* nothing in it: a fresh one will do */
			r = host_segment_map();
			if (sys_is_err(r))
				goto fail;
			from = (vaddr_t)r;
		}
		r = sys_call6(__NR_mremap, (long)from, (long)len, (long)len,
			MREMAP_MAYMOVE | MREMAP_FIXED, (long)host.seg[s], 0);
		if (sys_is_err(r))
			goto fail;
		sys_madvise(host.seg[s], len, MADV_DONTFORK);
	}
	return;
fail:
	out_line(2, "undangle: a forked child cannot map its heap; it ends here");
	sys_exit_group(127);
}
