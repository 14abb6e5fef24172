/*
 * stack.h - capture a call stack cheaply and remember it once, by an id of the depot.
 *
 * app context. Callable from inside malloc/free, in signal handlers and before constructors:
 * no malloc, no libc call that allocates or locks, never faults whatever the registers hold.
 */
#ifndef UD_STACK_H
#define UD_STACK_H

#include "base/base.h"
#include "depot.h"

/* The registers that a walk starts from. */
struct stack_regs {
	uintptr_t ip, sp, bp;
};

/*
 * Captures the stack of the caller of the exported function that uses it: the first frame is the
 * return address into the program. `frame` is __builtin_frame_address(0) of that exported
 * function, which must be compiled with a frame pointer (-fno-omit-frame-pointer). Returns a
 * depot id, or 0 when the depot is full (said once).
 */
uint32_t stack_capture(void *frame);

/*
 * Walks from given registers into pc[0..max-1]; returns how many. pc[0] == regs->ip. `exact`: ip
 * is the address of an instruction (a fault's), not a return address.
 */
size_t stack_walk(const struct stack_regs *regs, bool exact, uintptr_t *pc, size_t max);

/* The registers of the caller of the function whose frame address this is. */
static inline struct stack_regs stack_regs_of_frame(const void *frame)
{
	const uintptr_t *f = frame;

	return (struct stack_regs){.ip = f[1], .sp = (uintptr_t)(f + 2), .bp = f[0]};
}

/* Is the byte at addr readable now? One system call, changes nothing. */
bool stack_probe(uintptr_t addr);

/* In the child of fork. */
void stack_forked(void);

#endif
