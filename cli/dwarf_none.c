/*
 * dwarf_none.c - instead of dwarf.c where elfutils' header was not there at compile time: reports
 * can be read and written in every form, but get no lines.
 */
#include "dwarf.h"

const char *dwarf_missing(void)
{
	return "this undangle was built without elfutils (libdw-dev): frames stay as they are";
}

void dwarf_search(const char *dir)
{
}

void dwarf_complete(struct frame *f)
{
	f->lacks = "no elfutils";
}

void dwarf_stack(struct stack *k, enum dwarf_top top, const char *call)
{
	for (size_t i = 0; i < k->nframes; i++)
		dwarf_complete(&k->frames[i]);
}
