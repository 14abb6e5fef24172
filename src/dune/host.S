/*
 * host.S - vmm context: the few moves on the host side that C cannot express.
 *
 * Saves, calls, restores; every decision is in C. Labels that the host's signal handler looks
 * for (host_window_*, user_copy_*) delimit what may be aborted or fixed up.
 */
#include "monitor/frame.h"

	.text

	.macro FUNC name
	.globl \name
	.hidden \name
	.type \name, @function
	.balign 16
\name:
	.endm

/*
 * int dune_enter(void): the call returns twice-removed: the host thread goes to its vmm stack
 * for good, and ring 0 begins at `inside` on this stack.
 */
	.globl dune_enter
	.type dune_enter, @function
	.balign 16
dune_enter:
	.cfi_startproc
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	pushq %r12
	.cfi_adjust_cfa_offset 8
	pushq %r13
	.cfi_adjust_cfa_offset 8
	pushq %r14
	.cfi_adjust_cfa_offset 8
	pushq %r15
	.cfi_adjust_cfa_offset 8
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	leaq inside(%rip), %rdi
	movq %rsp, %rsi
	call enter_prepare
	testq %rax, %rax
	js inside
	movq %rax, %rdi
	leaq THREAD_VMM_TOP_OFF(%rax), %rsp
	xorl %ebp, %ebp
	call vmm_loop
	ud2
inside:
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %r15
	.cfi_adjust_cfa_offset -8
	popq %r14
	.cfi_adjust_cfa_offset -8
	popq %r13
	.cfi_adjust_cfa_offset -8
	popq %r12
	.cfi_adjust_cfa_offset -8
	popq %rbx
	.cfi_adjust_cfa_offset -8
	popq %rbp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size dune_enter, . - dune_enter

/*
 * long host_syscall(const long call[7], const volatile int *pending): nr, a..f. If a signal was
 * queued before the instruction, or the kernel wants it restarted after one, HOST_RESTART.
 */
	.globl host_window_start, host_window_end, host_window_abort
	.hidden host_window_start, host_window_end, host_window_abort
FUNC host_syscall
	pushq %rbx
	movq %rsi, %rbx
	movq CALL_NR(%rdi), %rax
	movq CALL_B(%rdi), %rsi
	movq CALL_C(%rdi), %rdx
	movq CALL_D(%rdi), %r10
	movq CALL_E(%rdi), %r8
	movq CALL_F(%rdi), %r9
	movq CALL_A(%rdi), %rdi
host_window_start:
	cmpl $0, (%rbx)
	jne host_window_abort
	syscall
host_window_end:
	popq %rbx
	ret
host_window_abort:
	movq $HOST_RESTART, %rax
	popq %rbx
	ret

/* long user_copy(void *dst, const void *src, size_t n) */
	.globl user_copy_start, user_copy_end, user_copy_fault
	.hidden user_copy_start, user_copy_end, user_copy_fault
FUNC user_copy
	movq %rdx, %rcx
user_copy_start:
	rep movsb
	xorl %eax, %eax
	ret
/* long user_swap(uint32_t *p, uint32_t old, uint32_t new) */
FUNC user_swap
	movl %esi, %eax
	lock cmpxchgl %edx, (%rdi)
user_copy_end:
	setne %al
	movzbl %al, %eax
	ret
user_copy_fault:
	movq $-14, %rax
	ret

/*
 * void host_eject(void *frame, uint64_t *rsp): rt_sigreturn onto frame; comes back here by
 * host_eject_back with RSP = *rsp, put there by the signal handler.
 */
	.globl host_eject_back
	.hidden host_eject_back
FUNC host_eject
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rsi)
	movq %rdi, %rsp
	movl $15, %eax
	syscall
	ud2
host_eject_back:
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/*
 * long host_clone(flags, stack, ptid, ctid, tls, struct thread *child): in the child calls
 * thread_begin(child) on stack.
 */
FUNC host_clone
	pushq %rbx
	movq %r9, %rbx
	movq %rcx, %r10
	movl $56, %eax
	syscall
	testq %rax, %rax
	jz 1f
	popq %rbx
	ret
1:	xorl %ebp, %ebp
	movq %rbx, %rdi
	call thread_begin
	ud2

/*
 * void host_exit(uint32_t *state, long nr, long status): gives the thread's memory back and
 * ends it; not a byte of stack is touched in between.
 */
FUNC host_exit
	movl $0, (%rdi)
	movq %rsi, %rax
	movq %rdx, %rdi
	syscall
	ud2

FUNC host_restorer
	movl $15, %eax
	syscall
	ud2

	.section .note.GNU-stack, "", @progbits
