// sources: src/base/lock.c src/base/panic.c src/base/out.c
// flags: -DUD_DEBUG
/* Locks in their order, and out of it: a debug build ends there, and names both places. */
#include "unit.h"
#include "base/lock.h"

#include <sys/wait.h>
#include <unistd.h>

static struct lock sweep = LOCK(SWEEP), views = LOCK(VIEWS), start;
static struct lock class[2] = {LOCK(CLASS), LOCK(CLASS)};

/* What a child says that runs fn, its status in *status. */
static const char *child_says(void (*fn)(void), int *status)
{
	static char said[1000];
	int p[2];
	ssize_t n;

	CHECK_EQ(pipe(p), 0);
	if (!fork()) {
		dup2(p[1], 2);
		fn();
		_exit(0);
	}
	close(p[1]);
	n = read(p[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = 0;
	close(p[0]);
	CHECK(wait(status) > 0);
	return said;
}

static void ends_with(void (*fn)(void), const char *what, int line, int since)
{
	const char *said;
	char place[80];
	int status;

	said = child_says(fn, &status);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CHECK(strstr(said, what));
	snprintf(place, sizeof(place), "lock_test.c:%d", line);
	CHECK(strstr(said, place));
	snprintf(place, sizeof(place), "lock_test.c:%d", since);
	CHECK(!since || strstr(said, place));
}

static void take_in_order(void)
{
	lock_take(&sweep);
	lock_take(&class[0]);
	lock_take(&class[1]);
	lock_take(&views);
	lock_drop(&class[0]);
	lock_drop(&sweep);
	lock_drop(&views);
	lock_drop(&class[1]);
	lock_take(&sweep); /* nothing is left of it */
	lock_drop(&sweep);
	lock_take(&views);
	CHECK(lock_try(&sweep)); /* for that does not wait */
	CHECK(!lock_try(&sweep));
	lock_take(&start); /* has no rank */
	lock_drop(&start);
	lock_drop(&sweep);
	lock_drop(&views);
}

enum { LATER_FIRST = __LINE__ + 5 };

static void take_out_of_order(void)
{
	lock_take(&views);
	lock_take(&sweep);
}

enum { SECOND_FIRST = __LINE__ + 5 };

static void take_classes_backwards(void)
{
	lock_take(&class[1]);
	lock_take(&class[0]);
}

enum { TWICE = __LINE__ + 5 };

static void take_twice(void)
{
	lock_take(&sweep);
	lock_take(&sweep);
}

enum { NOT_HELD = __LINE__ + 4 };

static void drop_not_held(void)
{
	lock_drop(&sweep);
}

static void order_is_watched(void)
{
	ends_with(take_out_of_order, "lock order", LATER_FIRST, LATER_FIRST - 1);
	ends_with(take_classes_backwards, "lock order", SECOND_FIRST, SECOND_FIRST - 1);
	ends_with(take_twice, "that it holds since", TWICE, TWICE - 1);
	ends_with(drop_not_held, "does not hold", NOT_HELD, 0);
}

int main(void)
{
	unit_section();
	RUN(take_in_order);
	RUN(order_is_watched);
	return UNIT_END();
}
