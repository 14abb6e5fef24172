/* A use, a free and an allocation in inlined functions, of which the report must name each. */
#include <stdlib.h>

#define INLINED static inline __attribute__((always_inline))
#define CALLED	__attribute__((noinline))
#define KEEP(x) __asm__ volatile("" ::"r"(x) : "memory")

INLINED int touch(volatile int *p)
{
	return p[2]; /* line: touch */
}

INLINED void release(void *p)
{
	free(p); /* line: release */
	KEEP(p);
}

INLINED void *make(void)
{
	void *p = malloc(40); /* line: make */
	KEEP(p);
	return p;
}

CALLED int use(int *p)
{
	int v = touch(p); /* line: use */
	KEEP(v);
	return v;
}

CALLED void drop(void *p)
{
	release(p); /* line: drop */
	KEEP(p);
}

CALLED void *get(void)
{
	void *p = make(); /* line: get */
	KEEP(p);
	return p;
}

int main(void)
{
	int *p = (int *)get(); /* line: main-get */
	drop(p);	       /* line: main-drop */
	int v = use(p);	       /* line: main-use */
	KEEP(v);
	return 0;
}
