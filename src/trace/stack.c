/*
 * stack.c - walk call stacks (stack.h, walk.h). app context, in any state of the program.
 *
 * Owns what each thread knows of its stack: which pages can be read.
 *
 * Safety: memory is read only inside pages that a system call has shown readable; and should one
 * vanish since (a coroutine's stack, unmapped), the fault handler ends the walk (stack_recover).
 */
#include "stack.h"
#include "base/base.h"
#include "rules.h"
#include "walk.h"

#define PROBE_PAGES 4096 /* a frame larger than this many pages is not stepped over */
#define OWN_FRAMES  512	 /* bytes of stack that a walk itself takes, at most: a signal's are more */

#define INLINE static inline __attribute__((always_inline))

static __thread struct {
	uintptr_t lo, hi;
} readable;

static __thread void **volatile recover; /* __builtin_setjmp buffer of the walk in progress */

bool stack_probe(uintptr_t addr)
{
	/*
	 * The kernel reads the set before it looks at `how`: EFAULT or EINVAL, no effect. Where a
	 * filter does not allow it, a fault ends the walk.
	 */
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
	if (page >= readable.hi && probe_pages(readable.hi, page + PAGE_SIZE)) {
		readable.hi = page + PAGE_SIZE;
	} else if (page < readable.lo && probe_pages(page, readable.lo)) {
		readable.lo = page;
	} else if (probe_pages(page, page + PAGE_SIZE)) {
		readable.lo = page;
		readable.hi = page + PAGE_SIZE;
	} else {
		return false;
	}
	return true;
}

/* May the 8 bytes at a be read? */
INLINE bool can_read(uintptr_t a)
{
	if (likely(a >= readable.lo && a < readable.hi && !(a & 7)))
		return true;
	return range_cover(a);
}

INLINE uintptr_t word(uintptr_t a)
{
	return *(const uintptr_t *)a;
}

/* rt_sigframe above the popped return address: the interrupted rip, rsp, rbp (ucontext.h). */
static bool step_signal(struct stack_regs *r)
{
	uintptr_t sp = r->sp;

	if (!can_read(sp + 120) || !can_read(sp + 168))
		return false;
	r->bp = word(sp + 120);
	r->sp = word(sp + 160);
	r->ip = word(sp + 168);
	return r->ip != 0;
}

static bool step_frame_pointer(struct stack_regs *r)
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

/* The kinds that are seldom met. */
static __attribute__((noinline)) bool step_rare(struct walk *w, uint64_t packed)
{
	struct rule u = rule_unpack(packed);
	struct stack_regs *r = &w->at;
	uintptr_t at, cfa;

	if (u.kind == RULE_SIGNAL) {
		w->exact = true;
		w->plain = false;
		return step_signal(r);
	}
	if (u.kind == RULE_NOCFI)
		return step_frame_pointer(r);
	if (u.kind != RULE_BP_DEREF)
		return false;
	at = r->bp + (uintptr_t)(intptr_t)u.cfa_off;
	if (!can_read(at))
		return false;
	cfa = word(at);
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

/* From a frame to its caller's; false at the outermost. */
INLINE bool step(struct walk *w, struct frame *f, struct stack_regs *r)
{
	uint64_t packed = f->rule = rules_at(r->ip - !w->exact);
	struct rule u = rule_unpack(packed);
	uintptr_t cfa, at;

	w->exact = false;
	if (likely(u.kind == RULE_SP)) {
		cfa = r->sp + (uintptr_t)(intptr_t)u.cfa_off;
	} else if (u.kind == RULE_BP) {
		cfa = r->bp + (uintptr_t)(intptr_t)u.cfa_off;
	} else {
		bool more;

		w->at = *r;
		more = step_rare(w, packed);
		*r = w->at;
		return more;
	}
	if (unlikely(cfa <= r->sp || !can_read(cfa - 8)))
		return false;
	if (u.bp != BP_SAME) {
		at = (u.bp == BP_AT_CFA ? cfa : r->bp) + (uintptr_t)(intptr_t)u.bp_off;
		if (unlikely(!can_read(at)))
			return false;
		r->bp = word(at);
	}
	r->ip = word(cfa - 8);
	r->sp = cfa;
	return r->ip != 0;
}

/* Are memo frames [from, q) still where they were? The outermost that holds is where to go on: q if
 * all do, else the index of the first that does not, from the inside. */
INLINE uint32_t memo_check(const struct memo *memo, uint32_t from, uint32_t q)
{
	if (unlikely(memo->f[from].sp > readable.hi || memo->f[q - 1].sp - 8 < readable.lo))
		return 0;
	for (uint32_t k = q; k-- > from;) {
		EXTABLE_HOLDS(memo->f[k].sp - 8, memo->f[k].ip, moved);
		continue;
moved:
		return k;
	}
	return q;
}

static __attribute__((noinline)) void walk(struct walk *w)
{
	struct stack_regs r = w->at;
	struct memo *memo = w->memo;
	uint32_t q = memo ? memo->n : 0, n = 0;

	while (n < w->max) {
		while (q && memo->f[q - 1].sp < r.sp)
			q--;
		if (q && known_at(&memo->f[q - 1], &r)) {
			uint32_t ok = memo_check(memo, 0, q);

			if (likely(ok == q && (memo->whole || n + q > STACK_MAX))) {
				w->join = q;
				break;
			}
			q = ok == q ? 0 : ok;
		}
		w->f[n++] = (struct frame){r.sp, r.ip, r.bp, 0};
		w->n = n; /* all that is left if the next step faults */
		if (unlikely(!step(w, &w->f[n - 1], &r))) {
			w->ended = true;
			break;
		}
	}
}

/* False if a fault ended it. walk is no part of it, for its registers: who calls setjmp keeps all in memory. */
static __attribute__((noinline)) bool guarded(struct walk *w)
{
	void *buf[5], **outer = recover;
	bool r = false;

	if (__builtin_setjmp(buf) == 0) {
		recover = buf;
		atomic_signal_fence(memory_order_seq_cst);
		walk(w);
		r = true;
	} else {
		readable.lo = readable.hi = 0;
	}
	atomic_signal_fence(memory_order_seq_cst);
	recover = outer;
	return r;
}

void walk_run(struct walk *w)
{
	w->n = w->join = 0;
	w->ended = false;
	w->plain = true;
	if (!guarded(w))
		w->plain = false;
}

bool walk_holds(const struct memo *memo, uint32_t n)
{
	/* Of a deep stack only what is kept of it. */
	return memo_check(memo, n < STACK_MAX ? 0 : n - (STACK_MAX - 1), n) == n;
}

bool stack_recover(struct stack_regs *regs)
{
	void **buf = recover;

	/* A signal handler that interrupted the walk and faults itself is farther down. */
	if (likely(!buf || (uintptr_t)buf[2] - regs->sp > OWN_FRAMES))
		return false;
	regs->bp = (uintptr_t)buf[0];
	regs->ip = (uintptr_t)buf[1];
	regs->sp = (uintptr_t)buf[2];
	return true;
}

void stack_forked(void)
{
	rules_forked();
	depot_forked();
}

static size_t copy_out(const struct walk *w, uintptr_t *pc, size_t max)
{
	size_t n = MIN(max, w->n);

	for (size_t i = 0; i < n; i++)
		pc[i] = w->f[i].ip;
	return n;
}

size_t stack_walk(const struct stack_regs *regs, bool exact, uintptr_t *pc, size_t max)
{
	struct walk w = {.at = *regs, .exact = exact, .max = (uint32_t)MIN(max, TOP_MAX)};
	size_t first = 0;

	if (!max)
		return 0;
	if (exact && !stack_probe(regs->ip) && can_read(regs->sp)) {
		/* It jumped to nowhere: the caller's address is what the call pushed. */
		pc[first++] = regs->ip;
		w.at.ip = *(const uintptr_t *)regs->sp;
		w.at.sp += 8;
		w.exact = false;
	}
	walk_run(&w);
	if (!w.n) {
		pc[first] = w.at.ip;
		return first + (first < max);
	}
	return first + copy_out(&w, pc + first, max - first);
}
