/*
 * counts.c - what --stats says of the kvm backend.
 *
 * app context. Each part counts where it works; here it is added up, not exactly while threads run.
 */
#include "state.h"
#include "dune/dune.h"

/* Pages that small grains have handed out: all of the grains', but what was wasted or is still to
 * come. */
static uint64_t pages_used(const struct kvm_slot *s)
{
	uint32_t at = s->cursor % GRAIN_ALIGN;

	return s->grains * GRAIN_PAGES - s->wasted -
	       (s->cursor && at < GRAIN_PAGES ? GRAIN_PAGES - at : 0);
}

void kvm_stats(struct out *o)
{
	uint64_t allocs = 0, pages = 0, frees = 0, held = 0, made, folded, flushes, forced;
	struct dune_counts d;

	for (uint32_t i = 0; i < EPOCH_CPUS; i++) {
		const struct kvm_slot *s = &kvm_slots[i];

		pages += pages_used(s);
		allocs += pages_used(s) - s->more_pages + s->larges;
		frees += s->frees;
		held += s->held;
	}
	grain_counts(&made, &folded);
	quarantine_counts(&flushes, &forced);
	dune_counts(&d);
	log_stat(o, "aliases: %lu made (%lu pages), %lu killed", allocs, pages, frees);
	log_stat(o, "grains of 2 MB: %lu taken, %lu folded; addresses used: %lu MB", made, folded,
		kvm_vpages.used >> 20);
	log_stat(
		o, "epochs: %lu flushes, %lu forced; quarantine: %lu bytes", flushes, forced, held);
	log_stat(o,
		"exits: %lu, of them %lu system calls, %lu faults, %lu replays, %lu "
		"signals; page tables: %lu KB",
		d.runs, d.syscalls, d.faults, d.replays, d.signals,
		(unsigned long)dune_mappings.pt.tables * 4);
}
