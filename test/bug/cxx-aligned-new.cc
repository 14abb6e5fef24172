// expect: kind=use-after-free access=WRITE bytes=4 offset=64 block=128 status=139
// expect: use=use>main free=~drop>main alloc=~make>main
// A type aligned to 128: operator new(size_t, align_val_t) and its delete.
#include "bug.h"

struct alignas(128) wide {
	int v[32];
};

extern "C" NOINLINE wide *make()
{
	wide *p = new wide();

	HIDE(p);
	if ((uintptr_t)p % 128)
		_exit(3);
	return p;
}

extern "C" NOINLINE void drop(wide *p)
{
	delete p;
	KEEP();
}

extern "C" NOINLINE void use(wide *p)
{
	*(volatile int *)&p->v[16] = 1;
	KEEP();
}

int main()
{
	wide *p = make();

	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
