/*
 * symbol.h - names for addresses in the dying process: module, offset, nearest ELF symbol.
 *
 * app context, fault path: raw system calls, no malloc, no libc state. Files are mapped read-only
 * and stay mapped (the process is about to end). Not thread-safe: only the reporting thread calls.
 * symbol_remember is called from malloc and free, too, by one thread at a time.
 */
#ifndef UD_SYMBOL_H
#define UD_SYMBOL_H

#include "base/base.h"

#define SYMBOL_ID_MAX 20

struct symbol {
	char module[64]; /* file name without directories; cut at the end if longer            */
	char path[256]; /* of that file, "\\012" for a line's end in it; cut at the end if longer */
	uintptr_t offset; /* addr - load address: what addr2line -e MODULE wants                */
	uint8_t id[SYMBOL_ID_MAX]; /* its build id, as it is mapped                             */
	size_t id_len;		   /* 0: it has none                                            */
	char name[400]; /* "" if no symbol covers it; cut at the end if longer                    */
	uintptr_t delta; /* addr - symbol                                                      */
};

struct module;

/* Once, while /proc can be read: it may be out of sight later (chroot). called: as the kernel was (AT_EXECFN). */
void symbol_start(const char *called);

/* Stacks go through m: what it is, for when it is unloaded. It must be loaded now. */
void symbol_remember(const struct module *m);

/*
 * False if addr is in no module (s->module is "" then), and in none that was remembered and is gone.
 */
bool symbol_find(uintptr_t addr, struct symbol *s);

#endif
