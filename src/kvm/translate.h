/*
 * translate.h - system call arguments: aliases become canonical addresses, in a copy.
 *
 * pure, used in vmm context: no libc, no allocation, no globals but the constant tables made
 * from syscalls.def, structs.def and commands.def. The kernel behind a forwarded call does not
 * know aliases: it gets the addresses where the bytes lie. The program's memory is never
 * changed: structures with pointers inside are copied to the scratch area and sent from there;
 * what the kernel wrote into such a copy is carried back by xlate_after.
 *
 * What breaks it: a row that claims a pointer where the call takes none. Left-over register
 * contents may well be a dead alias; use ANY there.
 */
#ifndef UD_KVM_TRANSLATE_H
#define UD_KVM_TRANSLATE_H

#include "base/base.h"

enum xlate_kind { XLATE_PLAIN, XLATE_LIVE, XLATE_DEAD_ALIAS };

struct xlate_hit {
	enum xlate_kind kind;
	vaddr_t canon; /* LIVE: where the byte at va lies                                    */
	size_t len;    /* LIVE: bytes from va that lie contiguously there, 1 .. what was asked */
};

struct xlate_ops {
	/* What is at va? For LIVE, how far (up to len) does it go on contiguously? */
	void (*lookup)(void *ctx, vaddr_t va, size_t len, struct xlate_hit *hit);
	/* Between the program's memory, at addresses valid outside the guest, and our own.
	 * 0 or -EFAULT; must survive any address. */
	long (*copy_in)(void *ctx, void *dst, vaddr_t src, size_t n);
	long (*copy_out)(void *ctx, vaddr_t dst, const void *src, size_t n);
};

enum xlate_verdict {
	XLATE_CALL, /* do the call with args, then xlate_after                            */
	XLATE_FAIL, /* do not: the answer is ret                                          */
	XLATE_DEAD, /* a use-after-free by system call: see dead                          */
};

struct xlate_back; /* a copy that the kernel writes into */

struct xlate {
	/* in: set by the caller once */
	const struct xlate_ops *ops;
	void *ctx;
	unsigned char *scratch; /* 16-byte aligned; its contents live from before to after     */
	size_t scratch_size;
	int pid; /* of this process                                                     */
	/* out of xlate_before */
	uint64_t args[6];
	long ret;
	bool unknown; /* no row for this call: worth one log line                            */
	struct {
		int arg; /* from 1                                                          */
		vaddr_t addr;
	} dead;
	/* private */
	long nr;
	const uint64_t *orig;
	size_t used;
	int arg;
	bool cut, changed;
	struct xlate_back *back;
};

enum xlate_verdict xlate_before(struct xlate *x, long nr, const uint64_t args[6]);
/* After the call answered ret: carries outputs back. Returns what the program is to see. */
long xlate_after(struct xlate *x, const uint64_t args[6], long ret);

/* Name of a call, or NULL; for reports and for the test that every number has a row. */
const char *xlate_name(long nr);

#endif
