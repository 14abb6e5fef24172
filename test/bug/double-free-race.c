// expect: kind=double-free call=free offset=0 block=64 status=134
// expect: alloc=make>main free=drop>worker use=drop>worker
// Two threads free the same block at the same instant: exactly one of them is told off
// (which of the two the record names as the first is left open).
#include "bug.h"

static char *block;
static pthread_barrier_t both;

NOINLINE static void *worker(void *first)
{
	pthread_barrier_wait(&both);
	if (!TWIN || first)
		drop(block);
	pthread_barrier_wait(&both);
	return NULL;
}

int main(void)
{
	pthread_t t[2];

	block = make(64);
	pthread_barrier_init(&both, NULL, 2);
	pthread_create(&t[0], NULL, worker, &both);
	pthread_create(&t[1], NULL, worker, NULL);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	return 0;
}
