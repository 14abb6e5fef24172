/*
 * stack.c - walk and capture call stacks (stack.h). app context, in any state of the program.
 *
 * Owns: the cache of unwind rules by code address, the list of modules that it is valid for, and
 * what each thread knows of its stack. Nothing here locks or waits.
 *
 * Safety: memory is read only inside pages that a system call has shown readable; and should one
 * vanish since (a coroutine's stack, unmapped), the fault handler ends the walk (stack_recover).
 */
#include "stack.h"
#include "depot.h"
#include "options.h"
#include "sys.h"
#include "unwind.h"

#include <dlfcn.h>
#include <stdatomic.h>

#define CACHE_BITS  15
#define MODULES_MAX 512
#define PROBE_PAGES 4096 /* a frame larger than this many pages is not stepped over */

/*
 * Lock-free and without torn reads: `key` is address ^ rule, so a pair of halves from two writers
 * fails the comparison.
 */
struct slot {
	_Atomic uint64_t key, rule;
};

static struct slot cache[1 << CACHE_BITS] __attribute__((aligned(64)));

static struct {
	atomic_flag busy; /* whoever finds it set does without the cache */
	size_t n;
	struct module m[MODULES_MAX];
} known;

struct range { /* pages of this thread's stack shown to be readable */
	uintptr_t lo, hi;
};

/*
 * Everything that reads the walked stack is inlined into one function, so that the fault handler
 * can tell its faults, by the stack pointer, from those of a signal handler that interrupted it.
 */
#define WALK_INLINE static inline __attribute__((always_inline))

static __thread struct range readable;
static __thread void **volatile recover; /* __builtin_setjmp buffer of the walk in progress */

bool stack_probe(uintptr_t addr)
{
	/* The kernel reads the set before it looks at `how`: EFAULT or EINVAL, no effect. */
	return sys_call4(__NR_rt_sigprocmask, -1, (long)(addr & ~7UL), 0, 8) != -14;
}

static bool probe_pages(uintptr_t lo, uintptr_t hi)
{
	if (hi - lo > PROBE_PAGES * PAGE_SIZE)
		return false;
	for (; lo < hi; lo += PAGE_SIZE)
		if (!stack_probe(lo))
			return false;
	return true;
}

/* The slow half of can_read: grows the known range to a's page, or starts a new one there. */
static __attribute__((noinline)) bool range_cover(uintptr_t a)
{
	uintptr_t page = a & PAGE_MASK;

	if (a & 7 || a < PAGE_SIZE || a >> 47)
		return false;
	if (page >= readable.hi && probe_pages(readable.hi, page + PAGE_SIZE))
		readable.hi = page + PAGE_SIZE;
	else if (page < readable.lo && probe_pages(page, readable.lo))
		readable.lo = page;
	else if (probe_pages(page, page + PAGE_SIZE))
		readable = (struct range){page, page + PAGE_SIZE};
	else
		return false;
	return true;
}

/* May the 8 bytes at a be read? */
WALK_INLINE bool can_read(uintptr_t a)
{
	if (likely(a >= readable.lo && a < readable.hi && !(a & 7)))
		return true;
	return range_cover(a);
}

WALK_INLINE uintptr_t word(uintptr_t a)
{
	return *(const uintptr_t *)a;
}

static void cache_clear(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cache); i++)
		atomic_store_explicit(&cache[i].key, 0, memory_order_relaxed);
}

/*
 * Rules cached for m's addresses are m's own: false if that cannot be said now. A module that
 * overlaps a known one took its place after libc closed that by itself (iconv, NSS), and everything
 * cached is forgotten.
 */
static bool module_known(const struct module *m)
{
	bool same = false, stale = false;

	if (atomic_flag_test_and_set_explicit(&known.busy, memory_order_acquire))
		return false;
	for (size_t i = 0; i < known.n; i++) {
		const struct module *k = &known.m[i];

		if (k->map == m->map && k->start == m->start && k->end == m->end)
			same = true;
		else if (k->start < m->end && m->start < k->end)
			stale = true;
	}
	if (stale || known.n == MODULES_MAX) {
		cache_clear();
		known.n = 0;
		same = false;
	}
	if (!same)
		known.m[known.n++] = *m;
	atomic_flag_clear_explicit(&known.busy, memory_order_release);
	return true;
}

static bool is_loaded(const struct module *k)
{
	struct module now;

	return module_find(k->start, &now) && now.map == k->map;
}

/* If a module that rules were cached for is gone: forget them before another takes its place. */
static void modules_recheck(void)
{
	/* Who holds it is about to let go, unless it is below us on this stack. */
	for (int i = 0; atomic_flag_test_and_set_explicit(&known.busy, memory_order_acquire); i++) {
		if (i == 1000)
			return;
		sys_call3(__NR_sched_yield, 0, 0, 0);
	}
	for (size_t i = 0; i < known.n; i++)
		if (!is_loaded(&known.m[i])) {
			cache_clear();
			known.n = 0;
		}
	atomic_flag_clear_explicit(&known.busy, memory_order_release);
}

UD_EXPORT int dlclose(void *handle)
{
	static int (*next)(void *);
	int r;

	if (!next)
		next = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
	r = next(handle);
	modules_recheck();
	return r;
}

static inline struct slot *slot_of(uintptr_t pc)
{
	return &cache[pc * 0x9e3779b97f4a7c15 >> (64 - CACHE_BITS)];
}

static __attribute__((noinline)) uint64_t rule_compute(uintptr_t pc, struct slot *s)
{
	struct rule r = {.kind = RULE_NOCFI};
	struct module m;
	bool keep = true;
	uint64_t v;

	if (module_find(pc, &m)) {
		keep = module_known(&m);
		r = unwind_rule(&m, pc);
	}
	v = rule_pack(r);
	if (keep) {
		atomic_store_explicit(&s->rule, v, memory_order_relaxed);
		atomic_store_explicit(&s->key, pc ^ v, memory_order_relaxed);
	}
	return v;
}

static inline uint64_t rule_at(uintptr_t pc)
{
	struct slot *s = slot_of(pc);
	uint64_t v = atomic_load_explicit(&s->rule, memory_order_relaxed);

	if (likely((atomic_load_explicit(&s->key, memory_order_relaxed) ^ v) == pc && v))
		return v;
	return rule_compute(pc, s);
}

/* rt_sigframe above the popped return address: the interrupted rip, rsp, rbp (ucontext.h). */
WALK_INLINE bool step_signal(struct stack_regs *r)
{
	uintptr_t sp = r->sp;

	if (!can_read(sp + 120) || !can_read(sp + 168))
		return false;
	r->bp = word(sp + 120);
	r->sp = word(sp + 160);
	r->ip = word(sp + 168);
	return r->ip != 0;
}

WALK_INLINE bool step_frame_pointer(struct stack_regs *r)
{
	uintptr_t bp = r->bp;

	if (bp < r->sp || bp - r->sp > PROBE_PAGES * PAGE_SIZE || !can_read(bp) ||
		!can_read(bp + 8))
		return false;
	r->ip = word(bp + 8);
	r->bp = word(bp);
	r->sp = bp + 16;
	return r->ip != 0;
}

/* From a frame to its caller's; false at the outermost. *exact: ip is not a return address. */
WALK_INLINE bool step(struct stack_regs *r, bool *exact)
{
	struct rule u = rule_unpack(rule_at(r->ip - !*exact));
	uintptr_t cfa, at;

	*exact = false;
	switch (u.kind) {
	case RULE_SP:
		cfa = r->sp + (uintptr_t)(intptr_t)u.cfa_off;
		break;
	case RULE_BP:
		cfa = r->bp + (uintptr_t)(intptr_t)u.cfa_off;
		break;
	case RULE_BP_DEREF:
		at = r->bp + (uintptr_t)(intptr_t)u.cfa_off;
		if (!can_read(at))
			return false;
		cfa = word(at);
		break;
	case RULE_SIGNAL:
		*exact = true;
		return step_signal(r);
	case RULE_NOCFI:
		return step_frame_pointer(r);
	default:
		return false;
	}
	if (cfa <= r->sp || !can_read(cfa - 8))
		return false;
	if (u.bp != BP_SAME) {
		at = (u.bp == BP_AT_CFA ? cfa : r->bp) + (uintptr_t)(intptr_t)u.bp_off;
		if (!can_read(at))
			return false;
		r->bp = word(at);
	}
	r->ip = word(cfa - 8);
	r->sp = cfa;
	return r->ip != 0;
}

struct walk {
	struct stack_regs at;
	bool exact;
	size_t n, max;
	uint64_t hash;
	uintptr_t *pc;
};

WALK_INLINE void walk(struct walk *w)
{
	w->hash = 0;
	w->n = 0;
	while (w->n < w->max) {
		w->pc[w->n++] = w->at.ip;
		w->hash = depot_hash(w->hash, w->at.ip);
		if (!step(&w->at, &w->exact))
			break;
	}
}

/* Runs the walk so that a fault in it ends it. Not inlined: setjmp spoils a function's registers.
 */
static __attribute__((noinline)) void walk_guarded(struct walk *w)
{
	void *buf[5], **outer = recover;

	if (__builtin_setjmp(buf) == 0) {
		recover = buf;
		atomic_signal_fence(memory_order_seq_cst);
		walk(w);
	} else {
		readable = (struct range){0, 0};
	}
	atomic_signal_fence(memory_order_seq_cst);
	recover = outer;
}

bool stack_recover(struct stack_regs *regs)
{
	void **buf = recover;

	if (likely(!buf || regs->sp != (uintptr_t)buf[2]))
		return false;
	regs->bp = (uintptr_t)buf[0];
	regs->ip = (uintptr_t)buf[1];
	regs->sp = (uintptr_t)buf[2];
	return true;
}

void stack_forked(void)
{
	atomic_flag_clear(&known.busy); /* its holder may not be in this process */
}

struct stack_regs stack_regs_of_frame(const void *frame)
{
	const uintptr_t *f = frame;

	return (struct stack_regs){.ip = f[1], .sp = (uintptr_t)(f + 2), .bp = f[0]};
}

size_t stack_walk(const struct stack_regs *regs, bool exact, uintptr_t *pc, size_t max)
{
	struct walk w = {.at = *regs, .exact = exact, .max = max, .pc = pc};

	if (!max)
		return 0;
	if (exact && !stack_probe(regs->ip) && can_read(regs->sp)) {
		/* It jumped to nowhere: the caller's address is what the call pushed. */
		pc[0] = regs->ip;
		w.at.ip = *(const uintptr_t *)regs->sp;
		w.at.sp += 8;
		w.exact = false;
		w.pc++;
		w.max--;
	}
	walk_guarded(&w);
	return (size_t)(w.pc - pc) + w.n;
}

uint32_t stack_capture(void *frame)
{
	uintptr_t pc[STACK_MAX];
	struct walk w = {.at = stack_regs_of_frame(frame), .max = STACK_MAX, .pc = pc};

	if (!options.stacks)
		return 0;
	walk_guarded(&w);
	return depot_put(pc, w.n, w.hash);
}

size_t stack_get(uint32_t id, uintptr_t *pc, size_t max)
{
	return depot_get(id, pc, max);
}
