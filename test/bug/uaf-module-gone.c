// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=use>main alloc=make>main
// module
// Freed by a module that is unloaded since: its frames have no name any more, the rest stands.
#include "bug.h"
#include <dlfcn.h>

#ifdef MODULE
void module_drop(char *p);
void module_drop(char *p)
{
	free(p);
	KEEP();
}
#else

NOINLINE static char *make(size_t size)
{
	char *p = malloc(size);

	HIDE(p);
	memset(p, 'x', size);
	KEEP();
	return p;
}

NOINLINE static int use(volatile char *p)
{
	int c = p[8];

	KEEP();
	return c;
}

int main(int argc, char **argv)
{
	char path[5000], *p = make(40);
	void (*module_drop)(char *p);
	void *so;

	(void)argc;
	snprintf(path, sizeof(path), "%s.so", argv[0]);
	so = dlopen(path, RTLD_NOW);
	module_drop = so ? (void (*)(char *))dlsym(so, "module_drop") : NULL;
	if (!module_drop)
		return 9;
	if (TWIN)
		use(p);
	module_drop(p);
	dlclose(so);
	settle();
	if (!TWIN)
		use(p);
	return 0;
}
#endif
