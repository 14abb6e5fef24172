/* thread.c - conformance: threads, locks, cancellation, thread ends. */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <threads.h>
#include <time.h>

#include "conform.h"

static atomic_long counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;

static void *add(void *n)
{
	for (long i = 0; i < (long)n; i++)
		counter++;
	return (void *)((long)n + 1);
}

static pthread_barrier_t barrier;

static void *meet(void *n)
{
	pthread_barrier_wait(&barrier);
	return add(n);
}

static void thr_64(void)
{
	pthread_t t[64];
	long sum = 0;
	void *ret;

	pthread_barrier_init(&barrier, NULL, 65);
	for (long i = 0; i < 64; i++)
		t[i] = thread_start(meet, (void *)i);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 64; i++) {
		must(!pthread_join(t[i], &ret));
		sum += (long)ret;
	}
	say("%ld added, returned %ld", (long)counter, sum);
}

static void thr_in_turn(void)
{
	void *ret;

	for (long i = 0; i < 300; i++)
		must(!pthread_join(thread_start(add, (void *)i), &ret) && ret == (void *)(i + 1));
	say("300 one after the other: %ld", (long)counter);
}

static void thr_detached(void)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 100; i++) {
		must(!pthread_create(&t, &a, add, (void *)1));
		while (counter < i + 1)
			sched_yield();
	}
	say("%ld", (long)counter);
}

static __thread int tls = 7;
static __thread char tls_big[10000];
static pthread_key_t key[3];

static void destroy(void *v)
{
	say("destructor %ld", (long)v);
	if ((long)v > 10)
		pthread_setspecific(key[0], (void *)((long)v - 10));
}

static void *use_tls(void *n)
{
	say("initial %d %d", tls, tls_big[9999]);
	tls += (int)(long)n;
	errno = (int)(long)n;
	pthread_setspecific(key[0], (void *)(20 + (long)n));
	must(errno == (int)(long)n);
	return (void *)(long)tls;
}

static void thr_tls(void)
{
	void *ret;

	pthread_key_create(&key[0], destroy);
	errno = 99;
	for (long i = 1; i < 4; i++) {
		pthread_join(thread_start(use_tls, (void *)i), &ret);
		say("ended with %ld, errno here %d", (long)ret, errno);
	}
	say("mine %d", tls);
}

static void *locked_add(void *n)
{
	for (long i = 0; i < (long)n; i++) {
		pthread_mutex_lock(&lock);
		turn++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void thr_mutex(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		t[i] = thread_start(locked_add, (void *)3000);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	say("%d", turn);
}

static void *ping(void *who)
{
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&lock);
		while (turn != (int)(long)who)
			pthread_cond_wait(&cond, &lock);
		turn = !turn;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void thr_cond(void)
{
	pthread_t t = thread_start(ping, (void *)1);
	struct timespec past = {1, 0};

	ping(NULL);
	pthread_join(t, NULL);
	pthread_mutex_lock(&lock);
	say("timed out %d", pthread_cond_timedwait(&cond, &lock, &past) == ETIMEDOUT);
}

static pthread_mutex_t robust;

static void *lock_and_leave(void *unused)
{
	pthread_mutex_lock(&robust);
	return NULL;
}

static void process_leaves(void *p)
{
	pthread_mutex_lock(p);
}

static void thr_robust(void)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &a);
	pthread_join(thread_start(lock_and_leave, NULL), NULL);
	say("owner dead %d", pthread_mutex_lock(&robust) == EOWNERDEAD);
	say("consistent %d", pthread_mutex_consistent(&robust));
	say("unlock %d", pthread_mutex_unlock(&robust));
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_t *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	pthread_mutex_init(p, &a);
	say_wait("owner", child_start(process_leaves, p));
	say("owner process dead %d", pthread_mutex_lock(p) == EOWNERDEAD);
}

static int word;

static long futex(int op, int val, const struct timespec *t)
{
	return syscall(SYS_futex, &word, op, val, t, NULL, 0);
}

static void *futex_sleep(void *unused)
{
	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0)
		futex(FUTEX_WAIT_PRIVATE, 0, NULL);
	counter++;
	return NULL;
}

static void thr_futex(void)
{
	pthread_t t[10];
	long rc;

	rc = futex(FUTEX_WAIT_PRIVATE, 5, NULL);
	say("other value %s", result(rc));
	rc = futex(FUTEX_WAIT_PRIVATE, 0, &(struct timespec){.tv_nsec = 1000});
	say("timeout %s", result(rc));
	for (int i = 0; i < 10; i++)
		t[i] = thread_start(futex_sleep, NULL);
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	futex(FUTEX_WAKE_PRIVATE, INT_MAX, NULL);
	for (int i = 0; i < 10; i++)
		pthread_join(t[i], NULL);
	say("woken %ld", (long)counter);
}

static void *pi_add(void *m)
{
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(m);
		turn++;
		pthread_mutex_unlock(m);
	}
	return NULL;
}

static void thr_pi(void)
{
	pthread_mutexattr_t a;
	pthread_mutex_t m;
	pthread_t t[4];

	pthread_mutexattr_init(&a);
	say("protocol %d", pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT));
	pthread_mutex_init(&m, &a);
	for (int i = 0; i < 4; i++)
		t[i] = thread_start(pi_add, &m);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	say("%d", turn);
}

static void cleanup(void *what)
{
	say("cleaned %s", (const char *)what);
}

static void *cancel_me(void *async)
{
	char c;
	int p[2];

	must(!pipe(p));
	pthread_cleanup_push(cleanup, async ? "async" : "deferred");
	if (async) {
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
		counter++;
		for (;;)
			__asm__ volatile("pause");
	}
	counter++;
	must(read(p[0], &c, 1));
	pthread_cleanup_pop(1);
	return NULL;
}

static void thr_cancel(void)
{
	void *ret;

	for (long kind = 0; kind < 2; kind++) {
		counter = 0;
		pthread_t t = thread_start(cancel_me, (void *)kind);

		while (!counter)
			sched_yield();
		must(!pthread_cancel(t));
		pthread_join(t, &ret);
		say("cancelled %d", ret == PTHREAD_CANCELED);
	}
}

static void thr_tid(void)
{
	static int cleared = 5;

	say("set_tid_address %d", syscall(SYS_set_tid_address, &cleared) == gettid());
	say("gettid %d", gettid() == getpid());
	say("tgkill nobody %s", result(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0)));
	pthread_t t = thread_start(add, (void *)1);

	pthread_join(t, NULL);
	char name[16] = "";

	prctl(PR_SET_NAME, "a name that is too long");
	prctl(PR_GET_NAME, name);
	say("name %s", name);
}

static atomic_int seen[8];
static __thread int my_index;

static void note(int sig, siginfo_t *si, void *uc)
{
	seen[my_index]++;
}

static void *target(void *i)
{
	my_index = (int)(long)i;
	counter++;
	while (seen[my_index] < 20)
		if (my_index & 1)
			sched_yield();
	return NULL;
}

static void thr_kill(void)
{
	pthread_t t[8];

	handle(SIGUSR1, note, SA_RESTART);
	for (long i = 0; i < 8; i++)
		t[i] = thread_start(target, (void *)i);
	while (counter < 8)
		sched_yield();
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 8; i++) {
			while (seen[i] < round)
				sched_yield();
			pthread_kill(t[i], SIGUSR1);
		}
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	say("%d %d %d %d %d %d %d %d", seen[0], seen[1], seen[2], seen[3], seen[4], seen[5],
		seen[6], seen[7]);
}

static void *unblocked(void *unused)
{
	sigset_t s;

	my_index = 3;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &s, NULL);
	while (!seen[3])
		pause();
	return NULL;
}

static void thr_process_signal(void)
{
	sigset_t s;

	handle(SIGUSR1, note, 0);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(thread_start(unblocked, NULL), NULL);
	say("main %d, the willing thread %d", seen[0], seen[3]);
}

static void thr_affinity(void)
{
	cpu_set_t all, one;
	unsigned cpu, node;
	int bad = 0;

	must(!sched_getaffinity(0, sizeof(all), &all));
	for (int c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(c, &one);
		must(!sched_setaffinity(0, sizeof(one), &one));
		for (int i = 0; i < 20; i++) {
			must(!getcpu(&cpu, &node));
			bad += (int)cpu != c || sched_getcpu() != c;
		}
	}
	say("wrong cpu %d times", bad);
	sched_setaffinity(0, sizeof(all), &all);
}

static int c11(void *n)
{
	return (int)(long)n * 2;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void only_once(void)
{
	say("once");
}

static void *call_once_fn(void *unused)
{
	pthread_once(&once, only_once);
	return NULL;
}

static void thr_misc(void)
{
	thrd_t t;
	int ret;
	pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;

	must(thrd_create(&t, c11, (void *)21) == thrd_success &&
		thrd_join(t, &ret) == thrd_success);
	say("C11 %d", ret);
	for (int i = 0; i < 4; i++)
		pthread_join(thread_start(call_once_fn, NULL), NULL);
	pthread_rwlock_rdlock(&rw);
	say("two readers %d, writer %d", pthread_rwlock_tryrdlock(&rw),
		pthread_rwlock_trywrlock(&rw));
	struct timespec a, b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (volatile int i = 0; i < 3000000; i++)
		;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	say("thread time advances %d", b.tv_sec > a.tv_sec || b.tv_nsec > a.tv_nsec);
}

/* More threads, one after the other and then a few at once, than the process may have descriptors.
 */
static void thr_few_fds(void)
{
	pthread_t t[8];

	must(!setrlimit(RLIMIT_NOFILE, &(struct rlimit){48, 48}));
	for (long i = 0; i < 120; i++)
		must(!pthread_join(thread_start(add, (void *)i), NULL));
	pthread_barrier_init(&barrier, NULL, 9);
	for (long i = 0; i < 8; i++)
		t[i] = thread_start(meet, (void *)i);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 8; i++)
		must(!pthread_join(t[i], NULL));
	say("%ld added", (long)counter);
}

const struct conform_case thread_cases[] = {
	{"thr_64", thr_64},
	{"thr_in_turn", thr_in_turn},
	{"thr_detached", thr_detached},
	{"thr_tls", thr_tls},
	{"thr_mutex", thr_mutex},
	{"thr_cond", thr_cond},
	{"thr_robust", thr_robust},
	{"thr_futex", thr_futex},
	{"thr_pi", thr_pi},
	{"thr_cancel", thr_cancel},
	{"thr_tid", thr_tid},
	{"thr_kill", thr_kill},
	{"thr_process_signal", thr_process_signal},
	{"thr_affinity", thr_affinity},
	{"thr_misc", thr_misc},
	{"thr_few_fds", thr_few_fds},
	{NULL, NULL},
};
