/*
 * state.h - the kvm backend's parts, among themselves.
 *
 * app context unless a function says vmm. One process, one set of page tables (Dune's), one
 * virtual page allocator. Everything per thread hangs on the slot of its vCPU, not on TLS: the
 * child of a vfork shares the parent's TLS but not its vCPU, and the vmm has no TLS at all.
 */
#ifndef UD_KVM_STATE_H
#define UD_KVM_STATE_H

#include "base/base.h"
#include "dune/dune.h"
#include "epoch.h"
#include "kvm.h"
#include "vpages.h"

#include <signal.h>

/* Defined in here, so no detour by the GOT on the way to them. */
#pragma GCC visibility push(hidden)

#define GRAIN_PAGES 512U
#define GRAIN_ALIGN 1024U /* > GRAIN_PAGES: a grain and a page of it fit in one word */

/*
 * The note of an alias page. On the first page of a block its bytes and its offset in the page;
 * on the others how many pages before them the block starts.
 */
#define NOTE_SIZE_SHIFT 16
#define NOTE_ONE	0x1000UL /* a block of one page starts here */
#define NOTE_MANY	0x2000UL /* a larger one                    */
#define NOTE_PART	0x4000UL
#define NOTE_MOVED	0x8000UL /* it died in a realloc            */

struct trace { /* with `stacks` only */
	uint32_t alloc_stack, free_stack;
	int alloc_tid, free_tid; /* free_tid is written last */
};

/* 2 MB of fresh addresses that one thread hands out; a large block is made of several. */
struct grain {
	uint64_t note[GRAIN_PAGES]; /* first, for short addressing */
	vaddr_t base;
	pte_t *leaf;	/* the lowest table; an empty one: folded, or a large block's */
	uint32_t left;	/* pages that are not dead and may still be used (atomic)      */
	uint32_t first; /* large: page of the block's start                            */
	size_t len;	/* large: bytes of addresses; else 0                           */
	size_t pages;	/* large: pages of the block                                   */
	bool dead;	/* large                                                       */
	struct grain *list;
	struct trace trace[GRAIN_PAGES];
} __attribute__((aligned(GRAIN_ALIGN)));

struct bag;
struct thread;

struct kvm_slot {	 /* per vCPU */
	uint64_t cursor; /* the grain to hand out from + its next page; GRAIN_PAGES or more: none */
	bool alone;	 /* no other vCPU can see what is killed here, and nothing waits */
	bool busy;	 /* the quarantine is being changed: a handler's frees wait elsewhere */
	int tid;
	uint64_t frees, larges;
	uint64_t more_pages, wasted; /* beyond the first of each block; never used */
	uint64_t grains;	     /* small ones taken, the cursor's included     */
	struct epoch_cpu *epoch;
	struct grain *spare;		       /* grain structures without addresses    */
	vaddr_t va_next, va_end;	       /* addresses taken for it and not used   */
	struct bag *filling, *oldest, *newest; /* quarantine */
	size_t held;			       /* bytes of canonical blocks in it */
	uint32_t bags;
} __attribute__((aligned(64)));

/* state.c. */
extern struct kvm_slot kvm_slots[EPOCH_CPUS];
extern struct vpages kvm_vpages;
extern struct epochs kvm_epochs;
extern bool kvm_entered;

/* This vCPU's, in ring 0. */
static inline struct kvm_slot *kvm_slot_self(void)
{
	return cpu_self()->local;
}

/* counts.c: for --stats. */
void kvm_stats(struct out *o);

/* grain.c. Before the first grain, in plain Linux. 0 or -ENOMEM. */
int grain_init(void);
int kalias_init(void); /* kalias.c; likewise */
/* NULL: out of addresses or memory. */
struct grain *grain_new(void);
struct grain *grain_large_new(size_t pages, size_t align, uint32_t first);
void grain_gone(struct grain *g, uint32_t pages); /* so many pages died: fold it when all did */
void grain_fold(struct grain *g);		  /* all of them did */
void grain_keep(struct grain *g); /* dead, of whatever kind: its records stay for a while   */

/* The directory: one word per 2 MB of addresses that are ours: 0, or a grain and what of it. */
#define DIR_ENTRIES (1UL << (VPAGES_SLOT_SHIFT - HUGE_SHIFT))
#define DIR_PART    1UL /* a later grain of a large block       */
#define DIR_FORGOT  2UL /* no grain: all dead, records gone     */
#define DIR_SMALL   4UL /* of small blocks                      */
#define DIR_WHAT    7UL
extern uintptr_t *grain_dir[VPAGES_SLOTS];

static inline uintptr_t grain_entry(vaddr_t va)
{
	uint64_t i = va >> VPAGES_SLOT_SHIFT;
	uintptr_t *d;

	if (unlikely(i >= VPAGES_SLOTS))
		return 0;
	d = __atomic_load_n(&grain_dir[i], __ATOMIC_ACQUIRE);
	return __atomic_load_n(&d[(va >> HUGE_SHIFT) % DIR_ENTRIES], __ATOMIC_ACQUIRE);
}

struct grain *grain_find(vaddr_t va); /* whatever it is now; NULL: nothing was there        */
bool grain_was_there(vaddr_t va);     /* true too where even the records are forgotten       */
void grain_fork_child(void);
void grain_counts(uint64_t *made, uint64_t *folded);

/* kalias.c; what one page takes is in kalias.h. 0: no addresses or page tables left. */
vaddr_t kalias_make(struct kvm_slot *s, vaddr_t canon, size_t size, size_t align, void *frame);
/* Kills it. 0: no live block starts there; else its canonical block, to be given back. */
vaddr_t kalias_kill(struct kvm_slot *s, vaddr_t va, bool moved, void *frame, size_t *size);
/* Where a byte of a live block lies, or 0. The vmm too. */
vaddr_t kalias_live(vaddr_t va);
/* The canonical address of a live block that starts there, or 0. */
vaddr_t kalias_canon(vaddr_t va, size_t *size);
/* A live block changed its size in place; true if its pages suffice for it. */
bool kalias_resize(vaddr_t va, size_t size);
void kalias_find(vaddr_t va, struct block *b);
bool kalias_is_large(vaddr_t va);
size_t kalias_room(vaddr_t va); /* bytes from va that its pages show */
/* realloc of a large block: its entries go (0: not a live block; else the canonical one); then back, or for good. */
vaddr_t kalias_detach(vaddr_t va);
void kalias_attach(vaddr_t va, vaddr_t canon);
void kalias_detached(struct kvm_slot *s, vaddr_t va, bool moved, void *frame);

/* quarantine.c: what was killed goes back when no processor can see it any more. */
extern void (*quarantine_give)(void *canon);
void quarantine_hold(struct kvm_slot *s, uintptr_t item, size_t bytes);

static inline void quarantine_put(struct kvm_slot *s, vaddr_t canon, size_t bytes)
{
	if (likely(s->alone))
		quarantine_give(vaddr_ptr(canon));
	else
		quarantine_hold(s, canon, bytes);
}

void quarantine_put_table(paddr_t table);
void quarantine_flush(struct epoch_cpu *c);
/* At each allocation: flushes if others wait for this vCPU. */
static inline void quarantine_tick(struct kvm_slot *s)
{
	if (unlikely(epoch_stale(&kvm_epochs, s->epoch)))
		quarantine_flush(s->epoch);
}

/* A thread starts: nobody is alone any more. vmm, after its epoch_join. */
void quarantine_joined(void);
/* In a fork child: what a thread that stayed behind held back goes to `to`. vmm. */
void quarantine_inherit(struct kvm_slot *to, struct kvm_slot *from);
/* Every vCPU has flushed on return. */
void quarantine_force(void);
void quarantine_counts(uint64_t *flushes, uint64_t *forced);
/* sysheap.c: the heap is ours from now on; in ring 0 from now on. */
void sysheap_begin(bool (*other)(const void *p, size_t *size));
void sysheap_entered(void);

/* kcall.c: vmm. */
struct dune_call;
long kcall(struct dune_call *c);
void kcall_fork_child(void);

/* robust.c: vmm. What the dying thread holds by its robust list passes on. */
void robust_release(struct thread *t);

/*
 * finding.c, a signal handler whose frame the vmm made: reports that the system call si_errno
 * found si_addr dead behind its argument si_addr_lsb, and raises SIGSEGV.
 */
void kvm_dead_argument(int sig, siginfo_t *si, void *ucontext);

#pragma GCC visibility pop

#endif
