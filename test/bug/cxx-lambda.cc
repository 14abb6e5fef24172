// expect: kind=use-after-free access=READ bytes=4 offset=4 block=8 status=139
// expect: use=~call_it>main free=~drop>main alloc=~make>main
// settle: test: a number in a small block: it is filled, and no pointer
// A lambda that captured a reference to an object which is gone.
#include "bug.h"
#include <functional>

struct pair {
	int a = 1, b = 2;
};

extern "C" NOINLINE pair *make()
{
	pair *p = new pair;

	HIDE(p);
	return p;
}

extern "C" NOINLINE void drop(pair *p)
{
	delete p;
	KEEP();
}

extern "C" NOINLINE int call_it(const std::function<int()> &f)
{
	int r = f();

	KEEP();
	return r;
}

int main()
{
	pair *p = make();
	std::function<int()> f = [p] { return *(volatile int *)&p->b; };
	int r;

	if (!TWIN) {
		drop(p);
		settle();
	}
	r = call_it(f);
	if (TWIN)
		drop(p);
	return r != 2;
}
