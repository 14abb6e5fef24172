/*
 * counts.c - app and vmm context: how often the guest was left, and why.
 *
 * Each thread counts for itself; those that ended are added up here. Reading is not exact while
 * threads run.
 */
#include "thread.h"
#include "base/base.h"

static struct dune_counts ended;

#define FIELDS (offsetof(struct dune_counts, vcpus) / sizeof(uint64_t))

static void add(struct dune_counts *to, const struct dune_counts *from)
{
	uint64_t *d = (uint64_t *)to;
	const uint64_t *s = (const uint64_t *)from;

	for (size_t i = 0; i < FIELDS; i++)
		__atomic_fetch_add(&d[i], s[i], __ATOMIC_RELAXED);
}

void counts_add(struct thread *t)
{
	add(&ended, &t->n);
	t->n = (struct dune_counts){0};
}

void counts_forget(void)
{
	ended = (struct dune_counts){0};
	vm.vcpu_count = 0;
}

DUNE_API void dune_counts(struct dune_counts *c)
{
	*c = ended;
	for (uint32_t i = 0; i < THREAD_MAX && threads[i]; i++)
		if (threads[i]->state == THREAD_LIVE)
			add(c, &threads[i]->n);
	c->vcpus = vm.vcpu_count;
	c->slots = vm.slot_count;
}

void counts_print_at_exit(void)
{
	struct dune_counts c;

	if (!vm.stats)
		return;
	dune_counts(&c);
	out_line(vm.stats_fd,
		"dune: pid %d: %lu exits: %lu system calls, %lu window or code faults, %lu other "
		"exceptions, %lu interrupted, %lu steps; %lu replays, %lu signal frames; "
		"%lu vcpus, %lu slots, %lu page tables",
		sys_getpid(), c.runs, c.syscalls, c.faults, c.exceptions, c.interrupted, c.steps,
		c.replays, c.signals, c.vcpus, c.slots, (unsigned long)dune_mappings.pt.tables);
}
