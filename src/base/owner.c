/* owner.c - see owner.h. app context. */
#include "owner.h"
#include "altstack.h"
#include "meta.h"
#include "threadend.h"

__thread struct owner *owner_mine;
struct owner *owner_of[OWNER_NONE + 1];
struct owner *owner_all;
struct lock owner_lock = LOCK(OWNER), owner_shared_lock = LOCK(SHARED);
_Atomic uint32_t owners_taken;
_Atomic uint64_t owner_refills;
_Atomic uint32_t owner_none_in;

static size_t owner_bytes;
static pthread_key_t exit_key;
static bool exit_seen;
static __thread bool ended; /* it went back: what destructors still do is the shared one's */

void owner_start(size_t bytes, struct owner *shared)
{
	owner_bytes = bytes;
	owner_of[0] = shared;
}

static void owner_leave(void *arg)
{
	struct owner *o = arg;
	struct lock_section s;

	lock_section_enter(&s);
	lock_take(&owner_lock);
	owner_mine = NULL;
	ended = true;
	o->taken = false;
	o->in = NULL;
	owners_taken--;
	lock_drop(&owner_lock);
	lock_section_leave(&s);
}

void owner_init(void)
{
	exit_seen = threadend_key(&exit_key, owner_leave);
	if (exit_seen && owner_mine)
		pthread_setspecific(exit_key, owner_mine);
}

static struct owner *owner_new(void)
{
	static uint16_t ids;
	struct owner *o = meta_alloc(owner_bytes);

	if (!o)
		return NULL;
	o->id = ids < OWNER_NONE - 1 ? ++ids : OWNER_NONE + 1;
	if (o->id < OWNER_NONE)
		owner_of[o->id] = o;
	o->next = owner_all;
	owner_all = o;
	return o;
}

struct owner *owner_get(void)
{
	struct owner *o = owner_mine;

	if (o || ended)
		return o;
	lock_take(&owner_lock);
	for (o = owner_all; o && o->taken; o = o->next)
		;
	if (!o)
		o = owner_new();
	if (o) {
		o->taken = true;
		owners_taken++;
		o->tid = sys_gettid();
	}
	lock_drop(&owner_lock);
	owner_mine = o;
	altstack_enter();
	if (o && exit_seen)
		pthread_setspecific(exit_key, o);
	return o;
}

size_t owners_sum(size_t (*of)(const struct owner *o))
{
	size_t n = of(owner_of[0]);

	for (const struct owner *o = owner_all; o; o = o->next)
		n += of(o);
	return n;
}

bool owner_is_in(const void *where)
{
	bool in = owner_none_in != 0;

	for (const struct owner *o = owner_all; o && !in; o = o->next)
		in = o->in == where;
	return in;
}

/*
 * Only this thread lives; owners of the others that were not in the middle of something are free.
 * What is so already is not written: each page would be copied.
 */
void owner_fork_child(void)
{
	for (struct owner *o = owner_all; o; o = o->next) {
		if (o != owner_mine && o->taken && !o->busy)
			o->taken = false;
		if (o != owner_mine && o->in)
			o->in = NULL;
	}
	owner_of[0]->in = NULL;
	owner_none_in = 0;
	owners_taken = owner_mine != NULL;
	if (owner_mine)
		owner_mine->tid = sys_gettid();
}
