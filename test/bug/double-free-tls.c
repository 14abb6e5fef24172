// expect: kind=double-free call=free offset=0 block=40 status=134
// expect: use=drop>destroy free=drop>worker alloc=make>worker
// Freed by the thread and again by its key's destructor, while the thread is going away.
#include "bug.h"

static pthread_key_t key;

NOINLINE static void destroy(void *p)
{
	drop(p);
	KEEP();
}

NOINLINE static void *worker(void *arg)
{
	char *p = make(40);

	pthread_setspecific(key, p);
	if (!TWIN)
		drop(p);
	return arg;
}

int main(void)
{
	pthread_key_create(&key, destroy);
	in_thread(worker, NULL);
	return 0;
}
