// expect: kind=double-free offset=0 block=16 status=134
// expect: use=~drop_again>main free=~drop>main alloc=~make>main
// delete twice.
#include "bug.h"

struct point {
	long x, y;
};

extern "C" NOINLINE point *make()
{
	point *p = new point{1, 2};

	HIDE(p);
	return p;
}

extern "C" NOINLINE void drop(point *p)
{
	delete p;
	KEEP();
}

extern "C" NOINLINE void drop_again(point *p)
{
	delete p;
	KEEP();
}

int main()
{
	point *p = make();

	if (!TWIN)
		drop(p);
	drop_again(p);
	return 0;
}
