/*
 * free.c - freeing objects of cut pages: the ways that every free and realloc can take.
 *
 * app context, no lock.
 *
 *	pages_free ── live_find: the live object that starts there, which was handed out
 *	 ├─ page_slot_ends               it is filled, and noted by whom
 *	 ├─ livebits_clear               its bit
 *	 ├─ page_died                    its page has nothing alive (sweep.c)
 *	 └─ sweep_count ── sweep_told     every 256 frees or 64 KB: is a sweep due?
 */
#include "pages.h"

/*
 * Object idx of s, at `at`: is it one that is still to be handed out, by whichever thread? Its bit
 * is set already. Never so of one that the caller has from malloc, in any way.
 *
 * The cursor may move meanwhile. But what the caller has from malloc was taken from it before, and
 * that is seen. Twice: in another page it may have come to the end, which is where this one begins.
 */
static bool slot_ahead(const struct sheet *s, uint32_t idx, vaddr_t at)
{
	uint32_t u = sheet_page_of(idx), cut = s->cut[u], cls = KIND_OF(cut) - 1;
	vaddr_t page = sheet_page_at(s, u);
	const struct cutter *c = cutter_of(cut >> OWNER_SHIFT);

	return c && c->in_page[cls] == page &&
	       __atomic_load_n(&c->bump[cls].next, __ATOMIC_ACQUIRE) - page <= at - page &&
	       c->in_page[cls] == page;
}

/* What its page is cut for, with the owner; 0: no live object starts at p. */
static uint32_t live_find(const struct sheet *s, void *p, uint32_t *idx)
{
	uint32_t cut = sheet_slot(s, vaddr_of(p) - s->at.base, idx);
	const struct record *r;

	if (!cut || !(sheet_live_word(s, *idx / SHEET_BITS) >> (*idx % SHEET_BITS) & 1))
		return 0;
	/* Live bits are set by the page; one that was not handed out yet is nobody's to free. */
	r = sheet_record(s, *idx);
	if (r ? !r->birth.tid : slot_ahead(s, *idx, vaddr_of(p)))
		return 0;
	return cut;
}

/*
 * The owner and another thread may free the last objects of page u at once, and each see the
 * other's alive: then the next sweep looks.
 */
static void page_left(struct sheet *s, uint32_t u)
{
	uint64_t bit = 1UL << (u % 64);

	if (!(atomic_load(&s->left[u / 64]) & bit))
		atomic_fetch_or(&s->left[u / 64], bit);
	mortal_pending(&s->mortal);
}

static bool slot_clear(struct sheet *s, uint32_t idx, uint32_t cut, uint32_t id, bool at_once)
{
	uint32_t u = sheet_page_of(idx);
	bool mine = id == cut >> OWNER_SHIFT;

	if (unlikely(!livebits_clear(s->live, &s->gone, s->words, idx, mine)))
		return false;
	if (unlikely(sheet_page_empty(s, u, page_kinds[KIND_OF(cut)].slots)))
		page_died(s, u, at_once);
	else if (!mine)
		page_left(s, u);
	return true;
}

/* By a thread that has not allocated anything yet, or is ending. */
static __attribute__((noinline)) bool free_uncached(
	struct sheet *s, uint32_t idx, uint32_t cut, size_t size, bool at_once)
{
	bool was;

	atomic_fetch_add(&owner_none_in, 1);
	was = slot_clear(s, idx, cut, OWNER_NONE + 1, at_once);
	atomic_fetch_sub(&owner_none_in, 1);
	if (was)
		sweep_freed_alone(size);
	return was;
}

/*
 * Where a page is one block's, does what is freed there by this stack, or caller, die at once? The first hole is
 * dear, whatever the pages: the sheet will not move then, and 2 MB of fresh memory come in its place.
 */
static bool dies_at_once(const struct sheet *s, uint32_t kind, uint32_t stack, void *frame)
{
	return page_may_die_at_once(page_kinds[kind].slots) &&
	       atonce_allows(NULL, atonce_place(stack, frame, kind), !sheet_is_holed(s));
}

bool pages_free(struct sheet *s, void *p, bool moved, void *frame)
{
	struct cutter *c = cutter_mine();
	uint32_t idx, cut = live_find(s, p, &idx), stack;
	size_t size = page_kinds[KIND_OF(cut)].size;
	bool at_once;

	if (unlikely(!cut))
		return false;
	stack = s->rec ? stack_capture(frame) : 0;
	page_slot_ends(owner_mine, sheet_record(s, idx), p, size, moved, stack);
	at_once = dies_at_once(s, KIND_OF(cut), stack, frame);
	if (unlikely(!c))
		return free_uncached(s, idx, cut, size, at_once);
	owner_enter(&c->own, s);
	if (unlikely(!slot_clear(s, idx, cut, c->own.id, at_once)))
		return false;
	sweep_count(&c->own, size);
	return true;
}

size_t pages_usable(struct sheet *s, void *p)
{
	uint32_t idx, cut = live_find(s, p, &idx);

	return page_kinds[KIND_OF(cut)].size;
}

void pages_record(void *p, size_t size, int tid, uint32_t stack)
{
	struct sheet *s = (struct sheet *)(space_entry(vaddr_of(p)) & ~SPACE_WHAT);
	uint32_t idx, cut = sheet_slot(s, vaddr_of(p) - s->at.base, &idx);
	struct record *r = sheet_record(s, idx);

	if (r)
		record_alloc(r, page_kinds[KIND_OF(cut)].size, size, tid, stack);
}

void pages_resize(struct sheet *s, void *p, size_t size)
{
	uint32_t idx, cut = sheet_slot(s, vaddr_of(p) - s->at.base, &idx);
	struct record *r = sheet_record(s, idx);

	if (r)
		record_resize(r, page_kinds[KIND_OF(cut)].size, size);
}

/* The object of page u nearest to the byte `off` bytes behind the page's begin. */
static uint32_t slot_near(const struct sheet *s, uint32_t u, uint32_t off)
{
	const struct page_kind *k = sheet_kind(s, u);
	uint32_t j = k->slots ? MIN(quick_div(off, k->inv_size), k->slots - 1U) : 0;

	return sheet_idx(u, j);
}

void pages_find(struct sheet *s, vaddr_t addr, struct block *b)
{
	uint32_t u = sheet_run_first(s, (uint32_t)((addr - s->at.base) >> PAGE_SHIFT)), idx;
	const struct record *r;
	bool handed, live;

	idx = slot_near(s, u, (uint32_t)(addr - sheet_page_at(s, u)));
	handed = s->cut[u] != KIND_NONE;
	live = handed && (sheet_live_word(s, idx / SHEET_BITS) >> (idx % SHEET_BITS) & 1);
	b->base = sheet_slot_at(s, idx);
	b->size = sheet_kind(s, u)->size;
	b->of_class = !s->rec;
	if (live && slot_ahead(s, idx, b->base))
		handed = false;
	r = sheet_record(s, idx);
	if (r) {
		handed = handed && r->birth.tid != 0;
		record_read(r, b->size, b);
	}
	b->state = !handed ? BLOCK_NEVER : live ? BLOCK_LIVE : BLOCK_DEAD;
}

vaddr_t pages_next(const struct sheet *s, vaddr_t addr)
{
	uint32_t u = sheet_run_first(s, (uint32_t)((addr - s->at.base) >> PAGE_SHIFT)), idx;

	idx = slot_near(s, u, (uint32_t)(addr - sheet_page_at(s, u)));
	if (sheet_slot_at(s, idx) < addr && sheet_nth_of(idx) + 1 < sheet_kind(s, u)->slots)
		idx = sheet_idx(u, sheet_nth_of(idx) + 1);
	for (; u < SHEET_PAGES; idx = sheet_idx(++u, 0))
		if (sheet_kind(s, u)->slots && sheet_slot_at(s, idx) >= addr)
			return sheet_slot_at(s, idx);
	return 0;
}
