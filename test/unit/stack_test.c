/*
 * The walker against glibc's backtrace(3), through libc's frames (which have no frame pointers),
 * signal frames, alternate and makecontext stacks; and with registers that hold garbage.
 */
#include "unit.h"
#include "onstack.h"
#include "base/altstack.h"
#include "base/extable.h"
#include "base/options.h"
#include "trace/cfi.h"
#include "trace/stack.h"
#include "trace/symbol.h"
#include "trace/walk.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

struct options options = {.stacks = true};

static uintptr_t mine[STACK_MAX];
static void *theirs[STACK_MAX];
static size_t nmine, ntheirs;

/* Captures here and compares with backtrace() from our caller's caller outwards. */
static __attribute__((noinline)) void capture(void)
{
	struct stack_regs r = stack_regs_of_frame(__builtin_frame_address(0));

	nmine = stack_walk(&r, false, mine, STACK_MAX);
	ntheirs = (size_t)backtrace(theirs, STACK_MAX);
}

static void compare(void)
{
	/* theirs[0] is in capture(); mine[0] is the return address into its caller = theirs[1] */
	CHECK(nmine >= 2);
	CHECK_EQ(nmine, ntheirs - 1);
	for (size_t i = 0; i < nmine && i + 1 < ntheirs; i++)
		CHECK_EQ(mine[i], (uintptr_t)theirs[i + 1]);
	nmine = ntheirs = 0;
}

static int compare_ints(const void *a, const void *b)
{
	if (!nmine)
		capture();
	return *(const int *)a - *(const int *)b;
}

static void through_libc(void)
{
	int v[] = {3, 1, 2};

	qsort(v, 3, sizeof(*v), compare_ints);
	compare();
}

static void on_signal(int sig)
{
	capture();
}

static void signal_frame(void)
{
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	compare();
}

static void alternate_stack(void)
{
	stack_t ss = {.ss_sp = malloc(1 << 16), .ss_size = 1 << 16}, off = {.ss_flags = SS_DISABLE};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	sigaltstack(&ss, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR2);
	compare();
	sigaltstack(&off, NULL);
	free(ss.ss_sp);
}

static void coroutine(void)
{
	capture();
}

/* Each on a fresh mapping that is gone afterwards: what was known of it must not be believed. */
static void coroutines(void)
{
	for (volatile int i = 0; i < 20; i++) {
		size_t len = 4 * 4096UL + (size_t)(i % 3) * 4096UL;
		void *s = mmap(
			NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		on_stack(s, len, coroutine);
		CHECK(nmine >= 1 && nmine <= 3);
		CHECK_EQ(mine[0], (uintptr_t)theirs[1]);
		munmap(s, len);
	}
	nmine = ntheirs = 0;
}

/* A realigned frame of variable size: CFA by *(rbp + n). */
static __attribute__((noinline)) void realigned(size_t n)
{
	_Alignas(64) volatile char a[128];
	volatile char *b = __builtin_alloca(n);

	a[0] = b[0] = 1;
	capture();
	b[1] = a[1] = 2;
}

static void realigned_stack(void)
{
	realigned(100);
	compare();
}

static __attribute__((noinline)) void deep(void)
{
	volatile char *room = __builtin_alloca(8 * 4096);

	room[0] = 1;
	realigned(100);
	room[1] = 2;
}

/* What is known of a stack is not asked again after a while on another one. */
static void turns(void)
{
	size_t len = 16 * 4096UL;
	void *s = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct readable known;

	deep();
	known = readable;
	on_stack(s, len, deep);
	capture();
	CHECK_EQ(readable.lo, known.lo);
	CHECK_EQ(readable.hi, known.hi);
	munmap(s, len);
	nmine = ntheirs = 0;
}

static void *thread_main(void *arg)
{
	int v[] = {3, 1, 2};

	qsort(v, 3, sizeof(*v), compare_ints);
	return NULL;
}

static void threads(void)
{
	for (int i = 0; i < 5; i++) {
		pthread_t t;

		pthread_create(&t, NULL, thread_main, NULL);
		pthread_join(t, NULL);
		compare();
	}
}

/* Whatever the registers hold, the walk ends. */
static void garbage(void)
{
	uintptr_t libc = (uintptr_t)qsort, sp = (uintptr_t)__builtin_frame_address(0);
	uint64_t x = 88172645463325252;
	uintptr_t pc[STACK_MAX];

	for (int i = 0; i < 200000; i++) {
		uintptr_t v[6];
		struct stack_regs r;

		for (int k = 0; k < 3; k++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			v[0] = x, v[1] = x >> 17, v[2] = libc + x % 500000, v[3] = sp + x % 9000,
			v[4] = (sp + x % 900) & ~7UL, v[5] = x % 5000;
			((uintptr_t *)&r)[k] = v[(x >> 40) % 6];
		}
		CHECK(stack_walk(&r, i & 1, pc, STACK_MAX) >= 1);
	}
}

/* A frame that would end below where it begins has no caller, or there would be no end. */
static void turns_back(void)
{
	uintptr_t here[8] = {0}, pc[STACK_MAX];
	struct stack_regs r = {.sp = (uintptr_t)&here[6], .bp = (uintptr_t)here};

	here[0] = (uintptr_t)here, here[1] = r.ip = (uintptr_t)__builtin_return_address(0);
	CHECK_EQ(stack_walk(&r, false, pc, STACK_MAX), 1);
}

static void depot(void)
{
	uintptr_t pc[STACK_MAX];
	uint32_t a, b;

	for (int i = 0; i < 2; i++) {
		a = stack_capture(__builtin_frame_address(0));
		b = i ? b : a;
		CHECK_EQ(a, b); /* the caller's frame is the same in every turn */
	}
	CHECK(a != 0);
	CHECK(depot_get(a, pc, STACK_MAX) >= 1);
	CHECK_EQ(pc[0], (uintptr_t)__builtin_return_address(0));
	CHECK_EQ(depot_get(a, pc, 1), 1);
	CHECK_EQ(depot_get(0, pc, STACK_MAX), 0);
	CHECK_EQ(depot_get(0x7fffffff, pc, STACK_MAX), 0);
}

/* A chain of frame pointers through two pages, of which the second goes away behind our back. */
static void stack_vanishes(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t *lo = (void *)(p + 4000), *hi = (void *)(p + 5000), pc[STACK_MAX];
	struct stack_regs r = {
		.ip = (uintptr_t)p + 64, .sp = (uintptr_t)lo - 64, .bp = (uintptr_t)lo};

	sigaction(SIGSEGV, &sa, NULL);
	lo[0] = (uintptr_t)hi, lo[1] = (uintptr_t)p + 72;
	hi[0] = 0, hi[1] = (uintptr_t)p + 80;
	CHECK_EQ(stack_walk(&r, false, pc, STACK_MAX), 3);
	CHECK_EQ(pc[2], (uintptr_t)p + 80);
	mprotect(p + 4096, 4096, PROT_NONE);
	nfaults = 0;
	CHECK_EQ(stack_walk(&r, false, pc, STACK_MAX), 2);
	CHECK_EQ(nfaults, 1); /* it did fault */
	CHECK_EQ(stack_walk(&r, false, pc, STACK_MAX), 2);
	CHECK_EQ(nfaults, 1); /* and now it is known */
	signal(SIGSEGV, SIG_DFL);
	munmap(p, 8192);
}

/* Builds a library whose function calls back from a frame of the given size. */
static bool build(const char *path, int frame)
{
	char cmd[600];

	snprintf(cmd, sizeof(cmd),
		"printf '.globl f\\n.type f,@function\\nf: .cfi_startproc\\nsub $%d,%%%%rsp\\n"
		".cfi_def_cfa_offset %d\\ncall *%%%%rdi\\nadd $%d,%%%%rsp\\nret\\n.cfi_endproc\\n"
		".section .note.GNU-stack\\n' | cc -shared -x assembler - -o %s",
		frame, frame + 8, frame, path);
	return system(cmd) == 0;
}

/*
 * Another library at the place of one that was closed: its rules are not the old ones. Of what is gone
 * the last one's name, offset and build id stand; asked the first time while it is there, for its file is mapped.
 */
static void library_replaced(void)
{
	struct symbol s, before;
	struct module m, now;
	char path[2][64];
	uintptr_t at[2];

	for (int i = 0; i < 2; i++) {
		void *lib;
		void (*f)(void (*)(void));

		snprintf(path[i], sizeof(path[i]), "/tmp/undangle-stack-%d-%d.so", getpid(), i);
		CHECK(build(path[i], i ? 104 : 40));
		lib = dlopen(path[i], RTLD_NOW);
		CHECK(lib != NULL);
		if (!lib)
			return;
		f = (void (*)(void (*)(void)))dlsym(lib, "f");
		at[i] = (uintptr_t)f;
		f(capture);
		compare();
		CHECK(symbol_find(at[i], &s) && module_find(at[i], &m));
		dlclose(lib);
	}
	CHECK_EQ(at[0], at[1]); /* or this has shown nothing */
	CHECK(!module_find(at[1], &now));
	before = s;
	CHECK(symbol_find(at[1], &s) && !memcmp(&s, &before, sizeof(s)));
	CHECK(!strcmp(s.path, path[1]) && !strcmp(s.name, "f"));
	CHECK_EQ(s.offset, at[1] - m.base);
	CHECK_EQ(s.id_len, SYMBOL_ID_MAX);
	unlink(path[0]);
	unlink(path[1]);
}

static jmp_buf out;

static __attribute__((noinline, noreturn)) void leaves(void)
{
	capture();
	longjmp(out, 1);
}

/* Its last instruction is a call: the return address belongs to whatever comes next. */
static __attribute__((noinline, noreturn)) void ends_in_call(void)
{
	char room[200];

	__asm__ volatile("" : : "r"(room) : "memory");
	leaves();
}

static void call_at_the_end(void)
{
	if (!setjmp(out))
		ends_in_call();
	compare();
}

int main(void)
{
	altstack_init();
	RUN(through_libc);
	RUN(signal_frame);
	RUN(alternate_stack);
	RUN(coroutines);
	RUN(realigned_stack);
	RUN(turns);
	RUN(threads);
	RUN(garbage);
	RUN(turns_back);
	RUN(stack_vanishes);
	RUN(library_replaced);
	RUN(depot);
	RUN(call_at_the_end);
	return UNIT_END();
}
