/*
 * sigframe.c - pure: the register part of the kernel's rt_sigframe.
 *
 * The layout is the kernel's ABI (arch/x86/include/uapi/asm/sigcontext.h); debuggers and
 * unwinders read it, and the kernel itself when we hand a thread back.
 */
#include "signal.h"

#include <string.h>

#define FP_MAGIC1   0x46505853U
#define FP_MAGIC2   0x46505845U
#define FP_SW_BYTES 464

void sigctx_from_regs(struct sigctx *c, const struct kvm_regs *r)
{
	c->r8 = r->r8;
	c->r9 = r->r9;
	c->r10 = r->r10;
	c->r11 = r->r11;
	c->r12 = r->r12;
	c->r13 = r->r13;
	c->r14 = r->r14;
	c->r15 = r->r15;
	c->rdi = r->rdi;
	c->rsi = r->rsi;
	c->rbp = r->rbp;
	c->rbx = r->rbx;
	c->rdx = r->rdx;
	c->rax = r->rax;
	c->rcx = r->rcx;
	c->rsp = r->rsp;
	c->rip = r->rip;
	c->rflags = r->rflags;
}

/* Flags that a program may set; the rest is as the vmm wants it. */
#define RFLAGS_USER  0x50dd5UL
#define RFLAGS_FIXED 0x202UL

void regs_from_sigctx(struct kvm_regs *r, const struct sigctx *c)
{
	r->r8 = c->r8;
	r->r9 = c->r9;
	r->r10 = c->r10;
	r->r11 = c->r11;
	r->r12 = c->r12;
	r->r13 = c->r13;
	r->r14 = c->r14;
	r->r15 = c->r15;
	r->rdi = c->rdi;
	r->rsi = c->rsi;
	r->rbp = c->rbp;
	r->rbx = c->rbx;
	r->rdx = c->rdx;
	r->rax = c->rax;
	r->rcx = c->rcx;
	r->rsp = c->rsp;
	r->rip = c->rip;
	r->rflags = (c->rflags & RFLAGS_USER) | RFLAGS_FIXED;
}

void sigframe_xsave_seal(uint8_t *xsave)
{
	struct {
		uint32_t magic1, extended_size;
		uint64_t xfeatures;
		uint32_t xstate_size, pad[7];
	} sw = {
		.magic1 = FP_MAGIC1,
		.extended_size = (uint32_t)vm.xsave_size + SIGFRAME_MAGIC2_SIZE,
		.xfeatures = vm.xcr0,
		.xstate_size = (uint32_t)vm.xsave_size,
	};
	uint32_t magic2 = FP_MAGIC2;

	memcpy(xsave + FP_SW_BYTES, &sw, sizeof(sw));
	memcpy(xsave + vm.xsave_size, &magic2, sizeof(magic2));
}
