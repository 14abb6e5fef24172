/* poison.c - see poison.h. app context. */
#include "poison.h"

extern const char poison_store[], poison_failed[] __attribute__((visibility("hidden")));

__asm__(".pushsection .text\n"
	".globl poison_words, poison_store, poison_failed\n"
	".hidden poison_words, poison_store, poison_failed\n"
	".type poison_words, @function\n"
	"poison_words:\n"
	"	.cfi_startproc\n"
	"poison_store:\n"
	"	movq %rdx, (%rdi)\n"
	"	addq $8, %rdi\n"
	"	addq $8, %rdx\n"
	"	cmpq %rsi, %rdi\n"
	"	jb poison_store\n"
	"poison_failed:\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size poison_words, . - poison_words\n"
	".popsection\n");

bool poison_recover(uintptr_t *ip)
{
	if (likely(*ip != (uintptr_t)poison_store))
		return false;
	*ip = (uintptr_t)poison_failed;
	return true;
}
