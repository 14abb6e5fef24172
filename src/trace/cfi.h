/*
 * cfi.h - how to leave a frame: one 64-bit rule per code address, from .eh_frame.
 *
 * A rule is small enough to be cached by address (stack.c); it says where the caller's frame
 * (CFA) begins, that the return address lies just below it, and where rbp was saved. That is all
 * that compilers' code needs; anything stranger ends the walk.
 */
#ifndef UD_CFI_H
#define UD_CFI_H

#include "base/base.h"

enum rule_kind {
	RULE_NONE,     /* no rule known: an empty cache slot                          */
	RULE_SP,       /* CFA = sp + cfa_off                                          */
	RULE_BP,       /* CFA = bp + cfa_off                                          */
	RULE_BP_DEREF, /* CFA = *(bp + cfa_off)  (stack realigned by the function)    */
	RULE_SIGNAL,   /* the kernel's rt_sigframe lies at sp                         */
	RULE_STOP,     /* outermost frame, or one that we cannot leave                */
	RULE_NOCFI,    /* no unwind information: JIT code, hand-written assembly      */
};

enum rule_bp { BP_SAME, BP_AT_CFA, BP_AT_BP }; /* caller's rbp: unchanged, or saved at + bp_off */

struct rule {
	enum rule_kind kind;
	enum rule_bp bp;
	int32_t cfa_off; /* 30 bits */
	int32_t bp_off;	 /* 28 bits */
};

static inline uint64_t rule_pack(struct rule r)
{
	return (uint64_t)r.kind | (uint64_t)r.bp << 3 |
	       ((uint64_t)(uint32_t)r.cfa_off << 34) >> 29 | (uint64_t)(uint32_t)r.bp_off << 36;
}

static inline struct rule rule_unpack(uint64_t v)
{
	return (struct rule){
		.kind = v & 7,
		.bp = v >> 3 & 3,
		.cfa_off = (int32_t)((int64_t)(v << 29) >> 34),
		.bp_off = (int32_t)((int64_t)v >> 36),
	};
}

/* The module that holds a code address. */
struct module {
	uintptr_t start, end; /* its mapped range            */
	uintptr_t base;	      /* load address, to subtract   */
	const void *map;      /* struct link_map             */
	const uint8_t *hdr;   /* .eh_frame_hdr; NULL if none */
};

/* Async-signal-safe, lock-free. False if pc is in no module (JIT code, or not code at all). */
bool module_find(uintptr_t pc, struct module *m);

/* The rule at pc by m's .eh_frame. Reads only the module; pure otherwise. */
struct rule cfi_rule(const struct module *m, uintptr_t pc);

#endif
