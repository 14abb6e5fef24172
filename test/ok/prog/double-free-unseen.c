// The thread that allocated a block and another free it at the same instant, without stacks: the
// short way of the owner may see no wrong then, nor may the other. Somebody must be told of each
// such block before its memory is used again.
// native: no
// findings: yes
// profiles: deferred,adaptive,production
// options: stacks=off:no-symbolize
// host-only: the two bits of an object are the slabs'
// not-tiny: one processor there: no instant in which both are
#include "ok.h"

#include <setjmp.h>
#include <time.h>

#define ROUNDS 20000
#define ENOUGH 20 /* rounds in which nobody was told at once */

static char *volatile block;
static int at_start, at_end, told, last, over;
static __thread sigjmp_buf out;

static void on_abort(int sig)
{
	(void)sig;
	if (over) /* one more block is told of as the thread or main ends: the frame to go back to is gone */
		_exit(failures != 0);
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
	siglongjmp(out, 1);
}

static void drop(char *p, int late)
{
	while (late--)
		__builtin_ia32_pause();
	if (!sigsetjmp(out, 1))
		free(p);
}

static void *other(void *arg)
{
	for (int i = 1; !__atomic_load_n(&last, __ATOMIC_SEQ_CST); i++) {
		meet(&at_start, i);
		drop(block, i % 5);
		meet(&at_end, 2 * i - 1);
		meet(&at_end, 2 * i); /* main has decided whether this was the last */
	}
	return arg;
}

/* Goes on as programs do, until somebody is told of what nobody was told of. */
static int told_late(void)
{
	time_t end = time(NULL) + 20;

	for (int n = 0; n < 1000000 || time(NULL) < end; n++) {
		if (__atomic_load_n(&told, __ATOMIC_SEQ_CST))
			break;
		drop(malloc(64), 0);
	}
	return told;
}

int main(void)
{
	int unseen = 0, never = 0;
	pthread_t t;

	signal(SIGABRT, on_abort);
	pthread_create(&t, NULL, other, NULL);
	for (int i = 1; !last; i++) {
		block = malloc(64);
		told = 0;
		meet(&at_start, i);
		drop(block, i % 7);
		meet(&at_end, 2 * i - 1);
		if (!told) {
			unseen++;
			never += !told_late();
		}
		if (i == ROUNDS || unseen == ENOUGH || never) {
			check(!never);
			say("nobody was told at once in %d rounds", unseen);
			done();
			over = 1;
			__atomic_store_n(&last, 1, __ATOMIC_SEQ_CST);
		}
		meet(&at_end, 2 * i);
	}
	pthread_join(t, NULL);
	return failures != 0;
}
