// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=module_use>main free=drop>main alloc=make>main
// module
// The stale use is in a dlopen'ed module.
#include "bug.h"
#include <dlfcn.h>

#ifdef MODULE
int module_use(volatile char *p);
int module_use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}
#else

int main(int argc, char **argv)
{
	char path[5000], *p = make(40);
	int (*module_use)(volatile char *p);
	void *so;

	(void)argc;
	snprintf(path, sizeof(path), "%s.so", argv[0]);
	so = dlopen(path, RTLD_NOW);
	module_use = so ? (int (*)(volatile char *))dlsym(so, "module_use") : NULL;
	if (!module_use)
		return 9;
	if (!TWIN) {
		drop(p);
		settle();
	}
	module_use(p);
	if (TWIN)
		drop(p);
	return 0;
}
#endif
