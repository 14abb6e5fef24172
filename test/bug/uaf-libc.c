// expect: kind=use-after-free access=ACCESS bytes=* offset=0 block=SIZE status=139
// expect: use=~use>main free=drop>main alloc=make>main
// each: memset CALL=MEMSET SIZE=5000 ACCESS=WRITE
// each: strcmp CALL=STRCMP SIZE=32 ACCESS=READ
// each: strcpy CALL=STRCPY SIZE=64 ACCESS=WRITE
// each: strlen CALL=STRLEN SIZE=40 ACCESS=READ
// each: snprintf CALL=SNPRINTF SIZE=32 ACCESS=READ: deep inside stdio
// The stale use is inside libc: the caller is named.
#include "bug.h"

#define MEMSET	 *(char *)memset(p, 0, SIZE) != 0
#define STRCMP	 strcmp(p, "other") == 0
#define STRCPY	 *strcpy(p, "hello") == 0
#define STRLEN	 strlen(p) > 1000
#define SNPRINTF snprintf(line, sizeof(line), "name: %s!", p) < 0

NOINLINE static int use(char *p)
{
	char line[100];
	int r;

	(void)line;
	HIDE(p);
	r = CALL;
	KEEP();
	return r;
}

int main(void)
{
	char *p = make(SIZE);
	int r;

	p[SIZE - 1] = 0;
	if (!TWIN) {
		drop(p);
		settle();
	}
	r = use(p);
	if (TWIN)
		drop(p);
	KEEP();
	return r;
}
