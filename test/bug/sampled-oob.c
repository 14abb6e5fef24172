// expect: kind=out-of-bounds access=WRITE bytes=1 what=HOW offset=AT block=48 status=139
// expect: use=use>main alloc=make>main threads=alloc:a,use:a
// host-only: --sample is of the host backend
// options: sample=EACH
// sampled:
// each: past HOW=past AT=48 EACH=1: a block at the end of its page
// each: before HOW=before AT=-1 EACH=1: at its beginning
// each: past-seldom HOW=past AT=48 EACH=100: where malloc takes its short way in production
// One byte behind or before a block: most of them lie at the end of their pages, the others where those begin.
#include "bug.h"

#define past   48
#define before (-1)

NOINLINE static void use(volatile char *p)
{
	*p = 1;
	KEEP();
}

int main(void)
{
	for (int i = 0; i < 300 * EACH; i++) {
		char *p = make(48);

		use(p + (TWIN ? 47 : HOW));
		free(p);
	}
	return 0;
}
