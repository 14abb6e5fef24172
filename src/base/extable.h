/*
 * extable.h - instructions that may fault: each says where its function goes on then.
 *
 * pure; as the kernel's exception tables (Documentation/arch/x86/exception-tables.rst). The places stand in a
 * section of their own, which the fault handler looks through. A label of the function is where it goes on,
 * with all registers as they were.
 */
#ifndef UD_BASE_EXTABLE_H
#define UD_BASE_EXTABLE_H

#include "words.h"

#include <emmintrin.h>

/* An instruction at 1: that may fault; both as distances from where they stand. */
#define EXTABLE_ENTRY(label)                   \
	".pushsection ud_extable, \"a\"\n\t"   \
	".balign 4\n\t"                        \
	".long 1b - ., %l[" #label "] - .\n\t" \
	".popsection"

/* Behind each that gives something: GCC before 12.4 takes it too early (its bugs 110420, 113921). */
#define EXTABLE_FENCE() __asm__ volatile("")

/* As an operand, so that the compiler knows what is read. */
#define EXTABLE_WORD(at) (*(const uint64_t __attribute__((may_alias)) *)(at))

/* The word at `at`; goes to `label` where it cannot be read. */
#define EXTABLE_LOAD(at, label)                                                 \
	({                                                                      \
		uint64_t word_ = 0;                                             \
		__asm__ goto volatile("1: movq %1, %0\n\t" EXTABLE_ENTRY(label) \
				      : "=r"(word_)                             \
				      : "m"(EXTABLE_WORD(at))                   \
				      :                                         \
				      : label);                                 \
		EXTABLE_FENCE();                                                \
		word_;                                                          \
	})

/* Goes to `label` if another word than `word` is there, or it cannot be read. */
#define EXTABLE_HOLDS(at, word, label)                                       \
	__asm__ goto volatile("1: cmpq %1, %0\n\t"                           \
			      "jne %l[" #label "]\n\t" EXTABLE_ENTRY(label)  \
			      :                                              \
			      : "m"(EXTABLE_WORD(at)), "r"((uint64_t)(word)) \
			      : "cc"                                         \
			      : label)

/* The two words at `at`, a multiple of 16; goes to `label` where they cannot be read. */
#define EXTABLE_LOAD_TWO(at, label)                                               \
	({                                                                        \
		__m128i two_ = {0};                                               \
		__asm__ goto volatile("1: movdqa %1, %0\n\t" EXTABLE_ENTRY(label) \
				      : "=x"(two_)                                \
				      : "m"(*(const __m128i *)(at))               \
				      :                                           \
				      : label);                                   \
		EXTABLE_FENCE();                                                  \
		two_;                                                             \
	})

/* Stores them there; goes to `label` where that cannot be. */
#define EXTABLE_STORE_TWO(at, two, label)                                   \
	__asm__ goto volatile("1: movdqa %1, (%0)\n\t" EXTABLE_ENTRY(label) \
			      :                                             \
			      : "r"((uintptr_t)(at)), "x"((__m128i)(two))   \
			      : "memory"                                    \
			      : label)

/* A fault at *ip: was it one of these? Then *ip is where the function goes on. For the fault handler, first thing. */
bool extable_find(uintptr_t *ip);

#endif
