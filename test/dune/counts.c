/*
 * counts.c - what leaves the guest, counted: one exit per system call, one per first touch of a
 * window or of code, none to make, use, kill or fault on an alias. And what a forwarded call costs
 * beyond a bare round trip to the vmm, in the same run.
 */
#include "dune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define N 2000

static int failed, faults;

static uint64_t exits(void)
{
	struct dune_counts c;

	dune_counts(&c);
	return c.runs;
}

static uint64_t slots_now(void)
{
	struct dune_counts c;

	dune_counts(&c);
	return c.slots;
}

static void check(const char *what, uint64_t got, uint64_t want)
{
	printf("%s %s: %lu exits%s\n", got == want ? "ok" : "not ok", what, (unsigned long)got,
		got == want ? "" : " (wrong)");
	failed |= got != want;
}

static int on_page_fault(struct dune_tf *tf)
{
	if ((tf->cr2 >> 40) != 0x10)
		return 1;
	faults++;
	return dune_map((void *)(tf->cr2 & ~4095UL), tf->r12, 4096, DUNE_READ | DUNE_WRITE);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double best(long nr)
{
	double t, least = 1e9;

	for (int i = 0; i < 20; i++) {
		t = now();
		for (int k = 0; k < 100; k++)
			syscall(nr, 0, 0, 0, 0);
		t = (now() - t) / 100;
		least = t < least ? t : least;
	}
	return least;
}

int main(void)
{
	const char *why;
	uint64_t before, slots, pa, sum = 0;
	char *page, *at = (char *)0x100000000000;
	double bare, forwarded;

	if (dune_probe(&why) || dune_init(DUNE_FULL) || dune_enter()) {
		printf("cannot enter: %s\n", why);
		return 77;
	}
	setbuf(stdout, malloc(65536));
	page = aligned_alloc(4096, 4096);
	memset(page, 1, 4096);
	pa = dune_va_to_pa(page);
	exits(); /* its code is executable from here on */

	before = exits();
	for (int i = 0; i < N; i++)
		syscall(SYS_getppid);
	check("2000 system calls", exits() - before, N);

	now();
	before = exits();
	for (int i = 0; i < N; i++)
		sum += (uint64_t)now();
	check("2000 clock readings (vDSO)", exits() - before, 0);

	dune_map(at, pa, 4096, DUNE_READ | DUNE_WRITE);
	dune_unmap(at, 4096);
	dune_invlpg(at);
	before = exits();
	for (int i = 1; i < N; i++) {
		char *alias = at + i * 4096L;

		dune_map(alias, pa, 4096, DUNE_READ | DUNE_WRITE);
		alias[8] = (char)i;
		sum += (uint64_t)page[8];
		dune_unmap(alias, 4096);
		dune_invlpg(alias);
	}
	check("1999 aliases made, written and killed", exits() - before, 0);

	dune_handler_set(14, on_page_fault);
	__asm__ volatile("mov %0, %%r12\n\tmovb $1, (%1)"
			 :
			 : "r"(pa), "r"(at + (64UL << 20))
			 : "r12", "memory");
	before = exits();
	for (int i = 1; i < N; i++)
		__asm__ volatile("mov %0, %%r12\n\tmovb $1, (%1)"
				 :
				 : "r"(pa), "r"(at + (64UL << 20) + i * 4096L)
				 : "r12", "memory");
	check("1999 page faults taken in ring 0", exits() - before, 0);
	failed |= faults != N;

	page = mmap((void *)0x300000000000, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	slots = slots_now();
	before = exits();
	*(volatile char *)page = 1;
	check("first touch of a new window", exits() - before, 1);
	before = exits();
	*(volatile char *)page = 2;
	check("second touch", exits() - before, 0);
	slots = slots_now() - slots;
	printf("%s one slot more for it\n", slots == 1 ? "ok" : "not ok");
	failed |= slots != 1;

	/* Five-level addresses (where the host has them) are not for this guest: no hint leads
	 * there. */
	page = mmap((void *)(1UL << 48), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	*(volatile char *)page = 1;
	before = exits();
	for (int i = 0; i < N; i++)
		((volatile char *)page)[i] = 2;
	check("2000 stores where a hint above 47 bits led to", exits() - before, 0);

	bare = best(SYS_rseq); /* answered by the vmm: nothing but the round trip */
	forwarded = best(SYS_getppid);
	printf("round trip %.2f us, forwarded call %.2f us: %.2fx\n", bare, forwarded,
		forwarded / bare);
	return failed || !sum;
}
