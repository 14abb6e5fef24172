/* cache.c - see cache.h. app context. */
#include "cache.h"

#include <pthread.h>

__thread struct cache *cache_mine;
struct cache cache_shared;
struct lock shared_cache_lock = LOCK(SHARED), cache_lock = LOCK(TCACHE);
struct cache *cache_of[CACHE_NONE + 1] = {&cache_shared};
struct cache *cache_all; /* never shrinks; under cache_lock */
_Atomic uint32_t cache_owned;
_Atomic uint64_t cache_refills;
_Atomic uint32_t cache_none_in;

static pthread_key_t exit_key;
static bool exit_seen;
static __thread bool ended; /* its cache went back: what destructors still do is the shared one's */

static void cache_leave(void *arg)
{
	struct cache *c = arg;
	struct lock_section s;

	lock_section_enter(&s);
	lock_take(&cache_lock);
	cache_mine = NULL;
	ended = true;
	c->owned = false;
	c->in = NULL;
	cache_owned--;
	lock_drop(&cache_lock);
	lock_section_leave(&s);
}

void cache_init(void)
{
	exit_seen = pthread_key_create(&exit_key, cache_leave) == 0;
	if (exit_seen && cache_mine)
		pthread_setspecific(exit_key, cache_mine);
}

static struct cache *cache_new(void)
{
	static uint16_t ids;
	struct cache *c = meta_alloc(sizeof(*c));

	if (!c)
		return NULL;
	c->id = ids < CACHE_NONE - 1 ? ++ids : CACHE_NONE + 1;
	if (c->id < CACHE_NONE)
		cache_of[c->id] = c;
	c->next = cache_all;
	cache_all = c;
	return c;
}

struct cache *cache_get(void)
{
	struct cache *c = cache_mine;

	if (c || ended)
		return c;
	lock_take(&cache_lock);
	for (c = cache_all; c && c->owned; c = c->next)
		;
	if (!c)
		c = cache_new();
	if (c) {
		c->owned = true;
		cache_owned++;
		c->tid = sys_gettid();
	}
	lock_drop(&cache_lock);
	cache_mine = c;
	altstack_enter();
	if (c && exit_seen)
		pthread_setspecific(exit_key, c); /* one of the first 32 keys: no malloc */
	return c;
}

bool cache_is_in(const struct sheet *s)
{
	bool in = cache_none_in != 0;

	for (const struct cache *c = cache_all; c && !in; c = c->next)
		in = c->in == s;
	return in;
}

/*
 * Only this thread lives; caches of the others that were not in the middle of something are free.
 * What is so already is not written: each page would be copied.
 */
void cache_fork_child(void)
{
	for (struct cache *c = cache_all; c; c = c->next) {
		if (c != cache_mine && c->owned && !c->busy)
			c->owned = false;
		if (c != cache_mine && c->in)
			c->in = NULL;
	}
	cache_shared.in = NULL;
	cache_none_in = 0;
	cache_owned = cache_mine != NULL;
	if (cache_mine)
		cache_mine->tid = sys_gettid();
}
