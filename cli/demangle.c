/*
 * demangle.c - C++ names for people (dwarf.h), by the one demangler that every machine with C++
 * programs has: libstdc++'s. Looked up when it is needed, for the command is C.
 */
#include "dwarf.h"

#include <dlfcn.h>
#include <string.h>

const char *demangle(const char *name)
{
	static char *(*fn)(const char *, char *, size_t *, int *);
	static bool tried;
	const char *plain;
	int status;

	if (!name || strncmp(name, "_Z", 2))
		return name;
	if (!tried) {
		void *lib = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

		*(void **)&fn = lib ? dlsym(lib, "__cxa_demangle") : NULL;
		tried = true;
	}
	plain = fn ? fn(name, NULL, NULL, &status) : NULL;
	return plain ? plain : name;
}
