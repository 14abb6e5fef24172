/*
 * idle.c - a thread that sleeps keeps no memory: what its cursors still have to hand out is
 * taken back.
 *
 * app context. A view's units are its cursor's by the word of 64 objects, and who moves v->handed
 * has them: the cursor word by word, the sweep here all that are left. Those were never handed out,
 * and die like others in which nothing lives. The cursor finds out when it wants the next word;
 * until then the view stays, for the cursor looks into it. What breaks it: a view that is forgotten
 * while HANDED_BACK is set.
 */
#include "idle.h"
#include "pending.h"

/* Who allocates nothing for one look sleeps; of who does, sizes not asked for in so many. */
#define LOOKS_STILL 8

/* What is left of v is nobody's then, unless its cursor takes a word at this moment. */
static void take_back(struct view *v)
{
	uint16_t from = atomic_load(&v->handed);

	if (from >= v->words || !atomic_compare_exchange_strong(
					&v->handed, &from, (uint16_t)(v->words | HANDED_BACK)))
		return;
	v->tail = from;
	v->since_frees = 1; /* nobody ever had them: they need not wait */
	v->since_ns = 0;
	pending_note(v);
}

static void cursor_look(struct tcache *tc, unsigned cls, bool sleeps)
{
	struct cursor *c = &tc->cur[cls];
	struct view *v = __atomic_load_n(&c->view, __ATOMIC_ACQUIRE);
	uint32_t word = __atomic_load_n(&c->word, __ATOMIC_RELAXED);

	/*
	 * Its owner may be changing it. If the view is still the cursor's after `last` was read,
	 * both belong together; then it had more to hand out, and is not forgotten meanwhile, for
	 * that takes sweep_lock.
	 */
	if (!v || __atomic_load_n(&c->last, __ATOMIC_ACQUIRE) ||
		__atomic_load_n(&c->view, __ATOMIC_ACQUIRE) != v)
		return;
	if (tc->seen.cur[cls].view != v || tc->seen.cur[cls].word != word) {
		tc->seen.cur[cls].view = v;
		tc->seen.cur[cls].word = word;
		tc->seen.cur[cls].looks = 0;
	} else if (sleeps || ++tc->seen.cur[cls].looks >= LOOKS_STILL) {
		take_back(v);
	}
}

void idle_look(void)
{
	if (mode.paged)
		return; /* other threads take what they want: pages_of_idle */
	for (struct tcache *tc = tcache_all; tc; tc = tc->next) {
		uint64_t allocs = __atomic_load_n(&tc->allocs, __ATOMIC_RELAXED);
		bool sleeps = tc->seen.allocs == allocs;

		tc->seen.allocs = allocs;
		for (unsigned cls = 0; cls < heap_class_count(); cls++)
			cursor_look(tc, cls, sleeps);
	}
}

void idle_over(struct tcache *tc, struct cursor *c)
{
	struct view *v = c->view;

	if (!v || c->end)
		return;
	c->view = NULL;
	tcache_enter(tc, v);
	atomic_store(&v->handed, v->words); /* from here on it may die */
	pending_note(v);
}
