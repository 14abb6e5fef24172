// expect: kind=use-after-free access=READ bytes=8 offset=0 block=24 status=139
// expect: use=area_of>main free=~drop>main alloc=~make>main
// A virtual call through a dead object: the load of the vtable pointer is stopped.
#include "bug.h"

struct shape {
	virtual ~shape() = default;
	virtual long area() const = 0;
};

struct rect : shape {
	long w = 2, h = 3;
	long area() const override
	{
		return w * h;
	}
};

extern "C" NOINLINE shape *make()
{
	shape *s = new rect;

	HIDE(s);
	return s;
}

extern "C" NOINLINE void drop(shape *s)
{
	delete s;
	KEEP();
}

extern "C" NOINLINE long area_of(const shape *s)
{
	long a = s->area();

	KEEP();
	return a;
}

int main()
{
	shape *s = make();

	if (!TWIN) {
		drop(s);
		settle();
	}
	area_of(s);
	if (TWIN)
		drop(s);
	return 0;
}
