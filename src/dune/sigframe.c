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

/* Of the same name in both. */
#define EACH_REGISTER(of)                                                                     \
	of(r8) of(r9) of(r10) of(r11) of(r12) of(r13) of(r14) of(r15) of(rdi) of(rsi) of(rbp) \
		of(rbx) of(rdx) of(rax) of(rcx) of(rsp) of(rip)

void sigctx_from_regs(struct sigctx *c, const struct kvm_regs *r)
{
#define TAKE(name) c->name = r->name;
	EACH_REGISTER(TAKE)
#undef TAKE
	c->rflags = r->rflags;
}

/* Flags that a program may set; the rest is as the vmm wants it. */
#define RFLAGS_USER  0x50dd5UL
#define RFLAGS_FIXED 0x202UL

void regs_from_sigctx(struct kvm_regs *r, const struct sigctx *c)
{
#define PUT(name) r->name = c->name;
	EACH_REGISTER(PUT)
#undef PUT
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
