/*
 * alias.h - THE engine: fresh addresses for every object, and their death.
 *
 * app context. A view is up to 2 MB of fresh addresses that show one row of an extent (heap.h);
 * each of its object slots is handed out at most once. A unit of a view (a page, or the pages of
 * one larger object) is killed when all its objects are free, and only then does the row get the
 * unit back. alias_table leads from an address to its view or large block with one load.
 *
 * LOCK ORDER: alias_init_lock, shared_lock, sweep_lock, large_lock, tcache_lock, class locks
 * (by index), super_lock, views_lock, heap_chunk_lock, vspace_lock, host_lock, meta_lock. All are
 * taken with signals blocked (lock.h). malloc's and free's fast paths take none of them.
 */
#ifndef UD_ALIAS_H
#define UD_ALIAS_H

#include "block.h"
#include "heap.h"
#include "record.h"
#include "vspace.h"

struct run; /* mmu.h */

enum view_state { VIEW_LIVE, VIEW_DEAD };

struct view {
	vaddr_t base;
	const struct geom *geom;
	_Atomic uint64_t *live; /* a bit per object: handed to a thread, not freed by its owner */
	_Atomic(_Atomic uint64_t *) gone; /* likewise: freed by another; NULL until there is one */
	uint16_t *cut; /* paged: by unit, 1 + the class it is cut for, and the owner; else NULL  */
	struct record *rec; /* a record per object, or NULL                                */
	uint16_t place; /* of the row: geom_band_at                                            */
	uint16_t owner; /* tcache.id of the thread that frees there as its owner, if not paged */
	uint16_t giver; /* of the thread that hands it out                                     */
	uint16_t pages, units;
	uint16_t words;		 /* of live                                                   */
	_Atomic uint16_t handed; /* words of live (paged: units) that a thread has taken over */
	_Atomic uint16_t at;	 /* 1 + the word that is being handed out, not paged       */
	uint16_t tail;		 /* words from here on were taken back, not paged          */
	bool simple;		 /* no records, an object per page, not strict: the short way    */
	_Atomic uint8_t dirty;	 /* on the list of views with something to kill                 */
	uint8_t state;
	uint8_t worth;	       /* of a kill here, at the last sweep                           */
	_Atomic uint8_t spent; /* on the list of those that die whole                         */
	_Atomic uint8_t split; /* of its 2 MB each a bit: a first unit died, it is not huge now  */
	bool zeroed;	       /* its memory was never written through another view           */
	uint16_t first;
	uint32_t chunk;
	uint32_t weight; /* dead: bytes to remember it */
	struct row *row;
	struct super *super; /* it is a part of this one, or has a mapping of its own  */
	struct view *dirty_next, *spent_next;
	struct view *next, *prev; /* of live views; or of dead ones, oldest first             */
	struct view *settle_next; /* settling: of those that have units waiting               */
	uint64_t since_frees;	  /* what waits to die has waited since then; 0: nothing does  */
	uint64_t since_ns;
	uint64_t stamp; /* mmu->kill_stamp of what waits                             */
	bool waits, settling;
	uint64_t bits[]; /* units: fresh, revoked, released, waiting; then dead, left, cut; or live
			  */
};

static inline unsigned view_uwords(const struct view *v)
{
	return (v->units + 63U) / 64;
}

/* Units that were free when the view was made, and so belong to it. */
static inline uint64_t *view_fresh(struct view *v)
{
	return v->bits;
}

/* Units of it whose addresses fault. Atomic: free revokes, in strict mode. */
static inline _Atomic uint64_t *view_revoked(struct view *v)
{
	return (_Atomic uint64_t *)(v->bits + view_uwords(v));
}

/* Units that went back to the row. Under sweep_lock. */
static inline uint64_t *view_released(struct view *v)
{
	return v->bits + 2 * view_uwords(v);
}

/* Units that are killed here, but that other processors may still show. Under sweep_lock. */
static inline uint64_t *view_waiting(struct view *v)
{
	return v->bits + 3 * view_uwords(v);
}

/* Paged: units whose objects are all dead. Any thread's free sets a bit. */
static inline _Atomic uint64_t *view_dead(struct view *v)
{
	return (_Atomic uint64_t *)(v->bits + 4 * view_uwords(v));
}

/*
 * Paged: units in which a thread that does not own them freed something, while the owner may have
 * done so too: sweeps look whether they died.
 */
static inline _Atomic uint64_t *view_left(struct view *v)
{
	return (_Atomic uint64_t *)(v->bits + 5 * view_uwords(v));
}

/* The living of 64 objects. */
static inline uint64_t view_live_word(const struct view *v, uint32_t w)
{
	const _Atomic uint64_t *gone = atomic_load_explicit(&v->gone, memory_order_acquire);
	uint64_t live = atomic_load_explicit(&v->live[w], memory_order_relaxed);

	if (unlikely(gone != NULL))
		live &= ~atomic_load_explicit(&gone[w], memory_order_relaxed);
	return live;
}

/*
 * v->cut[u]: an index of heap_cut, and from this bit on the owner's tcache.id; with CUT_INNER how
 * many pages before this one the run begins.
 */
#define CUT_OWNER_SHIFT 6
#define CUT_OF(c)	((c) & ((1U << CUT_OWNER_SHIFT) - 1))
_Static_assert(CUT_INNER < 1U << CUT_OWNER_SHIFT, "owners begin there");

/* The first unit of the run that has unit u. */
static inline uint32_t view_unit_first(const struct view *v, uint32_t u)
{
	uint32_t cut = v->cut ? v->cut[u] : 0;

	return CUT_OF(cut) == CUT_INNER ? u - (cut >> CUT_OWNER_SHIFT) : u;
}

/*
 * How unit u is cut; not one inside an object. A page that no class has taken yet counts as one
 * slot of a page.
 */
static inline const struct geom *view_geom(const struct view *v, uint32_t u)
{
	uint32_t cut;

	if (!v->cut)
		return v->geom;
	cut = CUT_OF(v->cut[u]);
	return &heap_paged[cut == CUT_NONE || cut == CUT_INNER ? HEAP_CLASS_PAGE : cut - 1];
}

static inline vaddr_t view_unit_at(const struct view *v, uint32_t u)
{
	return v->base + ((vaddr_t)u * v->geom->unit_pages << PAGE_SHIFT);
}

/*
 * Object j of a paged view's page u, and back. The first 64 objects of all pages have their bits
 * side by side: few pages have more, and what is freed at random must find its bit in the cache.
 */
#define PAGE_BITS 64U

static inline uint32_t paged_idx(uint32_t u, uint32_t j)
{
	return (j / PAGE_BITS * CHUNK_PAGES + u) * PAGE_BITS + j % PAGE_BITS;
}

static inline uint32_t paged_unit(uint32_t idx)
{
	return idx / PAGE_BITS % CHUNK_PAGES;
}

static inline uint32_t view_unit_of(const struct view *v, uint32_t idx)
{
	return v->cut ? paged_unit(idx) : idx >> v->geom->group_shift;
}

/* Where object idx of v is. */
static inline vaddr_t view_slot_at(const struct view *v, uint32_t idx)
{
	const struct geom *g = v->geom;
	uint32_t u = view_unit_of(v, idx), j = idx & (geom_group(g) - 1);

	if (v->cut) {
		j = idx / PAGE_BITS / CHUNK_PAGES * PAGE_BITS + idx % PAGE_BITS;
		return v->base + ((vaddr_t)u << PAGE_SHIFT) + j * view_geom(v, u)->size;
	}
	return view_unit_at(v, u) + geom_band_at(g, v->place, u) + j * g->size;
}

/* The same in a simple view. */
static inline vaddr_t view_simple_at(const struct view *v, uint32_t u)
{
	return v->base + ((vaddr_t)u << PAGE_SHIFT) + geom_band_at(v->geom, v->place, u);
}

/*
 * Set in handed: what was left was taken back, and the cursor does not know yet. Until it does, the
 * view stays.
 */
#define HANDED_BACK	0x8000U
#define HANDED_WORDS(h) ((h) & (HANDED_BACK - 1))

/* Has the view nothing for anybody behind word w? */
static inline bool word_is_last(struct view *v, uint32_t w)
{
	uint32_t u = (w + 1) * 64 >> v->geom->group_shift;

	return bits_next(view_fresh(v), u, v->units) >= v->units;
}

/* A large block: private pages of its own. */
struct large {
	vaddr_t base;
	size_t len;    /* of whole pages, those of size */
	size_t mapped; /* >= len: a moved block has pages to grow into */
	size_t room;   /* addresses that are its own, >= len */
	size_t size;   /* asked for */
	_Atomic uint8_t dead;
	bool moved;
	int alloc_tid, free_tid;
	uint32_t alloc_stack, free_stack;
	struct large *next;
};

/* How long the dead are remembered, and when they die. Read-only after alias_init. */
struct alias_policy {
	bool strict, grouped;
	bool paged; /* grouped by whole pages: any class may cut any page of a view */
	bool records;
	uint32_t defer_frees;
	size_t defer_bytes;
	uint64_t defer_ns;
	uint32_t step;	   /* frees of one thread between looks at the bounds */
	size_t dead_bytes; /* of views and records kept for reports       */
};

extern struct alias_policy policy;
extern struct vspace alias_space;
extern struct lock alias_init_lock, sweep_lock, large_lock, shared_lock, tcache_lock;
extern struct lock super_lock, views_lock, vspace_lock;
extern _Atomic bool alias_ready;

/* The table: one word per part of fresh addresses: 0, a view, or a large block | 1. */
extern _Atomic uintptr_t *alias_table;

static inline bool alias_space_has(vaddr_t a)
{
	return a - alias_space.base < alias_space.end - alias_space.base;
}

static inline uintptr_t alias_entry(vaddr_t a)
{
	if (!alias_space_has(a))
		return 0;
	return atomic_load_explicit(
		&alias_table[(a - alias_space.base) >> VSPACE_PART_SHIFT], memory_order_acquire);
}

void alias_entry_set(vaddr_t at, size_t len, uintptr_t entry);
void alias_entry_forget(vaddr_t at, size_t len); /* once, at the end */
/* Fresh addresses, or 0 (said once). */
vaddr_t alias_space_take(size_t len, size_t align);

/* Idempotent; from the first malloc or the constructor. */
void alias_init(void);

/*
 * What the exported family is made of. `frame`: see report.h. NULL: no memory; alias_alloc and
 * alias_malloc then set errno, nothing else touches it. alias_malloc and alias_free are malloc and
 * free themselves, which must end in them by a jump: their frame is then that of the call.
 */
void *alias_malloc(size_t size);
void *alias_alloc(size_t size, bool zero, void *frame);
void *alias_alloc_any(size_t size, bool zero, void *frame); /* by all but the shortest ways */
void *alias_alloc_aligned(size_t size, size_t align, void *frame);
void alias_free(void *p);
void alias_free_any(void *p, const char *call, void *frame);
void *alias_realloc(void *p, size_t size, void *frame);
size_t alias_usable(void *p);

/* alias_view.c */
/* A view of at most `most` units; NULL: no memory. In a section. */
struct view *view_new(unsigned cls, unsigned wish, uint32_t most);
/* The next runs of the units in mask from *u on, `max` at most, *u behind them; how many. */
uint32_t view_runs(
	const struct view *v, const uint64_t *mask, uint32_t *u, struct run *runs, uint32_t max);
/* All views of a spent_next list, which are dead through and through. sweep_lock held. */
void views_retire(struct view *list);
extern struct view *views_live;
void alias_dead_push(struct view *v); /* sweep_lock held */

/* alias_super.c */
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
/* The kernel refused one more: others may do with less; nothing helped. */
void maps_refused(void);
void maps_exhausted(void);

/*
 * alias_settle.c. sweep_lock held. Killed units go back to the row when no processor shows them
 * any more: at once, or at a later alias_settle. Of a dead view everything is given back, then
 * it is put among the dead.
 */
void alias_release(struct view *v);
void alias_settle(bool all);

/* alias_sweep.c */
void alias_note_dirty(struct view *v);
/* Dead views leave the list of the dirty, so that they can be forgotten. sweep_lock held. */
void alias_dirty_prune(void);
static inline void alias_note_dead(struct view *v) /* it has something to kill */
{
	if (!atomic_load_explicit(&v->dirty, memory_order_seq_cst))
		alias_note_dirty(v);
}

/*
 * alias_idle.c. From threads that have allocated nothing since the call before, what they have not
 * handed out. sweep_lock held.
 */
void alias_idle_views(void);
/* The cursor has no more: if that is why, its view may go. In a section. */
struct cursor;
struct tcache;
void alias_idle_over(struct tcache *tc, struct cursor *c);

/* A unit died, and those that are inside the same object; killed at once in strict mode. */
void alias_unit_died(struct view *v, uint32_t u);
/* Nothing in it lives, and all of it was handed out. Looks, and lets some die if they are many. */
void alias_look_spent(struct view *v);
void alias_view_spent(struct view *v); /* it is so */
void alias_sweep_spent(void);	       /* in a section */
/* Kills what is due; all = everything dead. False if another thread is at it. */
bool alias_sweep(bool all);
void alias_freed(uint32_t frees, size_t bytes);

/*
 * alias_find.c. Is object idx of v, at `at`, one that is still to be handed out, by whichever
 * thread? Its bit is set already. Never so of one that the caller has from malloc, in any way.
 * (Nothing is known of threads beyond TCACHE_NONE.)
 */
bool slot_ahead(struct view *v, uint32_t idx, vaddr_t at);

/* alias_large.c */
void *large_alloc(size_t size, size_t align, void *frame);
bool large_free(struct large *l, bool moved, void *frame); /* false: it is dead already */
void *large_realloc(struct large *l, size_t size, void *frame);
size_t large_bytes(void);
void large_find(const struct large *l, struct block *b);

/* alias_fork.c */
void alias_fork_init(void);
/* Around a fork: what pthread_atfork runs, for those that do not. The locks are held in between. */
void alias_fork_prepare(bool child_on_this_stack);
void alias_fork_parent(void);
void alias_fork_child(void);
/* Is this in memory of which a fork's child has a copy that was made before the fork? */
bool alias_copied(const void *p);
/* In the child: at the address that it had. */
bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages);

#endif
