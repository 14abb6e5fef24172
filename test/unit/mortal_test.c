// sources: src/base/mortal.c src/base/policy.c
/* What may die is on a list once, whoever puts it there and takes the list; and of the dead the oldest are forgotten. */
#include "base/mode.h"
#include "base/mortal.h"
#include "unit.h"

#include <pthread.h>

struct mode mode;

static struct mortal *in,
	*marked; /* a thread is in this one; and in that one, but not any more, when asked */

bool owner_is_in(const void *where)
{
	if (where == marked)
		mortal_pending(marked);
	return where == in;
}

static unsigned taken(enum mortal_list l)
{
	unsigned n = 0;

	for (struct mortal *m = mortals_take(l); m; m = m->next[l])
		n++;
	return n;
}

static void each_is_on_it_once(void)
{
	static struct mortal a, b;

	mortal_pending(&a);
	mortal_pending(&b);
	mortal_pending(&a);
	CHECK(a.on[PENDING] && b.on[PENDING] && !a.on[SPENT]);
	CHECK(mortals_take(PENDING) == &b && b.next[PENDING] == &a && !a.next[PENDING]);
	CHECK_EQ(taken(PENDING), 0);
	mortal_pending(&a); /* it is in our hands */
	CHECK_EQ(taken(PENDING), 0);
	mortal_again(&a, PENDING);
	CHECK_EQ(taken(PENDING), 1);
	atomic_store(&a.on[PENDING], 0);
	mortal_pending(&a);
	CHECK_EQ(taken(PENDING), 1);
}

#define THREADS 4
#define EACH	500 /* of its own; and all put the first */
#define ROUNDS	400

static struct mortal many[THREADS][EACH];
static pthread_barrier_t line;

static void *put(void *own)
{
	struct mortal *m = own;

	for (unsigned r = 0; r < ROUNDS; r++) {
		pthread_barrier_wait(&line);
		for (unsigned i = 0; i < EACH; i++) {
			mortal_pending(&many[0][0]);
			mortal_pending(&m[i]);
		}
		pthread_barrier_wait(&line);
	}
	return NULL;
}

static void none_is_lost_between_threads(void)
{
	pthread_t t[THREADS];
	unsigned bad = 0;

	pthread_barrier_init(&line, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, put, many[i]);
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned n = 0;

		pthread_barrier_wait(&line);
		n += taken(PENDING);
		n += taken(PENDING);
		pthread_barrier_wait(&line);
		bad += n + taken(PENDING) != THREADS * EACH;
		for (unsigned i = 0; i < THREADS * EACH; i++)
			many[i / EACH][i % EACH].on[PENDING] = 0;
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(bad, 0);
}

static void the_spent_are_counted(void)
{
	static struct mortal m[2];

	mode.grouped = true;
	mortal_spent(&m[0], 512, HUGE_SIZE);
	mortal_spent(&m[0], 512, HUGE_SIZE);
	CHECK(!mortals_spent_many());
	mortal_spent(&m[1], 512, HUGE_SIZE);
	CHECK(mortals_spent_many());
	mode.grouped = false;
	CHECK(mortals_spent_many());
	CHECK_EQ(taken(PENDING), 0);
	CHECK(mortals_spent_many());
	CHECK_EQ(taken(SPENT), 2);
	CHECK(!mortals_spent_many());
}

static struct mortal dead[4];
static bool is_forgotten[ARRAY_LEN(dead)];

static bool forget(struct mortal *m)
{
	if (mortal_is_held(m, m))
		return false;
	CHECK(!is_forgotten[m - dead]);
	is_forgotten[m - dead] = true;
	__builtin_memset(m, 0xff, sizeof(*m)); /* it is somebody else's now */
	return true;
}

/* All have died, and weigh 10, 11, ... bytes; the younger the more. */
static void bury(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(dead); i++) {
		dead[i] = (struct mortal){.buried = true};
		is_forgotten[i] = false;
		mortal_remember(&dead[i], 10 + i);
	}
	in = marked = NULL;
}

static unsigned forgotten(size_t most)
{
	unsigned mask = 0;

	mode.dead_bytes = most;
	mortals_forget(forget);
	for (unsigned i = 0; i < ARRAY_LEN(dead); i++)
		mask |= (unsigned)is_forgotten[i] << i;
	return mask;
}

static void the_oldest_are_forgotten(void)
{
	bury();
	CHECK_EQ(forgotten(46), 0);
	CHECK_EQ(forgotten(45), 1);
	CHECK_EQ(forgotten(24), 7);
	CHECK_EQ(forgotten(0), 15);
	bury();
	CHECK_EQ(forgotten(0), 15);
}

/* One in which a thread is becomes the youngest, and counts on. */
static void who_is_in_one_keeps_it(void)
{
	bury();
	in = &dead[0];
	CHECK_EQ(forgotten(45), 0);
	CHECK_EQ(forgotten(45), 2);
	CHECK_EQ(forgotten(23), 6);
	CHECK_EQ(forgotten(9), 14);
	CHECK_EQ(forgotten(9), 14);
	in = NULL;
	CHECK_EQ(forgotten(10), 14);
	CHECK_EQ(forgotten(9), 15);
}

/* A late free's thread marks it pending, and is gone when it is looked whether a thread is in it. */
static void who_was_in_one_has_marked_it(void)
{
	bury();
	marked = &dead[0];
	CHECK_EQ(forgotten(45), 0);
	marked = NULL;
	CHECK_EQ(forgotten(0), 15);
	CHECK_EQ(taken(PENDING), 0);
}

/* What is on the list of the pending leaves it first, if it is dead. */
static void the_pending_are_forgotten_off_their_list(void)
{
	static struct mortal lives;

	bury();
	mortal_pending(&dead[1]);
	mortal_pending(&lives);
	mortal_pending(&dead[0]);
	CHECK_EQ(forgotten(0), 15);
	CHECK(mortals_take(PENDING) == &lives && !lives.next[PENDING] && lives.on[PENDING]);
}

int main(void)
{
	RUN(each_is_on_it_once);
	RUN(none_is_lost_between_threads);
	RUN(the_spent_are_counted);
	RUN(the_oldest_are_forgotten);
	RUN(who_is_in_one_keeps_it);
	RUN(who_was_in_one_has_marked_it);
	RUN(the_pending_are_forgotten_off_their_list);
	return UNIT_END();
}
