// expect: kind=use-after-free access=READ bytes=* offset=* block=* status=139
// expect: use=~again>main free=~close_it>main alloc=~open_it>main
// A FILE used after fclose: block, free and use are all libc's own; the callers are named.
#include "bug.h"

NOINLINE static FILE *open_it(void)
{
	FILE *f = fopen("/dev/null", "r");

	HIDE(f);
	return f;
}

NOINLINE static void close_it(FILE *f)
{
	fclose(f);
	KEEP();
}

NOINLINE static int again(FILE *f)
{
	int c = fgetc(f);

	KEEP();
	return c;
}

int main(void)
{
	FILE *f = open_it();

	if (!TWIN) {
		close_it(f);
		settle();
	}
	again(f);
	if (TWIN)
		close_it(f);
	return 0;
}
