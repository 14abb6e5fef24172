// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>destroy free=drop>worker alloc=make>main
// A pthread key's destructor uses what its thread freed.
#include "bug.h"

static pthread_key_t key;

NOINLINE static void destroy(void *p)
{
	look(p);
	if (TWIN)
		drop(p);
	KEEP();
}

NOINLINE static void *worker(void *p)
{
	pthread_setspecific(key, p);
	if (!TWIN) {
		drop(p);
		settle();
	}
	return NULL;
}

int main(void)
{
	pthread_key_create(&key, destroy);
	in_thread(worker, make(40));
	return 0;
}
