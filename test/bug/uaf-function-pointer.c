// expect: kind=use-after-free access=READ bytes=8 offset=16 block=24 status=139
// expect: use=run>main free=drop>main alloc=allocate>main
// test: access=EXEC bytes=none loaded=yes offset=*
// A callback in a freed struct: the load of the pointer is stopped, not the call.
#include "bug.h"

struct job {
	long id, count;
	void (*run)(void);
};

NOINLINE static void nothing(void)
{
	KEEP();
}

NOINLINE static struct job *allocate(void)
{
	struct job *j = malloc(sizeof(*j));

	HIDE(j);
	j->run = nothing;
	KEEP();
	return j;
}

NOINLINE static void run(struct job *j)
{
	j->run();
	KEEP();
}

int main(void)
{
	struct job *j = allocate();

	if (!TWIN) {
		drop(j);
		settle();
	}
	run(j);
	if (TWIN)
		drop(j);
	return 0;
}
