/*
 * monitor.c - before dune_enter: puts the monitor, the IDT and the descriptors into the pool.
 *
 * Owns the layout of GDT, TSS and IDT. Every gate uses IST 1: an exception in ring 0 does not
 * switch stacks by itself and would overwrite the program's red zone. The gates are trap gates
 * (IF stays 1): Bochs never interrupts a guest that spins with IF = 0.
 */
#include "cpu.h"
#include "page.h"
#include "vm.h"

#include <errno.h>
#include <string.h>

extern const char monitor_start[], monitor_syscall[], monitor_syscall_done[];
extern const char monitor_vectors[], monitor_exception_done[], monitor_end[];
extern const char monitor_flush[];

#define GATE_TRAP	 0x8f00UL
#define VECTOR_STUB_SIZE 16

static void idt_fill(uint64_t *idt, vaddr_t stubs)
{
	for (unsigned i = 0; i < MONITOR_VECTORS; i++) {
		uint64_t at = stubs + i * VECTOR_STUB_SIZE;

		idt[2 * i] = (at & 0xffff) | (uint64_t)SEL_CODE << 16 | 1UL << 32 |
			     GATE_TRAP << 32 | (at >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = at >> 32;
	}
}

int monitor_install(void)
{
	size_t len = (size_t)(monitor_end - monitor_start);
	char *code = page_alloc();
	uint64_t *idt = page_alloc();
	int err;

	vm.handlers = page_alloc();
	if (!code || !idt || !vm.handlers)
		return -ENOMEM;
	if (len > PAGE_SIZE)
		return -E2BIG;
	memcpy(code, monitor_start, len);
	vm.mon_start = vaddr_of(code);
	vm.mon_end = vm.mon_start + len;
	vm.mon_syscall = vm.mon_start + (size_t)(monitor_syscall - monitor_start);
	vm.mon_syscall_done = vm.mon_start + (size_t)(monitor_syscall_done - monitor_start);
	vm.mon_exception_done = vm.mon_start + (size_t)(monitor_exception_done - monitor_start);
	vm.mon_flush = vm.mon_start + (size_t)(monitor_flush - monitor_start);
	vm.idt = vaddr_of(idt);
	idt_fill(idt, vm.mon_start + (size_t)(monitor_vectors - monitor_start));
	/* The pool is data; this one page is code, and nobody may write it from ring 0. */
	err = pt_map(
		&dune_mappings.pt, vm.mon_start, vm.mon_start + PAGE_SIZE, vm.mon_start, PTE_CODE);
	return err;
}

void monitor_cpu_number(struct dune_cpu *cpu, unsigned host_cpu)
{
	/* The vDSO's getcpu takes the number from the limit of this descriptor (LSL). */
	cpu->gdt[SEL_CPU >> 3] = (host_cpu & 0xffff) | (uint64_t)(host_cpu >> 16 & 0xf) << 48 |
				 0x0040f50000000000UL;
}

void monitor_cpu_init(struct dune_cpu *cpu, unsigned host_cpu)
{
	uint64_t tss = vaddr_of(cpu->tss), ist = vaddr_of(cpu) + PAGE_SIZE - 16;
	uint16_t iomap = sizeof(cpu->tss);

	cpu->handled = vm.handled;
	cpu->handlers = vm.handlers;
	cpu->xsave_size = ALIGN_UP(vm.xsave_size, 64);
	memset(cpu->gdt, 0, sizeof(cpu->gdt));
	cpu->gdt[SEL_CODE >> 3] = 0x00af9b000000ffffUL;
	cpu->gdt[SEL_DATA >> 3] = 0x00cf93000000ffffUL;
	/* What a program that loads its usual selectors finds: flat user segments. */
	cpu->gdt[0x28 >> 3] = 0x00cff3000000ffffUL;
	cpu->gdt[0x30 >> 3] = 0x00affb000000ffffUL;
	cpu->gdt[SEL_TSS >> 3] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 | 0x8bUL << 40 |
				 (tss >> 24 & 0xff) << 56;
	cpu->gdt[(SEL_TSS >> 3) + 1] = tss >> 32;
	monitor_cpu_number(cpu, host_cpu);
	memset(cpu->tss, 0, sizeof(cpu->tss));
	for (int i = 0; i < 7; i++)
		memcpy(cpu->tss + 36 + 8 * i, &ist, sizeof(ist));
	memcpy(cpu->tss + 102, &iomap, sizeof(iomap));
}
