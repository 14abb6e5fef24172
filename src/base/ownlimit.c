/*
 * ownlimit.c - see ownlimit.h. app context, raw system calls.
 *
 * A small limit gets our room on top, and says so where it is asked for. What breaks it: a limit
 * above the hard one, which would be refused; and programs started one by the other, each of which
 * sets again what it finds. So a larger one is left as it is.
 */
#include "ownlimit.h"
#include "sys.h"

#include <errno.h>
#include <sys/resource.h>

#define SMALL 4 /* times our room: what is larger has room for it */

static size_t data_room, address_room;

static bool limit_get(int what, struct ownlimit *l)
{
	return sys_call4(__NR_prlimit64, 0, what, 0, (long)l) == 0;
}

static bool limit_set(const struct ownlimit *l)
{
	return sys_call4(__NR_prlimit64, 0, RLIMIT_DATA, (long)l, 0) == 0;
}

bool ownlimit_raise(int what, struct ownlimit *l)
{
	size_t room = what == RLIMIT_DATA ? data_room : what == RLIMIT_AS ? address_room : 0;
	struct ownlimit is;

	if (l->cur >= room * SMALL || l->cur > l->max || !limit_get(what, &is) || l->cur > is.max)
		return false;
	l->cur = MIN(l->cur + room, is.max);
	l->max = MAX(l->max, l->cur);
	return true;
}

int ownlimit_start(size_t data, size_t addresses)
{
	struct ownlimit is, raised;

	data_room = data;
	address_room = addresses;
	if (!limit_get(RLIMIT_DATA, &is) || is.cur >= data)
		return 0;
	raised = (struct ownlimit){is.cur + data, MAX(is.max, is.cur + data)};
	if (limit_set(&raised))
		return 0;
	raised.cur = raised.max = is.max;
	return is.max >= data && limit_set(&raised) ? 0 : -ENOMEM;
}
