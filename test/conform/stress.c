/*
 * stress.c - stress SECONDS [SEED] [THREADS]: threads that map, unmap, protect, move, fork, signal
 * each other, run code they wrote and take faults, at random, and check each result against what
 * they know.
 *
 * Every mapping holds a pattern computed from its number, so that a page that is lost, stale or
 * another's is seen; every queued signal is counted at both ends. Prints one line and ends with
 * status 0, or says what was wrong, with the seed, and ends with status 1. Operations are bounded
 * by time only.
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

enum { REGIONS = 24, MAX_PAGES = 48, MAX_THREADS = 64 };

struct region {
	uint64_t *p;
	size_t pages;
	uint64_t number;
};

struct worker {
	pthread_t thread;
	uint64_t rng, ops, number;
	struct region region[REGIONS];
	atomic_ulong got; /* signals its handler saw */
	int index;
};

static struct worker worker[MAX_THREADS];
static int threads = 4;
static uint64_t seed;
static atomic_bool stop;
static atomic_int ready, done;
static atomic_ulong sent, forks, faults, made;
static __thread sigjmp_buf fault_env;
static __thread volatile sig_atomic_t fault_wanted;
static __thread struct worker *self;

static void wrong(const char *what, uint64_t a, uint64_t b)
{
	char line[200];
	int n = snprintf(line, sizeof(line),
		"stress: WRONG: %s: 0x%lx, 0x%lx (seed %lu, thread %d, operation %lu)\n", what,
		(unsigned long)a, (unsigned long)b, (unsigned long)seed, self ? self->index : -1,
		self ? (unsigned long)self->ops : 0);

	if (write(1, line, (size_t)n) != n)
		_exit(3);
	_exit(1);
}

static uint64_t rnd(struct worker *w, uint64_t below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng % below;
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	if (!fault_wanted)
		wrong("unexpected fault at", (uint64_t)si->si_addr, (uint64_t)sig);
	fault_wanted = 0;
	siglongjmp(fault_env, 1);
}

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	uint64_t local[4] = {seed, (uint64_t)si->si_value.sival_int, 3, 4};

	if (local[0] != seed || !self)
		wrong("handler's stack", local[0], seed);
	self->got++;
}

static uint64_t pattern(const struct region *r, size_t i)
{
	return (r->number * 0x9e3779b97f4a7c15 + i) ^ (i << 40);
}

static void fill(struct region *r)
{
	for (size_t i = 0; i < r->pages * 512; i += 61)
		r->p[i] = pattern(r, i);
}

static void check(const struct region *r, const char *when)
{
	for (size_t i = 0; i < r->pages * 512; i += 61)
		if (r->p[i] != pattern(r, i))
			wrong(when, r->p[i], pattern(r, i));
}

static int touch_faults(volatile uint64_t *p, int store)
{
	if (sigsetjmp(fault_env, 1)) {
		faults++;
		return 1;
	}
	fault_wanted = 1;
	if (store)
		*p = 1;
	else
		(void)*p;
	fault_wanted = 0;
	return 0;
}

static void op_map(struct worker *w, struct region *r)
{
	if (r->p)
		return;
	r->pages = 1 + rnd(w, MAX_PAGES);
	r->number = w->number++ * MAX_THREADS + (uint64_t)w->index;
	r->p = mmap(
		NULL, r->pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->p == MAP_FAILED)
		wrong("mmap", r->pages, (uint64_t)errno);
	if (r->p[0] || r->p[r->pages * 512 - 1])
		wrong("fresh page is not zero", r->p[0], 0);
	fill(r);
}

static void op_unmap(struct worker *w, struct region *r)
{
	if (!r->p)
		return;
	check(r, "before munmap");
	if (munmap(r->p, r->pages * 4096))
		wrong("munmap", (uint64_t)r->p, (uint64_t)errno);
	r->p = NULL; /* another thread may map there at once: nothing to fault on */
}

static void op_protect(struct worker *w, struct region *r)
{
	if (!r->p)
		return;
	size_t page = rnd(w, r->pages);
	int store = (int)rnd(w, 2), prot = store ? PROT_READ : PROT_NONE;

	if (mprotect(r->p + page * 512, 4096, prot))
		wrong("mprotect", page, (uint64_t)errno);
	if (!touch_faults(r->p + page * 512 + rnd(w, 512), store))
		wrong("no fault on a protected page", page, (uint64_t)store);
	if (mprotect(r->p + page * 512, 4096, PROT_READ | PROT_WRITE))
		wrong("mprotect back", page, (uint64_t)errno);
	check(r, "after mprotect");
}

static void op_drop(struct worker *w, struct region *r)
{
	if (!r->p)
		return;
	check(r, "before MADV_DONTNEED");
	if (madvise(r->p, r->pages * 4096, MADV_DONTNEED))
		wrong("madvise", (uint64_t)errno, 0);
	for (size_t i = 0; i < r->pages * 512; i += 61)
		if (r->p[i])
			wrong("not zero after MADV_DONTNEED", r->p[i], i);
	fill(r);
}

static void op_move(struct worker *w, struct region *r)
{
	if (!r->p)
		return;
	size_t pages = 1 + rnd(w, MAX_PAGES);
	void *p = mremap(r->p, r->pages * 4096, pages * 4096, MREMAP_MAYMOVE);

	if (p == MAP_FAILED)
		wrong("mremap", pages, (uint64_t)errno);
	r->p = p;
	size_t both = pages < r->pages ? pages : r->pages;

	for (size_t i = 0; i < both * 512; i += 61)
		if (r->p[i] != pattern(r, i))
			wrong("after mremap", r->p[i], pattern(r, i));
	r->pages = pages;
	fill(r);
}

static void op_fork(struct worker *w, struct region *unused)
{
	int status;
	pid_t p = fork();

	if (p < 0) {
		if (errno == EAGAIN || errno == ENOMEM)
			return;
		wrong("fork", (uint64_t)errno, 0);
	}
	if (p == 0) {
		for (int i = 0; i < REGIONS; i++)
			if (w->region[i].p) {
				check(&w->region[i], "in the child");
				w->region[i].number ^= 0x5555;
				fill(&w->region[i]);
				check(&w->region[i], "in the child, written");
			}
		if (!touch_faults((uint64_t *)8, 1))
			wrong("child's fault", 0, 0);
		_exit(17);
	}
	forks++;
	while (waitpid(p, &status, 0) != p)
		if (errno != EINTR)
			wrong("waitpid", (uint64_t)errno, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 17)
		wrong("child's status", (uint64_t)status, 17 << 8);
}

static void op_signal(struct worker *w, struct region *unused)
{
	for (int i = 0; i < 4; i++)
		if (!pthread_sigqueue(worker[rnd(w, (uint64_t)threads)].thread,
			    SIGRTMIN + (int)rnd(w, 3), (union sigval){.sival_int = i}))
			sent++;
}

static void op_code(struct worker *w, struct region *unused)
{
	unsigned char *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t value = (uint32_t)rnd(w, 1u << 31);

	p[0] = 0xb8; /* mov $value, %eax; ret */
	memcpy(p + 1, &value, 4);
	p[5] = 0xc3;
	if (mprotect(p, 4096, PROT_READ | PROT_EXEC))
		wrong("mprotect to code", (uint64_t)errno, 0);
	uint32_t got = ((uint32_t(*)(void))(uintptr_t)p)();

	if (got != value)
		wrong("code", got, value);
	munmap(p, 4096);
}

static void *helper(void *v)
{
	sigset_t all; /* the signals are meant for the workers */

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	made++;
	return (void *)((uintptr_t)v * 3);
}

static void op_thread(struct worker *w, struct region *unused)
{
	pthread_t t;
	void *got;
	uintptr_t v = rnd(w, 1000);

	if (pthread_create(&t, NULL, helper, (void *)v))
		return;
	pthread_join(t, &got);
	if ((uintptr_t)got != v * 3)
		wrong("thread's result", (uintptr_t)got, v * 3);
}

static void op_pipe(struct worker *w, struct region *r)
{
	int fd[2];
	uint64_t buf[512];

	if (!r->p || pipe(fd))
		return;
	if (write(fd[1], r->p, 4096) != 4096 || read(fd[0], buf, 4096) != 4096)
		wrong("pipe", (uint64_t)errno, 0);
	if (memcmp(buf, r->p, 4096))
		wrong("through a pipe", buf[0], r->p[0]);
	close(fd[0]);
	close(fd[1]);
}

static void op_float(struct worker *w, struct region *unused)
{
	double x = 1.0 + (double)rnd(w, 1000), y = x;
	float v[8];

	for (int i = 0; i < 8; i++)
		v[i] = (float)i;
	for (int i = 0; i < 2000; i++) {
		y = y * 1.5 / 1.5;
		for (int k = 0; k < 8; k++)
			v[k] += 1.0f;
	}
	if (y < x * 0.999999 || y > x * 1.000001 || v[7] != 2007.0f)
		wrong("floating point", (uint64_t)(y * 1000), (uint64_t)(x * 1000));
}

static void op_malloc(struct worker *w, struct region *unused)
{
	size_t n = 1 + rnd(w, 200000);
	unsigned char *p = malloc(n), *q = p ? realloc(p, n * 2) : NULL;

	if (!q)
		wrong("malloc", n, 0);
	memset(q, (int)n, n * 2);
	if (q[0] != (unsigned char)n || q[n * 2 - 1] != (unsigned char)n)
		wrong("heap", q[0], n & 255);
	free(q);
}

static void *work(void *arg)
{
	static void (*const op[])(struct worker *, struct region *) = {
		op_map,
		op_map,
		op_map,
		op_map,
		op_unmap,
		op_unmap,
		op_protect,
		op_protect,
		op_drop,
		op_move,
		op_signal,
		op_signal,
		op_thread,
		op_code,
		op_pipe,
		op_float,
		op_malloc,
		op_malloc,
		op_fork,
	};
	sigset_t none;

	self = arg;
	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	ready++;
	while (ready < threads)
		sched_yield();
	for (; !stop; self->ops++)
		op[rnd(self, sizeof(op) / sizeof(op[0]))](self, &self->region[rnd(self, REGIONS)]);
	for (int i = 0; i < REGIONS; i++)
		op_unmap(self, &self->region[i]);
	done++;
	while (done < threads) /* nobody leaves while signals may still be sent to it */
		sched_yield();
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	unsigned long ops = 0, got = 0;
	sigset_t all;

	if (argc < 2) {
		puts("usage: stress SECONDS [SEED] [THREADS]");
		return 2;
	}
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
	threads = argc > 3 ? atoi(argv[3]) : 4;
	sigaction(SIGSEGV, &sa, NULL);
	sa.sa_sigaction = on_signal;
	sa.sa_flags |= SA_RESTART;
	for (int i = 0; i < 3; i++)
		sigaction(SIGRTMIN + i, &sa, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (int i = 0; i < threads; i++) {
		worker[i].index = i;
		worker[i].rng = (seed + (uint64_t)i + 1) * 0x9e3779b97f4a7c15 | 1;
	}
	for (int i = 0; i < threads; i++)
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]))
			wrong("pthread_create", (uint64_t)i, 0);
	for (struct timespec left = {atoi(argv[1]), 0}; nanosleep(&left, &left) && errno == EINTR;)
		;
	stop = 1;
	for (int i = 0; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	for (int i = 0; i < threads; i++) {
		ops += worker[i].ops;
		got += worker[i].got;
	}
	if (got != sent)
		wrong("signals seen and sent", got, sent);
	printf("stress: good: seed %lu, %d threads, %lu operations, %lu forks, %lu faults, %lu "
	       "signals, %lu threads "
	       "made\n",
		(unsigned long)seed, threads, ops, (unsigned long)forks, (unsigned long)faults, got,
		(unsigned long)made);
	return 0;
}
