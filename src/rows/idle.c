/*
 * idle.c - a thread that sleeps, or has ended, keeps no memory: what its cursors still have to hand
 * out is taken back.
 *
 * app context. What a cursor has not handed out yet is whose who exchanges cursor.rest for NULL:
 * the cursor for one word of 64 objects, after which it puts the view back; the sweep here for all
 * that are left. Those were never handed out, and die like others in which nothing lives. The
 * cursor finds NULL and takes another view. What breaks it: a view that is looked into without
 * having been exchanged for.
 */
#include "idle.h"
#include "census.h"
#include "sweep.h"

/* What is left of v is nobody's then, unless its cursor takes a word at this moment. */
static void take_back(struct cursor *c, struct view *v)
{
	if (!atomic_compare_exchange_strong(&c->rest, &v, NULL))
		return;
	v->tail = v->handed;
	/* Nobody ever had them: they need not wait. */
	v->mortal.since = (struct pace_since){.frees = 1};
	atomic_store(&v->handed, v->words); /* from here on it may die */
	view_check(v);
	mortal_pending(&v->mortal);
}

/* v is no more than a number here: it may be gone as soon as it was read. */
static void cursor_look(struct cursors *tc, unsigned cls, bool sleeps)
{
	struct cursor *c = &tc->cur[cls];
	struct view *v = atomic_load(&c->rest);
	uint32_t word = __atomic_load_n(&c->word, __ATOMIC_RELAXED);

	if (!v)
		return;
	if (tc->seen.cur[cls].view != v || tc->seen.cur[cls].word != word) {
		tc->seen.cur[cls].view = v;
		tc->seen.cur[cls].word = word;
		tc->seen.cur[cls].looks = 0;
	} else if (sleeps || ++tc->seen.cur[cls].looks >= LOOKS_STILL) {
		take_back(c, v);
	}
}

void idle_look(void)
{
	for (struct owner *o = owner_all; o; o = o->next) {
		struct cursors *tc = (struct cursors *)o;
		uint64_t allocs = __atomic_load_n(&tc->own.allocs, __ATOMIC_RELAXED);
		bool sleeps = tc->seen.allocs == allocs;

		tc->seen.allocs = allocs;
		for (unsigned cls = 0; cls < heap_class_count(); cls++)
			cursor_look(tc, cls, sleeps);
	}
}

/* The rest of its word, which nobody ever had; without records that is not remembered. */
static void word_empty(struct cursor *c)
{
	c->view->torn |= !c->view->rec;
	atomic_fetch_and(&c->view->live[c->word], ~c->mask);
	__atomic_store_n(&c->mask, 0, __ATOMIC_RELEASE);
	c->next = 0;
}

/* It may have nothing alive now. */
static void view_left(struct view *v)
{
	struct census n;

	view_census(v, &n);
	if (n.whole)
		view_spent(v);
	else
		mortal_pending(&v->mortal);
}

void cursors_empty(struct owner *o)
{
	struct cursors *tc = (struct cursors *)o;

	lock_take(&sweep_lock);
	for (unsigned cls = 0; cls < heap_class_count(); cls++) {
		struct cursor *c = &tc->cur[cls];
		struct view *word = c->mask ? c->view : NULL, *rest = atomic_load(&c->rest);

		if (word)
			word_empty(c);
		if (rest)
			take_back(c, rest);
		if (word && word != rest)
			view_left(word);
		if (rest)
			view_left(rest);
	}
	lock_drop(&sweep_lock);
	sweep_spent_if_many();
}
