/*
 * template.h - what the files of the host backend share.
 *
 * Canonical memory is anonymous shared memory, mapped once: its templates. A view is a second
 * mapping of a part of a template, made by mremap(old_size = 0): no file descriptor exists that the
 * program could close, and the template's flags (not inherited by fork, not in core dumps) are the
 * view's. The first template is one chunk, chunk 0; the others begin at chunk 2, 4, 8 .. and show as
 * many, HOST_JOINED at most. There is no chunk 1: who wants several in a row wants one template.
 */
#ifndef UD_HOST_TEMPLATE_H
#define UD_HOST_TEMPLATE_H

#include "base/base.h"
#include "host.h"

#define HOST_JOINED	   512U
#define HOST_TEMPLATES	   (8 + HOST_CHUNKS / HOST_JOINED)
#define MADV_COLLAPSE_NR   25
#define MADV_GUARD_NR	   102
#define MADV_REVIVE_NR	   103
#define MADV_POPULATE_R_NR 22
#define MADV_POPULATE_W_NR 23 /* known where the other is */
#define PIDFD_SELF_NR	   -10000

struct host {
	bool guards;   /* MADV_GUARD_INSTALL works on views (6.15)                      */
	bool collapse; /* MADV_COLLAPSE works (6.1, THP in the kernel)                  */
	/* process_madvise on ourselves takes any advice (6.14): as the first one went */
	enum { VECTORS_UNTRIED, VECTORS_TAKEN, VECTORS_REFUSED } vectors;
	bool populate;	 /* MADV_POPULATE_READ works (5.14)                               */
	uint32_t chunks; /* there are templates of all below */
};

extern struct host host;
extern vaddr_t host_templates[HOST_TEMPLATES];

static inline uint32_t host_template(uint32_t id)
{
	return id < HOST_JOINED ? 31U - (uint32_t)__builtin_clz(id | 1) : 8 + id / HOST_JOINED;
}

/* Of so many chunks. */
static inline uint32_t host_template_chunks(uint32_t id)
{
	return id < HOST_JOINED ? 1U << host_template(id) : HOST_JOINED;
}

/* The first chunk of the next template; id: of this one. */
static inline uint32_t host_template_next(uint32_t id)
{
	return id ? id + host_template_chunks(id) : 2;
}

/* Where chunk id lies in its template. */
static inline vaddr_t host_chunk(uint32_t id)
{
	return host_templates[host_template(id)] +
	       ((vaddr_t)(id % host_template_chunks(id)) << HUGE_SHIFT);
}

/* A new template of n chunks, or -errno. Not for fork children, not for core dumps. */
long host_template_map(uint32_t n);
long host_template_put(vaddr_t at, uint32_t n); /* likewise, in place of what is there */
/* Makes [at, at + 2 MB) of a template one huge page: 0 or -errno. */
long host_collapse(vaddr_t at);

/* Copies pages of shared memory, as far as there are any, to memory that is all zero. */
void host_copy(vaddr_t to, vaddr_t from, unsigned pages);

/* Mappings kept for the worst (spare.c). */
void host_spare_fill(uint32_t most); /* so many more, if the kernel lets */
bool host_spare_kill(void);	     /* as host_spare, of those that are kept for kills, too */

#endif
