/*
 * speed.c - app context, before dune_init: runs a short known loop in a throw-away VM.
 *
 * A KVM that emulates instructions (a paravirtual device of a cloud) is a thousand times too
 * slow, and not always right. The guest is 16-bit real mode, one page: count down, halt. It
 * must end with the right registers, in a time that no emulator of single instructions keeps.
 */
#include "probe.h"
#include "vm.h"
#include "base/base.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define GUEST_AT   0x1000UL
#define LOOPS	   20000U
#define BOUND_NS   10000000L /* measured: QEMU's emulated SVM 0.07 ms, an emulating KVM 30 ms */
#define REPEAT_MAX 5

/* mov ecx, LOOPS; xor ebx, ebx; 1: add ebx, 3; dec ecx; jnz 1b; hlt */
static const uint8_t code[] = {0x66, 0xb9, LOOPS & 0xff, LOOPS >> 8 & 0xff, LOOPS >> 16, 0, 0x66,
	0x31, 0xdb, 0x66, 0x83, 0xc3, 0x03, 0x66, 0x49, 0x75, 0xf8, 0xf4};

struct guest {
	int vm, vcpu;
	vaddr_t page;
	struct kvm_run *run;
	long run_size;
};

static int64_t now(void)
{
	struct timespec ts = {0, 0};

	sys_call3(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0);
	return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static int guest_make(int kvm, struct guest *g)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_AT, .memory_size = PAGE_SIZE};
	struct kvm_sregs s;
	long n = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (sys_is_err(n))
		return (int)n;
	g->page = (vaddr_t)n;
	memcpy(vaddr_ptr(g->page), code, sizeof(code));
	region.userspace_addr = g->page;
	g->vm = (int)vm_ioctl(kvm, KVM_CREATE_VM, NULL);
	if (g->vm < 0)
		return g->vm;
	vm_ioctl(g->vm, KVM_SET_TSS_ADDR, (void *)0xfffbd000UL);
	n = vm_ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region);
	if (n)
		return (int)n;
	g->vcpu = (int)vm_ioctl(g->vm, KVM_CREATE_VCPU, NULL);
	g->run_size = vm_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (g->vcpu < 0 || g->run_size < 0)
		return -EIO;
	n = sys_mmap(0, (size_t)g->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu);
	if (sys_is_err(n))
		return (int)n;
	g->run = (struct kvm_run *)n;
	n = vm_ioctl(g->vcpu, KVM_GET_SREGS, &s);
	s.cs.base = 0;
	s.cs.selector = 0;
	return n ? (int)n : (int)vm_ioctl(g->vcpu, KVM_SET_SREGS, &s);
}

static void guest_end(struct guest *g)
{
	if (g->run)
		sys_munmap(vaddr_of(g->run), (size_t)g->run_size);
	if (g->vcpu >= 0)
		sys_close(g->vcpu);
	if (g->vm >= 0)
		sys_close(g->vm);
	if (g->page)
		sys_munmap(g->page, PAGE_SIZE);
}

/* Nanoseconds of one run with the right result, or -errno. */
static int64_t guest_time(struct guest *g)
{
	struct kvm_regs r;
	int64_t start;

	memset(&r, 0, sizeof(r));
	r.rip = GUEST_AT;
	r.rflags = 2;
	if (vm_ioctl(g->vcpu, KVM_SET_REGS, &r))
		return -EIO;
	start = now();
	while (vm_ioctl(g->vcpu, KVM_RUN, NULL) == -EINTR)
		if (now() - start > 4 * BOUND_NS)
			return -ETIME;
	start = now() - start;
	if (g->run->exit_reason != KVM_EXIT_HLT || vm_ioctl(g->vcpu, KVM_GET_REGS, &r))
		return -EIO;
	if ((uint32_t)r.rbx != 3 * LOOPS || (uint32_t)r.rcx)
		return -EIO;
	return start;
}

int check_speed(int kvm, const char **why)
{
	static char text[160];
	struct guest g = {.vm = -1, .vcpu = -1};
	int err = guest_make(kvm, &g);
	int64_t ns = err, best = -EIO;

	for (int i = 0; !err && i < REPEAT_MAX; i++) {
		ns = guest_time(&g);
		if (ns >= 0 && (best < 0 || ns < best))
			best = ns;
		if (ns < 0 || best <= BOUND_NS)
			break;
	}
	guest_end(&g);
	if (best >= 0 && best <= BOUND_NS)
		return 0;
	if (best >= 0 || ns == -ETIME)
		out_snprintf(text, sizeof(text),
			"/dev/kvm emulates instructions instead of using the processor (%u loops "
			"took "
			"%ld us): use --backend=host",
			LOOPS, (long)(best / 1000));
	else
		out_snprintf(text, sizeof(text),
			"/dev/kvm does not run a small guest correctly (error %ld): use "
			"--backend=host",
			(long)-ns);
	*why = text;
	return -ENOTSUP;
}
