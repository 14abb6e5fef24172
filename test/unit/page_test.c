// sources: src/dune/page.c src/base/panic.c src/base/out.c
/* The page pool: addresses, references, growth, threads, fork, and the panics. */
#include "unit.h"
#include "dune/page.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static char *first; /* of the pool's pages */

static uint32_t used(void)
{
	uint32_t n = 0;

	for (char *p = first; vaddr_of(p) < page_pool_top(); p += PAGE_SIZE)
		n += page_refs(p) > 0;
	return n;
}

static void basics(void)
{
	char *a, *b;

	CHECK(!page_owns(PAGEBASE));
	CHECK_EQ(page_init(), 0);
	CHECK_EQ(page_init(), 0);
	a = first = page_alloc();
	b = page_alloc();
	CHECK(a && b && a != b);
	CHECK(page_owns(vaddr_of(a)) && vaddr_of(a) > PAGEBASE && !(vaddr_of(a) & ~PAGE_MASK));
	CHECK(page_owns(PAGEBASE) && !page_owns(PAGEBASE - 1) && !page_owns(page_pool_end()));
	CHECK_EQ(page_pool_top(), vaddr_of(b) + PAGE_SIZE);
	CHECK_EQ(page_refs(a), 1);
	page_ref(a);
	CHECK_EQ(page_refs(a), 2);
	CHECK(!page_unref(a));
	memset(a, 0x5a, PAGE_SIZE);
	CHECK_EQ(used(), 2);
	CHECK(page_unref(a));
	CHECK_EQ(page_refs(a), 0);
	CHECK(page_alloc() == a); /* and zeroed */
	for (size_t i = 0; i < PAGE_SIZE; i++)
		CHECK(a[i] == 0);
	page_free(a);
	page_free(b);
	CHECK_EQ(used(), 0);
}

static void grows(void)
{
	size_t n = 3 * PAGE_POOL_STEP / PAGE_SIZE;
	void **p = malloc(n * sizeof(*p));

	for (size_t i = 0; i < n; i++) {
		p[i] = page_alloc();
		CHECK(p[i] && page_refs(p[i]) == 1);
	}
	CHECK_EQ(used(), n);
	for (size_t i = 0; i < n; i++) {
		*(uint64_t *)p[i] = i;
		*(uint64_t *)((char *)p[i] + PAGE_SIZE - 8) = ~i;
	}
	for (size_t i = 0; i < n; i++)
		CHECK(*(uint64_t *)p[i] == i && *(uint64_t *)((char *)p[i] + PAGE_SIZE - 8) == ~i);
	for (size_t i = 0; i < n; i++)
		page_free(p[i]);
	CHECK_EQ(used(), 0);
	free(p);
}

static int clashes;

static void *churn(void *arg)
{
	uint64_t *held[40] = {0}, tag = (uint64_t)(uintptr_t)arg << 32, n = 0, bad = 0;

	for (int i = 0; i < 60000; i++) {
		unsigned k = (uint32_t)(n * 2654435761u >> 7) % 40;

		if (held[k]) {
			bad += *held[k] >> 32 != tag >> 32; /* someone else's too? */
			page_free(held[k]);
			held[k] = NULL;
		} else {
			held[k] = page_alloc();
			bad += *held[k] != 0;
			*held[k] = tag | n;
		}
		n++;
	}
	for (unsigned k = 0; k < 40; k++)
		if (held[k])
			page_free(held[k]);
	__atomic_fetch_add(&clashes, bad != 0, __ATOMIC_RELAXED);
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(clashes, 0);
	CHECK_EQ(used(), 0);
}

/*
 * Someone else takes two pages and gives the first back, between any two instructions of ours:
 * the head of the free list is the same again, but its successor is in use. Only the list's
 * counter tells. The processor's trap flag brings us to each instruction in turn.
 */
static unsigned steps, strike;
static uint64_t *held;

static void on_trap(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	uint64_t *a;

	if (++steps != strike)
		return;
	uc->uc_mcontext.gregs[REG_EFL] &= ~0x100; /* a trap is dear on virtual machines */
	a = page_alloc();
	held = page_alloc();
	held[1] = 4711;
	page_free(a);
}

static inline void trap_flag(uint64_t set, uint64_t keep)
{
	__asm__ volatile(
		"leaq -128(%%rsp), %%rsp\n\tpushfq\n\torq %0, (%%rsp)\n\tandq %1, (%%rsp)\n\t"
		"popfq\n\tleaq 128(%%rsp), %%rsp"
		:
		: "r"(set), "r"(keep)
		: "memory", "cc");
}

/* True while the strike fell inside. */
static bool strike_at(unsigned n)
{
	uint64_t *x, *y, *z;

	steps = 0;
	strike = n;
	held = NULL;
	trap_flag(0x100, ~0UL);
	x = page_alloc();
	trap_flag(0, ~0x100UL);
	y = page_alloc();
	z = page_alloc();
	CHECK(x != y && y != z && z != x);
	CHECK(!held || (held != x && held != y && held != z && held[1] == 4711));
	page_free(x);
	page_free(y);
	page_free(z);
	if (held)
		page_free(held);
	return steps >= n;
}

static void same_head_again(void)
{
	unsigned n = 1;

	sigaction(SIGTRAP, &(struct sigaction){.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO},
		NULL);
	while (n < 5000 && !unit_failed_checks && strike_at(n))
		n++;
	signal(SIGTRAP, SIG_DFL);
	CHECK(n > 25 && n < 5000);
	CHECK_EQ(used(), 0);
}

/* Runs fn in a child; its exit status, or 256 + signal. */
static int in_child(int (*fn)(char *), char *arg)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		close(2);
		_exit(fn(arg));
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int child_writes(char *a)
{
	char *b = page_alloc();

	if (a[0] != 1 || !b || b[0])
		return 1;
	a[0] = b[0] = 2;
	page_free(a);
	return 7;
}

static int double_free(char *a)
{
	page_free(a);
	page_free(a);
	return 0;
}

static int unref_free(char *a)
{
	page_unref(a);
	page_unref(a);
	return 0;
}

static int free_shared(char *a)
{
	page_ref(a);
	page_free(a);
	return 0;
}

static int ref_free(char *a)
{
	page_free(a);
	page_ref(a);
	return 0;
}

static int free_interior(char *a)
{
	page_free(a + 8);
	return 0;
}

static int free_stranger(char *a)
{
	page_free((char *)PAGEBASE);
	return 0;
}

static void fork_and_panics(void)
{
	int (*const wrong[])(char *) = {
		double_free, unref_free, free_shared, ref_free, free_interior, free_stranger};
	char *a = page_alloc();

	a[0] = 1;
	CHECK_EQ(in_child(child_writes, a), 7);
	CHECK_EQ(a[0], 1);
	CHECK_EQ(page_refs(a), 1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		CHECK_EQ(in_child(wrong[i], a), 256 + SIGABRT);
	page_free(a);
}

int main(void)
{
	RUN(basics);
	RUN(grows);
	RUN(threads);
	RUN(same_head_again);
	RUN(fork_and_panics);
	return UNIT_END();
}
