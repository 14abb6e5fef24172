/* Opens the program as a library and runs its main; or its parts, and the last of them when it is gone. */
#include <dlfcn.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	void *lib = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void *(*get)(void);
	void (*drop)(void *);
	volatile int *p;

	if (!lib)
		return 9;
	if (argc == 2)
		return ((int (*)(void))dlsym(lib, "main"))();
	get = (void *(*)(void))dlsym(lib, "get");
	drop = (void (*)(void *))dlsym(lib, "drop");
	p = get();
	drop((void *)p);
	dlclose(lib);
	return p[2];
}
