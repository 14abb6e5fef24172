/*
 * stress.c - stress SECONDS [SEED]: threads that map, unmap, protect, fault, fork, create threads
 * and signal each other at random, and check every result. Prints one line; status 0 if nothing
 * diverged. Vector registers hold a pattern meanwhile: a lost FP state shows.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4

struct worker {
	pthread_t thread;
	uint64_t seed;
	atomic_ulong sent, got;
	unsigned long ops[8];
};

static struct worker workers[THREADS];
static __thread sigjmp_buf env;
static __thread void *volatile fault_addr;
static __thread struct worker *self;
static atomic_int failures;
static time_t end;
static pthread_barrier_t done; /* none is gone while another may signal it */

#define EXPECT(cond)                                                                        \
	do {                                                                                \
		if (!(cond)) {                                                              \
			failures++;                                                         \
			printf("%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #cond, \
				errno);                                                     \
			fflush(stdout);                                                     \
		}                                                                           \
	} while (0)

static uint32_t rnd(struct worker *w)
{
	w->seed = w->seed * 6364136223846793005UL + 1442695040888963407UL;
	return (uint32_t)(w->seed >> 33);
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	fault_addr = si->si_addr;
	siglongjmp(env, sig);
}

static void on_usr(int sig, siginfo_t *si, void *uc)
{
	volatile double x = 1.5;

	for (int i = 0; i < 10; i++) /* dirties the vector registers */
		x = x * 1.25 + i;
	atomic_fetch_add(&workers[si->si_value.sival_int].got, 1);
}

static void op_map(struct worker *w)
{
	size_t n = (rnd(w) % 64 + 1) * 4096, was = n;
	uint32_t tag = rnd(w);
	uint32_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	for (size_t i = 0; i < n / 4; i += 257) {
		EXPECT(p[i] == 0);
		p[i] = tag + (uint32_t)i;
	}
	if (rnd(w) % 2) {
		p = mremap(p, n, n * 2, MREMAP_MAYMOVE);
		EXPECT(p != MAP_FAILED);
		n *= 2;
	}
	for (size_t i = 0; i < n / 4; i += 257)
		EXPECT(p[i] == (i < was / 4 ? tag + (uint32_t)i : 0));
	EXPECT(munmap(p, n) == 0);
}

static void op_fault(struct worker *w)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *volatile at = p + rnd(w) % 8192;
	int prot = rnd(w) % 2 ? PROT_READ : PROT_NONE;

	*at = 1;
	EXPECT(mprotect(p, 8192, prot) == 0);
	fault_addr = NULL;
	if (!sigsetjmp(env, 1)) {
		*at = 2;
		EXPECT(!"the store went through");
	}
	EXPECT(fault_addr == at);
	EXPECT(mprotect(p, 8192, PROT_READ | PROT_WRITE) == 0);
	EXPECT(*at == 1);
	munmap(p, 8192);
}

static void op_code(struct worker *w)
{
	unsigned char *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t v = rnd(w);

	p[0] = 0xb8; /* mov $v, %eax; ret */
	memcpy(p + 1, &v, 4);
	p[5] = 0xc3;
	EXPECT(((uint32_t(*)(void))p)() == v);
	EXPECT(mprotect(p, 4096, PROT_READ) == 0);
	fault_addr = NULL;
	if (!sigsetjmp(env, 1)) {
		((uint32_t(*)(void))p)();
		EXPECT(!"code ran without permission");
	}
	EXPECT(fault_addr == p);
	munmap(p, 4096);
}

static void op_fork(struct worker *w)
{
	uint32_t v = rnd(w);
	uint32_t *priv = malloc(4096);
	int status = 0, pfd[2];
	pid_t pid;

	*priv = v;
	EXPECT(pipe(pfd) == 0);
	pid = fork();
	if (pid == 0) {
		int ok = *priv == v;

		*priv = v + 1;
		ok &= write(pfd[1], priv, 4) == 4;
		_exit(ok ? (int)(v & 127) : 255);
	}
	EXPECT(pid > 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == (int)(v & 127));
	EXPECT(*priv == v);
	EXPECT(read(pfd[0], priv, 4) == 4 && *priv == v + 1);
	close(pfd[0]);
	close(pfd[1]);
	free(priv);
}

static void op_signal(struct worker *w)
{
	int to = (int)(rnd(w) % THREADS);
	union sigval v = {.sival_int = (int)(w - workers)};

	if (pthread_sigqueue(workers[to].thread, SIGRTMIN, v) == 0)
		atomic_fetch_add(&w->sent, 1);
	else
		EXPECT(errno == 0);
}

static void *short_thread(void *arg)
{
	uint64_t *p = arg;

	*p = *p * 3 + 1;
	return p;
}

static void op_thread(struct worker *w)
{
	uint64_t v = rnd(w), was = v;
	void *ret = NULL;
	pthread_t t;

	EXPECT(pthread_create(&t, NULL, short_thread, &v) == 0);
	EXPECT(pthread_join(t, &ret) == 0 && ret == &v && v == was * 3 + 1);
}

static void op_sleep(struct worker *w)
{
	struct timespec ts = {.tv_nsec = rnd(w) % 300000};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* 128 bits in every vector register across a stretch of running: signals come in between. */
static void op_vector(struct worker *w)
{
	uint64_t in = ((uint64_t)rnd(w) << 32) | rnd(w), out0 = 0, out15 = 0;

	__asm__ volatile("movq %2, %%xmm0\n\tmovq %2, %%xmm15\n\t"
			 "mov $20000, %%ecx\n1:\tdec %%ecx\n\tjnz 1b\n\t"
			 "movq %%xmm0, %0\n\tmovq %%xmm15, %1"
			 : "=&r"(out0), "=&r"(out15)
			 : "r"(in)
			 : "rcx", "xmm0", "xmm15");
	EXPECT(out0 == in && out15 == in);
}

static void *work(void *arg)
{
	static void (*const ops[])(struct worker *) = {
		op_map, op_fault, op_code, op_fork, op_signal, op_thread, op_sleep, op_vector};
	static const unsigned weight[] = {20, 20, 5, 2, 20, 4, 10, 20};
	unsigned pick, i;

	self = arg;
	while (time(NULL) < end && failures < 20) {
		pick = rnd(self) % 101;
		for (i = 0; i < 7 && pick >= weight[i]; i++)
			pick -= weight[i];
		ops[i](self);
		self->ops[i]++;
	}
	pthread_barrier_wait(&done);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	unsigned long n = 0, sent = 0, got = 0;

	end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	pthread_barrier_init(&done, NULL, THREADS);
	sigaction(SIGSEGV, &sa, NULL);
	sa.sa_sigaction = on_usr;
	sa.sa_flags = SA_SIGINFO | SA_RESTART;
	sigaction(SIGRTMIN, &sa, NULL);
	for (int i = 0; i < THREADS; i++) /* all are there before the first may signal another */
		workers[i].thread = pthread_self();
	for (int i = 0; i < THREADS; i++) {
		workers[i].seed = (uint64_t)(argc > 2 ? atoi(argv[2]) : 1) * 1000 + (uint64_t)i;
		EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (int i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(workers[i].thread, &ret);
	}
	for (int i = 0; i < THREADS; i++) {
		for (int k = 0; k < 8; k++)
			n += workers[i].ops[k];
		sent += workers[i].sent;
		got += workers[i].got;
	}
	fprintf(stderr, "stress: %lu operations, %lu signals sent, %lu received\n", n, sent, got);
	printf("failures %d\n", failures);
	return failures != 0;
}
