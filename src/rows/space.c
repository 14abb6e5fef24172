/*
 * space.c - fresh addresses, what lies at each of them, and the modes in which the rows work.
 *
 * app context, signals blocked where addresses are taken. The table leads from an address to its
 * view or large block with one load. What breaks it: an address that is handed out twice.
 */
#include "space.h"
#include "counts.h"
#include "heap.h"
#include "large.h"

#include <errno.h>

struct mode mode;
struct vspace space;
struct lock vspace_lock = LOCK(VSPACE);
struct counts rows_counts;
_Atomic uintptr_t *space_table;
static _Atomic uint16_t *entries_forgotten; /* by page of space_table */
static struct large forgotten = {.dead = 1};

#define BEFORE_FIRST (64UL << 20) /* bytes of addresses that are never handed out */

enum { IN_PAGE = PAGE_SIZE / sizeof(*space_table) };

static void mode_init(void)
{
	mode.strict = options.detect == DETECT_STRICT;
	mode.grouped = options.detect == DETECT_GROUPED;
	mode.records = options.stacks;
	mode.paged = mode.grouped && options.group == PAGE_SIZE && !mode.records;
	mode.defer_frees = (uint32_t)options.defer_frees;
	mode.defer_bytes = options.defer_bytes;
	mode.defer_ns = options.defer_ms * 1000000UL;
	mode.step = MAX(1U, MIN(mode.defer_frees / 16, 256U));
	mode.dead_bytes = mode.records ? MIN(memlimit() / 16, 128UL << 20) : 4UL << 20;
}

/*
 * Where objects die one by one, later, and each has a page: views are made all the time, and dear.
 * They must not be many of a small range.
 */
#define SPANS_RANGE (1UL << 40)

static bool spans_wanted(void)
{
	return !mode.strict && !mode.grouped && host_views_dear() &&
	       space.end - space.base >= SPANS_RANGE;
}

int rows_start(const struct run *fresh)
{
	size_t size = ((fresh->hi - fresh->lo) >> VSPACE_PART_SHIFT) * sizeof(*space_table);

	mode_init();
	vspace_init(&space, fresh->lo, fresh->hi);
	/* What lies before the first block of all is to be known as ours, too. */
	if (fresh->hi - fresh->lo >= BEFORE_FIRST << 10)
		vspace_take_aligned(&space, BEFORE_FIRST, HUGE_SIZE);
	space_table = meta_table(size);
	if (space_table)
		entries_forgotten = meta_table((size / PAGE_SIZE + 1) * sizeof(*entries_forgotten));
	if (!entries_forgotten)
		return -ENOMEM;
	heap_init(mode.grouped ? options.group : 1, spans_wanted(), !mode.paged);
	return 0;
}

void space_entry_set(vaddr_t at, size_t len, uintptr_t entry)
{
	size_t i = (at - space.base) >> VSPACE_PART_SHIFT;
	size_t n = (len + VSPACE_PART - 1) >> VSPACE_PART_SHIFT;

	for (size_t k = 0; k < n; k++)
		atomic_store_explicit(&space_table[i + k], entry, memory_order_release);
}

/*
 * A page of the table whose addresses were all used and are all forgotten is never written again,
 * so its memory can go: else a long run would pay for every address that it ever had.
 */
void space_entry_forget(vaddr_t at, size_t len)
{
	size_t i = (at - space.base) >> VSPACE_PART_SHIFT;
	size_t end = i + ((len + VSPACE_PART - 1) >> VSPACE_PART_SHIFT);

	space_entry_set(at, len, (uintptr_t)&forgotten | 1);
	while (i < end) {
		size_t page = i / IN_PAGE, next = MIN((page + 1) * IN_PAGE, end);
		uint16_t n = (uint16_t)(next - i);

		if (atomic_fetch_add(&entries_forgotten[page], n) + n == IN_PAGE)
			meta_table_drop((void *)&space_table[page * IN_PAGE], PAGE_SIZE);
		i = next;
	}
}

bool space_was_forgotten(vaddr_t a)
{
	return entries_forgotten[((a - space.base) >> VSPACE_PART_SHIFT) / IN_PAGE] == IN_PAGE;
}

vaddr_t space_take(size_t len, size_t align)
{
	static bool said;
	vaddr_t at;

	lock_take(&vspace_lock);
	/* Parts of a huge page are aligned to their own size only. */
	at = align > len || len > HUGE_SIZE
		     ? vspace_take_aligned(&space, len, MAX(align, HUGE_SIZE))
		     : vspace_take(&space, len);
	/* What never could be had is no sign that the addresses are running out. */
	if (!at && !said && !options.quiet && len <= (space.end - space.base) / 4) {
		said = true;
		out_line(log_fd(),
			"undangle: warning: all %lu MB of virtual addresses are used up: malloc "
			"returns NULL from here on (detect=grouped lasts longer)",
			(space.end - space.base) >> 20);
	}
	lock_drop(&vspace_lock);
	return at;
}

bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages)
{
	int err;

	do
		err = host_view_map(at, chunk, first, pages);
	while (err == -ENOSPC && host_spare());
	return !err;
}
