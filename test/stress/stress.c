/*
 * stress.c - random threads against any malloc: contents of every live block, no address twice,
 * and what a freed block looks like afterwards.
 *
 *   stress SECONDS THREADS SEED MODE      MODE: strict | late | plain
 *
 * strict: every page of a freed block must fault at once. late: a stale read faults or still
 * shows the old bytes. plain: no claim about freed blocks or addresses (any other malloc).
 * Blocks change hands between threads; a timer's handler allocates and frees in the middle of
 * malloc; now and then a thread forks a child that checks its inheritance and goes on a little.
 * Exit status 0 and one line "stress: ... ok", or a message and 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS	 2048 /* live blocks of one thread */
#define SHARED	 256
#define STALE	 512
#define GRANULES (1UL << 43) /* 16-byte granules of 47 bits */

struct slot {
	unsigned char *p;
	size_t size;
	uint32_t seed;
};

static _Atomic(struct slot *) shared_slot[SHARED];
static _Atomic uint64_t *seen;
static _Atomic unsigned long n_alloc, n_fork, n_stale_dead, n_stale_old, n_handler;
static atomic_bool stop;
static enum { STRICT, LATE, PLAIN } mode;
static int max_log = 12;

static __attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "stress: FAILED: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	_exit(1);
}

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Every address at most once, but for a realloc that stays. */
static void see(const void *p)
{
	uintptr_t g = (uintptr_t)p >> 4;

	if (mode == PLAIN)
		return;
	if (atomic_fetch_or(&seen[g / 64], 1UL << (g % 64)) >> (g % 64) & 1)
		die("address %p came back", p);
}

static unsigned char byte_at(uint32_t seed, size_t i)
{
	return (unsigned char)(seed + i * 31 + (i >> 8) * 7);
}

/* Ends and a stride: whole large blocks would take all the time. */
static size_t step_of(size_t size)
{
	return size <= 256 ? 1 : size <= 8192 ? 61 : 4093;
}

static void fill(struct slot *s)
{
	for (size_t i = 0; i < s->size; i += step_of(s->size))
		s->p[i] = byte_at(s->seed, i);
	if (s->size)
		s->p[s->size - 1] = byte_at(s->seed, s->size - 1);
}

static void verify_upto(const struct slot *s, size_t n, const char *when)
{
	for (size_t i = 0; i < n; i += step_of(s->size))
		if (s->p[i] != byte_at(s->seed, i))
			die("%s: byte %zu of %zu at %p is %02x, not %02x", when, i, s->size,
				(void *)s->p, s->p[i], byte_at(s->seed, i));
}

static void verify(const struct slot *s, const char *when)
{
	verify_upto(s, s->size, when);
	if (s->size && s->p[s->size - 1] != byte_at(s->seed, s->size - 1))
		die("%s: the last byte of %zu at %p is wrong", when, s->size, (void *)s->p);
}

/* Reads one byte as the kernel would: 0 or -1 (it faults). */
static int peek(const unsigned char *p, unsigned char *byte)
{
	struct {
		void *base;
		unsigned long len;
	} to = {byte, 1}, from = {(void *)p, 1};

	return syscall(SYS_process_vm_readv, getpid(), &to, 1L, &from, 1L, 0L) == 1 ? 0 : -1;
}

/*
 * A guard is made of a page of private memory in two steps, first it is emptied (Linux 6.13,
 * madvise_guard_install): whoever reads in between sees a zero, and soon nothing.
 */
static bool is_dying(const unsigned char *p, unsigned char b)
{
	for (time_t end = time(NULL) + 600; !b && time(NULL) < end; usleep(1000))
		if (peek(p, &b))
			return true;
	return false;
}

/* What a freed block is filled with: each word says where it lies. */
static bool is_poison(const unsigned char *p, unsigned char b)
{
	uintptr_t at = (uintptr_t)p, w = 0xd1edUL << 48 | (at & ~7UL) | 1;

	return b == (w >> at % 8 * 8 & 0xff);
}

static void check_stale(const struct slot *s, uint64_t *r)
{
	size_t i = s->size ? rnd(r) % s->size / step_of(s->size) * step_of(s->size) : 0;
	unsigned char b;

	if (mode == PLAIN || !s->p)
		return;
	if (peek(s->p + i, &b)) {
		n_stale_dead++;
		return;
	}
	if (mode == STRICT)
		die("freed block %p of %zu is readable", (void *)s->p, s->size);
	if (s->size && b != byte_at(s->seed, i) && !is_poison(s->p + i, b) &&
		!is_dying(s->p + i, b))
		die("freed block %p of %zu shows new bytes", (void *)s->p, s->size);
	n_stale_old++;
}

static size_t random_size(uint64_t *r)
{
	unsigned log = (unsigned)(rnd(r) % (unsigned)max_log);

	if (rnd(r) % 4096 == 0)
		log = 21;
	else if (rnd(r) % 256 == 0)
		log = 17;
	else if (rnd(r) % 32 == 0)
		log = 14;
	return rnd(r) % (2UL << log);
}

static void take(struct slot *s, uint64_t *r)
{
	unsigned how = (unsigned)(rnd(r) % 16);

	s->size = random_size(r);
	s->seed = (uint32_t)rnd(r);
	if (how == 0) {
		s->p = calloc(1, s->size);
		for (size_t i = 0; s->p && i < s->size; i++)
			if (s->p[i])
				die("calloc: byte %zu of %zu is not zero", i, s->size);
	} else if (how == 1) {
		size_t align = 16UL << rnd(r) % 12;
		void *p = NULL;

		if (posix_memalign(&p, align, s->size))
			die("posix_memalign(%zu, %zu) failed", align, s->size);
		if ((uintptr_t)p % align)
			die("posix_memalign(%zu) gave %p", align, p);
		s->p = p;
	} else {
		s->p = malloc(s->size);
	}
	if (!s->p)
		die("no memory for %zu bytes", s->size);
	if ((uintptr_t)s->p % 16)
		die("malloc(%zu) gave %p", s->size, (void *)s->p);
	if (malloc_usable_size(s->p) < s->size)
		die("usable size %zu of %zu", malloc_usable_size(s->p), s->size);
	see(s->p);
	fill(s);
	n_alloc++;
}

static void resize(struct slot *s, uint64_t *r)
{
	struct slot n = {.size = random_size(r) + 1, .seed = s->seed};

	n.p = realloc(s->p, n.size);
	if (!n.p)
		die("realloc to %zu failed", n.size);
	if (n.p != s->p)
		see(n.p);
	if (step_of(n.size) == step_of(s->size)) {
		struct slot kept = n;

		kept.size = s->size;
		verify_upto(&kept, n.size < s->size ? n.size : s->size, "after realloc");
	}
	fill(&n);
	*s = n;
}

static void drop(struct slot *s, struct slot *stale, uint64_t *r)
{
	verify(s, "before free");
	free(s->p);
	if (rnd(r) % 8 == 0)
		check_stale(s, r);
	check_stale(stale, r);
	*stale = *s;
	s->p = NULL;
}

static void exchange(struct slot *s, uint64_t *r)
{
	struct slot *box = malloc(sizeof(*box)), *other;

	*box = *s;
	other = atomic_exchange(&shared_slot[rnd(r) % SHARED], box);
	s->p = NULL;
	if (!other)
		return;
	*s = *other;
	free(other);
	verify(s, "from another thread");
}

static void child(struct slot *slots, uint64_t r)
{
	struct slot stale = {0};
	struct itimerval off = {0};

	setitimer(ITIMER_REAL, &off, NULL);
	/* The map of addresses is too large to inherit. */
	if (mmap((void *)seen, GRANULES / 8, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		die("no room for the child's map of addresses");
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].p)
			verify(&slots[i], "in a forked child");
	for (int i = 0; i < 500; i++) {
		struct slot *s = &slots[rnd(&r) % SLOTS];

		if (s->p)
			drop(s, &stale, &r);
		else
			take(s, &r);
	}
	_exit(0);
}

static void fork_once(struct slot *slots, uint64_t *r)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return;
	if (!pid)
		child(slots, rnd(r));
	if (waitpid(pid, &status, 0) != pid || status)
		die("forked child ended with status %#x", status);
	n_fork++;
}

static void *worker(void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15UL + 1;
	static __thread struct slot slots[SLOTS], stale[STALE];

	for (unsigned long i = 0; !stop; i++) {
		struct slot *s = &slots[rnd(&r) % SLOTS];
		unsigned what = (unsigned)(rnd(&r) % 64);

		if (!s->p)
			take(s, &r);
		else if (what < 4)
			resize(s, &r);
		else if (what < 12)
			exchange(s, &r);
		else if (what < 16)
			verify(s, "while live");
		else if (rnd(&r) % 64)
			drop(s, &stale[rnd(&r) % STALE], &r);
		if (i % 65536 == 65535)
			fork_once(slots, &r);
	}
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].p)
			drop(&slots[i], &stale[0], &r);
	return NULL;
}

/* One thread that lives shortly: its cache is left to the next. */
static void *brief(void *arg)
{
	void *p[64];

	for (int i = 0; i < 64; i++)
		see(p[i] = malloc((size_t)i * 7));
	for (int i = 0; i < 64; i++)
		free(p[i]);
	return NULL;
}

static void on_alarm(int sig)
{
	int saved = errno;
	unsigned char *p = malloc(40);

	if (p) {
		memset(p, 0x5a, 40);
		see(p);
		if (p[39] != 0x5a)
			_exit(1);
		free(p);
	}
	n_handler++;
	errno = saved;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5, threads = argc > 2 ? atoi(argv[2]) : 4;
	unsigned long seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
	const char *m = argc > 4 ? argv[4] : "plain";
	struct itimerval tick = {{0, 1700}, {0, 1700}};
	pthread_t t[256], b;
	time_t end = time(NULL) + seconds;

	mode = !strcmp(m, "strict") ? STRICT : !strcmp(m, "late") ? LATE : PLAIN;
	seen = mmap(NULL, GRANULES / 8, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seen == MAP_FAILED)
		die("no room for the map of addresses");
	madvise((void *)seen, GRANULES / 8, MADV_DONTFORK);
	if (signal(SIGALRM, on_alarm) == SIG_ERR || setitimer(ITIMER_REAL, &tick, NULL))
		die("no timer");
	for (int i = 0; i < threads; i++)
		if (pthread_create(
			    &t[i], NULL, worker, (void *)(uintptr_t)(seed * 256 + (unsigned)i + 1)))
			die("no thread");
	while (time(NULL) < end) {
		if (pthread_create(&b, NULL, brief, NULL))
			die("no thread");
		pthread_join(b, NULL);
		usleep(1000);
	}
	stop = 1;
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	printf("stress: %lu allocations, %lu forks, %lu in handlers, %lu stale reads faulted, %lu "
	       "saw the "
	       "old bytes: ok\n",
		n_alloc, n_fork, n_handler, n_stale_dead, n_stale_old);
	return 0;
}
