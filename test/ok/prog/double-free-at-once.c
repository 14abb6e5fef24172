// The thread that allocated a block and another free it at the same instant, many times: in every
// round exactly one of them is told. Its SIGABRT is caught, and the round goes on.
// native: no
// findings: yes
// profiles: strict,deferred
// options: no-symbolize
// not-tiny: one processor there: no instant in which both are
#include "ok.h"

#include <setjmp.h>

#define ROUNDS 5000

static char *volatile block;
static int at_start, at_end, told;
static __thread sigjmp_buf out;

static void on_abort(int sig)
{
	(void)sig;
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
	siglongjmp(out, 1);
}

/* `late`: whoever starts first by that is left to chance by the processors' distance. */
static void drop(int late)
{
	char *p = block;

	while (late--)
		__builtin_ia32_pause();
	if (!sigsetjmp(out, 1))
		free(p);
}

static void *other(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		meet(&at_start, i);
		drop(i % 5);
		meet(&at_end, i);
	}
	return arg;
}

int main(void)
{
	int wrong[3] = {0};
	pthread_t t;

	signal(SIGABRT, on_abort);
	pthread_create(&t, NULL, other, NULL);
	for (int i = 1; i <= ROUNDS; i++) {
		block = malloc(64);
		told = 0;
		meet(&at_start, i);
		drop(i % 7);
		meet(&at_end, i);
		wrong[told]++;
	}
	pthread_join(t, NULL);
	check(wrong[1] == ROUNDS);
	say("told: nobody in %d rounds, both in %d", wrong[0], wrong[2]);
	return done();
}
