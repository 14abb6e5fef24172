// expect: kind=use-after-free access=READ bytes=8 offset=0 block=8 status=139
// expect: use=~use free=~drop>main alloc=~make
// A global object's destructor uses what main deleted.
#include "bug.h"

extern "C" NOINLINE long use(long *p)
{
	long v = *(volatile long *)p;

	KEEP();
	return v;
}

extern "C" NOINLINE long *make()
{
	long *p = new long(5);

	HIDE(p);
	return p;
}

extern "C" NOINLINE void drop(long *p)
{
	delete p;
	KEEP();
}

struct holder {
	long *p = make();
	~holder()
	{
		use(p);
		if (TWIN)
			drop(p);
	}
};

static holder global;

int main()
{
	if (!TWIN) {
		drop(global.p);
		settle();
	}
	return 0;
}
