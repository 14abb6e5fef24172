/*
 * mmu_kvm.c - the engine's slabs on guest page tables (heap=slab): struct mmu of the kvm backend.
 *
 * app context, in ring 0 after enter. Chunks are private anonymous memory, so that fork copies
 * them by itself; a view is one 2 MB entry onto its chunk, broken into 512 at the first single
 * kill. No system call to make or kill an alias: a kill ends with INVLPG here, and the engine
 * holds the memory back until the epochs (epoch.h) say that no other vCPU shows it any more.
 *
 * What breaks it: a path that kills or maps and never looks whether others wait for this vCPU.
 */
#include "kvm/kvm.h"
#include "mmu.h"
#include "options.h"

#include <errno.h>
#include <sys/mman.h>

#define SEG_CHUNKS 512U
#define SEGMENTS   2048U

static vaddr_t segment[SEGMENTS];
static uint32_t nsegs;
static uint64_t free_ids[SEGMENTS][SEG_CHUNKS / 64];
static struct lock chunk_lock;

static vaddr_t chunk_at(uint32_t id)
{
	return segment[id / SEG_CHUNKS] + (vaddr_t)(id % SEG_CHUNKS) * HUGE_SIZE;
}

static int slab_enter(size_t want, struct run *fresh)
{
	size_t size = want ? ALIGN_UP(want, HUGE_SIZE) : 64UL << 40;
	int err = kvm_enter();

	*fresh = (struct run){0, 0};
	if (err || heap_other)
		return err;
	for (; size >= GIGA_SIZE; size /= 2) {
		fresh->lo = vpages_take(&kvm_vpages, size, HUGE_SIZE);
		if (fresh->lo)
			break;
	}
	fresh->hi = fresh->lo + size;
	return fresh->lo ? 0 : -ENOMEM;
}

static int segment_new(void)
{
	size_t len = (size_t)SEG_CHUNKS * HUGE_SIZE;
	vaddr_t at;
	long r;

	if (nsegs == SEGMENTS)
		return -ENOMEM;
	r = sys_mmap(0, len + HUGE_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_is_err(r))
		return (int)r;
	at = ALIGN_UP((vaddr_t)r, HUGE_SIZE);
	if (at > (vaddr_t)r)
		sys_munmap((vaddr_t)r, at - (vaddr_t)r);
	sys_munmap(at + len, (vaddr_t)r + HUGE_SIZE - at);
	segment[nsegs] = at;
	__builtin_memset(free_ids[nsegs], 0xff, sizeof(free_ids[nsegs]));
	nsegs++;
	return 0;
}

static int chunk_take(uint32_t n, uint32_t *id)
{
	uint32_t s, w;
	int err = 0;

	lock_take(&chunk_lock);
	for (s = 0;; s++) {
		if (s == nsegs && (err = segment_new()))
			break;
		for (w = 0; w < SEG_CHUNKS / 64 && !free_ids[s][w]; w++)
			;
		if (w == SEG_CHUNKS / 64)
			continue;
		*id = s * SEG_CHUNKS + w * 64 + (uint32_t)__builtin_ctzl(free_ids[s][w]);
		free_ids[s][w] &= free_ids[s][w] - 1;
		break;
	}
	lock_drop(&chunk_lock);
	return err;
}

static void chunk_give(uint32_t id)
{
	sys_madvise(chunk_at(id), HUGE_SIZE, MADV_DONTNEED);
	lock_take(&chunk_lock);
	free_ids[id / SEG_CHUNKS][id % SEG_CHUNKS / 64] |= 1UL << (id % 64);
	lock_drop(&chunk_lock);
}

static bool chunk_huge(uint32_t id)
{
	sys_madvise(chunk_at(id), HUGE_SIZE, MADV_HUGEPAGE);
	return true;
}

static void chunk_trim(uint32_t id, unsigned first, unsigned pages)
{
	sys_madvise(chunk_at(id) + ((vaddr_t)first << PAGE_SHIFT), (size_t)pages << PAGE_SHIFT,
		MADV_DONTNEED);
}

static int pages_map(vaddr_t at, vaddr_t canon, size_t len)
{
	size_t done, part;
	int err = 0;

	for (done = 0; done < len && !err; done += part) {
		part = MIN(len - done, GIGA_SIZE - ((canon + done) & (GIGA_SIZE - 1)));
		err = pt_map(&dune_mappings.pt, at + done, at + done + part,
			kalias_canon_pa(canon + done), PTE_DATA);
	}
	return err;
}

static int view_map(vaddr_t at, uint32_t id, unsigned first, unsigned pages)
{
	quarantine_tick(kvm_slot_self());
	return pages_map(
		at, chunk_at(id) + ((vaddr_t)first << PAGE_SHIFT), (size_t)pages << PAGE_SHIFT);
}

/* Page-table entries do not run out before memory does. */
static uint32_t chunks_joined(void)
{
	return 1;
}

/* A view is a few stores. */
static bool views_dear(void)
{
	return false;
}

static bool spare(void)
{
	return false;
}

static void view_warm(vaddr_t at, unsigned pages)
{
}

/* Here. Other vCPUs follow when they next pass by (quarantine_tick, or a system call). */
static void flush(vaddr_t lo, vaddr_t hi)
{
	if (hi - lo > 16 * PAGE_SIZE)
		kalias_flush_all();
	else
		for (; lo < hi; lo += PAGE_SIZE)
			__asm__ volatile("invlpg (%0)" : : "r"(lo) : "memory");
}

static int kill_pages(vaddr_t lo, vaddr_t hi)
{
	int err = pt_unmap(&dune_mappings.pt, lo, hi, pte_tombstone(lo >> PAGE_SHIFT));

	flush(lo, hi);
	quarantine_tick(kvm_slot_self());
	return err;
}

static int view_kill(vaddr_t at, unsigned pages)
{
	return kill_pages(at, at + ((vaddr_t)pages << PAGE_SHIFT));
}

static void runs_empty(const struct run *r, size_t n)
{
}

static int runs_kill(vaddr_t at, unsigned pages, const struct run *r, size_t n)
{
	int err = 0, e;
	size_t i;

	for (i = 0; i < n; i++) {
		e = kill_pages(r[i].lo, r[i].hi);
		err = e ? e : err;
	}
	return err;
}

static void runs_warm(const struct run *r, size_t n)
{
}

/* The stamp that comes next: whoever flushes after somebody took that one has flushed after us. */
static uint64_t kill_stamp(void)
{
	return epoch_next(&kvm_epochs);
}

static bool kill_settled(uint64_t stamp)
{
	return epoch_safe(&kvm_epochs) >= stamp;
}

static void kill_settle(bool now)
{
	epoch_stamp(&kvm_epochs);
	quarantine_flush(kvm_slot_self());
	if (now && epoch_safe(&kvm_epochs) < epoch_next(&kvm_epochs) - 1)
		quarantine_force();
}

static int range_map(vaddr_t at, size_t len)
{
	long r = sys_mmap(
		0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (sys_is_err(r))
		return (int)r;
	err = pages_map(at, (vaddr_t)r, len);
	if (err)
		sys_munmap((vaddr_t)r, len);
	return err;
}

/*
 * The next run of live pages in [*at, end) whose canonical addresses are contiguous, too: a
 * block that grew in place has more than one, and room behind that was never mapped. Returns
 * its canonical address and *len; 0: no more.
 */
static vaddr_t canon_next(vaddr_t *at, vaddr_t end, size_t *len)
{
	vaddr_t canon;
	paddr_t pa;
	size_t n;

	while (*at < end && !pt_translate(&dune_mappings.pt, *at, &pa))
		*at += PAGE_SIZE;
	if (*at >= end)
		return 0;
	canon = window_pa_to_va(&dune_mappings.windows, pa);
	for (n = PAGE_SIZE; *at + n < end; n += PAGE_SIZE)
		if (!pt_translate(&dune_mappings.pt, *at + n, &pa) ||
			window_pa_to_va(&dune_mappings.windows, pa) != canon + n)
			break;
	*len = n;
	return canon;
}

/* Unmapping the canonical range makes the host flush every vCPU. */
static int range_kill(vaddr_t at, size_t len)
{
	vaddr_t end = at + len, canon;
	int err = 0;
	size_t n;

	for (; (canon = canon_next(&at, end, &n)) != 0; at += n) {
		int e = kill_pages(at, at + n);

		if (e)
			err = e;
		else
			sys_munmap(canon, n);
	}
	return err;
}

static int range_move(vaddr_t from, size_t len, vaddr_t to, size_t newlen)
{
	vaddr_t at = from, canon;
	size_t n = 0;
	int err;
	long r;

	canon = canon_next(&at, from + len, &n);
	if (at != from || n != len) { /* in pieces: only a copy makes it one again */
		err = range_map(to, newlen);
		if (err)
			return err;
		__builtin_memcpy(vaddr_ptr(to), vaddr_ptr(from), len);
		return range_kill(from, len);
	}
	r = sys_call4(__NR_mremap, (long)canon, (long)len, (long)newlen, MREMAP_MAYMOVE);
	if (sys_is_err(r))
		return (int)r;
	err = pages_map(to, (vaddr_t)r, newlen);
	if (err && (vaddr_t)r != canon)
		panic_if(pages_map(from, (vaddr_t)r, len), "kvm: a block lost its pages");
	return err ? err : kill_pages(from, from + len);
}

static int fork_prepare(const uint8_t *used, uint32_t n)
{
	lock_take(&chunk_lock);
	return 0;
}

static void fork_parent(void)
{
	lock_drop(&chunk_lock);
}

static int fork_child(void)
{
	lock_drop(&chunk_lock);
	return 0;
}

static bool fork_missing(void)
{
	return false;
}

static int dump_one(const struct pt_entry *e, void *arg)
{
	out_fmt(arg, "0x%lx-0x%lx %s raw 0x%lx\n", (unsigned long)e->va,
		(unsigned long)(e->va + pt_size(e->level)), e->pte & PTE_P ? "live" : "dead",
		(unsigned long)e->pte);
	return 0;
}

static void dump(struct out *o, vaddr_t lo, vaddr_t hi)
{
	pt_visit(&dune_mappings.pt, lo, hi, false, dump_one, o);
}

static void stats(struct out *o)
{
	uint64_t flushes, forced;

	quarantine_counts(&flushes, &forced);
	out_fmt(o, "undangle: epochs: %lu flushes, %lu forced\n", flushes, forced);
	kvm_exits_print(o);
}

const struct mmu mmu_kvm = {
	.name = "kvm",
	.probe = kvm_probe,
	.enter = slab_enter,
	.chunk_take = chunk_take,
	.chunk_give = chunk_give,
	.chunk_huge = chunk_huge,
	.chunk_trim = chunk_trim,
	.view_map = view_map,
	.chunks_joined = chunks_joined,
	.views_dear = views_dear,
	.spare = spare,
	.view_warm = view_warm,
	.view_kill = view_kill,
	.runs_empty = runs_empty,
	.runs_kill = runs_kill,
	.runs_warm = runs_warm,
	.kill_stamp = kill_stamp,
	.kill_settled = kill_settled,
	.kill_settle = kill_settle,
	.range_map = range_map,
	.range_kill = range_kill,
	.range_move = range_move,
	.fork_prepare = fork_prepare,
	.fork_parent = fork_parent,
	.fork_child = fork_child,
	.fork_missing = fork_missing,
	.dump = dump,
	.stats = stats,
};
