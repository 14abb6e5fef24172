/*
 * fork.c - fork: the child gets its own copy of the canonical memory.
 *
 * app context; every engine lock is held and signals are blocked from prepare to the end of the
 * parent's or child's half, which run in two processes. Templates and views are not inherited
 * (MADV_DONTFORK), so nothing can be corrupted by accident; the copy is made before the fork in
 * fresh templates, which are inherited, and takes the template's place in the child.
 */
#include "template.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

static vaddr_t copies[HOST_TEMPLATES] UD_TABLE; /* 0: nothing in that one is used */
static uint32_t ncopy;				/* chunks */
static int copy_err;

/* in[]: is there such a page? What is swapped out mincore does not see. True: it says so. */
static bool pages_there(vaddr_t from, unsigned pages, unsigned char *in)
{
	struct sysinfo i;

	if (!sys_call3(__NR_sysinfo, (long)&i, 0, 0) && i.totalswap == i.freeswap &&
		!sys_call3(__NR_mincore, (long)from, (long)pages << PAGE_SHIFT, (long)in))
		return true;
	__builtin_memset(in, 1, pages);
	return false;
}

static bool page_is_zero(vaddr_t at)
{
	const uint64_t *w = vaddr_ptr(at);
	uint64_t any = 0;

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*w); i++)
		any |= w[i];
	return !any;
}

/*
 * Pages of 2 MB from which on they are copied to a huge one: 64 take 190 us to touch and 50 to give back,
 * a huge one 90 and 15, and a child then takes one fault. Of fewer it would be too much memory.
 */
#define HUGE_FROM 64

static void copy_some(vaddr_t to, vaddr_t from, unsigned pages)
{
	unsigned char in[CHUNK_PAGES];
	bool known = pages_there(from, pages, in);
	unsigned n = 0;

	for (unsigned i = 0; i < pages; i++) {
		if (!known)
			in[i] = !page_is_zero(from + i * PAGE_SIZE);
		n += in[i] & 1;
	}
	if (n >= HUGE_FROM && pages == CHUNK_PAGES)
		host_collapse(to);
	for (unsigned i = 0; i < pages;) {
		unsigned j = i;

		while (j < pages && (in[j] & 1))
			j++;
		if (j > i)
			__builtin_memcpy(vaddr_ptr(to + i * PAGE_SIZE),
				vaddr_ptr(from + i * PAGE_SIZE), (j - i) * PAGE_SIZE);
		i = j + 1;
	}
}

void host_copy(vaddr_t to, vaddr_t from, unsigned pages)
{
	for (unsigned n; pages; pages -= n, to += n * PAGE_SIZE, from += n * PAGE_SIZE) {
		n = MIN(pages, CHUNK_PAGES);
		copy_some(to, from, n);
	}
}

static bool template_used(uint32_t first, bool (*used)(uint32_t), uint32_t n)
{
	bool any = false;

	for (uint32_t id = first; id < host_template_next(first) && id < n && !any; id++)
		any = used(id);
	return any;
}

static long template_copy(uint32_t first, bool (*used)(uint32_t), uint32_t n)
{
	uint32_t chunks = host_template_chunks(first);
	long r = host_template_map(chunks);

	if (sys_is_err(r))
		return r;
	sys_madvise((vaddr_t)r, (size_t)chunks << HUGE_SHIFT, MADV_DOFORK);
	for (uint32_t i = 0; i < chunks && first + i < n; i++)
		if (used(first + i))
			host_copy((vaddr_t)r + ((vaddr_t)i << HUGE_SHIFT), host_chunk(first + i),
				CHUNK_PAGES);
	return r;
}

static vaddr_t *copy_of(uint32_t id)
{
	return &copies[host_template(id)];
}

int host_fork_prepare(bool (*used)(uint32_t), uint32_t n)
{
	long r;

	ncopy = host.chunks;
	copy_err = 0;
	if (ncopy)
		host_filtered(); /* or each child would look for itself */
	for (uint32_t id = 0; id < ncopy; id = host_template_next(id))
		*copy_of(id) = 0;
	for (uint32_t id = 0; id < ncopy; id = host_template_next(id)) {
		if (!template_used(id, used, n))
			continue;
		r = template_copy(id, used, n);
		if (sys_is_err(r)) {
			copy_err = (int)r;
			return copy_err;
		}
		*copy_of(id) = (vaddr_t)r;
	}
	return 0;
}

void host_fork_parent(void)
{
	for (uint32_t id = 0; id < ncopy; id = host_template_next(id))
		if (*copy_of(id))
			sys_munmap(*copy_of(id), (size_t)host_template_chunks(id) << HUGE_SHIFT);
}

bool host_fork_missing(void)
{
	unsigned char in[1];

	return host.chunks &&
	       sys_call3(__NR_mincore, (long)host_templates[0], PAGE_SIZE, (long)in) == -ENOMEM;
}

static bool template_restore(uint32_t id)
{
	vaddr_t at = host_templates[host_template(id)], copy = *copy_of(id);
	size_t len = (size_t)host_template_chunks(id) << HUGE_SHIFT;

	/* Nothing in it: made where it was. Moved there it may overlap, for the kernel likes holes. */
	if (!copy)
		return !sys_is_err(host_template_put(at, host_template_chunks(id)));
	if (sys_is_err(sys_call6(__NR_mremap, (long)copy, (long)len, (long)len,
		    MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0)))
		return false;
	sys_madvise(at, len, MADV_DONTFORK);
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
	for (uint32_t id = 0; id < ncopy; id = host_template_next(id))
		if (!template_restore(id)) {
			out_line(2, "undangle: a forked child cannot map its heap; it ends here");
			sys_exit_group(127);
		}
}
