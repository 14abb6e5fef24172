// sources: src/pages/sample.c
// flags: -include test/unit/tsc.h
/*
 * What samples may cost, on a counter that only the host's calls and stacks move: whatever they take puts
 * the next one off by 200 times that, be it a birth or a death; who asks for a rate has it.
 */
#include "pages/sample.h"
#include "host/host.h"
#include "trace/trace.h"
#include "unit.h"

#include <sys/mman.h>

#define FIRST	   1000000UL /* not a multiple of anything */
#define MAP	   700UL
#define MOVE	   300UL
#define KILL	   500UL
#define STACK	   90UL
#define TIMES	   200UL
#define PAUSE_MOST (1UL << 32)

unsigned long long tsc_now = FIRST;
struct mode mode;
struct lock large_lock = LOCK(LARGE);

static struct large *born;
static bool room_is_short;
static uint64_t slept;

vaddr_t space_take(size_t len, size_t align)
{
	char *p = mmap(
		NULL, len + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return room_is_short ? 0 : ALIGN_UP(vaddr_of(p), align);
}

int host_range_map(vaddr_t at, size_t len)
{
	tsc_now += MAP;
	return mprotect(vaddr_ptr(at), len, PROT_READ | PROT_WRITE);
}

int host_range_move(vaddr_t from, size_t len, vaddr_t to, size_t newlen)
{
	tsc_now += MOVE;
	return mremap(vaddr_ptr(from), len, newlen, MREMAP_MAYMOVE | MREMAP_FIXED, vaddr_ptr(to)) ==
	       MAP_FAILED;
}

int host_range_kill(vaddr_t at, size_t len)
{
	tsc_now += KILL;
	return munmap(vaddr_ptr(at), len);
}

uint32_t stack_capture(void *frame)
{
	tsc_now += STACK + slept;
	slept = 0;
	return 1;
}

struct large *large_new(const struct large *as,
	bool (*place)(struct large *l, size_t align, bool *zeroed), size_t align, bool zero,
	void *frame)
{
	struct large *l = malloc(sizeof(*l));
	bool zeroed;

	*l = *as;
	stack_capture(frame);
	born = place(l, align, &zeroed) ? l : NULL;
	return born;
}

static void *take(size_t size)
{
	return sample_alloc(size, 16, false, NULL);
}

/* None is taken before `when`, and one is then, which takes `cost`. */
static void due_at(uint64_t when, size_t size, uint64_t cost)
{
	tsc_now = when - 1;
	CHECK(!take(size));
	CHECK_EQ(tsc_now, when - 1);
	tsc_now = when;
	CHECK(take(size) != NULL);
	CHECK_EQ(tsc_now, when + cost);
}

/* What were left of it would be a mapping for ever. */
static void dies(void)
{
	vaddr_t room = born->base;
	unsigned char in;

	sample_died(born);
	for (size_t at = 0; at < born->room; at += PAGE_SIZE)
		CHECK(mincore(vaddr_ptr(room + at), PAGE_SIZE, &in) == -1);
}

/* One after the other: each test goes on where the last one ended. */
static uint64_t due;

static void a_birth_is_charged(void)
{
	CHECK(take(5000) != NULL);
	CHECK_EQ(tsc_now, FIRST + MAP + STACK);
	due = tsc_now + TIMES * (MAP + STACK);
	due_at(due, 5000, MAP + STACK);
	due = tsc_now + TIMES * (MAP + STACK);
}

static void a_death_is_charged_beside_it(void)
{
	dies();
	due += TIMES * KILL;
	due_at(due, 40, MAP + STACK);
	due = tsc_now + TIMES * (MAP + STACK);
}

static void a_death_that_keeps_its_page_is_charged(void)
{
	dies();
	due += TIMES * (MOVE + KILL);
	due_at(due, 40, STACK); /* the page that was kept */
	due = tsc_now + TIMES * STACK;
	dies();
	due += TIMES * (MOVE + KILL);
}

static void a_long_pause_gives_no_credit(void)
{
	tsc_now = due + (1UL << 40);
	CHECK(take(5000) != NULL);
	due_at(tsc_now + TIMES * (MAP + STACK), 5000, MAP + STACK);
	due = tsc_now + TIMES * (MAP + STACK);
}

/* The machine slept in the midst of a birth. */
static void no_pause_is_for_ever(void)
{
	tsc_now = due;
	slept = 1UL << 40;
	CHECK(take(5000) != NULL);
	due_at(tsc_now + PAUSE_MOST, 5000, MAP + STACK);
	due = tsc_now + TIMES * (MAP + STACK);
}

static void who_asks_for_a_rate_has_it(void)
{
	mode.sample_asked = true;
	CHECK(take(40) != NULL);
	CHECK(take(40) != NULL);
	mode.sample_asked = false;
	CHECK(!take(40));
	room_is_short = true;
	mode.sample_asked = true;
	CHECK(!take(5000));
	CHECK(!take(SAMPLE_MAX + 1));
	CHECK(!take(0));
}

int main(void)
{
	RUN(a_birth_is_charged);
	RUN(a_death_is_charged_beside_it);
	RUN(a_death_that_keeps_its_page_is_charged);
	RUN(a_long_pause_gives_no_credit);
	RUN(no_pause_is_for_ever);
	RUN(who_asks_for_a_rate_has_it);
	return UNIT_END();
}
