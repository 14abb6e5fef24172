// Stacks that come from malloc: coroutines, threads on them, signal stacks; deep recursion; and
// large automatic arrays. Our code runs on whatever stack the program has.
#include "ok.h"
#include <ucontext.h>

static ucontext_t back, co[20];
static int rounds;

static void body(int me)
{
	char *p = NULL;
	int i;

	for (i = 0; i < 50; i++) {
		p = realloc(p, 100 * i + 1);
		p[100 * i] = me;
		rounds++;
		swapcontext(&co[me], &back);
		check(p[100 * i] == me);
	}
	free(p);
}

static void *small_stack(void *arg)
{
	char *p = calloc(100, 10);

	free(realloc(p, 100000));
	free(strdup("x"));
	return arg;
}

int main(void)
{
	void *stack[20], *mem;
	pthread_attr_t a;
	pthread_t t;
	int i, r;

	for (i = 0; i < 20; i++) {
		stack[i] = malloc(16384);
		getcontext(&co[i]);
		co[i].uc_stack.ss_sp = stack[i];
		co[i].uc_stack.ss_size = 16384;
		co[i].uc_link = &back;
		makecontext(&co[i], (void (*)(void))body, 1, i);
	}
	for (r = 0; r < 51; r++)
		for (i = 0; i < 20; i++)
			swapcontext(&back, &co[i]);
	for (i = 0; i < 20; i++)
		free(stack[i]);
	say("%d rounds", rounds);
	mem = aligned_alloc(4096, 65536);
	pthread_attr_init(&a);
	check(pthread_attr_setstack(&a, mem, 65536) == 0);
	for (i = 0; i < 50; i++) {
		check(pthread_create(&t, &a, small_stack, NULL) == 0);
		pthread_join(t, NULL);
	}
	free(mem);
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	for (i = 0; i < 50; i++) {
		check(pthread_create(&t, &a, small_stack, NULL) == 0);
		pthread_join(t, NULL);
	}
	return done();
}
