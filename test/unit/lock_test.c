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

/* Of SIGSEGV, SIGBUS, SIGFPE and SIGUSR1, what is blocked: so many bits. */
static unsigned blocked_now(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGUSR1};
	unsigned bits = 0;
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	for (unsigned i = 0; i < 4; i++)
		bits |= (unsigned)sigismember(&now, sigs[i]) << i;
	return bits;
}

/* As in libc's own threads: a load of ours that may fault needs the two first. */
static void faults_come_in_a_section(void)
{
	struct lock_section s;
	sigset_t was, now;

	sigprocmask(SIG_BLOCK, NULL, &was); /* all of them */
	CHECK_EQ(blocked_now(), 15);
	lock_section_enter(&s);
	CHECK_EQ(blocked_now(), 12);
	lock_section_leave(&s);
	CHECK_EQ(blocked_now(), 15);
	sigemptyset(&now);
	sigprocmask(SIG_SETMASK, &now, NULL);
	lock_section_enter(&s);
	CHECK_EQ(blocked_now(), 8);
	lock_section_leave(&s);
	CHECK_EQ(blocked_now(), 0);
	sigprocmask(SIG_SETMASK, &was, NULL);
}

/* One that was sent waits on; by default it would end the process. */
static void sent_ones_wait(void)
{
	struct lock_section s;
	sigset_t waits;

	raise(SIGBUS);
	lock_section_enter(&s);
	CHECK_EQ(blocked_now(), 15);
	lock_section_leave(&s);
	sigpending(&waits);
	CHECK(sigismember(&waits, SIGBUS));
	signal(SIGBUS, SIG_IGN); /* it is gone */
	signal(SIGBUS, SIG_DFL);
}

int main(void)
{
	unit_section();
	RUN(take_in_order);
	RUN(faults_come_in_a_section);
	RUN(sent_ones_wait);
	RUN(order_is_watched);
	return UNIT_END();
}
