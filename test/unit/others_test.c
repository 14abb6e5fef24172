// sources: src/findings/others.c src/base/file.c src/base/out.c
/* Does another thread run? One that computes does, one that waits does not, nor the caller. */
#include "unit.h"
#include "findings/others.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

static _Atomic int left, started;
static int pipe_of[2];

static void *computes(void *arg)
{
	prctl(PR_SET_NAME, "a) R (b");
	started = 1;
	while (!left)
		continue;
	return arg;
}

static void *waits(void *arg)
{
	char c;

	prctl(PR_SET_NAME, ") R ");
	started = 1;
	return read(pipe_of[0], &c, 1) == 1 ? arg : NULL;
}

static pthread_t begin(void *(*fn)(void *))
{
	pthread_t t;

	started = 0;
	CHECK_EQ(pthread_create(&t, NULL, fn, &started), 0);
	while (!started)
		sched_yield();
	return t;
}

static void waiting(void)
{
	pthread_t t = begin(waits);
	void *r;

	while (others_run()) /* until it has gone to sleep: a test that hangs fails */
		sched_yield();
	CHECK(!others_run());
	CHECK_EQ(write(pipe_of[1], "x", 1), 1);
	pthread_join(t, &r);
	CHECK(r != NULL);
}

static void computing(void)
{
	pthread_t t = begin(computes);

	for (int i = 0; i < 100; i++)
		CHECK(others_run());
	left = 1;
	pthread_join(t, NULL);
}

int main(void)
{
	CHECK(!others_run());
	CHECK_EQ(pipe(pipe_of), 0);
	RUN(waiting);
	RUN(computing);
	return UNIT_END();
}
