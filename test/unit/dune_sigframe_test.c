// sources:
/* dune_sigframe_test.c - the register part of a signal frame, against what a real one holds. */
#include "unit.h"

#include "dune/sigframe.c"

#include <signal.h>
#include <ucontext.h>

struct vm vm = {.xcr0 = 7, .xsave_size = 832};

static void fill(struct kvm_regs *r)
{
	__u64 *p = (__u64 *)r;

	for (size_t i = 0; i < sizeof(*r) / 8; i++)
		p[i] = 0x1111111100000000UL * (i % 15 + 1) + i;
	r->rflags = 0x246;
}

static void round_trip(void)
{
	struct kvm_regs in, out;
	struct sigctx c;

	fill(&in);
	memset(&c, 0, sizeof(c));
	memset(&out, 0xee, sizeof(out));
	sigctx_from_regs(&c, &in);
	regs_from_sigctx(&out, &c);
	CHECK(!memcmp(&in, &out, sizeof(in)));
}

/* What a program writes into its frame must not reach the flags that keep ring 0 safe. */
static void flags_are_kept(void)
{
	struct kvm_regs r;
	struct sigctx c;

	memset(&c, 0, sizeof(c));
	c.rflags = ~0UL & ~0x200UL;
	regs_from_sigctx(&r, &c);
	CHECK_EQ(r.rflags & 0x200, 0x200); /* IF stays: Bochs, and a host that must interrupt */
	CHECK_EQ(r.rflags & 0x3000, 0);	   /* IOPL */
	CHECK_EQ(r.rflags & 0x4000, 0);	   /* NT */
	CHECK_EQ(r.rflags & 0x1a0000, 0);  /* VM, VIF, VIP */
	CHECK_EQ(r.rflags & 0xcd5, 0xcd5); /* arithmetic, direction, overflow: the program's */
	CHECK_EQ(r.rflags & 2, 2);
}

static volatile uint64_t seen_rip, seen_rsp, seen_rbx;
static volatile uint32_t seen_magic1, seen_magic2;
static volatile uint64_t seen_size;

static void handler(int sig, siginfo_t *si, void *ucv)
{
	struct kernel_ucontext *uc = ucv;
	ucontext_t *libc = ucv;
	uint8_t *fp = (uint8_t *)uc->mc.fpstate;
	uint32_t size, magic;

	seen_rip = uc->mc.rip - (uint64_t)libc->uc_mcontext.gregs[REG_RIP];
	seen_rsp = uc->mc.rsp - (uint64_t)libc->uc_mcontext.gregs[REG_RSP];
	seen_rbx = uc->mc.rbx - (uint64_t)libc->uc_mcontext.gregs[REG_RBX];
	memcpy(&magic, fp + 464, 4);
	seen_magic1 = magic;
	memcpy(&size, fp + 464 + 16, 4);
	seen_size = size;
	memcpy(&magic, fp + size, 4);
	seen_magic2 = magic;
	CHECK(&uc->sigmask == (uint64_t *)&libc->uc_sigmask);
	CHECK((char *)si - (char *)uc ==
		offsetof(struct sigframe, info) - offsetof(struct sigframe, uc));
}

/* The kernel's own frame is laid out as ours: registers, mask, siginfo, the magic words. */
static void like_the_kernels(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	uint8_t ours[1024] __attribute__((aligned(64))) = {0};
	uint32_t magic;

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	CHECK_EQ(seen_rip, 0);
	CHECK_EQ(seen_rsp, 0);
	CHECK_EQ(seen_rbx, 0);
	CHECK(seen_size >= 576);
	sigframe_xsave_seal(ours);
	memcpy(&magic, ours + 464, 4);
	CHECK_EQ(magic, seen_magic1);
	memcpy(&magic, ours + 464 + 16, 4);
	CHECK_EQ(magic, vm.xsave_size);
	memcpy(&magic, ours + vm.xsave_size, 4);
	CHECK_EQ(magic, seen_magic2);
}

int main(void)
{
	RUN(round_trip);
	RUN(flags_are_kept);
	RUN(like_the_kernels);
	return UNIT_END();
}
