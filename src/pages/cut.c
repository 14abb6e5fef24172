/* cut.c - see cut.h. app context. */
#include "cut.h"
#include "sample.h"
#include "host/host.h"

#include <errno.h>

/* A thread takes over so many pages of its sheet at a time; the others may go to another thread. */
#define STEP 16U

/*
 * From a supply's third sheet on memory comes by huge pages: a fault and the zeroing of 4 KB at a
 * time cost fifteen times as much (65 us for 2 MB instead of 1000), but a small program would pay
 * for 2 MB. Where it does not, it comes a STEP at a time.
 */
#define HUGE_FROM 2

/* What nobody will cut any more is dead without having lived. */
static void pages_leave(struct sheet *s, uint32_t from, uint32_t to)
{
	for (uint32_t u = from; u < to; u++)
		atomic_fetch_or(&s->dead[u / 64], 1UL << (u % 64));
	if (from < to)
		mortal_pending(&s->mortal);
}

/* Takes over some more for a run of n; false: the supply needs another sheet. */
static bool pages_more(struct supply *p, uint32_t n)
{
	struct sheet *s = atomic_exchange(&p->rest, NULL);
	uint32_t from, to;

	if (!s)
		return false;
	from = s->handed;
	to = MIN(SHEET_PAGES, from + MAX(STEP, n));
	if (s != p->in || from != p->lim) {
		if (p->at < p->lim)
			pages_leave(p->in, p->at, p->lim);
		p->in = s;
		p->at = from;
	}
	p->lim = to;
	/* Of a run it is not known how much will be touched. */
	if (n == 1 && p->sheets > HUGE_FROM && !s->at.moves && !s->at.huge)
		host_range_warm(sheet_page_at(s, from), (to - from) * PAGE_SIZE);
	/* From here on the sheet may die, but not before the objects of these pages. */
	atomic_store_explicit(&s->handed, (uint16_t)to, memory_order_release);
	if (to < SHEET_PAGES)
		atomic_store_explicit(&p->rest, s, memory_order_release);
	return true;
}

static void page_own(struct sheet *s, uint32_t u, unsigned cls, uint32_t id)
{
	const struct page_kind *k = &page_kinds[cls + 1];

	for (uint32_t w = 0; w * SHEET_BITS < k->slots; w++) {
		uint32_t n = k->slots - w * SHEET_BITS;

		atomic_store_explicit(&s->live[u + w * SHEET_PAGES],
			n >= 64 ? ~0UL : (1UL << n) - 1, memory_order_relaxed);
	}
	for (uint32_t i = 1; i < k->pages; i++)
		s->cut[u + i] = (uint16_t)(KIND_INNER | i << OWNER_SHIFT);
	s->cut[u] = (uint16_t)((cls + 1) | MIN(id, OWNER_NONE) << OWNER_SHIFT);
}

__attribute__((noinline)) void bump_aim(struct cutter *c, unsigned cls)
{
	struct bump *b = &c->bump[cls];
	vaddr_t end = bump_page_end(c, cls);
	uint64_t left = (end - b->next) / b->size;

	if (!mode.sample || !mode.short_pages)
		c->until = UINT64_MAX;
	else if (!c->until)
		c->until = sample_gap() + 1;
	b->due = c->until <= left;
	b->end = b->due ? b->next + (c->until - 1) * b->size : end;
	c->until = b->due ? 0 : c->until - left;
}

/* The last that p took for its sheet, if there is room for n more; or NULL. */
static struct records *records_with(const struct supply *p, uint32_t n)
{
	struct records *r = p->in->records;

	while (r && r->by != p)
		r = r->next;
	return r && ARRAY_LEN(r->of) - r->used >= n ? r : NULL;
}

static struct records *records_more(const struct supply *p)
{
	struct records *r = meta_alloc(sizeof(*r)), *head = p->in->records;

	if (!r)
		return NULL;
	r->by = p;
	do
		r->next = head;
	while (!atomic_compare_exchange_weak(&p->in->records, &head, r));
	return r;
}

/* For n objects of one page; NULL: there is no memory, or no section to ask for it. */
static struct record *records_take(
	const struct supply *p, uint32_t n, bool section, bool *no_memory)
{
	struct records *r = records_with(p, n);

	if (!r && section) {
		r = records_more(p);
		*no_memory = !r;
	}
	if (!r)
		return NULL;
	r->used += n;
	return &r->of[r->used - n];
}

bool supply_cut(struct cutter *c, unsigned cls, bool section, bool *no_memory)
{
	const struct page_kind *k = &page_kinds[cls + 1];
	struct supply *p = supply_of(c, cls);
	struct bump *b = &c->bump[cls];
	struct sheet *s;
	uint32_t u;

	while (p->lim - p->at < k->pages)
		if (!pages_more(p, k->pages))
			return false;
	s = p->in;
	u = p->at;
	if (mode.records) {
		s->rec[u] = records_take(p, k->slots, section, no_memory);
		if (!s->rec[u])
			return false;
		c->rec[cls] = s->rec[u];
	}
	p->at = u + k->pages;
	page_own(s, u, cls, c->own.id);
	b->next = sheet_page_at(s, u);
	atomic_store_explicit(&c->in_page[cls], b->next, memory_order_relaxed);
	b->end = b->next + k->slots * (vaddr_t)k->size;
	b->size = k->size;
	b->inv_size = k->inv_size;
	b->slots = k->slots;
	b->zeroed = !s->at.moves;
	if (likely(c->until > k->slots))
		c->until -= k->slots;
	else
		bump_aim(c, cls);
	return true;
}

/*
 * The rest of a sheet that another thread seems to have no use for; NULL: there is none. Whoever
 * has had none yet takes any: many threads that do little must not touch a page table each.
 */
static struct sheet *rest_of_other(const struct cutter *mine, unsigned cls, bool first)
{
	uint64_t now = owner_refills, gap = first ? 0 : 8 + 4UL * owners_taken;

	for (struct owner *o = owner_all; o; o = o->next) {
		struct cutter *c = (struct cutter *)o;
		struct supply *p = supply_of(c, cls);
		struct sheet *s;

		if (c == mine || (c->own.taken && now - c->own.refilled < gap) ||
			!atomic_load_explicit(&p->rest, memory_order_relaxed))
			continue;
		s = atomic_exchange(&p->rest, NULL);
		if (s)
			return s;
	}
	return NULL;
}

/*
 * A size lasts that did not: then so does what its sheet has so far, and the rest goes to what lasts. Or sixteen threads
 * that have one size kept a sheet more each that none would go on with (ok/memory-remote: 75 MB instead of 62).
 */
static bool supply_splits(struct supply *small)
{
	if (small[1].sheets || !small->sheets)
		return false;
	small[1].in = small->in;
	small[1].at = small->at;
	small[1].lim = small->lim;
	small[1].sheets = small->sheets;
	atomic_store(&small[1].rest, atomic_exchange(&small->rest, NULL));
	small->in = NULL;
	small->at = small->lim = 0;
	return true;
}

int supply_refill(struct cutter *c, unsigned cls)
{
	struct supply *p = supply_of(c, cls);
	struct sheet *s;
	int err = 0;

	if (p == &c->supply[1] && supply_splits(c->supply))
		return 0;
	s = rest_of_other(c, cls, !p->sheets);
	c->own.refilled = atomic_fetch_add(&owner_refills, 1) + 1;
	if (!s)
		s = sheet_new(page_kinds[cls + 1].pages > 1, p->sheets >= HUGE_FROM, &err);
	p->sheets += s && p->sheets < UINT16_MAX;
	if (s)
		atomic_store(&p->rest, s);
	return err;
}
