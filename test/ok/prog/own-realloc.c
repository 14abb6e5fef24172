// A program with a malloc of its own that knows no reallocarray: libc's ends in the program's realloc.
#include "ok.h"

static char area[1 << 20];
static size_t used;
static int moved;

void *malloc(size_t size)
{
	size_t *p = (size_t *)(area + used);

	used += 16 + ((size + 15) & ~15UL);
	if (used > sizeof(area))
		return NULL;
	p[0] = size;
	return p + 2;
}

void free(void *p)
{
	check(!p || ((char *)p >= area && (char *)p < area + sizeof(area)));
}

void *calloc(size_t n, size_t size)
{
	return malloc(n * size); /* never used before */
}

void *realloc(void *p, size_t size)
{
	void *q = malloc(size);

	moved++;
	if (p && q)
		memcpy(q, p, ((size_t *)p)[-2] < size ? ((size_t *)p)[-2] : size);
	free(p);
	return q;
}

int main(void)
{
	char *p = malloc(10), *d;

	strcpy(p, "hello");
	p = reallocarray(p, 100, 3);
	say("%s, moved %d", p, moved);
	p = reallocarray(p, SIZE_MAX, 2);
	say("%d %d, moved %d", !p, errno == ENOMEM, moved);
	d = strdup("kept");
	say("%s %d", d, d >= area && d < area + sizeof(area));
	free(d);
	return failures != 0;
}
