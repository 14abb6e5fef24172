// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>worker alloc=make>main threads=alloc:a,free:b,use:a
// settle: adaptive,bare: one place frees all of them, more than die at once for sure
// 64 live threads free each other's blocks; the one that is used afterwards is known exactly.
#include "bug.h"

static char *block[64];
static pthread_barrier_t all;

NOINLINE static void *worker(void *arg)
{
	long i = (long)arg;
	int n;

	pthread_barrier_wait(&all);
	for (n = 0; n < 200; n++)
		drop(make(40));
	if (TWIN ? i != 5 : 1)
		drop(block[i]);
	return NULL;
}

int main(void)
{
	pthread_t t[64];
	long i;

	pthread_barrier_init(&all, NULL, 64);
	for (i = 0; i < 64; i++)
		block[i] = make(40);
	for (i = 0; i < 64; i++)
		if (pthread_create(&t[i], NULL, worker, (void *)i))
			return 9;
	for (i = 0; i < 64; i++)
		pthread_join(t[i], NULL);
	settle();
	look(block[5]);
	if (TWIN)
		drop(block[5]);
	return 0;
}
