// expect: kind=use-after-free access=WRITE loaded=no found=WHEN bytes=none offset=AT block=SIZE moved=no status=134
// expect: free=drop>main alloc=make>main threads=alloc:a,free:a
// only: adaptive,bare,deferred,rows,test
// host-only: in ring 0 nothing waits to die
// options: strict-share=0:defer-ms=3600000:defer-frees=16777216:poison
// each: at-exit SIZE=64 AT=24 WHEN=exit HOW=1
// each: first-byte SIZE=24 AT=0 WHEN=exit HOW=1
// each: odd-byte SIZE=100 AT=77 WHEN=exit HOW=2: of one byte
// each: zeros SIZE=48 AT=0 WHEN=exit HOW=3: all of it, with zeros
// each: medium SIZE=9000 AT=4088 WHEN=exit HOW=1: the last word that is filled
// each: kill-dead SIZE=64 AT=8 WHEN=called HOW=4
// each: reused SIZE=64 AT=8 WHEN=death HOW=5: its memory would be used again
// each: returned-from SIZE=64 AT=8 WHEN=exit HOW=6: by the kernel, read() into it
// A write through a stale pointer that nobody saw, because the block was not dead yet.
#include "bug.h"

extern void ud_kill_dead(void) __attribute__((weak));

/* Many of its size come and go, so that all that is dead is due. */
NOINLINE static void churn(void)
{
	static char *volatile some[4096];

	for (int i = 0; i < 400000; i++) {
		free(some[i % 4096]);
		some[i % 4096] = malloc(SIZE);
	}
}

NOINLINE static void use(char *p)
{
	int fd;

	HIDE(p);
	switch (HOW) {
	case 2:
		p[AT] ^= 8;
		break;
	case 3:
		memset(p, 0, SIZE);
		break;
	case 6:
		fd = open("/dev/zero", O_RDONLY);
		if (read(fd, p + AT, 8) != 8)
			exit(1);
		close(fd);
		break;
	default:
		*(long *)(p + AT) = 0;
	}
}

int main(void)
{
	char *p = make(SIZE);

	if (TWIN)
		use(p);
	drop(p);
	if (!TWIN)
		use(p);
	if (HOW == 4 && ud_kill_dead)
		ud_kill_dead();
	if (HOW == 5)
		churn();
	return 0;
}
