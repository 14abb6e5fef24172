/* owner.c - see owner.h. app context. */
#include "owner.h"
#include "altstack.h"
#include "meta.h"
#include "threadend.h"

__thread struct owner *owner_mine;
struct owner *owner_of[OWNER_NONE + 1] UD_TABLE;
struct owner *owner_all;
struct lock owner_lock = LOCK(OWNER), owner_shared_lock = LOCK(SHARED);
_Atomic uint32_t owners_taken;
_Atomic uint64_t owner_refills;
_Atomic uint32_t owner_none_in;

#define KEPT_MOST 8

static size_t owner_bytes;
static void (*owner_empty)(struct owner *o);
static _Atomic uint32_t owners_kept; /* changed under owner_lock */
static pthread_key_t exit_key;
static bool exit_seen;
static __thread bool ended; /* it went back: what destructors still do is the shared one's */

void owner_start(size_t bytes, struct owner *shared, void (*empty)(struct owner *o))
{
	owner_bytes = bytes;
	owner_empty = empty;
	owner_of[0] = shared;
}

static void owner_keep(struct owner *o, bool kept)
{
	owners_kept += (uint32_t)kept - (uint32_t)o->kept;
	o->kept = kept;
}

static void owner_leave(void *arg)
{
	struct owner *o = arg;
	struct lock_section s;
	bool keep = owners_kept < KEPT_MOST;

	lock_section_enter(&s);
	owner_mine = NULL;
	ended = true;
	/* A thread that a handler has ended in the middle of malloc leaves who knows what. */
	if (!keep && owner_empty && !o->busy)
		owner_empty(o);
	lock_take(&owner_lock);
	o->taken = false;
	o->in = NULL;
	owner_keep(o, keep && !o->busy);
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
	/* One that has something, if there is any. */
	for (o = owner_all; o && (o->taken || o->kept != (owners_kept != 0)); o = o->next)
		;
	if (!o)
		o = owner_new();
	if (o) {
		o->taken = true;
		owner_keep(o, false);
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

struct owner *owner_hold(struct lock_section *s)
{
	struct owner *o;

	lock_section_enter(s);
	o = owner_get();
	if (o && !o->busy)
		return o;
	lock_take(&owner_shared_lock);
	return owner_of[0];
}

void owner_release(const struct owner *o, const struct lock_section *s)
{
	if (o == owner_of[0])
		lock_drop(&owner_shared_lock);
	lock_section_leave(s);
}

void owner_arrive(void)
{
	struct lock_section s;

	if (ended)
		return;
	lock_section_enter(&s);
	owner_get();
	lock_section_leave(&s);
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

static struct owner *kept_take(void)
{
	struct owner *o;

	lock_take(&owner_lock);
	for (o = owner_all; o && !o->kept; o = o->next)
		;
	if (o) {
		o->taken = true;
		owner_keep(o, false);
	}
	lock_drop(&owner_lock);
	return o;
}

void owners_empty(void)
{
	struct owner *o;

	while (owner_empty && owners_kept && (o = kept_take())) {
		owner_empty(o);
		lock_take(&owner_lock);
		o->taken = false;
		lock_drop(&owner_lock);
	}
}

/*
 * Only this thread lives; owners of the others that were not in the middle of something are free.
 * What is so already is not written: each page would be copied.
 */
void owner_fork_child(void)
{
	for (struct owner *o = owner_all; o; o = o->next) {
		if (o != owner_mine && o->taken && !o->busy) {
			o->taken = false;
			owner_keep(o, true);
		}
		if (o != owner_mine && o->in)
			o->in = NULL;
	}
	owner_none_in = 0;
	owners_taken = owner_mine != NULL;
	if (owner_mine)
		owner_mine->tid = sys_gettid();
}
