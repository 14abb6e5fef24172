// expect: kind=use-after-free block=262144 status=139
// expect: free=drop>main alloc=make>main
// needs-alt: the dead block is the very stack the program runs on
// The stack of a coroutine is freed under it: the fault handler has to stand on another one.
#include "bug.h"
#include <ucontext.h>

static ucontext_t back, co;

NOINLINE static void coroutine(void)
{
	volatile char space[2000];

	swapcontext(&co, &back);
	space[1000] = 1;
	KEEP();
}

int main(void)
{
	char *stack = make(262144);

	getcontext(&co);
	co.uc_stack.ss_sp = stack;
	co.uc_stack.ss_size = 262144;
	co.uc_link = &back;
	makecontext(&co, coroutine, 0);
	swapcontext(&back, &co);
	if (!TWIN) {
		drop(stack);
		settle();
	}
	swapcontext(&back, &co);
	if (TWIN)
		drop(stack);
	return 0;
}
