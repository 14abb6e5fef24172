/*
 * fork.c - the pages around a fork: private memory is copied by the kernel, at one instant, when it
 * is written; only what a lock guards must be whole.
 *
 * app context. libc's list of FILEs is locked first, as fork itself will do again: whoever holds it
 * may wait for a FILE whose owner is in malloc.
 */
#include "pages.h"
#include "host/host.h"

static struct lock_section section UD_ALWAYS; /* of the one fork at a time, under the locks */

static struct lock *const locks[] = {&owner_shared_lock, &sweep_lock, &large_lock, &owner_lock,
	&sheet_lock, &space_lock, &meta_lock};

void pages_fork_prepare(void)
{
	struct lock_section s;

	lock_section_enter(&s);
	for (size_t i = 0; i < ARRAY_LEN(locks); i++)
		lock_take(locks[i]);
	section = s;
}

void pages_fork_parent(void)
{
	struct lock_section s = section;

	for (size_t i = ARRAY_LEN(locks); i-- > 0;)
		lock_drop(locks[i]);
	lock_section_leave(&s);
}

void pages_fork_child(void)
{
	owner_fork_child();
	host_spare_fork_child();
	pages_fork_parent();
}
