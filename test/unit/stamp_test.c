// sources: src/base/stamp.c src/base/record.c
/* Stamps of a run of a year, played in its own time: what they say of each free is true, and near. */
#include "base/stamp.h"
#include "unit.h"

#include <sys/wait.h>
#include <unistd.h>

struct mode mode;

#define FREES 3000
#define TICKS (1UL << 21)
#define LAST  ((1U << RECORD_STAMP_BITS) - 1)
#define YEAR  (1UL << 56) /* ticks, about */

static uint64_t made, start;

static uint64_t blocks(void)
{
	return made;
}

static struct {
	uint64_t tsc, made;
	uint32_t stamp;
} freed[FREES];
static unsigned nfreed;

static void free_now(uint64_t tsc, bool looks)
{
	if (looks)
		stamp_look(tsc);
	freed[nfreed % FREES].tsc = tsc;
	freed[nfreed % FREES].made = made;
	freed[nfreed++ % FREES].stamp = stamp_now;
}

/* All that is remembered: within its bounds, at tsc; those no farther from each other than said. */
static void check_all(uint64_t tsc, bool all_look)
{
	for (unsigned i = 0; i < MIN(nfreed, FREES); i++) {
		uint64_t ticks[2], allocs[2];
		bool last = freed[i].stamp == LAST;

		CHECK(stamp_bounds(freed[i].stamp, tsc, ticks, allocs));
		CHECK(ticks[0] <= tsc - freed[i].tsc && tsc - freed[i].tsc <= ticks[1]);
		CHECK(allocs[0] <= made - freed[i].made && made - freed[i].made <= allocs[1]);
		if (all_look && !last)
			CHECK(ticks[1] - ticks[0] <= TICKS + ((freed[i].tsc - start) >> 10));
	}
}

/* How long a run the stamps last for: most of a month. */
static uint64_t run(bool all_look)
{
	uint64_t tsc = start, lasted = 0;

	mode.looks = all_look ? 0 : 7;
	for (uint64_t n = 1; tsc - start < YEAR; n++) {
		made += n % 7;
		free_now(tsc, all_look || n % 8 == 0);
		if (n % 1009 == 0)
			check_all(tsc + n % 5000000, all_look);
		/* Now and then nothing is freed for long. */
		tsc += MAX(TICKS / 3, (tsc - start) >> 12) << (n % 101 == 0 ? 8 : 0);
		if (stamp_now < LAST)
			lasted = tsc - start;
	}
	check_all(tsc, all_look);
	return lasted;
}

static void nothing_is_known(void)
{
	uint64_t ticks[2], allocs[2];
	struct stamp_age a;

	CHECK(!stamp_bounds(0, 0, ticks, allocs));
	CHECK(!stamp_age(0, &a));
	stamp_look(1UL << 60);
	CHECK_EQ(stamp_now, 0);
}

static void soon(void)
{
	uint64_t ticks[2], allocs[2];
	struct stamp_age a;

	stamp_start(blocks);
	start = __builtin_ia32_rdtsc();
	CHECK_EQ(stamp_now, 1);
	made += 3;
	CHECK(stamp_age(1, &a));
	CHECK_EQ(a.allocs[1], 3);
	CHECK(a.ns[0] <= a.ns[1] && a.ns[1] < 600000000000UL);
	CHECK(!stamp_age(2, &a));
	CHECK(stamp_bounds(1, start, ticks, allocs));
	stamp_look(start - ticks[1] + TICKS - 1); /* the first stretch is not over */
	CHECK_EQ(stamp_now, 1);
	stamp_look(start - 100); /* another processor's, a little behind */
	CHECK_EQ(stamp_now, 1);
}

static void who_looks(void)
{
	struct owner o = {.freed = 3 * FREED_ONE};
	uint64_t then;

	mode.looks = 7;
	CHECK_EQ(stamp_take(&o), stamp_now);
	while (__builtin_ia32_rdtsc() - start < 2 * TICKS)
		;
	CHECK_EQ(stamp_take(&o), 1);
	o.freed = 8 * FREED_ONE;
	CHECK_EQ(stamp_take(&o), 2);
	then = __builtin_ia32_rdtsc();
	while (__builtin_ia32_rdtsc() - then < 2 * TICKS)
		;
	CHECK_EQ(stamp_take(NULL), 3);
	start = __builtin_ia32_rdtsc();
}

static void a_year(void)
{
	CHECK(run(true) > 1UL << 52); /* three weeks at 2.5 GHz */
}

/* Stamps never begin anew: another process's. */
static void a_year_of_few_looks(void)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		run(false);
		fflush(stdout);
		_exit(unit_failed_checks != 0);
	}
	waitpid(pid, &status, 0);
	CHECK_EQ(status, 0);
}

/* The last stretch goes on for ever. */
static void to_the_end(void)
{
	uint64_t tsc = start;

	mode.looks = 0;
	nfreed = 0;
	while (stamp_now < LAST) {
		tsc += MAX(TICKS, (tsc - start) >> 10) + TICKS;
		stamp_look(tsc);
	}
	for (unsigned i = 0; i < 10; i++) {
		free_now(tsc, true);
		made += 5;
		tsc += YEAR / 50;
	}
	CHECK_EQ(stamp_now, LAST);
	check_all(tsc, true);
}

static void records(void)
{
	struct record r;
	struct block b;

	record_alloc(&r, 64, 40, (1 << 22) - 1, (1 << 25) - 1);
	record_read(&r, 64, &b);
	CHECK_EQ(b.free_stamp, 0);
	record_free(&r, true, (1 << 22) - 2, (1 << 25) - 2, (1 << 14) - 1);
	record_read(&r, 64, &b);
	CHECK_EQ(b.size, 40);
	CHECK_EQ(b.alloc_tid, (1 << 22) - 1);
	CHECK_EQ(b.free_tid, (1 << 22) - 2);
	CHECK_EQ(b.alloc_stack, (1 << 25) - 1);
	CHECK_EQ(b.free_stack, (1 << 25) - 2);
	CHECK_EQ(b.free_stamp, (1 << 14) - 1);
	CHECK(b.moved);
}

int main(void)
{
	RUN(nothing_is_known);
	RUN(soon);
	RUN(who_looks);
	RUN(a_year_of_few_looks);
	RUN(a_year);
	RUN(to_the_end);
	RUN(records);
	return UNIT_END();
}
