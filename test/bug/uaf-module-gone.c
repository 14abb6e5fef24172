// expect: kind=use-after-free access=READ bytes=1 offset=8 block=40 status=139
// expect: use=look>main free=module_drop>main alloc=make>main
// module
// Freed by a module that is unloaded since: its frames keep their names.
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
		look(p);
	module_drop(p);
	dlclose(so);
	settle();
	if (!TWIN)
		look(p);
	return 0;
}
#endif
