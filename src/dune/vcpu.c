/*
 * vcpu.c - before dune_enter and vmm context: one virtual processor, set up as a 64-bit Linux
 * program expects to find one, only that it is in ring 0.
 *
 * Breaks if CPUID comes after SREGS or XCRS, or if a control bit is set that the processor does
 * not have: what KVM supports is what it reported, no more.
 */
#include "page.h"
#include "thread.h"
#include "base/base.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define CR0_BITS     0x80050033UL /* PG AM WP NE ET MP PE */
#define CR4_PAE	     (1UL << 5)
#define CR4_PGE	     (1UL << 7)
#define CR4_FXSR     (1UL << 9)
#define CR4_XMM	     (1UL << 10)
#define CR4_FSGSBASE (1UL << 16)
#define CR4_XSAVE    (1UL << 18)
#define EFER_BITS    0xd01UL /* NXE LMA LME SCE */

#define MSR_TSC	    0x10
#define MSR_STAR    0xc0000081
#define MSR_LSTAR   0xc0000082
#define MSR_CSTAR   0xc0000083
#define MSR_SFMASK  0xc0000084
#define MSR_TSC_AUX 0xc0000103
#define SFMASK_BITS 0x47700

#define CPUID_FSGSBASE 1 /* leaf 7, EBX */

#define XSAVE_MXCSR 24

static void segment(struct kvm_segment *s, uint16_t sel, uint8_t type, bool code)
{
	memset(s, 0, sizeof(*s));
	s->selector = sel;
	s->type = type;
	s->limit = 0xffffffff;
	s->present = s->s = s->g = 1;
	s->l = code;
	s->db = !code;
}

static int sregs_set(struct thread *t)
{
	struct kvm_sregs *s = &t->sregs;
	struct dune_cpu *cpu = t->cpu;
	uint64_t fs = s->fs.base, gs = s->gs.base;
	const struct kvm_cpuid_entry2 *features = vm_cpuid_leaf(7, 0);
	long err = vm_ioctl(t->vcpu_fd, KVM_GET_SREGS, s);

	if (err)
		return (int)err;
	segment(&s->cs, SEL_CODE, 11, true);
	segment(&s->ds, SEL_DATA, 3, false);
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->fs.base = fs;
	s->gs.base = gs;
	memset(&s->tr, 0, sizeof(s->tr));
	s->tr.selector = SEL_TSS;
	s->tr.type = 11;
	s->tr.present = 1;
	s->tr.base = vaddr_of(cpu->tss);
	s->tr.limit = sizeof(cpu->tss) - 1;
	memset(&s->ldt, 0, sizeof(s->ldt));
	s->ldt.unusable = 1;
	s->ldt.type = 2;
	s->gdt.base = vaddr_of(cpu->gdt);
	s->gdt.limit = sizeof(cpu->gdt) - 1;
	s->idt.base = vm.idt;
	s->idt.limit = MONITOR_VECTORS * 16 - 1;
	s->cr0 = CR0_BITS;
	s->cr3 = dune_mappings.pt.root;
	s->cr4 = CR4_PAE | CR4_PGE | CR4_FXSR | CR4_XMM | CR4_XSAVE;
	if (features && features->ebx & CPUID_FSGSBASE)
		s->cr4 |= CR4_FSGSBASE;
	s->efer = EFER_BITS;
	return (int)vm_ioctl(t->vcpu_fd, KVM_SET_SREGS, s);
}

static int msrs_set(struct thread *t, const struct kvm_msr_entry *e, unsigned n)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[8];
	} m = {.head.nmsrs = 1};
	long done;

	/* One at a time: KVM stops at the first that this processor does not have. */
	for (unsigned i = 0; i < n; i++) {
		m.e[0] = e[i];
		done = vm_ioctl(t->vcpu_fd, KVM_SET_MSRS, &m);
		if (done < 0)
			return (int)done;
		if (done != 1 && e[i].index != MSR_TSC_AUX)
			return -EIO;
	}
	return 0;
}

static uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

/* The guest's TSC must be the host's, or the vDSO's clock is wrong. */
static int tsc_set(struct thread *t)
{
	uint64_t zero = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)&zero,
	};
	struct kvm_msr_entry tsc = {.index = MSR_TSC};

	if (!vm_ioctl(t->vcpu_fd, KVM_SET_DEVICE_ATTR, &attr))
		return 0;
	/* Before 5.16: write the time it will be; KVM takes the offset at that moment. */
	tsc.data = rdtsc();
	return msrs_set(t, &tsc, 1);
}

void vcpu_cpu_number(struct thread *t)
{
	unsigned cpu = 0;
	struct kvm_msr_entry aux = {.index = MSR_TSC_AUX};

	sys_call3(__NR_getcpu, (long)&cpu, 0, 0);
	monitor_cpu_number(t->cpu, cpu);
	aux.data = cpu;
	msrs_set(t, &aux, 1);
}

int vcpu_setup(struct thread *t)
{
	struct kvm_msr_entry msr[] = {
		{.index = MSR_STAR, .data = (uint64_t)SEL_CODE << 32},
		{.index = MSR_LSTAR, .data = vm.mon_syscall},
		{.index = MSR_CSTAR, .data = vm.mon_syscall},
		{.index = MSR_SFMASK, .data = SFMASK_BITS},
	};
	struct kvm_xcrs xcrs = {.nr_xcrs = 1};
	long err;

	monitor_cpu_init(t->cpu, 0);
	t->cpu->stack_low = vaddr_of(t) + THREAD_STACK_LOW;
	t->cpu->stack_top = vaddr_of(t) + THREAD_STACK_TOP;
	t->cpu->slot = t->index;
	err = vm_ioctl(t->vcpu_fd, KVM_SET_CPUID2, &vm_cpuid);
	if (err && err != -EINVAL) /* EINVAL: a used vCPU keeps the CPUID it has, which is this */
		return (int)err;
	err = sregs_set(t);
	if (err)
		return (int)err;
	xcrs.xcrs[0].value = vm.xcr0;
	err = vm_ioctl(t->vcpu_fd, KVM_SET_XCRS, &xcrs);
	if (err)
		return (int)err;
	err = msrs_set(t, msr, ARRAY_LEN(msr));
	if (err)
		return (int)err;
	err = tsc_set(t);
	if (err)
		return (int)err;
	vcpu_cpu_number(t);
	t->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	return 0;
}

int vcpu_create(struct thread *t)
{
	long fd, at;

	if (!t->cpu) {
		t->cpu = page_alloc();
		if (!t->cpu)
			return -ENOMEM;
	}
	vm_lock(&vm.lock);
	if (vm.vcpu_next >= vm.vcpu_max) {
		vm_unlock(&vm.lock);
		return -EAGAIN;
	}
	t->vcpu_id = (int)vm.vcpu_next++;
	fd = fd_new(vm.fd, KVM_CREATE_VCPU, (void *)(long)t->vcpu_id);
	if (fd >= 0)
		vm.vcpu_count++;
	vm_unlock(&vm.lock);
	if (fd < 0)
		return (int)fd;
	at = sys_mmap(0, vm.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd);
	if (sys_is_err(at)) {
		fd_close((int)fd);
		return (int)at;
	}
	t->vcpu_fd = (int)fd;
	t->run = (struct kvm_run *)at;
	return 0;
}

int vcpu_fpu_get(struct thread *t)
{
	return (int)vm_ioctl(t->vcpu_fd, KVM_GET_XSAVE, t->xsave);
}

int vcpu_fpu_reset(struct thread *t, uint16_t fcw, uint32_t mxcsr)
{
	memset(t->xsave, 0, sizeof(t->xsave));
	memcpy(t->xsave, &fcw, sizeof(fcw));
	memcpy(t->xsave + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	t->xsave[XSAVE_BV] = 3;
	return vcpu_fpu_set(t);
}

/* The program may have written anything into a signal frame; KVM refuses what XRSTOR would. */
int vcpu_fpu_set(struct thread *t)
{
	uint64_t bv;
	uint32_t mxcsr;

	memcpy(&bv, t->xsave + XSAVE_BV, sizeof(bv));
	bv &= vm.xcr0;
	memset(t->xsave + XSAVE_BV, 0, 64);
	memcpy(t->xsave + XSAVE_BV, &bv, sizeof(bv));
	memcpy(&mxcsr, t->xsave + XSAVE_MXCSR, sizeof(mxcsr));
	mxcsr &= 0xffff;
	memcpy(t->xsave + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
	return (int)vm_ioctl(t->vcpu_fd, KVM_SET_XSAVE, t->xsave);
}

int vcpu_bases_get(struct thread *t, uint64_t *fs, uint64_t *gs)
{
	long err = vm_ioctl(t->vcpu_fd, KVM_GET_SREGS, &t->sregs);

	*fs = t->sregs.fs.base;
	*gs = t->sregs.gs.base;
	return (int)err;
}

int vcpu_bases_set(struct thread *t, const uint64_t *fs, const uint64_t *gs)
{
	long err = vm_ioctl(t->vcpu_fd, KVM_GET_SREGS, &t->sregs);

	if (err)
		return (int)err;
	if (fs)
		t->sregs.fs.base = *fs;
	if (gs)
		t->sregs.gs.base = *gs;
	return (int)vm_ioctl(t->vcpu_fd, KVM_SET_SREGS, &t->sregs);
}

void vcpu_dump_panic(struct thread *t, const char *what)
{
	struct kvm_regs *r = thread_regs(t);
	uint64_t *data = (uint64_t *)&t->run->internal;

	vm_ioctl(t->vcpu_fd, KVM_GET_REGS, r);
	vm_ioctl(t->vcpu_fd, KVM_GET_SREGS, &t->sregs);
	panic("dune: %s: exit %u [%lx %lx %lx] rip %llx rsp %llx rax %llx rcx %llx rflags %llx "
	      "cr2 %llx cr3 %llx fs %llx",
		what, t->run->exit_reason, data[0], data[1], data[2], r->rip, r->rsp, r->rax,
		r->rcx, r->rflags, t->sregs.cr2, t->sregs.cr3, t->sregs.fs.base);
}
