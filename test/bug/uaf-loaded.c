// expect: kind=use-after-free access=ACCESS loaded=yes bytes=BYTES offset=AT block=64 moved=no status=STATUS
// expect: use=use>main free=drop>main alloc=allocate>main threads=alloc:a,free:a,use:a
// only: deferred,rows
// host-only: in ring 0 nothing waits to die
// options: defer-ms=3600000:defer-frees=16777216:poison
// each: read AT=8 ACCESS=READ BYTES=4 STATUS=139 HOW=1: through a pointer in it
// each: field AT=16 ACCESS=READ BYTES=1 STATUS=139 HOW=2: with an index
// each: write AT=24 ACCESS=WRITE BYTES=8 STATUS=139 HOW=3: a store
// each: frame AT=32 ACCESS=WRITE BYTES=2 STATUS=135 HOW=4: through rbp, of which processors say SIGBUS
// each: copy AT=40 ACCESS=READ BYTES=1 STATUS=139 HOW=5: a string instruction
// each: vtable AT=0 ACCESS=READ BYTES=8 STATUS=139 HOW=6: a function of a table that it points to
// each: call AT=48 ACCESS=EXEC BYTES=none STATUS=139 HOW=7: a function pointer
// each: call-reg AT=56 ACCESS=EXEC BYTES=none STATUS=139 HOW=8: likewise, loaded before
// A pointer is loaded from a freed block that is not dead yet, and used.
#include "bug.h"

/* Not where settle() would allocate it die: it is the pointer in it that faults. */
NOINLINE static void **allocate(void)
{
	void **p = malloc(64);

	HIDE(p);
	for (int i = 0; i < 8; i++)
		p[i] = NULL;
	KEEP();
	return p;
}

NOINLINE static void use(void **p)
{
	void *q = p[AT / 8];
	long none = 0;

	if (HOW != 7 && TWIN)
		return;
	switch (HOW) {
	case 1:
		__asm__ volatile("movl (%0), %%eax" ::"r"(q) : "rax");
		break;
	case 2:
		__asm__ volatile("movb 0(%1,%0,1), %%al" ::"r"(q), "r"(none) : "rax");
		break;
	case 3:
		__asm__ volatile("movq %%rax, (%0)" ::"r"(q));
		break;
	case 4:
		__asm__ volatile("xchgq %0, %%rbp; movw %%ax, (%%rbp); xchgq %0, %%rbp" : "+r"(q));
		break;
	case 5:
		__asm__ volatile("rep movsb" ::"S"(q), "D"(&none), "c"(8L) : "memory");
		break;
	case 6:
		__asm__ volatile("call *(%0)" ::"r"(q) : "memory");
		break;
	case 7:
		__asm__ volatile("testq %0, %0; jz 1f; call *%c1(%2); 1:" ::"r"(q), "i"(AT), "r"(p)
				 : "memory");
		break;
	case 8:
		__asm__ volatile("call *%0" ::"r"(q) : "memory");
		break;
	}
	KEEP();
}

int main(void)
{
	void **p = allocate();

	if (!TWIN)
		drop(p);
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
