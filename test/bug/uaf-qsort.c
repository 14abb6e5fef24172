// expect: kind=use-after-free access=READ bytes=4 offset=0 block=8 status=139
// expect: use=compare>~>sort_all>main free=drop>main alloc=make>main
// The stale use is in a callback from libc: the stack goes through libc to the caller.
#include "bug.h"

NOINLINE static int compare(const void *a, const void *b)
{
	int x = **(int *const *)a, y = **(int *const *)b;

	KEEP();
	return x < y ? -1 : x > y;
}

NOINLINE static void sort_all(char **v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	KEEP();
}

int main(void)
{
	char *v[4] = {make(8), make(8), make(8), make(8)}, *sorted[4];
	int i;

	if (!TWIN) {
		drop(v[0]);
		settle();
	}
	/* Where the dead one comes is left to the filling's address. */
	memcpy(sorted, v, sizeof(v));
	sort_all(sorted, 4);
	for (i = !TWIN; i < 4; i++)
		drop(v[i]);
	return 0;
}
