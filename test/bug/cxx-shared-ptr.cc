// expect: kind=use-after-free access=READ bytes=8 offset=16 block=24 status=139
// expect: use=use>main free=~drop>main alloc=~make>main
// settle: test: a number in a small block: it is filled, and no pointer
// A raw pointer kept beside a unique_ptr.
#include "bug.h"
#include <memory>

struct item {
	long a = 1, b = 2, c = 3;
};

extern "C" NOINLINE std::unique_ptr<item> make()
{
	return std::unique_ptr<item>(new item);
}

extern "C" NOINLINE void drop(std::unique_ptr<item> &p)
{
	p.reset();
	KEEP();
}

extern "C" NOINLINE long use(item *p)
{
	long v = *(volatile long *)&p->c;

	KEEP();
	return v;
}

int main()
{
	auto p = make();
	item *raw = p.get();

	HIDE(raw);
	if (!TWIN) {
		drop(p);
		settle();
	}
	return use(raw) != 3;
}
