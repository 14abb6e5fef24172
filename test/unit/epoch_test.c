// sources: src/kvm/epoch.c
/*
 * A model of processors with TLBs: random steps of kill, flush, sleep, wake and give back, on one
 * thread so that every interleaving of the steps is possible. The invariant: a canonical block
 * that went back is in no TLB of a processor that runs guest code. The same model with one rule
 * broken must find a violation, or it proves nothing.
 */
#include "unit.h"
#include "kvm/epoch.h"

#define CPUS   4
#define BLOCKS 64
#define STEPS  400000

enum rule { NONE, NO_WAKE_FLUSH, STAMP_BEFORE_KILL, SKIP_EPOCH, FLUSH_BEFORE_BEGIN };

static struct epochs e;

struct cpu {
	struct epoch_cpu *slot;
	bool tlb[BLOCKS]; /* shows the alias of block b */
	bool in_guest;
	int phase; /* of a flush in steps: 0 none, 1 token taken */
	bool flushed;
	uint64_t token;
};

struct item {
	enum { LIVE, KILLING, KILLED, BACK } state;
	uint64_t stamp;
	int killer;
};

static unsigned long seed;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static void flush(struct cpu *c)
{
	memset(c->tlb, 0, sizeof(c->tlb));
}

static void step_flush(struct cpu *c, enum rule broken)
{
	if (c->phase == 0) {
		if (broken == FLUSH_BEFORE_BEGIN)
			flush(c);
		else
			c->token = epoch_flush_begin(&e);
		c->phase = 1;
		return;
	}
	if (broken == FLUSH_BEFORE_BEGIN)
		c->token = epoch_flush_begin(&e);
	else
		flush(c);
	epoch_flush_end(c->slot, c->token);
	c->phase = 0;
}

static void step_sleep_or_wake(struct cpu *c, enum rule broken)
{
	uint64_t t;

	if (c->in_guest) {
		if (c->phase)
			return;
		c->in_guest = false;
		epoch_sleep(c->slot);
		return;
	}
	if (epoch_wake(&e, c->slot) && broken != NO_WAKE_FLUSH) {
		t = epoch_flush_begin(&e);
		flush(c);
		epoch_flush_end(c->slot, t);
	}
	c->in_guest = true;
}

static void step_kill(struct cpu *c, int me, struct item *b, int i, enum rule broken)
{
	if (b->state == LIVE) {
		b->killer = me;
		if (broken == STAMP_BEFORE_KILL)
			b->stamp = epoch_stamp(&e);
		b->state = KILLING;
	} else if (b->state == KILLING && b->killer == me) {
		/* From here on no walk finds it; INVLPG clears our own entry. */
		b->state = KILLED;
		c->tlb[i] = false;
		if (broken != STAMP_BEFORE_KILL)
			b->stamp = epoch_stamp(&e);
	}
}

/* Processors that run guest code and could still reach block i, which went back. */
static unsigned long violations(const struct cpu *cpu, const struct item *block, int i)
{
	unsigned long bad = 0;
	int k;

	for (k = 0; k < CPUS; k++)
		bad += cpu[k].in_guest && cpu[k].tlb[i] && block[i].state == BACK;
	return bad;
}

/* Runs the model; returns how often the invariant broke. */
static unsigned long model(enum rule broken, unsigned long s)
{
	static struct cpu cpu[CPUS];
	static struct item block[BLOCKS];
	unsigned long bad = 0, step;
	int i, k;

	memset(&e, 0, sizeof(e));
	memset(cpu, 0, sizeof(cpu));
	memset(block, 0, sizeof(block));
	seed = s;
	for (k = 0; k < CPUS; k++)
		cpu[k].slot = epoch_join(&e, (uint32_t)k);
	for (step = 0; step < STEPS; step++) {
		int me = (int)rnd(CPUS);
		struct cpu *c = &cpu[me];
		struct item *b;

		i = (int)rnd(BLOCKS);
		b = &block[i];
		if (rnd(12) == 0) {
			step_sleep_or_wake(c, broken);
			continue;
		}
		if (!c->in_guest)
			continue;
		switch (rnd(6)) {
		case 0:
		case 1: /* an access fills the TLB while the entry is there */
			if (b->state == LIVE || b->state == KILLING)
				c->tlb[i] = true;
			break;
		case 2:
			step_flush(c, broken);
			break;
		case 3:
			step_kill(c, me, b, i, broken);
			break;
		case 4:
			if (b->state == KILLED &&
				(broken == SKIP_EPOCH || epoch_safe(&e) >= b->stamp)) {
				b->state = BACK;
			}
			break;
		default: /* what went back comes again, behind a fresh alias */
			for (k = 0; k < CPUS && !cpu[k].tlb[i]; k++)
				;
			if (b->state == BACK && k == CPUS)
				b->state = LIVE;
		}
		bad += violations(cpu, block, i);
	}
	return bad;
}

static void nothing_goes_back_too_early(void)
{
	unsigned long s;

	for (s = 1; s <= 10; s++)
		CHECK_EQ(model(NONE, s), 0);
}

static void blocks_do_go_back(void)
{
	struct epoch_cpu *a, *b;
	uint64_t stamp, t;

	memset(&e, 0, sizeof(e));
	a = epoch_join(&e, 0);
	b = epoch_join(&e, 5);
	CHECK(!epoch_wake(&e, a));
	CHECK(!epoch_wake(&e, b));
	stamp = epoch_stamp(&e);
	CHECK(epoch_stale(&e, a));
	CHECK(epoch_safe(&e) < stamp);
	t = epoch_flush_begin(&e);
	epoch_flush_end(a, t);
	CHECK(!epoch_stale(&e, a));
	CHECK(epoch_safe(&e) < stamp);
	/* The other one goes to sleep, and must flush when it comes back. */
	epoch_sleep(b);
	CHECK(epoch_safe(&e) >= stamp);
	CHECK(epoch_wake(&e, b));
	CHECK(epoch_safe(&e) < stamp);
	epoch_leave(&e, b);
	CHECK(epoch_safe(&e) >= stamp);
}

static void a_slot_comes_back_stale(void)
{
	struct epoch_cpu *a, *b;
	uint64_t stamp;

	memset(&e, 0, sizeof(e));
	a = epoch_join(&e, 0);
	b = epoch_join(&e, 1);
	epoch_wake(&e, a);
	epoch_wake(&e, b);
	CHECK_EQ(e.awake, 2);
	epoch_leave(&e, b);
	epoch_leave(&e, b);
	CHECK_EQ(e.awake, 1);
	stamp = epoch_stamp(&e);
	epoch_flush_end(a, epoch_flush_begin(&e));
	CHECK(epoch_safe(&e) >= stamp);
	/* Its TLB may still hold what the stamp was about. */
	CHECK(epoch_join(&e, 1) == b);
	CHECK(epoch_wake(&e, b));
	CHECK_EQ(e.awake, 2);
}

static void the_model_sees_each_broken_rule(void)
{
	CHECK(model(NO_WAKE_FLUSH, 1) > 0);
	CHECK(model(STAMP_BEFORE_KILL, 1) > 0);
	CHECK(model(SKIP_EPOCH, 1) > 0);
	CHECK(model(FLUSH_BEFORE_BEGIN, 1) > 0);
}

int main(void)
{
	RUN(nothing_goes_back_too_early);
	RUN(blocks_do_go_back);
	RUN(a_slot_comes_back_stale);
	RUN(the_model_sees_each_broken_rule);
	return UNIT_END();
}
