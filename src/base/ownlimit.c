/*
 * ownlimit.c - see ownlimit.h. app context, raw system calls.
 *
 * A small limit gets our room on top, and is shown without it. So that whoever it is handed on to
 * (forks, programs that are started) can tell, the room stands in the lowest bits, below what the
 * kernel counts, which is pages. What breaks it: a limit above the hard one, which would be refused;
 * then it is that one, and only the process itself knows what was asked for.
 */
#include "ownlimit.h"
#include "mode.h"
#include "sys.h"

#include <errno.h>
#include <sys/resource.h>

/*
 * A limit of so many times our room is left as it is, for we take a quarter of it at most. With one, a program
 * would have nothing just above our room, and all that it asked for just below.
 */
#define SMALL 4

#define STEP  (8UL << 20) /* rooms are a multiple of this, less than 16 times */
#define MARK  0x2b0UL	  /* in the lowest bits, with the room: below what `ulimit` sets */
#define BELOW 0x400UL

static size_t data_room, address_room;
static size_t data_limit;
static bool either_limit;

static struct known {
	struct ownlimit kernel, program; /* what the one has, and the other set */
} known[2];

static bool limit_get(int what, struct ownlimit *l)
{
	return sys_call4(__NR_prlimit64, 0, what, 0, (long)l) == 0;
}

static bool limit_set(const struct ownlimit *l)
{
	return sys_call4(__NR_prlimit64, 0, RLIMIT_DATA, (long)l, 0) == 0;
}

/* What is ours on top of a limit; 0: nothing. */
static size_t room_of(uint64_t limit)
{
	return (limit & (BELOW - 1) & ~0xfUL) == MARK ? (limit & 0xf) * STEP : 0;
}

static uint64_t with_room(uint64_t limit, size_t room)
{
	return (limit & ~(BELOW - 1)) + room + MARK + room / STEP;
}

static struct known *known_of(int what)
{
	return what == RLIMIT_DATA ? &known[0] : what == RLIMIT_AS ? &known[1] : NULL;
}

bool ownlimit_raise(int what, struct ownlimit *l)
{
	size_t room = what == RLIMIT_DATA ? data_room : what == RLIMIT_AS ? address_room : 0;
	struct known *k = known_of(what);
	struct ownlimit is;

	if (what == RLIMIT_DATA && l->cur != RLIM_INFINITY) {
		__atomic_store_n(&data_limit, MAX(l->cur, 1UL), __ATOMIC_RELAXED);
		mode_limit(l->cur);
	}
	if (k && l->cur != RLIM_INFINITY)
		__atomic_store_n(&either_limit, true, __ATOMIC_RELAXED);
	if (!k || l->cur >= room * SMALL || l->cur > l->max || !limit_get(what, &is) ||
		l->cur > is.max)
		return false;
	k->program = *l;
	l->cur = MIN(with_room(l->cur, room), is.max);
	if (l->max < room * SMALL)
		l->max = MIN(with_room(l->max, room), MAX(is.max, l->max));
	l->max = MAX(l->max, l->cur);
	k->kernel = *l;
	return true;
}

static uint64_t without_room(uint64_t limit)
{
	size_t room = room_of(limit);

	return room && limit >= room && limit - room < room * SMALL + BELOW
		       ? (limit - room) & ~(BELOW - 1)
		       : limit;
}

void ownlimit_show(int what, struct ownlimit *l)
{
	const struct known *k = known_of(what);

	if (!k)
		return;
	if (k->kernel.cur && l->cur == k->kernel.cur && l->max == k->kernel.max)
		*l = k->program;
	else
		*l = (struct ownlimit){without_room(l->cur), without_room(l->max)};
}

bool ownlimit_is(void)
{
	return __atomic_load_n(&either_limit, __ATOMIC_RELAXED);
}

size_t ownlimit_data(void)
{
	return __atomic_load_n(&data_limit, __ATOMIC_RELAXED);
}

int ownlimit_start(size_t data, size_t addresses)
{
	struct ownlimit is, raised;

	data_room = data;
	address_room = addresses;
	either_limit = limit_get(RLIMIT_AS, &is) && is.cur != RLIM_INFINITY;
	if (!limit_get(RLIMIT_DATA, &is))
		return 0;
	either_limit |= is.cur != RLIM_INFINITY;
	data_limit = is.cur == RLIM_INFINITY ? 0 : MAX(is.cur, 1UL);
	if (is.cur >= data)
		return 0;
	raised.cur = with_room(is.cur, data);
	raised.max = is.max < data * SMALL ? with_room(is.max, data) : is.max;
	known[0] = (struct known){raised, is};
	if (limit_set(&raised))
		return 0;
	raised.cur = raised.max = is.max;
	known[0].kernel = raised;
	return is.max >= data && limit_set(&raised) ? 0 : -ENOMEM;
}
