/*
 * symtab.h - the symbol table of a loaded module, and our malloc family by libc's names.
 *
 * app context, no malloc, no lock.
 */
#ifndef UD_SYMTAB_H
#define UD_SYMTAB_H

#include "base/base.h"

#include <elf.h>

struct symtab {
	uintptr_t base;
	const Elf64_Sym *sym;
	const char *str;
	const uint32_t *hash; /* DT_GNU_HASH */
};

/* d: its dynamic section, relocated; NULL: a table in which nothing is found. */
struct symtab symtab_of(uintptr_t base, const Elf64_Dyn *d);

/* What it defines by that name, if it is of at least so many bytes; or NULL. */
void *symtab_find(const struct symtab *s, const char *name, size_t bytes);

struct family {
	const char *name;
	void *ours;
};
extern const struct family family[];
extern const size_t family_n;

/* Ours of that name, or NULL. */
void *family_find(const char *name);

#endif
