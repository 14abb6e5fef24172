/*
 * otherlibc.h - libcs of other namespaces (dlmopen, LD_AUDIT), whose blocks come to ours.
 *
 * app context.
 */
#ifndef UD_OTHERLIBC_H
#define UD_OTHERLIBC_H

#include "malloc.h"

/* The program asks dlsym for something behind this handle: the malloc of its namespace is ours from
 * now on. */
void otherlibc_join(void *handle);

/* May p, which is none of ours, be a block that such a libc handed out? *size: its bytes. It stays. */
bool otherlibc_has(const void *p, size_t *size);

#endif
