/*
 * kvmhello.c - is this machine's KVM the one Dune needs? Independent of all of src/.
 *
 * Builds a one-CPU VM in long mode on this process's own memory, runs a few instructions in ring 0
 * and compares what they did with what a CPU would do: arithmetic, an alias made and removed by the
 * guest in its own page table, a page fault taken in the guest on an IST stack, exits counted. Runs
 * on both test machines and first of all tests there: if it fails the machine is wrong, not Dune.
 * Status: 0 good, 77 no KVM here, 1 wrong.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Guest-physical layout, all inside one slot at 0. */
enum {
	PML4 = 0x1000,
	PDPT = 0x2000,
	PD = 0x3000,
	PT = 0x4000,
	GDT = 0x5000,
	IDT = 0x6000,
	TSS = 0x7000,
	CODE = 0x8000,
	IST = 0xa000,
	STACK = 0xc000,
	DATA = 0xd000,
	ALIAS = 0x1fe000,
	SIZE = 0x200000
};

static char *mem;
static int vcpu;
static struct kvm_run *run;
static int failed;

static void expect(const char *what, uint64_t got, uint64_t want)
{
	if (got != want) {
		printf("kvmhello: %s: got 0x%llx, want 0x%llx\n", what, (unsigned long long)got,
			(unsigned long long)want);
		failed = 1;
	}
}

static uint64_t *word(uint64_t pa)
{
	return (uint64_t *)(mem + pa);
}

/*
 * The guest's program. rbx = 6, rcx = 7. First hlt: rax = 42. Then maps ALIAS onto DATA by its own
 * store into PT, writes through it, unmaps it with invlpg; second hlt. Then reads it: page fault,
 * whose handler leaves by the third hlt with cr2 in rax.
 */
__asm__(".pushsection .rodata\n"
	"guest: mov %rbx, %rax; imul %rcx, %rax; hlt\n"
	"	mov $0x4000 + 0x1fe * 8, %edi; movq $0xd003, (%rdi)\n"
	"	mov $0x1fe000, %esi; mov $0x1122334455667788, %rax; mov %rax, 8(%rsi)\n"
	"	movq $0, (%rdi); invlpg (%rsi); hlt\n"
	"	mov 8(%rsi), %rax; ud2\n"
	"	.balign 256\n"
	"handler: mov %cr2, %rax; hlt\n"
	"guest_end: .popsection\n");
extern const char guest[], handler[], guest_end[];

static void tables_fill(void)
{
	*word(PML4) = PDPT | 3;
	*word(PDPT) = PD | 3;
	*word(PD) = PT | 3;
	for (uint64_t pa = 0; pa < ALIAS; pa += 4096)
		word(PT)[pa >> 12] = pa | 3;
	word(GDT)[2] = 0x00af9b000000ffff;
	word(GDT)[3] = 0x00cf93000000ffff;
	*(uint64_t *)(mem + TSS + 36) = IST + 4096;
	uint64_t gate = CODE + (uint64_t)(handler - guest);
	word(IDT)[2 * 14] = (gate & 0xffff) | 0x10 << 16 | 1ull << 32 | 0x8eull << 40 |
			    (gate >> 16) << 48;
	memcpy(mem + CODE, guest, (size_t)(guest_end - guest));
}

static void segments_set(void)
{
	struct kvm_sregs s;
	struct kvm_segment code = {
		.limit = ~0u, .selector = 0x10, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
	struct kvm_segment data = {
		.limit = ~0u, .selector = 0x18, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};

	if (ioctl(vcpu, KVM_GET_SREGS, &s))
		err(1, "KVM_GET_SREGS");
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = (struct kvm_segment){
		.base = TSS, .limit = 103, .selector = 0x40, .type = 11, .present = 1};
	s.gdt = (struct kvm_dtable){.base = GDT, .limit = 127};
	s.idt = (struct kvm_dtable){.base = IDT, .limit = 4095};
	s.cr0 = 0x80050033;
	s.cr3 = PML4;
	s.cr4 = 0x620 | 0x80;
	s.efer = 0xd01;
	if (ioctl(vcpu, KVM_SET_SREGS, &s))
		err(1, "KVM_SET_SREGS");
}

static void regs_get(struct kvm_regs *r)
{
	if (ioctl(vcpu, KVM_GET_REGS, r))
		err(1, "KVM_GET_REGS");
}

static void run_to_hlt(const char *where)
{
	int rc;

	do
		rc = ioctl(vcpu, KVM_RUN, 0);
	while (rc && errno == EINTR);
	if (rc || run->exit_reason != KVM_EXIT_HLT) {
		printf("kvmhello: %s: KVM_RUN %d (%s), exit reason %u\n", where, rc,
			rc ? strerror(errno) : "", run->exit_reason);
		exit(1);
	}
}

static void paging_check(void)
{
	static const char *const param[] = {
		"/sys/module/kvm_amd/parameters/npt", "/sys/module/kvm_intel/parameters/ept"};
	int found = 0;

	for (int i = 0; i < 2; i++) {
		char c = 0;
		int fd = open(param[i], O_RDONLY);

		if (fd < 0)
			continue;
		found = 1;
		expect(param[i], read(fd, &c, 1) == 1 && (c == 'Y' || c == '1'), 1);
		close(fd);
	}
	expect("nested paging is stated by kvm_amd or kvm_intel", (uint64_t)found, 1);
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));
	struct kvm_regs r = {.rip = CODE, .rsp = STACK + 4096, .rflags = 0x202, .rbx = 6, .rcx = 7};

	if (kvm < 0) {
		printf("no /dev/kvm: %s\n", strerror(errno));
		return 77;
	}
	paging_check();
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cpuid->nent = 256;
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	struct kvm_userspace_memory_region slot = {
		.memory_size = SIZE, .userspace_addr = (uintptr_t)mem};
	if (vm < 0 || ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul) ||
		ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) ||
		(vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) < 0 ||
		ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) || ioctl(vcpu, KVM_SET_CPUID2, cpuid))
		err(1, "KVM set-up");
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		MAP_SHARED, vcpu, 0);
	tables_fill();
	segments_set();
	if (ioctl(vcpu, KVM_SET_REGS, &r))
		err(1, "KVM_SET_REGS");

	run_to_hlt("arithmetic");
	regs_get(&r);
	expect("6 * 7", r.rax, 42);
	run_to_hlt("alias");
	expect("the store through the alias", *word(DATA + 8), 0x1122334455667788);
	run_to_hlt("page fault");
	regs_get(&r);
	expect("cr2", r.rax, ALIAS + 8);
	expect("error code pushed on the IST stack", *word(IST + 4096 - 48), 0);
	if (!failed)
		printf("kvmhello: ring 0, own page table, own page fault: good\n");
	return failed;
}
