/*
 * symtab.h - what loaded modules define, by their own tables.
 *
 * app context, no malloc, no lock: so it may be asked anywhere, in a handler or between fork and exec,
 * where dlsym could wait for a lock for ever.
 */
#ifndef UD_SYMTAB_H
#define UD_SYMTAB_H

#include "words.h"

#include <elf.h>

struct symtab {
	uintptr_t base;
	const Elf64_Sym *sym;
	const char *str;
	const uint32_t *hash;	  /* DT_GNU_HASH */
	const uint32_t *plain;	  /* DT_HASH */
	const Elf64_Half *versym; /* NULL: its names have no versions */
};

/* d: its dynamic section, relocated; NULL: a table in which nothing is found. */
struct symtab symtab_of(uintptr_t base, const Elf64_Dyn *d);

/* What it defines by that name, in its newest version, if it is of at least so many bytes; or NULL. */
void *symtab_find(const struct symtab *s, const char *name, size_t bytes);

/* From the constructor: which modules are there at start. */
void symtab_start(void);

/* As dlsym(RTLD_NEXT, name): what the first of them behind this library defines, or NULL. */
void *symtab_next(const char *name);

#endif
