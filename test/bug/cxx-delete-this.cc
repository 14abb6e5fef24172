// expect: kind=use-after-free access=WRITE bytes=4 offset=4 block=8 status=139
// expect: use=~finish>main free=~finish>main alloc=~make>main
// An object deletes itself and writes to a member after.
#include "bug.h"

struct task {
	int state = 1, done = 0;
	NOINLINE void finish();
};

NOINLINE void task::finish()
{
	volatile int *flag = &done;

	if (TWIN)
		*flag = 1;
	delete this;
	KEEP();
	settle();
	if (!TWIN)
		*flag = 1;
}

extern "C" NOINLINE task *make()
{
	task *t = new task;

	HIDE(t);
	return t;
}

int main()
{
	make()->finish();
	return 0;
}
