/*
 * entry.S - monitor context: where ring 0 arrives on a system call or an exception.
 *
 * Position-independent; copied to a page of the pool (monitor.c), so that no mapping of the
 * program's can take it away. Saves, halts (= calls the vmm), restores; decides nothing but
 * whether a vector has a handler in this very ring. Rules: no stack at the system call (the
 * program's red zone); exceptions come on the IST stack of the vCPU's page; flags, SSE state
 * and every register but those saved are the program's.
 */
#include "frame.h"

	.section .text.monitor, "ax", @progbits
	.balign 64
	.globl monitor_start, monitor_syscall, monitor_syscall_done, monitor_exception_done
	.globl monitor_vectors, monitor_end, monitor_flush
	.hidden monitor_start, monitor_syscall, monitor_syscall_done, monitor_exception_done
	.hidden monitor_vectors, monitor_end, monitor_flush
monitor_start:

/* The vmm does the call on this same host thread and sets RAX, RIP = RCX, RFLAGS = R11. */
monitor_syscall:
	hlt
monitor_syscall_done:
	ud2

/* The way back from a system call that must forget old translations; R11 is lost anyway. */
monitor_flush:
	movq %cr3, %r11
	movq %r11, %cr3
	jmp *%rcx

	.balign 16
monitor_vectors: /* 16 bytes each */
	.set vec, 0
	.rept MONITOR_VECTORS
	.balign 16
	.if !((vec == 8) || (vec >= 10 && vec <= 14) || (vec == 17) || (vec == 21) || (vec == 29) || (vec == 30))
	pushq $0
	.endif
	pushq $vec
	jmp exception
	.set vec, vec + 1
	.endr

	.balign 16
exception:
	pushq %rax
	movq %cr2, %rax
	pushq %rax
	movq %rsp, %rax
	andq $-CPU_SIZE, %rax
	pushq %rbx
	movq (TF_VEC - TF_CR2 + 8)(%rsp), %rbx
	btq %rbx, CPU_HANDLED(%rax)
	jc handled
	popq %rbx
	/* RSP -> cr2, rax, vector, error, rip, cs, rflags, rsp, ss; all else as it was. */
exit:
	hlt
monitor_exception_done:
	ud2

/*
 * A handler of the program's own, called in this ring without an exit. Off the IST stack first:
 * the handler may fault itself. Below the current position if it did, else from the top.
 */
handled:
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rax, %r12
	movq TF_RSP(%rsp), %rdi
	leaq -RED_ZONE(%rdi), %rdi
	cmpq CPU_STACK_LOW(%r12), %rdi
	jb 1f
	cmpq CPU_STACK_TOP(%r12), %rdi
	jb 2f
1:	movq CPU_STACK_TOP(%r12), %rdi
2:	subq $TF_SIZE, %rdi
	andq $-64, %rdi
	movq %rsp, %rsi
	movq %rdi, %rbp
	movl $(TF_SIZE / 8), %ecx
	rep movsq
	movq %rbp, %rsp
	subq CPU_XSAVE_SIZE(%r12), %rsp
	andq $-64, %rsp
	leaq XSAVE_HEADER(%rsp), %rdi
	xorl %eax, %eax
	movl $8, %ecx
	rep stosq
	movq %rsp, %r13
	movl $-1, %eax
	movl $-1, %edx
	xsave64 (%r13)
	movq CPU_HANDLERS(%r12), %rax
	movq %rbp, %rdi
	call *(%rax, %rbx, 8)
	movl %eax, %r14d
	movl $-1, %eax
	movl $-1, %edx
	xrstor64 (%r13)
	movq %rbp, %rsp
	testl %r14d, %r14d
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	jnz exit /* not the handler's: the vmm, from the handler stack */
	addq $8, %rsp
	popq %rax
	addq $16, %rsp
	iretq
monitor_end:

	.section .note.GNU-stack, "", @progbits
