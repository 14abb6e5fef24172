/*
 * dlopen.c - dlopen, without RTLD_DEEPBIND.
 *
 * app context. A module that is opened with it (PHP opens its extensions so) looks names up in its
 * own libraries first, and would find libc's malloc: what it allocates and others free, or the
 * other way round, would be in the wrong heap. libc's dlopen looks at its return address to learn
 * whose search path (RUNPATH) counts, so this is a jump to it and no call.
 */
#include "base/base.h"

#include <dlfcn.h>

_Static_assert(RTLD_DEEPBIND == 8, "the mask below");

__attribute__((used)) static void *(*dlopen_real)(const char *, int);

__attribute__((used)) static void dlopen_find(void)
{
	*(void **)&dlopen_real = symtab_next("dlopen");
}

__asm__(".pushsection .text, \"ax\", @progbits\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	cmpq	$0, dlopen_real(%rip)\n"
	"	jne	1f\n"
	"	pushq	%rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	pushq	%rsi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	subq	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call	dlopen_find\n"
	"	addq	$8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	popq	%rsi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	popq	%rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"1:	andl	$~8, %esi\n"
	"	jmp	*dlopen_real(%rip)\n"
	"	.cfi_endproc\n"
	"	.size dlopen, . - dlopen\n"
	".popsection\n");
