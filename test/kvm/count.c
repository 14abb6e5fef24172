/*
 * count.c - instructions of one malloc and free, by single steps (RFLAGS.TF), in the steady
 * state: prints the median of 21 pairs of `size` bytes. The difference between a run with and
 * one without us is what an alias costs.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile unsigned long steps;

static void on_trap(int sig)
{
	steps++;
}

static int by_value(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

static void step(int on)
{
	if (on)
		__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" : : : "memory", "cc");
	else
		__asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" : : : "memory", "cc");
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	unsigned long n[21];
	void *p;

	signal(SIGTRAP, on_trap);
	for (int i = 0; i < 600; i++) {
		p = malloc(size);
		__asm__ volatile("" : "+r"(p) : : "memory");
		free(p);
	}
	for (int i = 0; i < 21; i++) {
		steps = 0;
		step(1);
		p = malloc(size);
		__asm__ volatile("" : "+r"(p) : : "memory");
		free(p);
		step(0);
		n[i] = steps;
	}
	qsort(n, 21, sizeof(n[0]), by_value);
	printf("%lu\n", n[10]);
	return n[10] < 10;
}
