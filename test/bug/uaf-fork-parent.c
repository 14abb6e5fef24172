// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=drop>main alloc=make>main
// Children came and went with copies of the block; then the parent errs.
#include "bug.h"

int main(void)
{
	char *p = make(40);
	int i;

	for (i = 0; i < 5; i++) {
		pid_t pid = fork();

		if (!pid) {
			look(p);
			drop(p);
			_exit(0);
		}
		if (verdict_of(pid))
			return 9;
	}
	if (!TWIN) {
		drop(p);
		settle();
	}
	look(p);
	if (TWIN)
		drop(p);
	return 0;
}
