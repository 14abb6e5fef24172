/*
 * corefile.h - a core file: the memory of a process, and which files were mapped where.
 *
 * Made by the kernel, gdb or whoever else writes ELF cores; every number in it is checked.
 */
#ifndef UD_COREFILE_H
#define UD_COREFILE_H

#include "finding.h"

/* Refuses what is no core. */
void core_open(const char *path);

/* The page at `at`; false: the process had none there. What was not written to the core is zeros. */
bool core_page(vaddr_t at, void *dst);

/* Where the library whose path ends in /name is loaded, and its path; 0: nowhere. */
vaddr_t core_mapped(const char *name, const char **path);

/* The module that has f->pc: f->path, f->offset, f->id, as far as they are known. */
void core_locate(struct frame *f);

#endif
