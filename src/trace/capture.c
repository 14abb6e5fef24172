/*
 * capture.c - capture call stacks (stack.h). app context, in any state of the program.
 *
 * Owns what each thread remembers: the frames of its last walk (the memo), and what it captured lately
 * (the seen). A capture that was seen has its id at once, if all its return addresses are still in
 * their places; another one walks only until it meets a frame of the memo. Most stacks differ from
 * the one before in a few inner frames, and most captures follow each other as they did before: so
 * what the last one gave is a part of the place where the next is looked for.
 *
 * Where it breaks: frames lie over the remains of others. Return addresses that are still there do
 * not make them a stack's; the innermost frame has to lead to the next by what is compared (enum by).
 * That those farther out saved another rbp since, and all their return addresses stand, nobody looks at.
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

		__builtin_memmove(memo->at, memo->at + base - keep, keep * sizeof(memo->at[0]));
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
		memo->at[base] = (struct link){f->sp, f->ip};
		memo->f[base++] = (struct known){f->bp, hash, by};
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
		pc[i] = memo->at[memo->n - 1 - i].ip;
	return depot_put(pc, n, hash, near);
}

static inline struct seen *seen_set(struct memo *memo, uintptr_t ip, uintptr_t sp)
{
	uint64_t key = (ip ^ sp ^ memo->last) * GOLDEN;

	return memo->seen[key >> (64 - SEEN_BITS)];
}

/* Are the frames that s lies on, as many of them as are kept of a stack, where they were? */
static ALWAYS_INLINE bool below_holds(const struct memo *memo, const struct seen *s)
{
	uint32_t b = s->below, all = b + s->n + 1U;

	return b <= memo->n && memo->f[b - 1].hash == s->below_hash &&
	       memo->at[b - 1].sp == s->sp + s->up[s->n] &&
	       memo_check(memo, all > STACK_MAX ? all - STACK_MAX : 0, b) == b;
}

/* And its own? */
static ALWAYS_INLINE bool inner_holds(const struct seen *s)
{
	uintptr_t at = s->sp - 8;
	size_t i = s->n;

	if (!i)
		return true;
	if (unlikely(at + s->up[0] < readable.lo || at + s->up[i - 1] >= readable.hi))
		return false;
	do {
		i--;
		EXTABLE_HOLDS(at + s->up[i], s->ips[i], moved);
	} while (i);
	return true;
moved:
	return false;
}

static ALWAYS_INLINE bool seen_holds(const struct memo *memo, const struct seen *s)
{
	return inner_holds(s) && (!s->below || below_holds(memo, s));
}

/* Was it captured from here? */
static ALWAYS_INLINE bool seen_is(const struct seen *s, const uintptr_t *frame)
{
	return s->sp == vaddr_of(frame + 2) && s->ip == frame[1] &&
	       (s->by == BY_SP || s->bp == frame[0]);
}

/* What the memo is now, captured here. */
static void seen_put(struct memo *memo)
{
	const struct link *at = &memo->at[memo->n - 1];
	const struct known *f = &memo->f[memo->n - 1];
	uint32_t n = MIN(memo->n - 1, INNER_MAX), below = memo->n - 1 - n;
	struct seen *s = &seen_set(memo, at->ip, at->sp)[memo->way];

	if (f->by == BY_MEMORY || !memo->id)
		return;
	memo->way ^= 1;
	s->sp = at->sp;
	s->ip = at->ip;
	s->bp = f->bp;
	s->by = (uint8_t)f->by;
	s->id = memo->id;
	s->n = (uint8_t)n;
	s->below = (uint16_t)below;
	for (uint32_t i = 0; i < n; i++) {
		s->up[i] = (uint32_t)((--at)->sp - s->sp);
		s->ips[i] = at->ip;
	}
	if (!below)
		return;
	s->up[n] = (uint32_t)(memo->at[below - 1].sp - s->sp);
	s->below_hash = memo->f[below - 1].hash;
}

/* Without the memo: inside a handler that interrupted a capture, or through a signal frame. */
static __attribute__((noinline)) uint32_t capture_plain(void *frame)
{
	struct walk w = {.at = stack_regs_of_frame(frame), .max = STACK_MAX};
	uintptr_t pc[STACK_MAX];
	uint64_t h = 0;

	walk_run(&w);
	for (uint32_t i = w.n; i-- > 0;) {
		pc[i] = w.f[i].ip;
		h = depot_hash(h, pc[i]);
	}
	return depot_put(pc, w.n, h, NULL);
}

static __attribute__((noinline)) uint32_t capture_walk(struct memo *memo, void *frame)
{
	struct depot_near near;
	struct walk w; /* of which most stays as it is */
	uint64_t hash;
	uint32_t n;

	w.at = stack_regs_of_frame(frame);
	w.exact = false;
	w.memo = memo;
	w.max = TOP_MAX;
	walk_run(&w);
	if (unlikely(!w.plain || w.n + w.join == 0)) {
		memo->n = memo->id = 0;
		return capture_plain(frame);
	}
	near = (struct depot_near){memo->id, w.n, memo->n - w.join};
	memo_update(&w);
	n = MIN(memo->n, STACK_MAX);
	hash = memo_hash(memo);
	memo->id = depot_find(hash, n);
	if (unlikely(!memo->id))
		memo->id = memo_put(memo, n, hash, &near);
	seen_put(memo);
	return memo->id;
}

static ALWAYS_INLINE uint32_t captured(struct memo *memo, uint32_t id)
{
	memo->last = id;
	atomic_signal_fence(memory_order_seq_cst);
	memo->busy = false;
	return id;
}

static __attribute__((noinline)) uint32_t capture_new(struct memo *memo, void *frame)
{
	return captured(memo, capture_walk(memo, frame));
}

/* s lies on others, or does not hold: what was captured from here it is, or the other of its set, or neither. */
static __attribute__((noinline)) uint32_t capture_seen(
	struct memo *memo, const struct seen *s, void *frame)
{
	bool first = !((s - memo->seen[0]) & 1);

	if (s->below && seen_holds(memo, s))
		return captured(memo, s->id);
	if (first && seen_is(++s, frame) && seen_holds(memo, s))
		return captured(memo, s->id);
	return capture_new(memo, frame);
}

/* The shortest way saves no register: all else it leaves by a jump. */
uint32_t stack_capture(void *frame)
{
	const uintptr_t *f = frame;
	struct memo *memo = altstack_room();
	const struct seen *s;

	if (unlikely(!memo || memo->busy))
		return capture_plain(frame);
	memo->busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	s = seen_set(memo, f[1], vaddr_of(f + 2));
	if (!seen_is(s, f) && !seen_is(++s, f))
		return capture_new(memo, frame);
	if (unlikely(s->below) || unlikely(!inner_holds(s)))
		return capture_seen(memo, s, frame);
	return captured(memo, s->id);
}
