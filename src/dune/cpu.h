/*
 * cpu.h - the page of one vCPU: descriptors, IST stack, and what ring 0 must find without TLS.
 *
 * Lives in the page pool, one page per vCPU. The monitor finds it from its IST stack pointer,
 * app context by SGDT (the GDT lies in it): no exit, no TLS, right in any thread.
 */
#ifndef UD_DUNE_CPU_H
#define UD_DUNE_CPU_H

#include "base/base.h"
#include "monitor/frame.h"

struct dune_tf;

struct dune_cpu {
	uint64_t handled; /* bit per vector with a handler in ring 0 */
	int (**handlers)(struct dune_tf *tf);
	vaddr_t stack_low, stack_top; /* the stack such handlers run on  */
	uint64_t xsave_size;
	uint64_t slot; /* index in the table of threads */
	uint64_t gdt[32];
	uint8_t tss[104];
	void *local; /* whatever who sits on Dune keeps per vCPU */
	uint8_t pad[CPU_SIZE - 48 - 256 - 104 - 8 - 2048];
	uint8_t ist[2048];
};

_Static_assert(offsetof(struct dune_cpu, handled) == CPU_HANDLED, "frame.h");
_Static_assert(offsetof(struct dune_cpu, handlers) == CPU_HANDLERS, "frame.h");
_Static_assert(offsetof(struct dune_cpu, stack_low) == CPU_STACK_LOW, "frame.h");
_Static_assert(offsetof(struct dune_cpu, stack_top) == CPU_STACK_TOP, "frame.h");
_Static_assert(offsetof(struct dune_cpu, xsave_size) == CPU_XSAVE_SIZE, "frame.h");
_Static_assert(sizeof(struct dune_cpu) == CPU_SIZE && CPU_SIZE == PAGE_SIZE, "one page");
_Static_assert(offsetof(struct dune_cpu, gdt) == 48, "pad");

/* Ring 0 only (app context): the page of the vCPU that runs this thread. */
static inline struct dune_cpu *cpu_self(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) gdtr;

	__asm__ volatile("sgdt %0" : "=m"(gdtr));
	return (struct dune_cpu *)(gdtr.base - offsetof(struct dune_cpu, gdt));
}

#endif
