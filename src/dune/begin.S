/*
 * begin.S - vmm context: where a host thread goes to its vmm stack for good, to enter ring 0 or to be born in it.
 *
 * Both call C that does not come back.
 */
#include "monitor/frame.h"

	.text

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
 * long host_clone(flags, stack, ptid, ctid, tls, struct thread *child): in the child calls
 * thread_begin(child) on stack.
 */
	.globl host_clone
	.hidden host_clone
	.type host_clone, @function
	.balign 16
host_clone:
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

	.section .note.GNU-stack, "", @progbits
