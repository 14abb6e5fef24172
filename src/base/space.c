/* space.c - see space.h. app context. Maps memory (one of the few files that do). */
#include "space.h"
#include "log.h"
#include "meta.h"
#include "out.h"
#include "sys.h"

#include <errno.h>
#include <sys/mman.h>

/*
 * Where the kernel maps downwards from the stack, as it usually does: above what clisp keeps for
 * its heap whoever is there (16 to 32 TB), below PIEs. Where it maps upwards (`ulimit -s unlimited` on
 * older kernels), it begins at a third of the address space. On newer ones it then maps downwards from a sixth,
 * which is below all of this.
 */
#define LOW	    (32UL << 40)
#define HIGH	    (85UL << 40)
#define LOW_LEGACY  (16UL << 40)
#define HIGH_LEGACY (42UL << 40)
#define SPREAD	    (512UL << 30) /* what the beginning varies by, as everything else does */

#define CLAIM_MOST	    (64UL << 20) /* claimed ahead of what is used: a sixteenth, or this */
#define TABLE_LEAST	    (64UL << 10) /* entries for 1 GB */
#define TABLE_MOST	    (1UL << 20)
#define TABLE_OF(bytes)	    (((bytes) >> VSPACE_LEAST_SHIFT) * sizeof(*space_table))
/* Of a table so long: of its pages, which of their entries are forgotten. */
#define FORGOTTEN_OF(table) ALIGN_UP((table) / PAGE_SIZE * sizeof(*entries_forgotten), PAGE_SIZE)

#define BEFORE_FIRST (64UL << 20) /* bytes of addresses that are never handed out */

enum { IN_PAGE = PAGE_SIZE / sizeof(*space_table) };

struct vspace space;
struct lock space_lock = LOCK(SPACE);
_Atomic uintptr_t *space_table;
_Atomic size_t space_seen;

static vaddr_t first;			    /* what is handed out begins there */
static vaddr_t claimed;			    /* mapped PROT_NONE up to here, or used */
static _Atomic uint16_t *entries_forgotten; /* by page of the table: how many; as far as that is */

/* Maps exactly there, if nobody lives there: 0, -EEXIST, or another -errno. */
static long claim(vaddr_t at, size_t len, int prot)
{
	long r = sys_mmap(at, len, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);

	if (sys_is_err(r))
		return r;
	if ((vaddr_t)r == at)
		return 0;
	sys_munmap((vaddr_t)r, len); /* a kernel before 4.17 took it as a hint */
	return -EEXIST;
}

/* What begins at `table` and is *have bytes long is to have `want`. */
static bool table_reach(void *table, size_t *have, size_t want)
{
	vaddr_t at = vaddr_of(table) + *have;

	if (want <= *have)
		return true;
	if (claim(at, want - *have, PROT_READ | PROT_WRITE))
		return false;
	sys_madvise(at, want - *have, MADV_NOHUGEPAGE); /* sparse: 4 KB at a time */
	*have = want;
	return true;
}

/* Entries for all addresses below `end`. */
static bool table_grow(vaddr_t end)
{
	static size_t have, have_forgotten;
	size_t want;

	if (end - space.base <= space_seen)
		return true;
	want = have + ALIGN_UP(MAX(TABLE_OF(end - space.base) - have,
				       MIN(MAX(have, TABLE_LEAST), TABLE_MOST)),
			      TABLE_LEAST);
	if (!table_reach((void *)entries_forgotten, &have_forgotten, FORGOTTEN_OF(want)) ||
		!table_reach((void *)space_table, &have, want))
		return false;
	atomic_store_explicit(&space_seen, have / sizeof(*space_table) << VSPACE_LEAST_SHIFT,
		memory_order_release);
	return true;
}

int space_start(size_t want)
{
	vaddr_t here = vaddr_of(&space); /* where the kernel has put this library */
	bool up = here >= LOW && here < HIGH;
	vaddr_t lo = up ? LOW_LEGACY : LOW, hi = up ? HIGH_LEGACY : HIGH;
	size_t table;

	/* The stack's own place is as random as anything. */
	lo += vaddr_of(__builtin_frame_address(0)) / PAGE_SIZE * HUGE_SIZE % SPREAD;
	table = ALIGN_UP(TABLE_OF(hi - lo), HUGE_SIZE);
	space_table = vaddr_ptr(lo);
	entries_forgotten = vaddr_ptr(lo + table);
	lo += table + FORGOTTEN_OF(table);
	if (want)
		hi = MIN(hi, lo + MAX(ALIGN_DOWN(want, HUGE_SIZE), HUGE_SIZE));
	vspace_init(&space, lo, hi);
	/* What lies before the first block of all is to be known as ours, too. */
	if (hi - lo >= BEFORE_FIRST << 10)
		vspace_take_aligned(&space, BEFORE_FIRST, HUGE_SIZE);
	claimed = first = space.next;
	return table_grow(first) ? 0 : -ENOMEM;
}

/* Everything below `end` is ours. -EEXIST: somebody lives at *claimed. */
static long claim_to(vaddr_t end)
{
	size_t need = end - claimed, step;
	long r;

	if (end <= claimed)
		return 0;
	step = ALIGN_DOWN((claimed - first) / 16, HUGE_SIZE);
	step = MAX(MIN(step, CLAIM_MOST), need);
	step = MIN(step, space.end - claimed);
	r = claim(claimed, step, PROT_NONE);
	if (r && step > need) {
		step = need;
		r = claim(claimed, step, PROT_NONE);
	}
	if (!r)
		claimed += step;
	return r;
}

static vaddr_t take(size_t len, size_t align)
{
	/* Parts of a huge page are aligned to their own size only. */
	return align > len || len > HUGE_SIZE
		       ? vspace_take_aligned(&space, len, MAX(align, HUGE_SIZE))
		       : vspace_take(&space, len);
}

/* Addresses that nobody else has, with entries. */
static vaddr_t take_clear(size_t len, size_t align)
{
	struct vspace was = space;
	vaddr_t at;
	long r;

	while ((at = take(len, align)) != 0) {
		if (!table_grow(space.next)) {
			space = was;
			return 0;
		}
		r = claim_to(space.next);
		if (!r)
			return at;
		space = was;
		if (r != -EEXIST)
			return 0;
		/* Behind whoever lives there; what is left in front is not worth a search. */
		space.next = ALIGN_UP(MAX(claimed, space.next) + 1, GIGA_SIZE);
		claimed = space.next;
		was = space;
		if (space.next >= space.end)
			return 0;
	}
	return 0;
}

vaddr_t space_take(size_t len, size_t align)
{
	static _Atomic bool said;
	vaddr_t at;

	lock_take(&space_lock);
	at = take_clear(len, align);
	/* What never could be had is no sign that the addresses are running out. */
	if (!at && len <= (space.end - space.base) / 4 &&
		space.end - space.next < MAX(len, GIGA_SIZE))
		log_warn(&said,
			"all %lu MB of virtual addresses are used up: malloc "
			"returns NULL from here on (detect=grouped lasts longer)",
			(space.end - space.base) >> 20);
	lock_drop(&space_lock);
	return at;
}

void space_untake(vaddr_t at, size_t len)
{
	lock_take(&space_lock);
	/* Parts of a table are cut elsewhere. */
	if (at && len >= HUGE_SIZE && at + len == space.next) {
		/* It may be a hole by now, where anybody might live next: to be claimed anew. */
		sys_munmap(at, claimed - at);
		space.next = claimed = at;
	}
	lock_drop(&space_lock);
}

bool space_ample(void)
{
	return __atomic_load_n(&space.next, __ATOMIC_RELAXED) - space.base <
	       (space.end - space.base) / 4;
}

void space_entry_set(vaddr_t at, size_t len, uintptr_t entry)
{
	size_t i = (at - space.base) >> VSPACE_LEAST_SHIFT;
	size_t n = (len + VSPACE_LEAST - 1) >> VSPACE_LEAST_SHIFT;

	for (size_t k = 0; k < n; k++)
		atomic_store_explicit(&space_table[i + k], entry, memory_order_release);
}

/*
 * A page of the table whose addresses were all used and are all forgotten is never written again,
 * so its memory can go: else a long run would pay for every address that it ever had.
 */
void space_entry_forget(vaddr_t at, size_t len)
{
	size_t i = (at - space.base) >> VSPACE_LEAST_SHIFT;
	size_t end = i + ((len + VSPACE_LEAST - 1) >> VSPACE_LEAST_SHIFT);

	space_entry_set(at, len, SPACE_FORGOTTEN);
	while (i < end) {
		size_t page = i / IN_PAGE, next = MIN((page + 1) * IN_PAGE, end);
		uint16_t n = (uint16_t)(next - i);

		if (atomic_fetch_add(&entries_forgotten[page], n) + n == IN_PAGE)
			meta_table_drop((void *)&space_table[page * IN_PAGE]);
		i = next;
	}
}

bool space_was_forgotten(vaddr_t a)
{
	size_t at = a - space.base;

	return at < space_seen &&
	       entries_forgotten[(at >> VSPACE_LEAST_SHIFT) / IN_PAGE] == IN_PAGE;
}
