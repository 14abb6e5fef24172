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

#endif
