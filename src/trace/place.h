/*
 * place.h - what kind of memory is at an address that malloc never returned?
 *
 * app context, fault path: reads /proc/self/maps by raw system calls, no malloc.
 */
#ifndef UD_PLACE_H
#define UD_PLACE_H

#include "base/base.h"

enum place {
	PLACE_UNMAPPED,
	PLACE_STACK,  /* the mapping that sp lies in, or [stack]                           */
	PLACE_MODULE, /* code or data of a loaded program or library (see symbol.h)        */
	PLACE_BRK,    /* [heap]: the brk area                                              */
	PLACE_MAPPED, /* any other mapping; name of it if it has one                       */
};

/* sp: the stack pointer of whoever asks. name: of the mapping, cut at size bytes; "": none, or no /proc. */
enum place place_find(vaddr_t addr, uintptr_t sp, char *name, size_t size);

/*
 * What is mapped privately and may be written, in order; named or not, the names of stacks and the like
 * included. False if /proc cannot be read.
 */
bool place_each_written(void (*fn)(uintptr_t lo, uintptr_t hi));

#endif
