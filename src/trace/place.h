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

enum place place_find(vaddr_t addr, uintptr_t sp, char *name, size_t size);

#endif
