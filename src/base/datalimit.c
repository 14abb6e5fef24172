/*
 * datalimit.c - see datalimit.h. app context, raw system calls.
 *
 * A small limit gets our room on top, and says so where it is asked for. What breaks it: nothing but
 * that; a larger one is left as it is, so that programs that are started one by the other do not
 * raise it again and again.
 */
#include "datalimit.h"
#include "sys.h"

#include <errno.h>
#include <sys/resource.h>

static size_t room;

bool datalimit_raise(struct datalimit *l)
{
	if (l->cur >= room)
		return false;
	l->cur += room;
	l->max = MAX(l->max, l->cur);
	return true;
}

static bool set(const struct datalimit *l)
{
	return sys_call4(__NR_prlimit64, 0, RLIMIT_DATA, (long)l, 0) == 0;
}

int datalimit_start(size_t ours)
{
	struct datalimit is, raised;

	room = ours;
	if (sys_call4(__NR_prlimit64, 0, RLIMIT_DATA, 0, (long)&is) != 0)
		return 0;
	raised = is;
	if (!datalimit_raise(&raised) || set(&raised))
		return 0;
	raised.cur = raised.max = is.max;
	return is.max >= room && set(&raised) ? 0 : -ENOMEM;
}
