/*
 * fork.c - fork: every lock is held while shared memory is copied, and the child maps its views
 * again and kills again what was dead in them. Private views are the kernel's to copy.
 *
 * libc does things in the child before its handlers run, and what it looks at may lie in blocks:
 * the locks of all FILEs, thread-specific data. The first of these accesses faults, and the handler
 * of faults has the views mapped (block_appears). So SIGSEGV must be open, and its handler have a
 * stack that is there.
 *
 * app context. Registered first, so that prepare runs after every other handler of the program
 * and the parent's and child's before: those may use malloc. Signals stay blocked between.
 */
#include "fork.h"
#include "cores.h"
#include "own.h"
#include "super.h"
#include "sweep.h"
#include "base/base.h"
#include "host/host.h"
#include "cursors.h"

#include <errno.h>
#include <sys/single_threaded.h>
#include <sys/prctl.h>

/* Of the one fork at a time, under the locks. */
static struct lock_section fork_section;
static stack_t fork_stack;
static bool fork_lent;
static struct lock *fork_large; /* of blocks that have pages of their own */
static _Atomic bool forking;	/* from before the fork until the handler after it has run */
static bool mapped;		/* in the child: the views are */
static bool on_copied;		/* the forking thread's stack is in one */
static bool torn;		/* other threads may have stored there while it was copied */

static struct lock *const first_locks[] = {&owner_shared_lock, &sweep_lock};
static struct lock *const last_locks[] = {
	&super_lock, &views_lock, &heap_chunk_lock, &space_lock, &meta_lock};

bool rows_copied(const void *p)
{
	uintptr_t e = space_entry(vaddr_of(p));

	return e && (e & SPACE_WHAT) == SPACE_VIEW && !view_is_private((const struct view *)e);
}

/*
 * Who stores into blocks waits for the copy, so that all of them are of one instant. This thread must
 * not: none of its stacks is a block, nor what it reads its thread's variables from.
 */
static void others_stop(void)
{
	stack_t alt = {.ss_sp = NULL};

	sys_call3(__NR_sigaltstack, 0, (long)&alt, 0);
	if (!space_has(vaddr_of(__builtin_frame_address(0))) &&
		!space_has(vaddr_of(__builtin_thread_pointer())) && !space_has(vaddr_of(alt.ss_sp)))
		host_freeze(space.base, ALIGN_DOWN(space.next - space.base, HUGE_SIZE));
}

void rows_fork_prepare(bool child_on_this_stack, struct lock *large)
{
	struct lock_section s;

	lock_section_enter(&s);
	owners_empty(); /* each view costs the child */
	sweep_spent();
	heap_idle_drop(true);
	for (size_t i = 0; i < ARRAY_LEN(first_locks); i++)
		lock_take(first_locks[i]);
	fork_section = s; /* under the locks: two threads may fork at once */
	fork_large = large;
	lock_take(large);
	lock_take(&owner_lock);
	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		lock_take(&heap_class[c].lock);
	for (size_t i = 0; i < ARRAY_LEN(last_locks); i++)
		lock_take(last_locks[i]);
	fork_lent = altstack_lend(&fork_stack);
	torn = !__libc_single_threaded;
	if (torn && heap_chunks())
		others_stop();
	host_fork_prepare(heap_chunk_used, heap_chunks());
	host_thaw();
	mapped = false;
	on_copied = child_on_this_stack && rows_copied(__builtin_frame_address(0));
	forking = true;
}

static void fork_over(void)
{
	forking = false;
	if (fork_lent)
		altstack_return(&fork_stack);
}

static void locks_drop(void)
{
	struct lock_section s = fork_section;

	for (size_t i = ARRAY_LEN(last_locks); i-- > 0;)
		lock_drop(last_locks[i]);
	for (unsigned c = HEAP_CLASSES; c-- > 0;)
		lock_drop(&heap_class[c].lock);
	lock_drop(&owner_lock);
	lock_drop(fork_large);
	for (size_t i = ARRAY_LEN(first_locks); i-- > 0;)
		lock_drop(first_locks[i]);
	lock_section_leave(&s);
}

void rows_fork_parent(void)
{
	fork_over();
	host_fork_parent();
	views_begin(true);
	locks_drop();
}

static void child_ends(const char *why)
{
	out_line(2, "undangle: a forked child %s; it ends here", why);
	sys_exit_group(127);
}

static void view_again(struct view *v)
{
	uint64_t dead[EXTENT_PAGES_MAX / 64]; /* or never v's: so the runs are longer */
	struct run r[64];
	uint32_t n, u = 0;

	/* What is not written needs no page of its own. */
	if (v->kept)
		v->kept = false;
	if (torn)
		v->torn = true;
	if (v->killing) /* threads that are not here */
		v->killing = 0;
	if (view_is_private(v))
		return;
	if (!v->super && !view_map_again(v->base, v->chunk, v->first, v->pages))
		child_ends("cannot map its heap");
	for (unsigned w = 0; w < view_uwords(v); w++)
		dead[w] = ~view_fresh(v)[w] | atomic_load(&view_revoked(v)[w]);
	while ((n = view_runs(v, dead, &u, r, ARRAY_LEN(r))) != 0)
		host_runs_kill(v->base, v->pages, r, n);
}

/* The kernel has written its thread's number where it was not mapped yet. */
static void tid_again(void)
{
	int *tid = NULL;

	sys_call3(__NR_prctl, PR_GET_TID_ADDRESS, (long)&tid, 0);
	if (tid && space_has(vaddr_of(tid)))
		*tid = sys_gettid();
}

/* No TLS in here: it may be in a view. */
static void views_again(void)
{
	if (mapped)
		return;
	mapped = true;
	host_fork_child();
	if (on_copied)
		child_ends("stands on a block, by another function than fork()");
	if (!supers_fork_child())
		child_ends("cannot map its heap");
	core_fork_child();
	for (struct view *v = views_live; v; v = v->next)
		view_again(v);
	tid_again();
}

bool rows_appears(vaddr_t addr)
{
	if (unlikely(forking) && !mapped && space_has(addr) && host_fork_missing()) {
		views_again();
		return true;
	}
	return own_appears(addr);
}

void rows_fork_child(void)
{
	views_again();
	fork_over();
	owner_fork_child();
	views_begin(true);
	locks_drop();
}
