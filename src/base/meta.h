/*
 * meta.h - memory for the engine's own structures, outside the objects.
 *
 * app context; callers hold no lock of meta.c. Pieces are zeroed, 64-byte aligned, rounded to a
 * power of two, and given back to lists of their size; they are never unmapped, so a lock-free
 * reader of a structure that was just recycled reads nonsense but does not fault.
 */
#ifndef UD_META_H
#define UD_META_H

#include "words.h"
#include "lock.h"

extern struct lock meta_lock;

/* Asked where the kernel refuses memory: true if there may be some now. NULL until set at start. */
extern bool (*meta_spare)(void);

void *meta_alloc(size_t size); /* NULL when the system gives no memory */
void meta_free(void *p, size_t size);

/* A sparse table of `size` bytes that reads as zeros and costs what is touched; NULL if refused. */
void *meta_table(size_t size);

/* This page of one is to read as zeros: its memory goes back to the system. */
void meta_table_drop(void *page);

/* Is this in memory that meta_alloc hands out? Neighbours of a page are, too, or none of it. */
bool meta_has(vaddr_t at);

size_t meta_bytes(void); /* handed out now, tables not counted */

#endif
