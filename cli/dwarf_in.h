/*
 * dwarf_in.h - what dwarf.c and tail.c share: elfutils' functions, a module's file, and what lies at
 * an address of it. For those two only.
 */
#ifndef UD_DWARF_IN_H
#define UD_DWARF_IN_H

#include "dwarf.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#define INLINED_MAX 32 /* into each other */
#define NESTED_MAX  128

/* Empty until dwarf_missing() was asked. */
struct dwarf_calls {
#define DW(name) __typeof__(&name) name;
#include "dwarf.def"
#undef DW
};
extern struct dwarf_calls dw;

struct image {
	const char *path, *id, *lacks;
	Dwfl_Module *mod; /* NULL: lacks says why */
	Dwarf_Addr bias;
	struct image *next;
};

/* The module of a frame that has a path. */
struct image *image_of(const struct frame *f);

/* The compilation unit with what is at the address, its bias in *bias; or NULL. */
Dwarf_Die *unit_of(struct image *im, Dwarf_Addr addr, Dwarf_Addr *bias);

/* Where the functions of a unit are described: in another file, perhaps. */
Dwarf_Die *unit_body(Dwarf_Die *cu, Dwarf_Die *split);

/* The functions below die that hold addr, outermost first; how many there are in path[0..n-1]. */
size_t functions_at(Dwarf_Die *die, Dwarf_Addr addr, Dwarf_Die *path, size_t n, int depth);

/* A scope that has no addresses of its own, but functions inside. */
bool is_container(Dwarf_Die *die);

/* As the linker knows it, or as the source has it; NULL: it has none. */
const char *raw_name(Dwarf_Die *die);

#endif
