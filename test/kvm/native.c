/*
 * native.c - what the kvm backend leaves to the host's processor or to the next malloc, as a program sees it: the same
 * natively and in ring 0, also where its addresses are used up (--vspace, test/vm/list.d/kvm.list).
 */
#include <dlfcn.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MANY 20000

static int bad;

static void expect(const char *what, long want, long got)
{
	if (want != got)
		printf("%s: expected %ld, got %ld\n", what, want, got);
	bad += want != got;
}

static void move(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* A program that makes code, in memory of malloc's. */
static void code_in_a_block(void)
{
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
	char *p = memalign(4096, 4096);
	int (*run)(void);

	memcpy(p, code, sizeof(code));
	expect("mprotect", 0, mprotect(p, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
	memcpy(&run, &p, sizeof(run));
	expect("code", 42, run());
	expect("mprotect back", 0, mprotect(p, 4096, PROT_READ | PROT_WRITE));
	free(p);
}

/* One instruction reads a block and makes the stack grow: only the host can do that. */
static __attribute__((noinline)) void stack_grows(void)
{
	char *p = strcpy(malloc(64), "to the stack"),
	     *deep = (char *)__builtin_frame_address(0) - (2 << 20);

	move(deep, p, 13);
	expect("on the stack", 0, strcmp(deep, "to the stack"));
	move(p, deep + 3, 10);
	expect("and back", 0, strcmp(p, "the stack"));
	free(p);
}

static sigjmp_buf back;
static void *volatile fault;

static void on_bus(int sig, siginfo_t *si, void *context)
{
	fault = si->si_addr;
	siglongjmp(back, 1);
}

/* One that reads a block and writes behind the end of a file, and the other way round. */
static void file_ends(void)
{
	struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	char *p = calloc(1, 64), *file;
	FILE *f = tmpfile();

	fputs("short", f);
	fflush(f);
	file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
	sigaction(SIGBUS, &sa, NULL);
	for (int out = 0; out < 2; out++) {
		fault = NULL;
		if (!sigsetjmp(back, 1))
			move(out ? file + 4096 : p, out ? p : file + 4096, 8);
		expect("SIGBUS at", (long)(file + 4096), (long)fault);
	}
	signal(SIGBUS, SIG_DFL);
	munmap(file, 8192);
	fclose(f);
	free(p);
}

/* The block is as it was. */
static void realloc_fails(void)
{
	size_t n = 4 << 20;
	char *p = memset(malloc(n), 7, n);

	void *volatile same = p;

	expect("realloc", 0, (long)realloc(same, 1UL << 46));
	for (size_t i = 0; i < n; i += 4096)
		expect("byte", 7, p[i]);
	p[n - 1] = 8;
	p = realloc(p, 2 * n);
	expect("first byte", 7, *p);
	expect("last byte", 8, p[n - 1]);
	free(p);
}

/* More blocks than there may be addresses: they are good memory all the same. */
static void many_blocks(void)
{
	static char *p[MANY];

	for (int i = 0; i < MANY; i++) {
		p[i] = malloc(40);
		memset(p[i], i, 40);
	}
	for (int i = 0; i < MANY; i++) {
		expect("usable", 1, malloc_usable_size(p[i]) >= 40);
		if (i % 3 == 0)
			p[i] = realloc(p[i], 100);
		expect("first", (char)i, p[i][0]);
		expect("last", (char)i, p[i][39]);
	}
	for (int i = 0; i < MANY; i++)
		free(p[i]);
}

/* What undangle.h shows of a block, where the library is. */
static void dump(void)
{
	void (*ud_dump)(int, const void *);
	void *sym = dlsym(RTLD_DEFAULT, "ud_dump"), *p = malloc(40);
	char text[4096] = "";
	int fd[2];

	if (!sym || pipe(fd))
		return;
	memcpy(&ud_dump, &sym, sizeof(sym));
	ud_dump(fd[1], p);
	expect("dump", 1, read(fd[0], text, sizeof(text) - 1) > 0 && strstr(text, "0x"));
	free(p);
}

int main(void)
{
	code_in_a_block();
	stack_grows();
	file_ends();
	realloc_fails();
	dump();
	many_blocks();
	code_in_a_block();
	realloc_fails();
	puts(bad ? "bad" : "good");
	return bad != 0;
}
