/* tcache.c - see tcache.h. app context. */
#include "tcache.h"
#include "base/base.h"

#include <pthread.h>

__thread struct tcache *tcache_mine;
struct tcache tcache_shared;
struct tcache *tcache_of[TCACHE_NONE + 1] = {&tcache_shared};
struct tcache *tcache_all; /* never shrinks; under tcache_lock */
struct lock tcache_lock = LOCK(TCACHE);
_Atomic uint32_t tcache_owned;
_Atomic uint64_t tcache_refills;
_Atomic uint32_t tcache_none_in;

static pthread_key_t exit_key;
static bool exit_seen;
static __thread bool ended; /* its cache went back: what destructors still do is the shared one's */

static void tcache_leave(void *arg)
{
	struct tcache *tc = arg;
	struct lock_section s;

	lock_section_enter(&s);
	lock_take(&tcache_lock);
	tcache_mine = NULL;
	ended = true;
	tc->owned = false;
	tc->in_view = NULL;
	tcache_owned--;
	lock_drop(&tcache_lock);
	lock_section_leave(&s);
}

void tcache_init(void)
{
	exit_seen = pthread_key_create(&exit_key, tcache_leave) == 0;
	if (exit_seen && tcache_mine)
		pthread_setspecific(exit_key, tcache_mine);
}

struct tcache *tcache_get(void)
{
	struct tcache *tc = tcache_mine;
	static uint16_t ids;

	if (tc || ended)
		return tc;
	lock_take(&tcache_lock);
	for (tc = tcache_all; tc && tc->owned; tc = tc->next)
		;
	if (!tc) {
		tc = meta_alloc(sizeof(*tc));
		if (tc) {
			tc->id = ids < TCACHE_NONE - 1 ? ++ids : TCACHE_NONE + 1;
			if (tc->id < TCACHE_NONE)
				tcache_of[tc->id] = tc;
			tc->next = tcache_all;
			tcache_all = tc;
		}
	}
	if (tc) {
		tc->owned = true;
		tcache_owned++;
		tc->tid = sys_gettid();
	}
	lock_drop(&tcache_lock);
	tcache_mine = tc;
	altstack_enter();
	if (tc && exit_seen)
		pthread_setspecific(exit_key, tc); /* one of the first 32 keys: no malloc */
	return tc;
}

bool tcache_is_in(const struct view *v)
{
	bool in = tcache_none_in != 0;

	for (const struct tcache *tc = tcache_all; tc && !in; tc = tc->next)
		in = tc->in_view == v;
	return in;
}

/* Only this thread lives; caches of the others that were not in the middle of something are free.
 */
void tcache_fork_child(void)
{
	for (struct tcache *tc = tcache_all; tc; tc = tc->next) {
		if (tc != tcache_mine && tc->owned && !tc->busy)
			tc->owned = false;
		if (tc != tcache_mine && tc->in_view)
			tc->in_view = NULL;
	}
	tcache_none_in = 0;
	tcache_owned = tcache_mine != NULL;
	if (tcache_mine)
		tcache_mine->tid = sys_gettid();
}
