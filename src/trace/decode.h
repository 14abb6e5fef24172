/*
 * decode.h - how many bytes an x86-64 instruction reads or writes at its memory operand.
 *
 * pure. For reports only: an instruction that is not understood gives 0, never a guess.
 */
#ifndef UD_DECODE_H
#define UD_DECODE_H

#include "base/base.h"

/*
 * insn[0..n-1] are the bytes at the faulting rip (fewer than 15 if the page ends). Returns the
 * size in bytes of one access to memory; for string instructions that of one element; 0 if
 * unknown, if it varies (xsave, gathers of unknown width), or if memory is not accessed.
 */
unsigned decode_access_size(const uint8_t *insn, size_t n);

/* What a fault that has no address may have been about, and how. */
#define DECODE_NONE 16U
enum decode_target { TARGET_NONE, TARGET_REGISTER, TARGET_MEMORY };

struct decode_pointers {
	unsigned reg[2]; /* that make the address, as instructions count them, or NONE */
	bool store[2];	 /* through this one it writes */
	unsigned scale;	 /* of reg[1]: a shift */
	int32_t disp;
	enum decode_target target; /* it goes where reg[0], or the word at the address, says */
};

/* False if it is not understood, or no register makes an address. */
bool decode_pointers(const uint8_t *insn, size_t n, struct decode_pointers *p);

#endif
