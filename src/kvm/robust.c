/*
 * robust.c - robust futexes that lie behind aliases, when their thread ends.
 *
 * vmm context. The kernel walks a dying thread's list (set_robust_list(2)) by the addresses in it,
 * where aliases do not exist, and stops at the first. So the list is walked here first, by the same
 * rules as exit_robust_list in kernel/futex/core.c; what it then finds has no owner any more.
 * Breaks if anything of the program's is touched but by user_copy and user_swap: the list may be
 * broken, and any address wrong.
 */
#include "dune/dune.h"
#include "state.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#define PI_BIT 1UL

struct walk {
	long offset; /* from an entry to its futex */
	uint32_t tid;
};

/* Where the program's address leads on the host: itself, or the canonical address of a live alias.
 */
static vaddr_t where(vaddr_t va)
{
	vaddr_t canon = kalias_live(va);

	return canon ? canon : va;
}

static bool fetch(vaddr_t at, uint64_t *v)
{
	return !user_copy(v, vaddr_ptr(where(at)), sizeof(*v));
}

/* The thread's hold on one futex ends. False: the list cannot be believed. */
static bool release(const struct walk *w, uint64_t entry, bool pending)
{
	vaddr_t at = where((entry & ~PI_BIT) + (uint64_t)w->offset);
	bool pi = entry & PI_BIT;
	uint32_t old, new;
	long r;

	if (at % sizeof(old))
		return false;
	do {
		if (user_copy(&old, vaddr_ptr(at), sizeof(old)))
			return false;
		if (pending && !pi && !(old & FUTEX_TID_MASK)) {
			sys_call3(__NR_futex, (long)at, FUTEX_WAKE, 1);
			return true;
		}
		if ((old & FUTEX_TID_MASK) != w->tid)
			return true;
		new = (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		r = user_swap(vaddr_ptr(at), old, new);
	} while (r > 0);
	if (!r && !pi && (old & FUTEX_WAITERS))
		sys_call3(__NR_futex, (long)at, FUTEX_WAKE, 1);
	return !r;
}

void robust_release(struct thread *t)
{
	struct robust_list_head *head = NULL;
	uint64_t len, entry, next, pending, offset, left = ROBUST_LIST_LIMIT;
	struct walk w = {.tid = (uint32_t)t->tid};
	bool more = true;

	if (sys_call3(__NR_get_robust_list, 0, (long)&head, (long)&len) || !head)
		return;
	if (!fetch(vaddr_of(&head->list.next), &entry) ||
		!fetch(vaddr_of(&head->futex_offset), &offset) ||
		!fetch(vaddr_of(&head->list_op_pending), &pending))
		return;
	w.offset = (long)offset;
	while (more && left-- && where(entry & ~PI_BIT) != vaddr_of(&head->list)) {
		/* Before it is released: its next owner may free it. */
		more = fetch(entry & ~PI_BIT, &next);
		if (entry != pending && !release(&w, entry, false))
			return;
		entry = next;
	}
	if (pending)
		release(&w, pending, true);
}
