/* poison.c - see poison.h. app context. */
#include "poison.h"
#include "late.h"
#include "mode.h"

extern const char poison_store[], poison_failed[] __attribute__((visibility("hidden")));
extern const char poison_load[], poison_unread[] __attribute__((visibility("hidden")));

/* The first word of [at, end) that is not as poison_words(at, end, word) left it. */
struct poison_differs {
	vaddr_t at; /* end: none does, or cannot be read */
	uint64_t value;
};
struct poison_differs poison_compare(vaddr_t at, vaddr_t end, uint64_t word);

bool poison_broken;

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
	".globl poison_compare, poison_load, poison_unread\n"
	".hidden poison_compare, poison_load, poison_unread\n"
	".type poison_compare, @function\n"
	"poison_compare:\n"
	"	.cfi_startproc\n"
	"	movq %rdi, %rax\n"
	"	movq %rdx, %rcx\n"
	"poison_load:\n"
	"	movq (%rax), %rdx\n"
	"	cmpq %rcx, %rdx\n"
	"	jne 1f\n"
	"	addq $8, %rax\n"
	"	addq $8, %rcx\n"
	"	cmpq %rsi, %rax\n"
	"	jb poison_load\n"
	"1:	ret\n"
	"poison_unread:\n"
	"	movq %rsi, %rax\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size poison_compare, . - poison_compare\n"
	".popsection\n");

bool poison_recover(uintptr_t *ip)
{
	if (*ip == (uintptr_t)poison_store) {
		poison_broken = true;
		*ip = (uintptr_t)poison_failed;
	} else if (*ip == (uintptr_t)poison_load) {
		*ip = (uintptr_t)poison_unread;
	} else {
		return false;
	}
	return true;
}

static bool page_is_zero(vaddr_t at)
{
	for (vaddr_t end = (at & PAGE_MASK) + PAGE_SIZE, w = at & PAGE_MASK; w < end; w += 8) {
		struct poison_differs d = poison_compare(w, w + 8, 0);

		if (d.at == w && d.value)
			return false;
	}
	return true;
}

void poison_look(vaddr_t at, size_t size)
{
	vaddr_t end = at + MIN(size, POISON_MOST);
	struct poison_differs d = poison_compare(at, end, poison_word(at));

	if (likely(d.at == end) || poison_broken ||
		(mode.grouped && !d.value && page_is_zero(d.at)))
		return;
	late_note(LATE_WRITE, d.at + (vaddr_t)__builtin_ctzl(d.value ^ poison_word(d.at)) / 8,
		d.value);
}
