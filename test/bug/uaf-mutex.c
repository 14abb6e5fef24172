// expect: kind=use-after-free access=* bytes=* offset=* block=40 status=139
// options: no-poison
// expect: use=~use>main free=drop>main alloc=allocate>main
// pthread_mutex_lock of a mutex in a freed struct.
#include "bug.h"

NOINLINE static pthread_mutex_t *allocate(void)
{
	pthread_mutex_t *m = malloc(sizeof(*m));

	HIDE(m);
	pthread_mutex_init(m, NULL);
	KEEP();
	return m;
}

NOINLINE static void use(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	KEEP();
}

int main(void)
{
	pthread_mutex_t *m = allocate();

	if (!TWIN) {
		drop(m);
		settle();
	}
	use(m);
	if (TWIN) {
		pthread_mutex_unlock(m);
		drop(m);
	}
	return 0;
}
