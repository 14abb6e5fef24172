/*
 * machine.h - the kvm backend's app side without a machine: which vCPU runs is a variable.
 *
 * Included before everything else (// flags: of the test), so that kalias.c, quarantine.c and
 * the rest, unchanged, ask this cpu_self. machine_model.h has the TLBs.
 */
#ifndef UD_DUNE_CPU_H
#define UD_DUNE_CPU_H

struct dune_cpu {
	unsigned slot;
	void *local;
};

extern struct dune_cpu machine_cpus[];
extern unsigned machine_now; /* the vCPU that runs */

static inline struct dune_cpu *cpu_self(void)
{
	return &machine_cpus[machine_now];
}

#endif
