/*
 * translate.c - the engine over syscalls.def: walks each argument's description and rewrites.
 *
 * pure (see translate.h). Every pointer goes through pointer_one; nested structures are copied
 * to the scratch area, their own pointers rewritten there, and dropped again if none was an
 * alias. Memory we cannot read is left to the kernel: it knows which error comes first.
 */
#include "translate.h"

#include <errno.h>

/* A copy in the scratch area that the kernel writes into: three versions of it, so that what
 * the kernel wrote can be told from what we put there. */
struct xlate_back {
	struct xlate_back *next;
	vaddr_t to;
	size_t bytes;
	unsigned char *cur, *sent, *orig;
};

#define SIZE_CAP  (1UL << 47)
#define SCAN_MAX  16384UL
#define NR_MMAP	  9
#define NR_MREMAP 25
#define NR_SHMAT  30

/* Where a description's sizes come from: the call's arguments, or the structure's copy. */
struct frame {
	uint64_t *args;	     /* as they will be sent                     */
	unsigned char *copy; /* NULL at top level                        */
};

static enum xlate_verdict pointer_one(
	struct xlate *x, const struct desc *d, uint64_t *slot, struct frame *f);

static uint64_t load(const unsigned char *p, unsigned width)
{
	uint64_t v = 0;

	__builtin_memcpy(&v, p, width / 8);
	return v;
}

static void *scratch_take(struct xlate *x, size_t bytes)
{
	void *p = x->scratch + x->used;

	bytes = ALIGN_UP(bytes, 16UL);
	if (bytes > x->scratch_size - x->used)
		return NULL;
	x->used += bytes;
	return p;
}

static enum xlate_verdict fail(struct xlate *x, int err)
{
	x->ret = -err;
	return XLATE_FAIL;
}

static enum xlate_verdict dead(struct xlate *x, vaddr_t va)
{
	x->dead.arg = x->arg;
	x->dead.addr = va;
	return XLATE_DEAD;
}

static void lookup(struct xlate *x, vaddr_t va, size_t len, struct xlate_hit *hit)
{
	x->ops->lookup(x->ctx, va, len, hit);
}

/* How many elements d speaks of (bytes, where d->n is not a size per element). */
static uint64_t count_of(struct xlate *x, const struct desc *d, struct frame *f)
{
	struct xlate_hit hit;
	uint64_t at;
	uint32_t v;

	switch (d->src) {
	case SZ_ARG:
		return x->orig[d->at - 1];
	case SZ_BITS:
		at = x->orig[d->at - 1];
		return at > SIZE_CAP ? SIZE_CAP : ALIGN_UP(at, 64UL) / 8;
	case SZ_AT:
		at = x->orig[d->at - 1];
		if (!at)
			return 0;
		lookup(x, at, sizeof(v), &hit);
		if (hit.kind == XLATE_DEAD_ALIAS ||
			x->ops->copy_in(x->ctx, &v, hit.kind == XLATE_LIVE ? hit.canon : at, 4))
			return 0;
		return v;
	case SZ_FIELD:
		return load(f->copy + d->at, d->width);
	default:
		return 1;
	}
}

static uint64_t bytes_of(struct xlate *x, const struct desc *d, struct frame *f)
{
	uint64_t count = count_of(x, d, f);

	if (d->src == SZ_BITS)
		return count;
	return count > SIZE_CAP ? SIZE_CAP : MIN(SIZE_CAP, count * d->n);
}

/* Fewer elements than the program asked for, where the call may stop early. */
static void count_cut(struct xlate *x, const struct desc *d, struct frame *f, uint64_t count)
{
	if (d->src == SZ_ARG) {
		f->args[d->at - 1] = count;
		return;
	}
	__builtin_memcpy(f->copy + d->at, &count, d->width / 8);
	x->cut = x->changed = true;
}

/* The start of memory of `bytes` bytes. An element more than fits contiguously is EFAULT. */
static enum xlate_verdict memory(
	struct xlate *x, const struct desc *d, uint64_t *slot, struct frame *f, uint64_t bytes)
{
	vaddr_t va = *slot;
	struct xlate_hit hit, next;

	if (!bytes || !va)
		return XLATE_CALL;
	lookup(x, va, bytes, &hit);
	if (hit.kind == XLATE_PLAIN)
		return XLATE_CALL;
	if (hit.kind == XLATE_DEAD_ALIAS)
		return dead(x, va);
	*slot = hit.canon;
	x->changed = true;
	if (hit.len >= bytes)
		return XLATE_CALL;
	if (d->part && hit.len >= d->n) {
		count_cut(x, d, f, hit.len / d->n);
		return XLATE_CALL;
	}
	lookup(x, va + hit.len, 1, &next);
	if (next.kind == XLATE_DEAD_ALIAS)
		return dead(x, va + hit.len);
	return fail(x, d->kind == D_RANGE ? ENOMEM : EFAULT);
}

/* A live alias becomes its canonical address; anything else stays. */
static bool any(struct xlate *x, uint64_t *slot)
{
	struct xlate_hit hit;

	lookup(x, *slot, 1, &hit);
	if (hit.kind != XLATE_LIVE)
		return false;
	*slot = hit.canon;
	x->changed = true;
	return true;
}

/* Copies the structure(s) at *slot. False: it cannot be read (or there is no room: x->ret). */
static bool copy_make(
	struct xlate *x, uint64_t canon, size_t bytes, bool back, struct xlate_back *b)
{
	size_t need = back ? 3 * ALIGN_UP(bytes, 16UL) : bytes;

	x->ret = 0;
	b->cur = scratch_take(x, need);
	if (!b->cur) {
		x->ret = -ENOMEM;
		return false;
	}
	if (x->ops->copy_in(x->ctx, b->cur, canon, bytes))
		return false;
	b->to = canon;
	b->bytes = bytes;
	if (back) {
		b->sent = b->cur + ALIGN_UP(bytes, 16UL);
		b->orig = b->sent + ALIGN_UP(bytes, 16UL);
		__builtin_memcpy(b->orig, b->cur, bytes);
	}
	return true;
}

/* The copy is what the kernel gets. */
static enum xlate_verdict copy_send(
	struct xlate *x, uint64_t *slot, const struct xlate_back *b, bool back)
{
	struct xlate_back *keep;

	*slot = (uint64_t)(uintptr_t)b->cur;
	if (!back)
		return XLATE_CALL;
	__builtin_memcpy(b->sent, b->cur, b->bytes);
	keep = scratch_take(x, sizeof(*keep));
	if (!keep)
		return fail(x, ENOMEM);
	*keep = *b;
	keep->next = x->back;
	x->back = keep;
	return XLATE_CALL;
}

static enum xlate_verdict fields_walk(struct xlate *x, const struct shape *s, unsigned char *copy)
{
	struct frame f = {NULL, copy};
	enum xlate_verdict v;
	uint64_t p;
	unsigned i;

	for (i = 0; i < s->nfields; i++) {
		__builtin_memcpy(&p, copy + s->fields[i].off, sizeof(p));
		v = pointer_one(x, &s->fields[i].d, &p, &f);
		if (v != XLATE_CALL)
			return v;
		__builtin_memcpy(copy + s->fields[i].off, &p, sizeof(p));
	}
	return XLATE_CALL;
}

static enum xlate_verdict structs(
	struct xlate *x, const struct desc *d, uint64_t *slot, struct frame *f)
{
	const struct shape *s = calls_shape(d);
	uint64_t count = count_of(x, d, f), i;
	static const struct desc whole = {.kind = D_MEM, .n = 1};
	bool outer = x->changed;
	size_t mark;
	struct xlate_back b;
	enum xlate_verdict v;

	/* Counts that no call accepts are the kernel's to refuse. */
	if (!*slot || !count || count > x->scratch_size / s->bytes)
		return *slot && count ? (any(x, slot), XLATE_CALL) : XLATE_CALL;
	v = memory(x, &whole, slot, f, count * s->bytes);
	if (v != XLATE_CALL)
		return v;
	outer |= x->changed;
	mark = x->used;
	if (!copy_make(x, *slot, count * s->bytes, s->back, &b))
		return x->ret ? XLATE_FAIL : XLATE_CALL;
	x->changed = false;
	for (i = 0; i < count; i++) {
		v = fields_walk(x, s, b.cur + i * s->bytes);
		if (v != XLATE_CALL)
			return v;
		if (x->cut && i + 1 < count)
			count_cut(x, d, f, i + 1);
		if (x->cut)
			break;
	}
	x->cut = false;
	if (!x->changed) {
		x->used = mark;
		x->changed = outer;
		return XLATE_CALL;
	}
	return copy_send(x, slot, &b, s->back);
}

/* argv, envp: pointers up to the NULL. */
static enum xlate_verdict strings(struct xlate *x, uint64_t *slot)
{
	struct xlate_hit hit;
	uint64_t *v;
	size_t mark = x->used, n = 0, have = 0, chunk, reach;
	vaddr_t at = *slot;
	bool changed = false;

	if (!at)
		return XLATE_CALL;
	lookup(x, at, x->scratch_size, &hit);
	if (hit.kind == XLATE_DEAD_ALIAS)
		return dead(x, at);
	reach = hit.kind == XLATE_LIVE ? hit.len : SIZE_CAP;
	if (hit.kind == XLATE_LIVE)
		*slot = at = hit.canon;
	v = (uint64_t *)(void *)(x->scratch + mark);
	for (;; n++) {
		if ((n + 1) * 8 > have) {
			chunk = MIN(PAGE_SIZE - ((at + have) & (PAGE_SIZE - 1)), reach - have);
			chunk = MAX(chunk, 8UL);
			if (!scratch_take(x, chunk))
				return fail(x, E2BIG);
			/* The taken size is rounded up; the vector must stay dense. */
			x->used = mark + have + chunk;
			if (reach < have + 8 || x->ops->copy_in(x->ctx, (unsigned char *)v + have,
							at + have, chunk)) {
				x->used = mark;
				return XLATE_CALL;
			}
			have += chunk;
		}
		if (!v[n])
			break;
		lookup(x, v[n], 1, &hit);
		if (hit.kind == XLATE_DEAD_ALIAS)
			return dead(x, v[n]);
		if (hit.kind == XLATE_LIVE) {
			v[n] = hit.canon;
			changed = true;
		}
	}
	x->used = changed ? ALIGN_UP(x->used, 16UL) : mark;
	if (changed)
		*slot = (uint64_t)(uintptr_t)v;
	return XLATE_CALL;
}

/* A structure we know only by size: its aligned words that are live aliases are rewritten. */
static enum xlate_verdict scan(struct xlate *x, uint64_t *slot, uint64_t bytes, bool back)
{
	static const struct desc whole = {.kind = D_MEM, .n = 1};
	struct xlate_back b;
	enum xlate_verdict v;
	size_t mark = x->used, i;
	bool changed = false;
	uint64_t w;

	if (!*slot || !bytes)
		return XLATE_CALL;
	v = memory(x, &whole, slot, NULL, bytes);
	if (v != XLATE_CALL || bytes > SCAN_MAX || bytes < 8)
		return v;
	if (!copy_make(x, *slot, bytes, back, &b))
		return x->ret ? XLATE_FAIL : XLATE_CALL;
	for (i = 0; i + 8 <= bytes; i += 8) {
		__builtin_memcpy(&w, b.cur + i, 8);
		if (any(x, &w)) {
			__builtin_memcpy(b.cur + i, &w, 8);
			changed = true;
		}
	}
	if (!changed) {
		x->used = mark;
		return XLATE_CALL;
	}
	return copy_send(x, slot, &b, back);
}

static enum xlate_verdict pointer_one(
	struct xlate *x, const struct desc *d, uint64_t *slot, struct frame *f)
{
	enum xlate_verdict v;
	uint64_t cmd;

	switch (d->kind) {
	case D_VALUE:
		return XLATE_CALL;
	case D_ANY:
		any(x, slot);
		return XLATE_CALL;
	case D_STRING:
		return memory(x, d, slot, f, 1);
	case D_STRINGS:
		return strings(x, slot);
	case D_MEM:
		return memory(x, d, slot, f, bytes_of(x, d, f));
	case D_RANGE:
		return memory(x, d, slot, f, MAX(1UL, bytes_of(x, d, f)));
	case D_SELF:
		if (x->orig[0] && (int)x->orig[0] != x->pid)
			return XLATE_CALL;
		return structs(x, d, slot, f);
	case D_STRUCT:
		return structs(x, d, slot, f);
	case D_PROBE:
		v = memory(x, d, slot, f, bytes_of(x, d, f));
		return v == XLATE_DEAD ? fail(x, EFAULT) : v;
	case D_SCAN:
		return scan(x, slot, bytes_of(x, d, f), d->write);
	default: /* D_IOC: bits 30-31 direction (1 the kernel reads, 2 it writes), 16-29 size */
		cmd = x->orig[1];
		if (!(cmd >> 30 & 3) || !(cmd >> 16 & 0x3fff)) {
			any(x, slot);
			return XLATE_CALL;
		}
		return scan(x, slot, cmd >> 16 & 0x3fff, cmd >> 31 & 1);
	}
}

enum xlate_verdict xlate_before(struct xlate *x, long nr, const uint64_t args[6])
{
	const struct call_row *r = calls_row(nr);
	struct frame f = {x->args, NULL};
	const struct desc *d;
	enum xlate_verdict v;
	int i;

	x->nr = nr;
	x->orig = args;
	x->used = 0;
	x->ret = 0;
	x->back = NULL;
	x->cut = x->changed = false;
	for (i = 0; i < 6; i++)
		x->args[i] = args[i];
	x->unknown = !r;
	if (x->unknown) {
		for (i = 0; i < 6; i++)
			any(x, &x->args[i]);
		return XLATE_CALL;
	}
	if (r->state == ROW_NONE)
		return XLATE_CALL;
	if (r->state == ROW_REFUSED)
		return fail(x, r->err);
	d = calls_desc(r, nr, args);
	for (i = 0; i < 6; i++) {
		uint64_t slot = args[i];

		if (d[i].kind == D_VALUE)
			continue;
		x->arg = i + 1;
		v = pointer_one(x, &d[i], &slot, &f);
		if (v != XLATE_CALL)
			return v;
		x->args[i] = slot;
	}
	return XLATE_CALL;
}

long xlate_after(struct xlate *x, const uint64_t args[6], long ret)
{
	struct xlate_back *b;
	size_t i, n;

	for (b = ret >= 0 ? x->back : NULL; b; b = b->next) {
		for (i = 0; i < b->bytes; i += n) {
			n = MIN(8UL, b->bytes - i);
			if (!__builtin_memcmp(b->cur + i, b->sent + i, n))
				__builtin_memcpy(b->cur + i, b->orig + i, n);
		}
		x->ops->copy_out(x->ctx, b->to, b->cur, b->bytes);
	}
	/* A mapping placed over an alias (MAP_FIXED), or grown in place, keeps its address. */
	if ((x->nr == NR_MMAP || x->nr == NR_MREMAP) && x->args[0] != args[0] &&
		(uint64_t)ret == x->args[0])
		return (long)args[0];
	if (x->nr == NR_SHMAT && x->args[1] != args[1] && (uint64_t)ret == x->args[1])
		return (long)args[1];
	return ret;
}

const char *xlate_name(long nr)
{
	const struct call_row *r = calls_row(nr);

	return r ? r->name : NULL;
}
