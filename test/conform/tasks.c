/*
 * tasks.c - conformance: scheduling, limits, timers, futexes, identities and times, with all that the kernel is
 * given in blocks of the heap, and stacks there too.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>

#include "conform.h"

static void affinity(void)
{
	cpu_set_t *set = block(sizeof(*set)), *big = block(1 << 16);
	int *param = block(sizeof(*param)), words;
	struct timespec *slice = block(sizeof(*slice));

	words = (int)syscall(SYS_sched_getaffinity, 0, sizeof(*set), set);
	say("get %d, ours %d", words > 0, CPU_COUNT(set) > 0);
	say("into too little %s", result(syscall(SYS_sched_getaffinity, 0, 1, set)));
	say("into more %d", syscall(SYS_sched_getaffinity, 0, 1 << 16, big) == words);
	say("set %s", result(sched_setaffinity(0, sizeof(*set), set)));
	CPU_ZERO(set);
	say("none %s", result(sched_setaffinity(0, sizeof(*set), set)));
	say("of nobody %s", result(sched_setaffinity(1 << 30, sizeof(*set), set)));
	say("policy %d", sched_getscheduler(0));
	say_after(sched_getparam(0, (void *)param), "get %s: %d", *param);
	*param = 7;
	say("no such %s", result(sched_setparam(0, (void *)param)));
	say("no such policy %s", result(sched_setscheduler(0, 77, (void *)param)));
	say("slice %s", result(sched_rr_get_interval(0, slice)));
	say("where it cannot %s", result(sched_getparam(0, nowhere())));
	free(set);
	free(big);
	free(param);
	free(slice);
}

static void attributes(void)
{
	unsigned *a = block(4096); /* struct sched_attr begins with its size */

	say("get %s", result(syscall(SYS_sched_getattr, 0, a, 48, 0)));
	say("policy %u, size %d", a[1], a[0] >= 48);
	say("into too little %s", result(syscall(SYS_sched_getattr, 0, a, 47, 0)));
	say("otherwise %s", result(syscall(SYS_sched_getattr, 0, a, 48, 1)));
	a[0] = 10;
	say("set too short %s", result(syscall(SYS_sched_setattr, 0, a, 0)));
	memset(a, 0, 4096);
	a[0] = 2000;
	a[1] = SCHED_BATCH;
	say("set longer, zeros %s", result(syscall(SYS_sched_setattr, 0, a, 0)));
	a[0] = 2000;
	a[400] = 1;
	say_after(syscall(SYS_sched_setattr, 0, a, 0), "set longer %s, told %d", a[0] < 2000);
	say("now %d", sched_getscheduler(0));
	say("where it cannot %s", result(syscall(SYS_sched_setattr, 0, nowhere(), 0)));
	free(a);
}

static volatile sig_atomic_t over;

static void count(int sig, siginfo_t *si, void *uc)
{
	over++;
}

static void limits(void)
{
	struct rlimit *r = block(sizeof(*r)), *old = block(sizeof(*old));
	struct rusage *u = block(sizeof(*u));
	char *text = block(8192);
	int fd = temp_file(0);

	handle(SIGXFSZ, count, 0);
	*r = (struct rlimit){5000, RLIM_INFINITY};
	say("file size %s", result(prlimit(0, RLIMIT_FSIZE, r, old)));
	say("was infinite %d", old->rlim_cur == RLIM_INFINITY);
	say("up to it %s", result(write(fd, text, 8192)));
	say_after(write(fd, text, 8192), "past it %s, told %d", over);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		must(!getrlimit((__rlimit_resource_t)i, r) &&
			!setrlimit((__rlimit_resource_t)i, r));
	say("no such %s", result(syscall(SYS_getrlimit, RLIM_NLIMITS, r)));
	*r = (struct rlimit){2, 1};
	say("above itself %s", result(setrlimit(RLIMIT_NOFILE, r)));
	*r = (struct rlimit){3, 3};
	say("descriptors %s", result(setrlimit(RLIMIT_NOFILE, r)));
	say("none left %s", result(dup(1)));
	say_after(getrlimit(RLIMIT_NOFILE, old), "get %s: %lu", (unsigned long)old->rlim_max);
	say("of nobody %s", result(prlimit(1 << 30, RLIMIT_NOFILE, NULL, old)));
	say("where it cannot %s", result(syscall(SYS_setrlimit, RLIMIT_NOFILE, nowhere())));
	say_after(getrusage(RUSAGE_SELF, u), "usage %s, %d", u->ru_maxrss > 0);
	say("of whom %s", result(getrusage((__rusage_who_t)7, u)));
	free(r);
	free(old);
	free(u);
	free(text);
}

/* A program that lowers what it may have of data, stack and addresses goes on with what it has. */
static void limits_of_memory(void)
{
	static const int of[] = {RLIMIT_DATA, RLIMIT_STACK, RLIMIT_AS, RLIMIT_MEMLOCK};
	struct rlimit *r = block(sizeof(*r));

	for (int i = 0; i < 4; i++) {
		pid_t p = fork();

		if (p == 0) {
			*r = (struct rlimit){1 << 20, 1 << 20};
			must(!setrlimit((__rlimit_resource_t)of[i], r));
			must(!getrlimit((__rlimit_resource_t)of[i], r));
			char *some = malloc(100);

			say("%lu, of a block %d", (unsigned long)r->rlim_cur, some != NULL);
			say("much %d", malloc(1 << 30) != NULL && of[i] != RLIMIT_STACK &&
					       of[i] != RLIMIT_MEMLOCK);
			_exit(5);
		}
		say_wait("child", p);
	}
	free(r);
}

static void timers(void)
{
	struct sigevent *e = block(sizeof(*e));
	struct itimerspec *i = block(sizeof(*i)), *was = block(sizeof(*was));
	timer_t *t = block(sizeof(*t));
	int *rings = block(sizeof(*rings)), fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	notes_to(e, rings);
	say("create %s", result(timer_create(CLOCK_MONOTONIC, e, t)));
	*i = (struct itimerspec){{0, 1000000}, {0, 1000000}};
	say("set %s", result(timer_settime(*t, 0, i, was)));
	notes_wait(3);
	*i = (struct itimerspec){{0, 0}, {5000, 0}};
	say("set far %s", result(timer_settime(*t, TIMER_ABSTIME, i, was)));
	say("was every %ld", was->it_interval.tv_nsec);
	say("rang at least thrice %d", *rings >= 3);
	say("get %s", result(timer_gettime(*t, i)));
	i->it_value.tv_nsec = 1000000000;
	say("no time %s", result(timer_settime(*t, 0, i, NULL)));
	say("delete %s", result(timer_delete(*t)));
	e->sigev_notify = 99;
	say("no way %s", result(timer_create(CLOCK_MONOTONIC, e, t)));
	say("no clock %s", result(timer_create(77, NULL, t)));
	*i = (struct itimerspec){{0, 0}, {100, 0}};
	say("descriptor %s", result(timerfd_settime(fd, 0, i, was)));
	say_after(timerfd_gettime(fd, was), "of it %s, %d", was->it_value.tv_sec >= 90);
	say("too early %s", result(read(fd, rings, 4)));
	say("where it cannot %s", result(timerfd_settime(fd, 0, nowhere(), NULL)));
	free(e);
	free(i);
	free(was);
	free(t);
	/* rings stays: a thread that the timer began may be late. */
}

static void sleeps(void)
{
	struct timespec *t = block(sizeof(*t)), *left = block(sizeof(*left));
	struct itimerval *v = block(sizeof(*v)), *was = block(sizeof(*was));
	struct timex *x = block(sizeof(*x));
	struct tms *m = block(sizeof(*m));

	t->tv_nsec = 1000000;
	say("sleep %s", result(clock_nanosleep(CLOCK_MONOTONIC, 0, t, left)));
	say("at a time past %d", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, t, NULL));
	t->tv_nsec = -1;
	say("no time %s", result(nanosleep(t, left)));
	handle(SIGALRM, count, 0);
	/* Again and again: the first may come before the sleep. */
	*v = (struct itimerval){{0, 20000}, {0, 20000}};
	*t = (struct timespec){3000, 0};
	say("alarm %s", result(setitimer(ITIMER_REAL, v, was)));
	say_after(nanosleep(t, left), "woken %s, %d, left %d", over > 0, left->tv_sec > 2000);
	say_after(getitimer(ITIMER_REAL, v), "get %s: %ld", (long)v->it_interval.tv_usec);
	*v = (struct itimerval){{0, 0}, {0, 0}};
	say_after(setitimer(ITIMER_REAL, v, was), "off %s: %ld", (long)was->it_interval.tv_usec);
	say("no such %s", result(syscall(SYS_getitimer, 9, v)));
	v->it_value.tv_usec = 1000000;
	say("no time %s", result(setitimer(ITIMER_REAL, v, NULL)));
	x->modes = 0;
	say("adjtimex %d", adjtimex(x) >= 0 && x->tick > 0);
	say("times %d", times(m) != -1 && m->tms_cutime == 0);
	say("clock %s", result(clock_getres(CLOCK_REALTIME, t)));
	say("no clock %s", result(clock_gettime(77, t)));
	say("where it cannot %s",
		result(syscall(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, nowhere())));
	free(t);
	free(left);
	free(v);
	free(was);
	free(x);
	free(m);
}

static long futex(int *word, int op, int val, const void *t, int *other, int val3)
{
	return syscall(SYS_futex, word, op, val, t, other, val3);
}

static void *sleeper(void *word)
{
	return (void *)futex(word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

static void futexes(void)
{
	int *a = block(sizeof(*a)), *b = block(sizeof(*b));
	struct timespec *t = block(sizeof(*t));
	pthread_t th[3];
	long moved = 0, woken = 0;

	t->tv_nsec = 1000000;
	say("in a while %s", result(futex(a, FUTEX_WAIT, 0, t, NULL, 0)));
	say("not that %s", result(futex(a, FUTEX_WAIT, 1, t, NULL, 0)));
	say("misaligned %s", result(futex((int *)((char *)a + 1), FUTEX_WAIT, 0, t, NULL, 0)));
	say("no bits %s", result(futex(a, FUTEX_WAIT_BITSET, 0, t, NULL, 0)));
	say("nobody %s", result(futex(a, FUTEX_WAKE, 9, NULL, NULL, 0)));
	say("unlocked %s", result(futex(a, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0)));
	say("where it cannot %s", result(futex(nowhere(), FUTEX_WAIT, 0, t, NULL, 0)));
	for (int i = 0; i < 3; i++)
		must(!pthread_create(&th[i], NULL, sleeper, a));
	while (moved < 3) /* at most one wakes, the others go over to b */
		moved += futex(a, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)3, b, 0);
	say("moved %ld", moved);
	say("changed meanwhile %s", result(futex(a, FUTEX_CMP_REQUEUE, 0, (void *)3, b, 7)));
	while (woken < 3)
		woken += futex(a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)9, b,
			FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_GE, 0));
	say("woken %ld, added %d", woken, *b >= 5);
	for (int i = 0; i < 3; i++) {
		void *r;

		must(!pthread_join(th[i], &r));
		say("thread %ld", (long)r);
	}
	free(a);
	free(b);
	free(t);
}

static void *waker(void *word)
{
	__atomic_store_n((int *)word, 1, __ATOMIC_SEQ_CST);
	while (futex(word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0 &&
		__atomic_load_n((int *)word, __ATOMIC_SEQ_CST) == 1)
		sched_yield();
	return NULL;
}

static long wait_any(struct futex_waitv *v, unsigned n, const struct timespec *until)
{
	return syscall(SYS_futex_waitv, v, n, 0, until, CLOCK_MONOTONIC);
}

/* Words in blocks of their own, by a vector in one. */
static void futexes_of_many(void)
{
	struct futex_waitv *v = block(FUTEX_WAITV_MAX * sizeof(*v));
	struct timespec *past = block(sizeof(*past));
	pthread_t th;

	for (unsigned i = 0; i < FUTEX_WAITV_MAX; i++)
		v[i] = (struct futex_waitv){.uaddr = (uintptr_t)block(4), .flags = FUTEX_32};
	say("in a while %s", result(wait_any(v, FUTEX_WAITV_MAX, past)));
	say("too many %s", result(wait_any(v, FUTEX_WAITV_MAX + 1, past)));
	say("of none %s", result(wait_any(v, 0, past)));
	v[7].val = 1;
	say("not that %s", result(wait_any(v, FUTEX_WAITV_MAX, past)));
	v[7].val = 0;
	v[8].__reserved = 1;
	say("otherwise %s", result(wait_any(v, FUTEX_WAITV_MAX, past)));
	v[8].__reserved = 0;
	must(!pthread_create(&th, NULL, waker, (void *)(uintptr_t)v[9].uaddr));
	long woken = wait_any(v, FUTEX_WAITV_MAX, NULL);

	/* It may have come before we slept: then nobody is woken, ever. */
	say("the tenth %d", woken == 9 || (woken < 0 && errno == EAGAIN));
	__atomic_store_n((int *)(uintptr_t)v[9].uaddr, 2, __ATOMIC_SEQ_CST);
	must(!pthread_join(th, NULL));
	*(int *)(uintptr_t)v[9].uaddr = 0;
	say("where it cannot %s", result(wait_any(nowhere(), 3, past)));
	free((void *)(uintptr_t)v[3].uaddr);
	v[3].uaddr = (uintptr_t)nowhere();
	say("the fourth is bad %s", result(wait_any(v, FUTEX_WAITV_MAX, past)));
	v[3].uaddr = 0;
	for (unsigned i = 0; i < FUTEX_WAITV_MAX; i++)
		free((void *)(uintptr_t)v[i].uaddr);
	free(v);
	free(past);
}

static long compare(int type, long a, long b)
{
	return syscall(SYS_kcmp, getpid(), getpid(), type, a, b);
}

static void comparisons(void)
{
	struct kcmp_epoll_slot *slot = block(sizeof(*slot));
	int ep = epoll_create1(0), p[2];

	must(!pipe(p) && !epoll_ctl(ep, EPOLL_CTL_ADD, p[0], (struct epoll_event[1]){{0}}));
	say("the same %s", result(compare(KCMP_FILE, p[0], dup(p[0]))));
	say("another %d", compare(KCMP_FILE, p[0], p[1]) > 0);
	say("memory %s", result(compare(KCMP_VM, 0, 0)));
	*slot = (struct kcmp_epoll_slot){.efd = (unsigned)ep, .tfd = (unsigned)p[0]};
	say("in epoll %s", result(compare(KCMP_EPOLL_TFD, p[0], (long)slot)));
	slot->tfd = (unsigned)p[1];
	say("not in it %s", result(compare(KCMP_EPOLL_TFD, p[1], (long)slot)));
	say("where it cannot %s", result(compare(KCMP_EPOLL_TFD, p[0], (long)nowhere())));
	say("no such %s", result(compare(99, (long)slot, (long)slot)));
	free(slot);
}

static long key(int what, long a, const void *b, const void *c, long d)
{
	return syscall(SYS_keyctl, what, a, b, c, d);
}

static void keys(void)
{
	char *type = strcpy(block(8), "user"), *name = strcpy(block(40), "a key of conform"),
	     *data = block(300);
	long own = KEY_SPEC_PROCESS_KEYRING, id;

	memset(data, 'd', 200);
	id = syscall(SYS_add_key, type, name, data, 200, own);
	say("there %d", id > 0);
	say("search %d", key(KEYCTL_SEARCH, own, type, name, 0) == id);
	say("request %d", syscall(SYS_request_key, type, name, NULL, own) == id);
	say("update %s", result(key(KEYCTL_UPDATE, id, data, (void *)100, 0)));
	memset(data, 0, 300);
	say("length %s", result(key(KEYCTL_READ, id, NULL, NULL, 0)));
	say("read %s", result(key(KEYCTL_READ, id, data, (void *)300, 0)));
	say("first %d, last %d, behind it %d", data[0], data[99], data[100]);
	say("too small %s", result(key(KEYCTL_READ, id, data, (void *)10, 0)));
	say("describe %d",
		key(KEYCTL_DESCRIBE, id, data, (void *)300, 0) > 0 && strstr(data, name));
	say("restrict %s", result(key(KEYCTL_RESTRICT_KEYRING, id, type, name, 0)));
	say("capabilities %d", syscall(SYS_keyctl, KEYCTL_CAPABILITIES, data, 2) > 0);
	say("no numbers %s", result(syscall(SYS_keyctl, KEYCTL_DH_COMPUTE, data, data, 300, NULL)));
	say("no name %s", result(key(KEYCTL_SEARCH, own, type, nowhere(), 0)));
	say("no data %s", result(syscall(SYS_add_key, type, name, nowhere(), 200, own)));
	say("where it cannot %s", result(key(KEYCTL_DESCRIBE, id, nowhere(), (void *)300, 0)));
	say("revoke %s", result(key(KEYCTL_REVOKE, id, NULL, NULL, 0)));
	say("revoked %s", result(key(KEYCTL_READ, id, data, (void *)300, 0)));
	free(type);
	free(name);
	free(data);
}

static void identities(void)
{
	gid_t *g = block(100 * sizeof(*g));
	uid_t *id = block(3 * sizeof(*id));
	struct __user_cap_header_struct *h = block(sizeof(*h));
	struct __user_cap_data_struct *c = block(2 * sizeof(*c));
	int n = getgroups(0, NULL);

	say("groups %d", n == getgroups(100, g));
	for (int i = 0; i < 100; i++)
		g[i] = (gid_t)(1000 - i);
	say("set %s", result(setgroups(100, g)));
	say("into too few %s", result(getgroups(getgroups(0, NULL) - 1, g)));
	say("fewer than none %s", result(syscall(SYS_getgroups, -1, g)));
	say("too many %s", result(setgroups(1 << 20, g)));
	say("where it cannot %s", result(syscall(SYS_getgroups, 100, nowhere())));
	say("users %s", result(getresuid(&id[0], &id[1], &id[2])));
	say("equal %d", id[0] == id[1] && id[1] == id[2]);
	h->version = _LINUX_CAPABILITY_VERSION_3;
	say("rights %s", result(syscall(SYS_capget, h, c)));
	say("the same %s", result(syscall(SYS_capset, h, c)));
	h->version = 5;
	say_after(syscall(SYS_capget, h, c), "no version %s, told 0x%x", h->version);
	h->pid = 1 << 30;
	say("of nobody %s", result(syscall(SYS_capget, h, c)));
	free(g);
	free(id);
	free(h);
	free(c);
}

static void sundries(void)
{
	char *name = block(64);
	int *sig = block(sizeof(*sig));
	unsigned *cpu = block(2 * sizeof(*cpu));
	struct utsname *u = block(sizeof(*u));
	struct sysinfo *s = block(sizeof(*s));
	void **robust = block(2 * sizeof(*robust));

	say("name %s", result(prctl(PR_SET_NAME, strcpy(name, "a name much longer than fits"))));
	say_after(prctl(PR_GET_NAME, name), "get %s: %s", name);
	say("parent's death %s", result(prctl(PR_SET_PDEATHSIG, SIGUSR1)));
	say_after(prctl(PR_GET_PDEATHSIG, sig), "get %s: %d", *sig);
	say("subreaper %s", result(prctl(PR_SET_CHILD_SUBREAPER, 1)));
	say_after(prctl(PR_GET_CHILD_SUBREAPER, sig), "get %s: %d", *sig);
	say("no such %s", result(prctl(98765, name, sig, cpu, u)));
	say("where it cannot %s", result(prctl(PR_GET_PDEATHSIG, nowhere())));
	say("cpu %s", result(syscall(SYS_getcpu, &cpu[0], &cpu[1], NULL)));
	say_after(uname(u), "uname %s, %s", u->sysname);
	say_after(sysinfo(s), "sysinfo %s, %d", s->totalram > 0);
	say("random %s", result(syscall(SYS_getrandom, name, 64, 1)));
	say("robust %s", result(syscall(SYS_get_robust_list, 0, &robust[0], &robust[1])));
	say("of size %ld", (long)robust[1]);
	say("of a bad size %s", result(syscall(SYS_set_robust_list, robust[0], 1)));
	free(name);
	free(sig);
	free(cpu);
	free(u);
	free(s);
	free(robust);
}

static void *deep(void *bytes)
{
	volatile char here[2000];

	memset((char *)here, 1, sizeof(here));
	*(int *)bytes += here[100];
	return NULL;
}

/* Stacks of threads, of a signal and of a child, all from the heap, given back and used again. */
static void stacks(void)
{
	int *depth = block(sizeof(*depth)), joined = 0;
	stack_t *s = block(sizeof(*s)), *was = block(sizeof(*was));

	for (int round = 0; round < 20; round++) {
		pthread_attr_t *a = block(sizeof(*a));
		size_t size = 1 << 16;
		char *stack = NULL;
		pthread_t t;

		must(!posix_memalign((void **)&stack, 4096, size));
		must(!pthread_attr_init(a) && !pthread_attr_setstack(a, stack, size));
		must(!pthread_create(&t, a, deep, depth));
		joined += !pthread_join(t, NULL);
		must(!pthread_attr_destroy(a));
		free(stack);
		free(a);
	}
	say("%d threads, %d", joined, *depth);
	s->ss_size = 1 << 16;
	s->ss_sp = block(s->ss_size);
	say("altstack %s", result(sigaltstack(s, was)));
	handle(SIGUSR1, count, SA_ONSTACK);
	say_after(raise(SIGUSR1), "raise %s, came %d", over);
	was->ss_flags = SS_DISABLE;
	say_after(sigaltstack(was, s), "off %s, size kept %d", s->ss_size == 1 << 16);
	free(s->ss_sp);
	free(s);
	free(was);
	free(depth);
}

const struct conform_case tasks_cases[] = {
	{"tasks_affinity", affinity},
	{"tasks_attributes", attributes},
	{"tasks_limits", limits},
	{"tasks_limits_of_memory", limits_of_memory},
	{"tasks_timers", timers},
	{"tasks_sleeps", sleeps},
	{"tasks_futexes", futexes},
	{"tasks_futexes_of_many", futexes_of_many},
	{"tasks_comparisons", comparisons},
	{"tasks_keys", keys},
	{"tasks_identities", identities},
	{"tasks_sundries", sundries},
	{"tasks_stacks", stacks},
	{NULL, NULL},
};
