/*
 * stale.c - two threads: one allocates and frees as fast as it can, the other reads through the
 * pointers that were freed. Each read must fault, or show the dead block's own bytes: never
 * those of a block that lives there now. Run with --log=/dev/null; exit status 0, and a count.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING 64

static struct {
	_Atomic(unsigned long *) p;
	_Atomic unsigned long id;
} ring[RING];
static _Atomic int stop;
static sigjmp_buf back;
static unsigned long faults, old, wrong, made;

static void on_segv(int sig)
{
	siglongjmp(back, 1);
}

static void *reader(void *arg)
{
	struct sigaction sa = {.sa_handler = on_segv, .sa_flags = SA_NODEFER};
	volatile unsigned i = 0;

	sigaction(SIGSEGV, &sa, NULL);
	while (!stop) {
		unsigned long id = ring[i % RING].id, v;
		unsigned long *p = ring[i % RING].p;

		if (p && id == ring[i % RING].id) {
			if (sigsetjmp(back, 0)) {
				faults++;
			} else {
				v = *(volatile unsigned long *)p;
				if (v == id)
					old++;
				else if (id == ring[i % RING].id)
					wrong++;
			}
		}
		i++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned long seconds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5, id = 1;
	time_t end = time(NULL) + (time_t)seconds;
	pthread_t t;

	pthread_create(&t, NULL, reader, NULL);
	while (time(NULL) < end) {
		for (int k = 0; k < 200; k++, id++) {
			unsigned long *p = malloc(48), *q;

			*p = id;
			__asm__ volatile("" : : "r"(p) : "memory");
			/* Live while it is published, dead right after. */
			ring[id % RING].p = NULL;
			ring[id % RING].id = id;
			ring[id % RING].p = p;
			free(p);
			/* The allocator would love to hand out the same bytes. */
			q = malloc(48);
			*q = ~id;
			__asm__ volatile("" : : "r"(q) : "memory");
			free(q);
			made += 2;
		}
	}
	stop = 1;
	pthread_join(t, NULL);
	fprintf(stderr, "stale: %lu blocks, %lu faults, %lu saw the dead block, %lu saw another\n",
		made, faults, old, wrong);
	return wrong || !made || !(faults + old) ? 1 : 0;
}
