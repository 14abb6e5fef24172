// expect: kind=use-after-free access=EXEC offset=0 block=64 status=139
// expect: use=~call>main free=drop>main alloc=make>main
// settle: test: the filling runs for an instruction or two
// A jump to a freed block: the fault is the fetch of the first instruction.
#include "bug.h"

NOINLINE static void nothing(void)
{
	KEEP();
}

NOINLINE static void call(void (*fn)(void))
{
	fn();
	KEEP();
}

int main(void)
{
	char *p = make(64);

	drop(p);
	settle();
	call(TWIN ? nothing : (void (*)(void))(uintptr_t)p);
	return 0;
}
