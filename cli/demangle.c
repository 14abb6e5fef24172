/*
 * demangle.c - names for people (dwarf.h), C++'s and both of Rust's, by binutils' and gdb's own demangler, libiberty.
 * Built in where its header is there at compile time, else demangle_none.c: no shared library of Debian has it.
 */
#include "dwarf.h"

#include <libiberty/demangle.h>

const char *demangle(const char *name)
{
	char *plain = mangled(name) ? cplus_demangle(name, DMGL_AUTO | DMGL_PARAMS) : NULL;

	return plain ? plain : name;
}
