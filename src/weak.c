/*
 * weak.c - stand-ins for reports until report.c, stack.c and fault.c are in the tree: any real
 * definition wins over these at link time. To be removed with their arrival.
 */
#include "fault.h"
#include "panic.h"

__attribute__((weak)) int fault_init(void)
{
	return 0;
}

__attribute__((weak)) uint32_t stack_capture(void *frame)
{
	return 0;
}

__attribute__((weak, noreturn)) void report_bad_free(void *p, const char *call, void *frame)
{
	struct block b;

	block_find(vaddr_of(p), &b);
	panic("%s of %p: block state %d", call, p, b.state);
}
