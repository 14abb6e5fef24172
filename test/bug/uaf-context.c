// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>coroutine free=drop>main alloc=make>main
// The stale use is on a stack of the program's own making (makecontext), itself on the heap.
#include "bug.h"
#include <ucontext.h>

static ucontext_t back, co;
static char *p;

NOINLINE static void coroutine(void)
{
	look(p);
	KEEP();
}

int main(void)
{
	char *stack = malloc(65536);

	p = make(40);
	if (!TWIN) {
		drop(p);
		settle();
	}
	getcontext(&co);
	co.uc_stack.ss_sp = stack;
	co.uc_stack.ss_size = 65536;
	co.uc_link = &back;
	makecontext(&co, coroutine, 0);
	swapcontext(&back, &co);
	if (TWIN)
		drop(p);
	free(stack);
	return 0;
}
