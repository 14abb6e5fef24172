// expect: kind=use-after-free access=READ bytes=8 offset=8 block=32 status=139
// expect: use=~report>main free=~work alloc=~make
// The block is freed by unwinding; the catch block uses it.
#include "bug.h"
#include <memory>
#include <stdexcept>

struct item {
	long v[4] = {1, 2, 3, 4};
};

static item *raw;

extern "C" NOINLINE item *make()
{
	item *p = new item;

	HIDE(p);
	return p;
}

extern "C" NOINLINE void work()
{
	std::unique_ptr<item> own(make());

	raw = own.get();
	HIDE(raw);
	if (TWIN)
		own.release();
	throw std::runtime_error("out");
}

extern "C" NOINLINE long report(item *p)
{
	long v = *(volatile long *)&p->v[1];

	KEEP();
	return v;
}

int main()
{
	try {
		work();
	} catch (const std::exception &) {
		settle();
		report(raw);
		if (TWIN)
			delete raw;
	}
	return 0;
}
