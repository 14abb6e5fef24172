// expect: kind=use-after-free access=READ bytes=8 offset=0 block=8 status=139
// expect: use=~drop_again>main free=~drop>main alloc=~make>main
// pages: kind=double-free access=- bytes=- call=free status=134
// The second delete of an object with a virtual destructor is a use: it reads the vtable.
#include "bug.h"

struct base {
	virtual ~base() = default;
};

struct derived : base {
};

extern "C" NOINLINE base *make()
{
	base *b = new derived;

	HIDE(b);
	return b;
}

extern "C" NOINLINE void drop(base *b)
{
	delete b;
	KEEP();
}

extern "C" NOINLINE void drop_again(base *b)
{
	delete b;
	KEEP();
}

int main()
{
	base *b = make();

	if (!TWIN) {
		drop(b);
		settle();
	}
	drop_again(b);
	return 0;
}
