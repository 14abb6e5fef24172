/* Many blocks of all sizes, live, dead and moved, a double free that the program survives; then abort. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALLED	__attribute__((noinline))
#define KEEP(x) __asm__ volatile("" ::"r"(x) : "memory")
#define N	400

char *volatile alive, *volatile dead, *volatile moved, *volatile large;
static char *block[N];

CALLED static char *get(size_t n)
{
	char *p = malloc(n); /* line: get */
	KEEP(p);
	return p;
}

CALLED static void drop(char *p)
{
	free(p); /* line: drop */
	KEEP(p);
}

int main(void)
{
	static char buffer[BUFSIZ]; /* stdio's own would be a block */
	unsigned long n = 3, bytes = 110 + 40 + 5000000, seed = 14;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (int i = 0; i < N; i++) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		block[i] = get(seed >> 40 & ((8UL << i % 15) - 1));
		memset(block[i], 1, seed >> 40 & ((8UL << i % 15) - 1));
		if (i % 3) {
			n++;
			bytes += seed >> 40 & ((8UL << i % 15) - 1);
		}
	}
	for (int i = 0; i < N; i += 3)
		drop(block[i]);
	alive = get(110);
	large = get(5000000);
	dead = get(48);
	drop(dead);
	moved = get(20);
	block[0] = realloc(moved, 40); /* line: moved */
	drop(dead);		       /* line: again */
	printf("%lu live blocks, %lu bytes\n%p %p %p %p\n", n, bytes, (void *)alive, (void *)dead,
		(void *)moved, (void *)large);
	fflush(stdout);
	abort(); /* line: end */
}
