/*
 * sweep.c - see sweep.h.
 *
 * app context. A free that leaves a page without live objects puts its sheet on the pending list; a
 * sweep looks through those and has killed what is due (clean.c). A sheet in which all is dead is
 * spent: it moves, which costs a hundredth of killing its pages one by one, and fills nothing anew.
 * So nothing else is killed before a bound says so, and then where the most bytes are had for the
 * fewest kills.
 */
#include "sweep.h"
#include "cache.h"
#include "clean.h"
#include "dead.h"
#include "mode.h"
#include "pending.h"

struct lock pages_sweep_lock = LOCK(SWEEP);

static _Atomic uint64_t freed_total, freed_bytes_total;
/* The last sweep, and the one before; pages_sweep_lock. */
static struct {
	uint64_t frees, bytes, ns;
} swept, swept_before;
/* Bytes that wait to die, about: freed_bytes_total less this. */
static _Atomic uint64_t waiting_base;

vaddr_t pages_twice(void)
{
	return likely(!pages_freed_twice) ? 0 : atomic_exchange(&pages_freed_twice, 0);
}

/* The spent die. */
static void spent_retire(void)
{
	struct sheet *s = sheets_spent(), *next;
	struct census n;

	for (; s; s = next) {
		next = s->spent_next;
		sheet_look(s, &n);
		panic_if(!n.whole, "a sheet was to die, and something in it lives");
		pages_swept.pages_killed += n.ndue;
		sheet_find_twice(s);
		waiting_base += (size_t)n.ndue << PAGE_SHIFT;
		sheet_retire(s);
		s->buried = true; /* pending it may be, and on that list */
		dead_sheet_push(s);
	}
	dead_sheets_forget();
}

static void spent_look(struct sheet *s)
{
	struct lock_section section;

	if (!sheet_is_spent(s))
		return;
	sheet_spent_add(s);
	if (!sheets_spent_many())
		return;
	lock_section_enter(&section);
	if (lock_try(&pages_sweep_lock)) {
		spent_retire();
		lock_drop(&pages_sweep_lock);
	}
	lock_section_leave(&section);
}

void sheet_page_died(struct sheet *s, uint32_t u)
{
	sheet_pending(s);
	if (sheet_pages_died(s, u))
		spent_look(s);
}

/* First look; true: it is spent, and done with. What waits is added to waiting[]. */
static bool sheet_first_look(struct sheet *s, size_t waiting[WORTHS])
{
	struct census n;

	sheet_look(s, &n);
	if (n.whole) {
		sheet_spent_add(s);
		atomic_store(&s->pending, 0);
		return true;
	}
	if (!s->since_frees) {
		s->since_frees = swept_before.frees + 1;
		s->since_ns = swept_before.ns;
	}
	s->worth = (uint8_t)policy_worth((uint64_t)n.ndue << PAGE_SHIFT, SHEET_PAGES - n.ndead);
	waiting[s->worth] += (size_t)n.ndue << PAGE_SHIFT;
	return false;
}

/*
 * Do several threads free by turns? They may run at once then. How many there are says little: most
 * wait for something.
 */
static _Atomic(struct cache *) freed_last;
static _Atomic uint32_t freed_turns;
static bool several; /* as of the last look */

static void turns_look(void)
{
	static uint32_t turns;
	static uint64_t looked_ns;

	if (swept.ns - looked_ns < LOOK_NS)
		return;
	looked_ns = swept.ns;
	several = policy_several(freed_turns - turns);
	turns = freed_turns;
}

static _Atomic size_t waiting_wish = WAITING_LEAST;

static size_t waiting_limit(void)
{
	return policy_waiting_limit(sheet_bytes(), several, true);
}

static size_t waiting_most(void)
{
	return pages_mode.defer_bytes ? pages_mode.defer_bytes : MIN(waiting_wish, waiting_limit());
}

/* At the next sweep it would be older than it may be. */
static bool sheet_is_old(const struct sheet *s)
{
	return policy_old(pages_mode.defer_frees, swept.frees - s->since_frees, pages_mode.defer_ns,
		swept.ns - s->since_ns);
}

/* Returns the bytes that wait on. */
static size_t sweep_list(struct sheet *s, bool all)
{
	size_t waiting[WORTHS] = {0}, left;
	struct sheet *later = NULL, *next;
	unsigned cut;

	for (; s; s = next) {
		next = s->pending_next;
		if (s->buried) {
			atomic_store(&s->pending, 0);
			continue;
		}
		if (sheet_first_look(s, waiting))
			continue;
		s->pending_next = later;
		later = s;
	}
	cut = policy_cut(waiting, waiting_most(), &left);
	for (s = later; s; s = next) {
		next = s->pending_next;
		if (!all && s->worth < cut && !sheet_is_old(s))
			sheet_pending_again(s);
		else
			sheet_clean(s);
	}
	return all ? 0 : left;
}

bool pages_sweep(bool all)
{
	static uint64_t swept_at; /* processor's time */
	uint64_t t0, t1;
	size_t left;

	if (all)
		lock_take(&pages_sweep_lock);
	else if (!lock_try(&pages_sweep_lock))
		return false;
	swept_before = swept;
	swept.frees = atomic_load(&freed_total);
	swept.bytes = atomic_load(&freed_bytes_total);
	swept.ns = clock_ns();
	turns_look();
	t0 = __builtin_ia32_rdtsc();
	left = sweep_list(sheets_pending(), all);
	t1 = __builtin_ia32_rdtsc();
	waiting_wish = policy_waiting_tune(waiting_wish, waiting_limit(), t1 - t0, t0 - swept_at);
	swept_at = t1;
	spent_retire();
	waiting_base = swept.bytes - left;
	pages_swept.sweeps++;
	lock_drop(&pages_sweep_lock);
	return true;
}

static bool sweep_is_due(uint64_t frees, uint64_t bytes)
{
	static _Atomic uint32_t looks;

	if (policy_sweep_due(false, pages_mode.defer_frees, frees - swept.frees,
		    (int64_t)(bytes - waiting_base), waiting_most()))
		return true;
	/* The clock is a system call: not every time. */
	return atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed) % 8 == 0 &&
	       policy_sweep_late(pages_mode.defer_ns, clock_ns() - swept.ns);
}

void pages_freed(uint32_t frees, size_t bytes)
{
	struct lock_section s;
	uint64_t f = atomic_fetch_add(&freed_total, frees) + frees;
	uint64_t b = atomic_fetch_add(&freed_bytes_total, bytes) + bytes;

	if (atomic_load_explicit(&freed_last, memory_order_relaxed) != cache_mine) {
		atomic_store_explicit(&freed_last, cache_mine, memory_order_relaxed);
		atomic_fetch_add(&freed_turns, 1);
	}
	if (!sweep_is_due(f, b))
		return;
	lock_section_enter(&s);
	pages_sweep(false);
	lock_section_leave(&s);
}
