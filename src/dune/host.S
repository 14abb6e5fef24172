/*
 * host.S - vmm context: the few moves on the host side that C cannot express.
 *
 * Saves, calls, restores; every decision is in C, and no C of ours is called (begin.S does that).
 * Labels that the host's signal handler looks for (host_window_*, user_copy_*) delimit what may be
 * aborted or fixed up.
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
