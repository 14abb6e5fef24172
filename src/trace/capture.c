/*
 * capture.c - capture call stacks (stack.h). app context, in any state of the program.
 *
 * Owns what each thread remembers: the frames of its last capture (the memo), and the places that
 * captured lately (the seen). A place that was seen on top of the memo's frames has its id at once;
 * another capture walks only until it meets a frame of the memo. Both make sure that the return
 * addresses farther out are still in their places: most stacks differ from the one before in a few
 * inner frames, and most places are a loop's.
 *
 * Where it breaks: frames lie over the remains of others. Return addresses that are still there do
 * not make them a stack's; each frame has to lead to the next by what known_at compares.
 */
#include "stack.h"
#include "base/base.h"
#include "rules.h"
#include "walk.h"

/* For a frame with this rule, where the next one's is given. */
static enum by by_of(uint64_t rule, enum by outer)
{
	struct rule u = rule_unpack(rule);

	if (u.kind == RULE_BP || u.kind == RULE_NOCFI)
		return BY_BP;
	if (u.kind == RULE_SP)
		return u.bp == BP_SAME && outer != BY_SP ? BY_BP : BY_SP;
	return u.kind == RULE_STOP ? BY_SP : BY_MEMORY;
}

/* Puts what was walked in the place of the memo's inner frames. */
static void memo_update(const struct walk *w)
{
	struct memo *memo = w->memo;
	uint32_t base = w->join;
	enum by by;
	uint64_t hash;

	if (base + w->n > MEMO_MAX) { /* the outermost go; more than STACK_MAX stay */
		uint32_t keep = MIN(base, MEMO_MAX - MAX(w->n, MEMO_MAX / 2));

		__builtin_memmove(memo->f, memo->f + base - keep, keep * sizeof(memo->f[0]));
		base = keep;
		memo->whole = false;
	}
	hash = base ? memo->f[base - 1].hash : 0;
	by = base ? memo->f[base - 1].by : BY_SP;
	for (uint32_t i = w->n; i-- > 0;) {
		const struct frame *f = &w->f[i];

		hash = depot_hash(hash, f->ip);
		by = by_of(f->rule, by);
		memo->f[base++] = (struct known){f->sp, f->ip, f->bp, hash, by};
	}
	memo->n = base;
	if (!w->join)
		memo->whole = w->ended;
}

/* The hash of the frames that are kept: what is farther out is taken away from it again. */
static uint64_t memo_hash(const struct memo *memo)
{
	uint64_t hash = memo->f[memo->n - 1].hash;

	if (memo->n > STACK_MAX)
		hash = depot_hash_cut(hash, memo->f[memo->n - 1 - STACK_MAX].hash);
	return hash;
}

static __attribute__((noinline)) uint32_t memo_put(
	const struct memo *memo, uint32_t n, uint64_t hash, const struct depot_near *near)
{
	uintptr_t pc[STACK_MAX];

	for (uint32_t i = 0; i < n; i++)
		pc[i] = memo->f[memo->n - 1 - i].ip;
	return depot_put(pc, n, hash, near);
}

static inline struct seen *seen_at(struct memo *memo, const struct stack_regs *r)
{
	return &memo->seen[((r->ip ^ r->sp) * 0x9e3779b97f4a7c15) >> (64 - SEEN_BITS)];
}

/* What a capture from here gives, if one gave it before and nothing has changed since; else 0. */
static inline uint32_t seen_find(struct memo *memo, const struct stack_regs *r)
{
	const struct seen *s = seen_at(memo, r);
	const struct known *below;

	if (!known_at(&s->at, r))
		return 0;
	below = &memo->f[s->below - 1];
	if (s->below > memo->n || below->hash != s->below_hash || below->sp != s->below_sp)
		return 0;
	return walk_holds(memo, s->below) ? s->id : 0;
}

static void seen_put(struct memo *memo, const struct stack_regs *r)
{
	uint32_t n = memo->n - 1;

	if (n)
		*seen_at(memo, r) = (struct seen){
			memo->f[n], memo->f[n - 1].sp, memo->f[n - 1].hash, n, memo->id};
}

/* Without the memo: inside a handler that interrupted a capture, or through a signal frame. */
static __attribute__((noinline)) uint32_t capture_plain(const struct stack_regs *r)
{
	struct walk w = {.at = *r, .max = STACK_MAX};
	uintptr_t pc[STACK_MAX];
	uint64_t h = 0;

	walk_run(&w);
	for (uint32_t i = w.n; i-- > 0;) {
		pc[i] = w.f[i].ip;
		h = depot_hash(h, pc[i]);
	}
	return depot_put(pc, w.n, h, NULL);
}

static __attribute__((noinline)) uint32_t capture_walk(
	struct memo *memo, const struct stack_regs *r)
{
	struct depot_near near;
	struct walk w;
	uint64_t hash;
	uint32_t n;

	w.at = *r;
	w.exact = false;
	w.memo = memo;
	w.max = TOP_MAX;
	walk_run(&w);
	if (unlikely(!w.plain || w.n + w.join == 0)) {
		memo->n = memo->id = 0;
		return capture_plain(r);
	}
	near = (struct depot_near){memo->id, w.n, memo->n - w.join};
	memo_update(&w);
	n = MIN(memo->n, STACK_MAX);
	hash = memo_hash(memo);
	memo->id = depot_find(hash, n);
	if (unlikely(!memo->id))
		memo->id = memo_put(memo, n, hash, &near);
	seen_put(memo, r);
	return memo->id;
}

uint32_t stack_capture(void *frame)
{
	struct stack_regs r = stack_regs_of_frame(frame);
	struct memo *memo = altstack_room();
	uint32_t id;

	if (unlikely(!memo || memo->busy))
		return capture_plain(&r);
	memo->busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	id = seen_find(memo, &r);
	if (!id)
		id = capture_walk(memo, &r);
	atomic_signal_fence(memory_order_seq_cst);
	memo->busy = false;
	return id;
}
