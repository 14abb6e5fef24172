// only: strict,deferred,adaptive,test
// expect: kind=double-free call=free offset=0 block=64 status=134
// expect: alloc=make>owner free=drop>~ use=drop>~
// The thread that allocated the block and another free it at the same instant. One round, for
// the first must end it; test/ok/prog/double-free-at-once.c has many of them.
#include "bug.h"

#include <sched.h>

#define ROUNDS (TWIN ? 100 : 1)

static char *volatile block;
static int at_start, at_end;

NOINLINE static void meet(int *count, int round)
{
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
	for (long spins = 1; __atomic_load_n(count, __ATOMIC_SEQ_CST) < 2 * round; spins++)
		if (spins % 10000 == 0)
			sched_yield(); /* there may be less than two processors for us */
}

NOINLINE static void *other(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		meet(&at_start, i);
		if (!TWIN)
			drop(block);
		meet(&at_end, i);
	}
	return arg;
}

NOINLINE static void *owner(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		block = make(64);
		meet(&at_start, i);
		drop(block);
		meet(&at_end, i);
	}
	if (!TWIN)
		_exit(3); /* both were told that all is well */
	return arg;
}

int main(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, owner, NULL);
	pthread_create(&t[1], NULL, other, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	return 0;
}
