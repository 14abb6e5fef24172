/*
 * alias_fork.c - fork: every lock is held while memory is copied, and the child maps its views
 * again and kills again what was dead in them.
 *
 * app context. Registered first, so that prepare runs after every other handler of the program
 * and the parent's and child's before: those may use malloc. Signals stay blocked between.
 */
#include "alias.h"
#include "meta.h"
#include "mmu.h"
#include "tcache.h"

#include <errno.h>
#include <pthread.h>

static struct lock_section fork_section;

static struct lock *const first_locks[] = {
	&alias_init_lock, &shared_lock, &sweep_lock, &large_lock, &tcache_lock};
static struct lock *const last_locks[] = {
	&super_lock, &views_lock, &heap_chunk_lock, &vspace_lock, &meta_lock};

static void fork_prepare(void)
{
	const uint8_t *used;
	struct lock_section s;
	uint32_t n;

	lock_section_enter(&s);
	for (size_t i = 0; i < ARRAY_LEN(first_locks); i++)
		lock_take(first_locks[i]);
	fork_section = s; /* under the locks: two threads may fork at once */
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		lock_take(&heap_class[c].lock);
	for (size_t i = 0; i < ARRAY_LEN(last_locks); i++)
		lock_take(last_locks[i]);
	n = heap_chunks_used(&used);
	mmu->fork_prepare(used, n);
}

static void locks_drop(void)
{
	struct lock_section s = fork_section;

	for (size_t i = ARRAY_LEN(last_locks); i-- > 0;)
		lock_drop(last_locks[i]);
	for (unsigned c = HEAP_CLASSES; c-- > 0;)
		lock_drop(&heap_class[c].lock);
	for (size_t i = ARRAY_LEN(first_locks); i-- > 0;)
		lock_drop(first_locks[i]);
	lock_section_leave(&s);
}

static void fork_parent(void)
{
	mmu->fork_parent();
	locks_drop();
}

static void child_ends(void)
{
	out_line(2, "undangle: a forked child cannot map its heap; it ends here");
	sys_exit_group(127);
}

bool view_map_again(vaddr_t at, uint32_t chunk, unsigned first, unsigned pages)
{
	int err;

	do
		err = mmu->view_map(at, chunk, first, pages);
	while (err == -ENOSPC && mmu->spare());
	return !err;
}

static void view_again(struct view *v)
{
	struct run r[64];
	uint32_t n, u = 0;

	if (!v->super && !view_map_again(v->base, v->chunk, v->first, v->pages))
		child_ends();
	while ((n = view_runs(v, (uint64_t *)view_revoked(v), &u, r, ARRAY_LEN(r))) != 0)
		mmu->runs_kill(v->base, v->pages, r, n);
}

static void fork_child(void)
{
	if (mmu->fork_child()) {
		if (!supers_fork_child())
			child_ends();
		for (struct view *v = views_live; v; v = v->next)
			view_again(v);
	}
	tcache_fork_child();
	locks_drop();
}

void alias_fork_init(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}
