// sources: src/base/atonce.c src/base/budget.c
/* Who may die at once, by the clock: its time stamp counter is the real one. */
#include "unit.h"
#include "base/atonce.h"
#include "base/clock.h"
#include "base/stamp.h"

struct mode mode = {.share = 5};
static uint64_t now = 1UL << 40;

uint64_t clock_ns(void)
{
	return now;
}

void stamp_look(uint64_t tsc)
{
}

static bool freed(uint64_t place, unsigned times)
{
	bool last = false;

	for (unsigned i = 0; i < times; i++)
		last = atonce_allows(NULL, place, false);
	return last;
}

/* A place that has freed so often, and a budget that is used up. */
static void used_up(uint64_t place, unsigned times)
{
	atonce_start();
	freed(place, times);
	for (int i = 0; i < 20; i++)
		atonce_charge(0, 0);
	CHECK(!freed(place + 1, 1)); /* nor a new one */
}

/* Ten seconds: all is earned again, when somebody looks. */
static void later(void)
{
	uint64_t tsc = __builtin_ia32_rdtsc();

	while (__builtin_ia32_rdtsc() - tsc < 1UL << 25)
		;
	now += 10000000000UL;
}

static void who_is_new_looks_at_the_clock(void)
{
	used_up(10, 5);
	later();
	CHECK(freed(10, 1));
}

/* Of 32 to 63 every other one is due. */
static void who_is_due_looks_at_the_clock(void)
{
	used_up(20, 34);
	later();
	CHECK(freed(20, 1));
}

/* And who is not, by turns: what is freed all the time has the upper half. */
static void the_rest_looks_now_and_then(void)
{
	unsigned n = 0;

	used_up(30, 10000);
	later();
	for (int i = 0; i < 16; i++)
		n += freed(30, 1);
	CHECK(n > 0);
}

/* Whoever was refused asks no more until its place is due; another place does. */
static void the_refused_rest(void)
{
	static struct atonce_rest rests[ATONCE_RESTS];
	unsigned n = 0, asked = 0;
	uint64_t same = 41; /* by its hash */

	while (atonce_rest(rests, same) != atonce_rest(rests, 40))
		same++;
	used_up(40, 64);
	CHECK(!atonce_rests(rests, 40));
	CHECK(!atonce_allows(rests, 40, false)); /* its 65th: due, refused */
	CHECK(!atonce_rests(rests, same));
	while (atonce_rests(rests, 40))
		n++;
	CHECK_EQ(n, 3);
	later();
	CHECK(atonce_allows(rests, 40, false)); /* those counted */
	CHECK(!atonce_rests(rests, 40));
	for (unsigned i = 0; i < 1024; i++) {
		if (atonce_rests(rests, 50))
			continue;
		asked++;
		if (!atonce_allows(rests, 50, false))
			continue;
		atonce_charge(0, 0);
		for (int k = 0; k < 20; k++)
			atonce_charge(0, UINT64_MAX);
	}
	CHECK(asked < 200);
}

int main(void)
{
	RUN(who_is_new_looks_at_the_clock);
	RUN(who_is_due_looks_at_the_clock);
	RUN(the_rest_looks_now_and_then);
	RUN(the_refused_rest);
	return UNIT_END();
}
