/*
 * demangle_none.c - instead of demangle.c where libiberty's header was not there at compile time: names stay mangled.
 */
#include "dwarf.h"

const char *demangle(const char *name)
{
	return name;
}
