/*
 * sysheap.c - the bytes lie in the next malloc of the chain, whatever it is.
 *
 * app context. Each block of the next malloc gets an alias; the program never sees the canonical
 * address. Blocks from before we entered ring 0 have none and are freed as they are. The rule:
 * kill the alias first, give the canonical block back second.
 */
#include "kalias.h"
#include "base/base.h"
#include "findings/findings.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>

#define EARLY_MAX  4096U
#define ARENA_SIZE 65536UL

/* The next malloc. */
static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void (*free)(void *);
	size_t (*usable)(void *);
} next;

static bool (*is_other)(const void *p, size_t *size);
static bool resolving;
static void bare_if_ready(void);
static char arena[ARENA_SIZE] UD_TABLE __attribute__((aligned(64)));
static size_t arena_used;

/* Blocks without an alias: from before enter, or from when no address was left. */
static uintptr_t early[EARLY_MAX] UD_TABLE;
static bool early_full;
static uint64_t unprotected;

/* dlsym itself may allocate: it gets bytes that are never given back. */
static void *arena_alloc(size_t size, size_t align)
{
	size_t at = ALIGN_UP(arena_used, MAX(align, 16UL));

	if (at + size > ARENA_SIZE)
		return NULL;
	arena_used = at + size;
	return arena + at;
}

static bool arena_owns(const void *p)
{
	return (const char *)p >= arena && (const char *)p < arena + ARENA_SIZE;
}

static void *symbol(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	panic_if(!p, "kvm: no %s behind us", name);
	return p;
}

static void next_find(void)
{
	resolving = true;
	next.calloc = symbol("calloc");
	next.realloc = symbol("realloc");
	next.memalign = symbol("memalign");
	next.free = symbol("free");
	next.usable = symbol("malloc_usable_size");
	next.malloc = symbol("malloc");
	quarantine_give = next.free;
	resolving = false;
	bare_if_ready();
}

static uint32_t early_hash(const void *p)
{
	return (uint32_t)((uintptr_t)p * GOLDEN >> 32) % EARLY_MAX;
}

static void early_note(const void *p)
{
	uint32_t i = early_hash(p), n;
	uintptr_t none;

	for (n = 0; n < EARLY_MAX; n++, i = (i + 1) % EARLY_MAX) {
		none = 0;
		if (__atomic_compare_exchange_n(&early[i], &none, (uintptr_t)p, false,
			    __ATOMIC_RELAXED, __ATOMIC_RELAXED) ||
			(none == 1 && __atomic_compare_exchange_n(&early[i], &none, (uintptr_t)p,
					      false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)))
			return;
	}
	early_full = true;
}

/* Its place; NULL: no block of ours starts there. */
static uintptr_t *early_find(const void *p)
{
	uint32_t i = early_hash(p), n;

	for (n = 0; n < EARLY_MAX && early[i]; n++, i = (i + 1) % EARLY_MAX)
		if (early[i] == (uintptr_t)p)
			return &early[i];
	return NULL;
}

static bool early_is(const void *p)
{
	return early_find(p) || early_full;
}

/* Takes it out, if it is one. 1 marks a place that was in use. */
static bool early_forget(const void *p)
{
	uintptr_t *at = early_find(p);

	if (at)
		*at = 1;
	return at || early_full;
}

/* Of another libc's malloc, by the words before it. */
static bool other_has(void *p, size_t *size)
{
	return !vpages_owns(&kvm_vpages, vaddr_of(p)) && is_other(p, size);
}

static void *no_alias(void *canon)
{
	static bool said;

	early_note(canon);
	if (!kvm_entered)
		return canon;
	__atomic_add_fetch(&unprotected, 1, __ATOMIC_RELAXED);
	if (!__atomic_exchange_n(&said, true, __ATOMIC_RELAXED) && !options.quiet)
		out_line(2, "undangle: warning: no addresses or page tables left: new blocks are "
			    "not protected from here on");
	return canon;
}

static void *sys_alloc(size_t size, size_t align, bool zero, void *frame)
{
	void *canon;
	vaddr_t va;

	if (!next.malloc) {
		if (resolving)
			return arena_alloc(size, align);
		next_find();
	}
	if (align > 16)
		canon = next.memalign(align, size);
	else
		canon = zero ? next.calloc(1, size) : next.malloc(size);
	if (!canon)
		return NULL;
	if (!kvm_entered)
		return no_alias(canon);
	va = kalias_make(kvm_slot_self(), vaddr_of(canon), size, align, frame);
	return va ? vaddr_ptr(va) : no_alias(canon);
}

static void *sys_malloc(size_t size)
{
	return frame_kept(sys_alloc(size, 1, false, __builtin_frame_address(0)));
}

static void sys_free_as(void *p, const char *call, void *frame)
{
	vaddr_t canon;
	size_t size;

	if (kvm_entered) {
		canon = kalias_kill(kvm_slot_self(), vaddr_of(p), false, frame, &size);
		if (canon) {
			quarantine_put(kvm_slot_self(), canon, size);
			return;
		}
	}
	if (arena_owns(p))
		return;
	if (!vpages_owns(&kvm_vpages, vaddr_of(p)) && early_forget(p)) {
		next.free(p);
		return;
	}
	if (!other_has(p, &(size_t){0}))
		report_bad_free(p, call, frame);
}

static __attribute__((noinline)) void sys_free(void *p)
{
	sys_free_as(p, "free", __builtin_frame_address(0));
	frame_kept(NULL);
}

static __attribute__((noinline)) void *bare_malloc_slow(void *canon, size_t size)
{
	vaddr_t va = kalias_make(kvm_slot_self(), vaddr_of(canon), size, 1, NULL);

	return va ? vaddr_ptr(va) : no_alias(canon);
}

static void *bare_malloc(size_t size)
{
	void *canon = next.malloc(size);
	vaddr_t va;

	if (unlikely(!canon))
		return NULL;
	if (unlikely(!kalias_make_one(kvm_slot_self(), vaddr_of(canon), size, &va)))
		return bare_malloc_slow(canon, size);
	return vaddr_ptr(va);
}

static __attribute__((noinline)) void bare_free_last(
	struct kvm_slot *s, vaddr_t canon, uint64_t note, struct grain *g)
{
	grain_fold(g);
	quarantine_put(s, canon, note >> NOTE_SIZE_SHIFT);
}

static void bare_free(void *p)
{
	struct kvm_slot *s;
	struct grain *g;
	vaddr_t canon;
	uint64_t note;

	if (unlikely(!kalias_kill_one(vaddr_of(p), &g, &canon, &note))) {
		sys_free(p);
		return;
	}
	s = kvm_slot_self();
	s->frees++;
	if (unlikely(!__atomic_sub_fetch(&g->left, 1, __ATOMIC_ACQ_REL)))
		bare_free_last(s, canon, note, g);
	else
		quarantine_put(s, canon, note >> NOTE_SIZE_SHIFT);
}

/* Pages change hands, bytes stay: for blocks of many pages. NULL: no memory, p is as it was. */
static void *realloc_moving(void *p, size_t size, void *frame)
{
	vaddr_t canon = kalias_detach(vaddr_of(p)), va;
	void *now;

	if (!canon)
		report_bad_free(p, "realloc", frame);
	/* The next malloc may hand the old bytes to somebody else at once. */
	if (kvm_epochs.awake > 1)
		quarantine_force();
	now = next.realloc(vaddr_ptr(canon), size);
	if (!now) {
		kalias_attach(vaddr_of(p), canon);
		return NULL;
	}
	kalias_detached(kvm_slot_self(), vaddr_of(p), true, frame);
	va = kalias_make(kvm_slot_self(), vaddr_of(now), size, 1, frame);
	return va ? vaddr_ptr(va) : no_alias(now);
}

static void *realloc_early(void *p, size_t size, void *frame)
{
	bool arenas = arena_owns(p);
	size_t was = arenas ? ARENA_SIZE - (size_t)((char *)p - arena) : 0;
	void *q;

	if (arenas || (!early_is(p) && other_has(p, &was))) {
		q = sys_alloc(size, 1, false, frame);
		if (q)
			__builtin_memcpy(q, p, MIN(size, was));
		return q;
	}
	if (vpages_owns(&kvm_vpages, vaddr_of(p)) || !early_is(p))
		report_bad_free(p, "realloc", frame);
	q = sys_alloc(size, 1, false, frame);
	if (q) {
		__builtin_memcpy(q, p, MIN(size, next.usable(p)));
		early_forget(p);
		next.free(p);
	}
	return q;
}

static void *sys_realloc(void *p, size_t size, void *frame)
{
	size_t old, room;
	vaddr_t canon = kalias_canon(vaddr_of(p), &old);
	void *q;

	if (!canon)
		return realloc_early(p, size, frame);
	/* With stacks it always moves, so that who goes on with the old pointer is found. */
	if (!options.stacks && size <= next.usable(vaddr_ptr(canon)) && size >= old / 2 &&
		kalias_resize(vaddr_of(p), size))
		return p;
	if (kalias_is_large(vaddr_of(p)))
		return realloc_moving(p, size, frame);
	q = sys_alloc(size, 1, false, frame);
	if (!q)
		return NULL;
	/* Behind the size that it asked for, a program may use what malloc_usable_size said. */
	room = MIN(next.usable(vaddr_ptr(canon)), kalias_room(vaddr_of(p)));
	__builtin_memcpy(q, p, MIN(size, room));
	canon = kalias_kill(kvm_slot_self(), vaddr_of(p), true, frame, &old);
	if (!canon)
		report_bad_free(p, "realloc", frame);
	quarantine_put(kvm_slot_self(), canon, old);
	return q;
}

static size_t sys_usable(void *p)
{
	size_t size;
	vaddr_t canon = kalias_canon(vaddr_of(p), &size);

	if (!canon) {
		if (!early_is(p) && !arena_owns(p)) {
			if (other_has(p, &size))
				return size;
			report_bad_free(p, "malloc_usable_size", __builtin_frame_address(0));
		}
		return arena_owns(p) ? 0 : next.usable(p);
	}
	return MIN(next.usable(vaddr_ptr(canon)), kalias_room(vaddr_of(p)));
}

static void sys_stats(struct out *o)
{
	kvm_stats(o);
	out_fmt(o, "undangle: blocks without an alias: %lu\n", unprotected);
}

static int dump_one(const struct pt_entry *e, void *arg)
{
	out_fmt(arg, "0x%lx-0x%lx %s raw 0x%lx\n", (unsigned long)e->va,
		(unsigned long)(e->va + pt_size(e->level)), e->pte & PTE_P ? "live" : "dead",
		(unsigned long)e->pte);
	return 0;
}

static void sys_dump(struct out *o, vaddr_t lo, vaddr_t hi)
{
	pt_visit(&dune_mappings.pt, lo, hi, dump_one, o);
}

#define REST                                                                                      \
	.alloc = sys_alloc, .free_as = sys_free_as, .realloc = sys_realloc, .usable = sys_usable, \
	.stats = sys_stats, .dump = sys_dump

static const struct kvm_heap heap_any = {REST, .malloc = sys_malloc, .free = sys_free};
/* Without stacks, once the next malloc is known and we are in ring 0. */
static const struct kvm_heap heap_bare = {REST, .malloc = bare_malloc, .free = bare_free};

const struct kvm_heap *kvm_heap UD_ALWAYS; /* not among what only this backend uses */

static void bare_if_ready(void)
{
	if (kvm_heap && kvm_entered && next.malloc && !options.stacks)
		kvm_heap = &heap_bare;
}

void sysheap_begin(bool (*other)(const void *p, size_t *size))
{
	static struct block_source source;

	is_other = other;
	kvm_heap = &heap_any;
	source = block_none;
	source.find = kalias_find;
	block_source = &source;
}

void sysheap_entered(void)
{
	kvm_entered = true;
	bare_if_ready();
}
