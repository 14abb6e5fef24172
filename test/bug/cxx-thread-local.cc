// expect: kind=use-after-free access=READ bytes=8 offset=0 block=8 status=139
// expect: use=~use free=~drop>~worker alloc=~make>~worker
// A thread_local object's destructor uses what the thread freed.
#include "bug.h"
#include <thread>

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
	long *p = nullptr;
	~holder()
	{
		if (p)
			use(p);
		if (TWIN)
			drop(p);
	}
};

static thread_local holder mine;

extern "C" NOINLINE void worker()
{
	mine.p = make();
	if (!TWIN) {
		drop(mine.p);
		settle();
	}
	KEEP();
}

int main()
{
	std::thread(worker).join();
	return 0;
}
