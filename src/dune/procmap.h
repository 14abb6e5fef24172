/*
 * procmap.h - what the host has mapped: /proc/self/maps by raw system calls.
 *
 * app and vmm context; no malloc, no errno, 5 KB of stack. The rows are a snapshot that may be
 * old by the time fn sees it; fn may map and unmap.
 */
#ifndef UD_DUNE_PROCMAP_H
#define UD_DUNE_PROCMAP_H

#include "base/base.h"

struct procmap_row {
	vaddr_t start, end;
	int prot;	  /* PROT_READ | PROT_WRITE | PROT_EXEC                  */
	bool shared;	  /* MAP_SHARED ('s'), else private ('p')                */
	uint64_t offset;  /* in the file                                         */
	const char *name; /* file, [heap], ... or "": gone after the callback    */
};

/* Every row in order. fn returning non-zero ends it; that value is returned; or -errno. */
int procmap_each(int (*fn)(const struct procmap_row *row, void *arg), void *arg);

/* The row over va (its name is ""). 0, -EFAULT if nothing is mapped there, or -errno. */
int procmap_find(vaddr_t va, struct procmap_row *row);

/* The same by reading the whole file: what kernels before 6.11 need. */
int procmap_find_slow(vaddr_t va, struct procmap_row *row);

/* One line of the file, without its newline, NUL-terminated, cut in place. pure. */
bool procmap_parse(char *line, struct procmap_row *row);

/* 0x%016lx-0x%016lx RWXP %08lx name: one line of the process-map dump. */
struct out;
void procmap_print(struct out *o, const struct procmap_row *row);

#endif
