/*
 * stack.c - walk call stacks (stack.h, walk.h). app context, in any state of the program.
 *
 * Owns what each thread knows of its stack: which pages can be read.
 *
 * Safety: memory is read only inside pages that a system call has shown readable; and should one
 * vanish since (a coroutine's stack, unmapped), the walk ends there (extable.h).
 */
#include "stack.h"
#include "base/base.h"
#include "rules.h"
#include "walk.h"

#include <errno.h>

#define PROBE_PAGES 4096 /* a frame larger than this many pages is not stepped over */

__thread struct readable readable;
static __thread struct readable before; /* the same of the stack that this thread was on before */

bool stack_probe(uintptr_t addr)
{
	/*
	 * The kernel reads the set before it looks at `how`: EFAULT or EINVAL, no effect. Where a
	 * filter does not allow it, a fault ends the walk.
	 */
	return sys_call4(__NR_rt_sigprocmask, -1, (long)(addr & ~7UL), 0, 8) != -EFAULT;
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

/*
 * The slow half of can_read: grows the known range to a's page, or starts a new one there. A handler on a stack
 * of its own and what it interrupts, or two coroutines, take turns: neither is to be looked at again.
 */
static __attribute__((noinline)) bool range_cover(uintptr_t a)
{
	uintptr_t page = a & PAGE_MASK;

	if (a & 7 || a < PAGE_SIZE || a >> 47)
		return false;
	if (page >= before.lo && page < before.hi) {
		struct readable now = before;

		before = readable;
		readable = now;
	} else if (page >= readable.hi && probe_pages(readable.hi, page + PAGE_SIZE)) {
		readable.hi = page + PAGE_SIZE;
	} else if (page < readable.lo && probe_pages(page, readable.lo)) {
		readable.lo = page;
	} else if (probe_pages(page, page + PAGE_SIZE)) {
		before = readable;
		readable.lo = page;
		readable.hi = page + PAGE_SIZE;
	} else {
		return false;
	}
	return true;
}

/* May the 8 bytes at a be read? */
static ALWAYS_INLINE bool can_read(uintptr_t a)
{
	if (likely(a >= readable.lo && a < readable.hi && !(a & 7)))
		return true;
	return range_cover(a);
}

/* The 8 bytes at a, if they can be read. Where a page has vanished the memo is not right, either. */
static ALWAYS_INLINE bool read_word(struct walk *w, uintptr_t a, uintptr_t *v)
{
	if (unlikely(!can_read(a)))
		return false;
	*v = EXTABLE_LOAD(a, vanished);
	return true;
vanished:
	readable.lo = readable.hi = 0;
	w->plain = false;
	return false;
}

/* rt_sigframe above the popped return address: the interrupted rip, rsp, rbp (ucontext.h). */
static bool step_signal(struct walk *w)
{
	uintptr_t sp = w->at.sp;

	w->exact = true;
	w->plain = false;
	return read_word(w, sp + 120, &w->at.bp) && read_word(w, sp + 160, &w->at.sp) &&
	       read_word(w, sp + 168, &w->at.ip) && w->at.ip;
}

static bool step_frame_pointer(struct walk *w)
{
	uintptr_t bp = w->at.bp;

	if (bp < w->at.sp || bp - w->at.sp > PROBE_PAGES * PAGE_SIZE ||
		!read_word(w, bp + 8, &w->at.ip) || !read_word(w, bp, &w->at.bp))
		return false;
	w->at.sp = bp + 16;
	return w->at.ip != 0;
}

/* To the caller of r's frame, which ends at cfa. */
static ALWAYS_INLINE bool step_to(
	struct walk *w, const struct rule *u, uintptr_t cfa, struct stack_regs *r)
{
	uintptr_t at = (u->bp == BP_AT_CFA ? cfa : r->bp) + (uintptr_t)(intptr_t)u->bp_off;

	if (unlikely(cfa <= r->sp || !read_word(w, cfa - 8, &r->ip)))
		return false;
	if (u->bp != BP_SAME && unlikely(!read_word(w, at, &r->bp)))
		return false;
	r->sp = cfa;
	return r->ip != 0;
}

/* The kinds that are seldom met. */
static __attribute__((noinline)) bool step_rare(struct walk *w, uint64_t packed)
{
	struct rule u = rule_unpack(packed);
	uintptr_t cfa;

	if (u.kind == RULE_SIGNAL)
		return step_signal(w);
	if (u.kind == RULE_NOCFI)
		return step_frame_pointer(w);
	return u.kind == RULE_BP_DEREF &&
	       read_word(w, w->at.bp + (uintptr_t)(intptr_t)u.cfa_off, &cfa) &&
	       step_to(w, &u, cfa, &w->at);
}

/* From a frame to its caller's; false at the outermost. */
static ALWAYS_INLINE bool step(struct walk *w, struct frame *f, struct stack_regs *r)
{
	uint64_t packed = f->rule = rules_at(r->ip - !w->exact);
	struct rule u = rule_unpack(packed);
	bool more;

	w->exact = false;
	if (likely(u.kind == RULE_SP))
		return step_to(w, &u, r->sp + (uintptr_t)(intptr_t)u.cfa_off, r);
	if (u.kind == RULE_BP)
		return step_to(w, &u, r->bp + (uintptr_t)(intptr_t)u.cfa_off, r);
	w->at = *r;
	more = step_rare(w, packed);
	*r = w->at;
	return more;
}

/* Does a walk that has come to r go on from memo frame k as the one did that this is of? */
static ALWAYS_INLINE bool memo_meets(
	const struct memo *memo, uint32_t k, const struct stack_regs *r)
{
	const struct known *f = &memo->f[k];

	return memo->at[k].sp == r->sp && memo->at[k].ip == r->ip && f->by != BY_MEMORY &&
	       (f->by == BY_SP || f->bp == r->bp);
}

void walk_run(struct walk *w)
{
	struct stack_regs r = w->at;
	struct memo *memo = w->memo;
	uint32_t q = memo ? memo->n : 0, n = 0;

	w->join = 0;
	w->ended = false;
	w->plain = true;
	while (n < w->max && !w->ended) {
		while (q && memo->at[q - 1].sp < r.sp)
			q--;
		if (q && memo_meets(memo, q - 1, &r)) {
			uint32_t ok = memo_check(memo, 0, q);

			if (likely(ok == q && (memo->whole || n + q > STACK_MAX))) {
				w->join = q;
				break;
			}
			q = ok == q ? 0 : ok;
		}
		w->f[n++] = (struct frame){r.sp, r.ip, r.bp, 0};
		w->ended = !step(w, &w->f[n - 1], &r);
	}
	w->n = n;
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
