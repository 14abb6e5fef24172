// expect: kind=use-after-free access=READ bytes=* offset=0 block=32 status=139
// expect: use=~show>main free=drop>main alloc=make>main
// printf("%s") of a freed string, deep inside stdio.
#include "bug.h"

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	p[size - 1] = 0;
	KEEP();
	return p;
}

NOINLINE static void drop(char *p)
{
	free(p);
	KEEP();
}

NOINLINE static void show(const char *p)
{
	char line[100];

	snprintf(line, sizeof(line), "name: %s!", p);
	KEEP();
}

int main(void)
{
	char *p = make(32);

	if (!TWIN) {
		drop(p);
		settle();
	}
	show(p);
	if (TWIN)
		drop(p);
	return 0;
}
