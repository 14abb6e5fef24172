/*
 * super.h - views when mappings are scarce: parts of one mapping. See super.c.
 */
#ifndef UD_ROWS_SUPER_H
#define UD_ROWS_SUPER_H

#include "view.h"

extern struct lock super_lock;

/* Gives v its address in a super-view. -ENOSPC: it is to have a mapping of its own. */
int super_place(struct view *v);
/* Of views that die in this sweep: super_doom for all of them first. sweep_lock held. */
void super_doom(struct super *s, vaddr_t lo, vaddr_t hi);
/* Kills neighbouring views of s; false: they may be alive still. sweep_lock held. */
bool super_kill(struct super *s, vaddr_t lo, vaddr_t hi);
/* In the child, before views are looked at: all of them again. False: it cannot go on. */
bool supers_fork_child(void);
/* So many views have mappings of their own, and so many super-views. */
void maps_count(uint32_t direct, uint32_t supers);
/* One of so many parts of all mappings. */
uint32_t maps_share(uint32_t part);
/* The kernel refused one more: others may do with less. */
void maps_refused(void);

/* In the child of a fork: at the address that it had. False: the kernel refuses. */
bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages);

#endif
