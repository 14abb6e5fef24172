/*
 * windows.c - a program that strains windows and page tables; its transcript is the same in ring 0
 * as natively. More far windows than the classical layout has room for, low memory whose place a
 * spill took, blocks over a window's edge, code that comes and goes, and all of it over a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GB	(1UL << 30)
#define FAR_AT	0x280000000000UL
#define PAGE	4096UL
#define THREADS 2

static int far_count = 300; /* windows; argv[1] */
static sigjmp_buf out;
static volatile sig_atomic_t code, where_ok;
static char *volatile expect;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	code = sig * 100 + si->si_code;
	where_ok = si->si_addr == expect;
	siglongjmp(out, 1);
}

static char *map(uint64_t at, size_t len, int prot)
{
	char *p = mmap((void *)at, len, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (char *)at)
		printf("no mapping at %#lx: %s\n", at, strerror(errno));
	return p;
}

/* Every thread touches every window, so that they claim the same ones at once. */
static void *touch(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < far_count; i++)
		((volatile char *)FAR_AT)[i * GB + 100 + (unsigned)me] = (char)(i + me);
	return NULL;
}

static int far_sum(void)
{
	int sum = 0;

	for (int i = 0; i < far_count; i++)
		for (int t = 0; t < THREADS; t++)
			sum += ((unsigned char *)FAR_AT)[i * GB + 100 + (unsigned)t];
	return sum;
}

static void far_windows(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < far_count; i++)
		map(FAR_AT + i * GB, PAGE, PROT_READ | PROT_WRITE);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, touch, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("far windows: %d\n", far_sum());
}

static void low_memory(void)
{
	/* 447 GB and below are where spills go; 3 GB is where KVM has pages on Intel. */
	static const uint64_t at[] = {3, 4, 60, 300, 446, 447};
	int sum = 0;

	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++) {
		char *p = map(at[i] * GB + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE);

		*p = (char)(i + 1);
		sum = sum * 10 + *p;
	}
	printf("low memory: %d\n", sum);
}

static void over_the_edge(void)
{
	char *p = map(0x2f0040000000 - 8 * PAGE, 16 * PAGE, PROT_READ | PROT_WRITE), *q;
	int fd = open("/proc/self/exe", O_RDONLY), i, same = 1;
	static char copy[16 * PAGE];
	ssize_t n;

	n = pread(fd, p + 7 * PAGE + 1, PAGE * 2 - 2, 0); /* the kernel writes across */
	same = pread(fd, copy, PAGE * 2 - 2, 0) == n && !memcmp(copy, p + 7 * PAGE + 1, (size_t)n);
	close(fd);
	for (i = 0; i < 16 * (int)PAGE; i++)
		p[i] = (char)(i * 7);
	memmove(p + 3, p, 16 * PAGE - 3);
	for (i = 3; i < 16 * (int)PAGE; i++)
		same &= p[i] == (char)((i - 3) * 7);
	q = mremap(
		p, 16 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 0x2f0080000000 - 4 * PAGE);
	for (i = 3; i < 16 * (int)PAGE; i++)
		same &= q[i] == (char)((i - 3) * 7);
	printf("over the edge: %zd %d %d\n", n, same, q[31 * PAGE]);
}

/* mov $n, %eax; ret */
static void code_write(char *p, int n)
{
	p[0] = (char)0xb8;
	memcpy(p + 1, &n, 4);
	p[5] = (char)0xc3;
}

static int code_call(char *p)
{
	int (*fn)(void);

	memcpy(&fn, &p, sizeof(fn));
	expect = p;
	if (sigsetjmp(out, 1))
		return -code - 10000 * where_ok;
	return fn();
}

/* Each thread has its own page of one 2 MB range, which so is split and changed by both. */
static void *code_comes_and_goes(void *arg)
{
	char *p = (char *)0x2f2000000000 + (intptr_t)arg * (intptr_t)PAGE;
	long sum = 0;

	for (int i = 0; i < 60; i++) {
		int (*fn)(void);

		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
		code_write(p, i);
		mprotect(p, PAGE, PROT_READ | PROT_EXEC);
		memcpy(&fn, &p, sizeof(fn));
		sum += fn();
	}
	return (void *)sum;
}

static void permissions(void)
{
	char *p = map(0x2f1000000000, 4 * PAGE, PROT_READ | PROT_WRITE);
	pthread_t t[THREADS];
	void *sum;
	int r[5];

	code_write(p, 11);
	r[0] = code_call(p); /* no code yet */
	mprotect(p, PAGE, PROT_READ | PROT_EXEC);
	r[1] = code_call(p);
	mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	r[2] = code_call(p); /* no more */
	mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	code_write(p + PAGE, 12);
	r[3] = code_call(p + PAGE);
	munmap(p, 4 * PAGE);
	r[4] = code_call(p);
	printf("execute: %d %d %d %d %d\n", r[0], r[1], r[2], r[3], r[4]);
	p = map(0x2f1000000000, 2 * PAGE, PROT_READ);
	expect = p + PAGE;
	if (!sigsetjmp(out, 1))
		*(volatile char *)expect = 1;
	printf("write to read-only: %d %d\n", (int)code, (int)where_ok);
	expect = p + 2 * PAGE;
	if (!sigsetjmp(out, 1))
		(void)*(volatile char *)expect;
	printf("read of nothing: %d %d\n", (int)code, (int)where_ok);
	map(0x2f2000000000, 2 * PAGE, PROT_READ | PROT_WRITE);
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, code_comes_and_goes, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &sum);
		printf("code of thread %d: %ld\n", i, (long)sum);
	}
}

static void over_a_fork(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int before = far_sum();

		touch((void *)1);
		for (int i = 0; i < far_count; i++)
			((char *)FAR_AT)[i * GB + 100] = 1;
		map(0x2f3000000000, PAGE, PROT_READ | PROT_WRITE)[0] = 1;
		_exit(before == far_sum() ? 2 : before % 100);
	}
	waitpid(pid, &status, 0);
	printf("fork: child %d, parent %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -status,
		far_sum());
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	if (argc > 1)
		far_count = atoi(argv[1]);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	far_windows();
	low_memory();
	over_the_edge();
	permissions();
	over_a_fork();
	return 0;
}
