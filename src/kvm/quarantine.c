/*
 * quarantine.c - canonical blocks and page tables whose aliases were killed, until no vCPU's
 * TLB can show them any more.
 *
 * app context. With one vCPU nothing waits: INVLPG was enough. With more, items are collected
 * in bags of the killing vCPU; a full bag gets a stamp (epoch.h) and goes back when all vCPUs
 * have flushed since. Each flushes when it allocates or frees and is behind; when a bag waits
 * too long (bytes, or bags), one system call makes the host flush them all.
 *
 * A handler that frees while its thread is in here (busy) takes the slow, safe way.
 */
#include "dune/dune.h"
#include "state.h"
#include "base/base.h"

#include <sys/mman.h>

#define BAG_ITEMS  508U
#define BAGS_MAX   64U
#define BYTES_MAX  (32UL << 20)
#define ITEM_TABLE 1UL

struct bag { /* one page of the pool */
	struct bag *next;
	uint64_t stamp;
	uint64_t n;
	uint64_t bytes;
	uintptr_t item[BAG_ITEMS];
};

_Static_assert(sizeof(struct bag) == PAGE_SIZE, "a page of the pool");

void (*quarantine_give)(void *canon);

static uint64_t flushes, forced;
static vaddr_t bell; /* a page whose unmapping makes KVM flush every vCPU */

void quarantine_flush(struct epoch_cpu *c)
{
	uint64_t token = epoch_flush_begin(&kvm_epochs), cr3;

	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(cr3) : : "memory");
	epoch_flush_end(c, token);
	__atomic_add_fetch(&flushes, 1, __ATOMIC_RELAXED);
}

/*
 * The host flushes the guest's translations on every processor before a page that KVM has
 * mapped can go: one madvise is a shootdown of all vCPUs, whatever they are doing.
 */
void quarantine_force(void)
{
	uint64_t token;
	uint32_t i;
	long r;

	if (!__atomic_load_n(&bell, __ATOMIC_ACQUIRE)) {
		vaddr_t none = 0;

		r = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (sys_is_err(r))
			return;
		if (!__atomic_compare_exchange_n(
			    &bell, &none, (vaddr_t)r, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			sys_munmap((vaddr_t)r, PAGE_SIZE);
	}
	token = epoch_flush_begin(&kvm_epochs);
	__atomic_store_n((uint64_t *)vaddr_ptr(bell), token, __ATOMIC_SEQ_CST);
	if (sys_madvise(bell, PAGE_SIZE, MADV_DONTNEED))
		return;
	for (i = 0; i < kvm_epochs.ncpus; i++) {
		struct epoch_cpu *c = &kvm_epochs.cpu[i];
		uint64_t seen = __atomic_load_n(&c->seen, __ATOMIC_RELAXED);

		while (seen < token && !__atomic_compare_exchange_n(&c->seen, &seen, token, false,
					       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			;
	}
	__atomic_add_fetch(&forced, 1, __ATOMIC_RELAXED);
}

static void item_give(uintptr_t item)
{
	if (item & ITEM_TABLE)
		page_free(vaddr_ptr(item & ~ITEM_TABLE));
	else
		quarantine_give(vaddr_ptr(item));
}

/* Gives back what may go. Items are handed out with busy off: giving back may free again. */
static void drain(struct kvm_slot *s)
{
	uint64_t safe = epoch_safe(&kvm_epochs);
	struct bag *b;
	uint64_t i;

	while ((b = s->oldest) && b->stamp <= safe) {
		s->oldest = b->next;
		if (!s->oldest)
			s->newest = NULL;
		s->held -= b->bytes;
		s->bags--;
		for (i = 0; i < b->n; i++)
			item_give(b->item[i]);
		page_free(b);
	}
}

static void bag_close(struct kvm_slot *s)
{
	struct bag *b = s->filling;

	s->filling = NULL;
	b->stamp = epoch_stamp(&kvm_epochs);
	b->next = NULL;
	if (s->newest)
		s->newest->next = b;
	else
		s->oldest = b;
	s->newest = b;
	s->bags++;
	s->held += b->bytes;
	if (s->held > BYTES_MAX || s->bags > BAGS_MAX)
		quarantine_force();
}

/*
 * Nothing waits, and nobody else runs: from here on blocks go back at once, until another vCPU
 * joins. It joins first and says so second; here it is the other way round, so one sees the other.
 */
static bool alone_again(struct kvm_slot *s)
{
	if (s->filling || s->oldest)
		return false;
	__atomic_store_n(&s->alone, true, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&kvm_epochs.awake, __ATOMIC_SEQ_CST) <= 1)
		return true;
	__atomic_store_n(&s->alone, false, __ATOMIC_SEQ_CST);
	return false;
}

void quarantine_joined(void)
{
	uint32_t i, n = __atomic_load_n(&kvm_epochs.ncpus, __ATOMIC_SEQ_CST);

	for (i = 0; i < n; i++)
		__atomic_store_n(&kvm_slots[i].alone, false, __ATOMIC_SEQ_CST);
}

void quarantine_hold(struct kvm_slot *s, uintptr_t item, size_t bytes)
{
	struct bag *b;

	if (unlikely(s->busy)) {
		quarantine_force();
		item_give(item);
		return;
	}
	if (alone_again(s)) {
		item_give(item);
		return;
	}
	s->busy = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	b = s->filling;
	if (!b)
		b = s->filling = page_alloc();
	if (!b) {
		quarantine_force();
		item_give(item);
	} else {
		b->item[b->n++] = item;
		b->bytes += bytes;
		if (b->n == BAG_ITEMS || b->bytes > BYTES_MAX / 8)
			bag_close(s);
		if (epoch_stale(&kvm_epochs, s->epoch))
			quarantine_flush(s->epoch);
		if (s->oldest)
			drain(s);
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s->busy = false;
}

void quarantine_put_table(paddr_t table)
{
	struct kvm_slot *s = kvm_slot_self();

	if (s->alone)
		page_free(vaddr_ptr(table));
	else
		quarantine_hold(s, table | ITEM_TABLE, PAGE_SIZE);
}

void quarantine_inherit(struct kvm_slot *to, struct kvm_slot *from)
{
	struct bag *b = from->filling;

	if (from->busy) { /* its owner was in the middle of it, and will never come back */
		b = NULL;
		from->oldest = NULL;
	}
	if (b) {
		b->next = from->oldest;
		from->oldest = b;
		from->bags++;
		from->held += b->bytes;
		if (!from->newest)
			from->newest = b;
	}
	if (from->oldest) {
		from->newest->next = to->oldest;
		to->oldest = from->oldest;
		if (!to->newest)
			to->newest = from->newest;
		to->bags += from->bags;
		to->held += from->held;
		to->alone = false;
	}
	from->alone = from->busy = false;
	from->filling = from->oldest = from->newest = NULL;
	from->bags = 0;
	from->held = 0;
}

void quarantine_counts(uint64_t *f, uint64_t *forces)
{
	*f = flushes;
	*forces = forced;
}
