/*
 * judge.c - see judge.h. The descriptions of base/calls.h are walked as kvm/translate.c walks them,
 * but nothing is rewritten, and what cannot be read ends the walk instead of the call.
 */
#include "judge.h"
#include "base/base.h"
#include "trace/trace.h"

#define RANGE_MAX   (64UL << 20) /* bytes of one argument that are looked through */
#define VECTOR_MAX  1024UL	 /* elements: the kernel takes no more (UIO_MAXIOV) */
#define STRINGS_MAX (1UL << 16)

struct look {
	const uint64_t *arg; /* as the row counts them */
	struct report *r;
	int nth;     /* the argument that is looked at, as the program counts */
	bool number; /* by syscall(2): how many arguments the program gave is not known */
	bool found;  /* a dead one                                              */
	bool other;  /* one that explains the failure and is not dead           */
};

/* The word at `at`, which may be gone meanwhile. */
static bool peek(vaddr_t at, uint64_t *v)
{
	*v = EXTABLE_LOAD(at, gone);
	return true;
gone:
	return false;
}

static bool is_dead_at(vaddr_t at, int arg, struct report *r)
{
	bool loaded = report_loaded(&at);
	struct block b;

	block_find(at, &b);
	if (b.state != BLOCK_DEAD)
		return false;
	*r = (struct report){.addr = at, .loaded = loaded, .arg = arg, .block = b};
	return true;
}

/* Can all of it be read? The first byte that cannot decides. */
static bool range(struct look *l, vaddr_t addr, size_t bytes)
{
	vaddr_t end = addr + MIN(bytes, RANGE_MAX), at = addr;

	while (at < end && stack_probe(at))
		at = (at & PAGE_MASK) + PAGE_SIZE;
	if (at >= end)
		return true;
	if (l->found)
		l->other |= !is_dead_at(at, l->nth, &(struct report){0});
	else if (is_dead_at(at, l->nth, l->r))
		l->found = true;
	else
		l->other = true;
	return false;
}

static bool word(struct look *l, vaddr_t at, uint64_t *v)
{
	return range(l, at, 8) && peek(at, v);
}

/* The kernel takes counts as int or unsigned; only nonsense is longer. */
static size_t count_of(const struct look *l, const struct desc *d, vaddr_t in)
{
	uint64_t v = 0;

	switch (d->src) {
	case SZ_ARG:
		return (uint32_t)l->arg[d->at - 1];
	case SZ_BITS:
		return ALIGN_UP(MIN(l->arg[d->at - 1] & INT32_MAX, 1UL << 20), 64UL) / 8;
	case SZ_AT:
		v = l->arg[d->at - 1];
		if (!v || !stack_probe(v) || !peek(v, &v))
			return 0;
		return (uint32_t)v;
	case SZ_FIELD:
		if (!peek(in + d->at, &v))
			return 0;
		return d->width < 64 ? v & ((1UL << d->width) - 1) : v;
	default:
		return 1;
	}
}

static size_t bytes_of(const struct look *l, const struct desc *d, vaddr_t in)
{
	size_t n = count_of(l, d, in);

	return d->src == SZ_BITS ? n : MIN(n, RANGE_MAX) * d->n;
}

/* Longer than any address space: the kernel fails before it looks, and what is there is not why. */
static bool is_nonsense(const struct look *l, const struct desc *d, vaddr_t in, uint64_t value)
{
	uint64_t n = d->src == SZ_ARG ? l->arg[d->at - 1] : count_of(l, d, in);

	return value < USER_END && n > (USER_END - value) / MAX(d->n, 1U);
}

static void pointer(struct look *l, const struct desc *d, uint64_t value, vaddr_t in);

static void structs(struct look *l, const struct desc *d, vaddr_t at, vaddr_t in)
{
	const struct shape *s = calls_shape(d);
	size_t n = MIN(count_of(l, d, in), VECTOR_MAX);
	uint64_t v;

	if (!n || !range(l, at, n * s->bytes))
		return;
	for (; n > 0; n--, at += s->bytes)
		for (unsigned i = 0; i < s->nfields; i++)
			if (peek(at + s->fields[i].off, &v))
				pointer(l, &s->fields[i].d, v, at);
}

static void strings(struct look *l, vaddr_t at)
{
	uint64_t s;

	for (size_t i = 0; i < STRINGS_MAX && word(l, at, &s) && s; i++, at += 8)
		range(l, s, 1);
}

/*
 * A pointer that is missing may be what the call failed of, and then the kernel did not look at
 * the arguments behind it; nor may the program have given any, with syscall(2).
 */
static void missing(struct look *l, const struct desc *d)
{
	if (!l->found && (l->number || d->kind != D_MEM || (d->src == SZ_CONST && !d->write)))
		l->other = true;
}

static void pointer(struct look *l, const struct desc *d, uint64_t value, vaddr_t in)
{
	if (d->kind == D_VALUE || d->kind == D_ANY || d->kind == D_RANGE || d->kind == D_PROBE)
		return;
	if (!value) {
		if (!in)
			missing(l, d);
		return;
	}
	switch (d->kind) {
	case D_STRING:
		range(l, value, 1);
		break;
	case D_STRINGS:
		strings(l, value);
		break;
	case D_IOC: /* the number says how many bytes, none without a direction */
		range(l, value, l->arg[1] >> 16 & 0x3fff);
		break;
	case D_SELF: /* of a process by its number: so programs ask whether memory is there */
		break;
	case D_STRUCT:
		structs(l, d, value, in);
		break;
	default:
		if (is_nonsense(l, d, in, value))
			l->other = true;
		else
			range(l, value, bytes_of(l, d, in));
	}
}

/* The length of what is not wanted is not looked at: accept(fd, NULL, length). */
static bool is_unused_length(const struct look *l, const struct desc *d, unsigned i, unsigned n)
{
	for (unsigned k = 0; k < n; k++)
		if (d[k].src == SZ_AT && d[k].at == i + 1 && !l->arg[k])
			return true;
	return false;
}

bool judge_failed(int as, const long *arg, struct report *r)
{
	struct look l = {.r = r, .arg = (const uint64_t *)arg, .number = as == JUDGE_BY_NUMBER};
	const struct desc *d;
	const struct call_row *row;
	unsigned n = 6;

	if (l.number)
		l.arg++;
	if (as < 0 && !l.number) {
		d = calls_libc((enum calls_libc)(-1 - as));
		n = CALLS_ARGS;
	} else {
		long nr = l.number ? arg[0] : as;

		row = calls_row(nr);
		if (!row || row->state != ROW_DESCRIBED)
			return false;
		d = calls_desc(row, nr, l.arg);
	}
	for (unsigned i = 0; i < n; i++) {
		l.nth = (int)i + 1 + l.number;
		if (!is_unused_length(&l, d, i, n))
			pointer(&l, &d[i], l.arg[i], 0);
	}
	return l.found && !l.other;
}

/* Is there a dead block in it that the kernel cannot read either? */
static bool dead_within(vaddr_t addr, size_t bytes, struct report *r)
{
	vaddr_t end = addr + MIN(bytes, RANGE_MAX);

	for (vaddr_t at = addr; at < end; at = (at & PAGE_MASK) + PAGE_SIZE)
		if (is_dead_at(at, 2, r) && !stack_probe(at))
			return true;
	return false;
}

/*
 * The rest of a piece, `done` bytes of which were moved. What is to be sent is read to its end;
 * what is to be received may end anywhere, and the kernel stops for a block only where a page ends.
 */
static bool rest_dead(bool in, vaddr_t base, size_t len, size_t done, struct report *r)
{
	if (!in)
		return dead_within(base + done, len - done, r);
	return (!done || !((base + done) & (PAGE_SIZE - 1))) && dead_within(base + done, 1, r);
}

static bool vector_short(bool in, vaddr_t iov, size_t n, size_t done, struct report *r)
{
	uint64_t base, len;

	for (n = MIN(n, VECTOR_MAX); n > 0; n--, iov += 16) {
		if (!peek(iov, &base) || !peek(iov + 8, &len))
			return false;
		if (done >= len) {
			done -= len;
			continue;
		}
		if (rest_dead(in, base, len, done, r))
			return true;
		if (in)
			return false;
		done = 0;
	}
	return false;
}

/* Of struct mmsghdr (a message, and how much of it went) the first that was not sent. */
static bool messages_short(vaddr_t at, size_t n, size_t done, struct report *r)
{
	uint64_t iov, len;

	at += done * 64;
	return done < n && peek(at + 16, &iov) && peek(at + 24, &len) &&
	       vector_short(false, iov, len, 0, r);
}

bool judge_short(enum judge_moves moves, const long *arg, size_t done, struct report *r)
{
	vaddr_t at = (vaddr_t)arg[1];
	size_t n = (size_t)arg[2];
	uint64_t iov;

	switch (moves) {
	case IN_BUF:
	case OUT_BUF:
		return done < n && rest_dead(moves == IN_BUF, at, n, done, r);
	case IN_MESSAGE:
	case OUT_MESSAGE: /* struct msghdr: the vector at 16, its length at 24 */
		return peek(at + 16, &iov) && peek(at + 24, &n) &&
		       vector_short(moves == IN_MESSAGE, iov, n, done, r);
	case OUT_MESSAGES:
		return messages_short(at, (unsigned)n, done, r);
	case IN_VECTOR:
	case OUT_VECTOR:
		return vector_short(moves == IN_VECTOR, at, n, done, r);
	default:
		return false;
	}
}
