/* time.c - conformance: clocks by the vDSO and by system call, sleeping, the old vsyscall page. */
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>
#include <x86intrin.h>

#include "conform.h"

static int64_t ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000l + t->tv_nsec;
}

static int64_t by_vdso(clockid_t c)
{
	struct timespec t;

	must(!clock_gettime(c, &t));
	return ns(&t);
}

static int64_t by_syscall(clockid_t c)
{
	struct timespec t;

	must(!syscall(SYS_clock_gettime, c, &t));
	return ns(&t);
}

/* Readings by the two ways, taken in turn, never go backwards, nor run ahead of a clock that is read around them. */
static void time_vdso(void)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW};

	say("vDSO %d", !!getauxval(AT_SYSINFO_EHDR));
	for (int c = 0; c < 4; c++) {
		int64_t around = by_syscall(CLOCK_MONOTONIC), back = 0;
		int64_t last = by_syscall(clocks[c]), first = last;

		for (int i = 0; i < 2000; i++) {
			int64_t v = by_vdso(clocks[c]), s = by_syscall(clocks[c]);

			if (v < last || s < v)
				back++;
			last = s;
		}
		around = by_syscall(CLOCK_MONOTONIC) - around;
		say("clock %d: backwards %ld times, sane %d", clocks[c], (long)back,
			last - first < around + 1000000000l);
	}
}

/* The others lie between two readings, however late the second is; coarse ones lag behind. */
static void time_coarse(void)
{
	struct timespec r;
	struct timeval tv;
	int64_t before = by_vdso(CLOCK_REALTIME), coarse = by_vdso(CLOCK_REALTIME_COARSE);
	int64_t seconds = time(NULL);

	gettimeofday(&tv, NULL);
	int64_t after = by_vdso(CLOCK_REALTIME), us = tv.tv_sec * 1000000l + tv.tv_usec;

	say("coarse near fine %d", before - coarse < 1000000000 && coarse <= after);
	say("gettimeofday near %d", before / 1000 <= us && us <= after / 1000);
	say("time near %d", before / 1000000000 - seconds <= 1 && seconds <= after / 1000000000);
	say("resolution %d", clock_getres(CLOCK_MONOTONIC, &r));
	say("%ld ns", (long)r.tv_nsec);
	say("no such clock %s", result(clock_gettime(77, &r)));
}

static void *turns(void *shared)
{
	int64_t *last = shared;
	long back = 0;

	for (int i = 0; i < 3000; i++) {
		int64_t seen = __atomic_load_n(last, __ATOMIC_SEQ_CST),
			now = by_vdso(CLOCK_MONOTONIC);

		back += now < seen;
		while (seen < now && !__atomic_compare_exchange_n(last, &seen, now, 0,
					     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
	}
	return (void *)back;
}

static void time_threads(void)
{
	static int64_t last;
	pthread_t t[4];
	void *back;
	long all = 0;

	for (int i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, turns, &last));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &back);
		all += (long)back;
	}
	say("backwards between threads %ld times", all);
}

static void time_sleep(void)
{
	int64_t t0 = by_vdso(CLOCK_MONOTONIC);

	say("nanosleep %d", nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL));
	int64_t t1 = by_vdso(CLOCK_MONOTONIC);

	say("long enough %d, not absurd %d", t1 - t0 >= 30000000, t1 - t0 < 20000000000l);
	struct timespec until = {
		.tv_sec = (t1 + 20000000) / 1000000000, .tv_nsec = (t1 + 20000000) % 1000000000};

	say("absolute %d", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL));
	say("reached %d", by_vdso(CLOCK_MONOTONIC) >= ns(&until));
	say("bad %s", result(nanosleep(&(struct timespec){.tv_nsec = 2000000000}, NULL)));
}

static void time_tsc(void)
{
	uint64_t last = __rdtsc();
	long back = 0;
	unsigned aux;

	for (int i = 0; i < 5000; i++) {
		uint64_t t = i & 1 ? __rdtsc() : __rdtscp(&aux);

		back += t < last;
		last = t;
		if (i % 100 == 0)
			getppid();
	}
	say("backwards %ld times", back);
}

static void time_cpu(void)
{
	clockid_t c;
	int64_t p = by_vdso(CLOCK_PROCESS_CPUTIME_ID), t = by_vdso(CLOCK_THREAD_CPUTIME_ID);

	for (volatile int i = 0; i < 5000000; i++)
		;
	say("process %d thread %d", by_vdso(CLOCK_PROCESS_CPUTIME_ID) > p,
		by_vdso(CLOCK_THREAD_CPUTIME_ID) > t);
	must(!clock_getcpuclockid(getpid(), &c));
	say("by pid %d", by_vdso(c) > p);
	say("clock() %d", clock() > 0);
}

static void vsyscall_time(void *unused)
{
	long before = time(NULL), t = ((long (*)(long *))0xffffffffff600400)(NULL);

	say("vsyscall time near %d", before - 1 <= t && t <= time(NULL) + 1);
}

static void time_vsyscall(void)
{
	struct fault f;

	if (fault_try(vsyscall_time, NULL, &f))
		say("%s %d at it %d", sigabbrev_np(f.sig), f.code, f.addr == 0xffffffffff600400);
}

const struct conform_case time_cases[] = {
	{"time_vdso", time_vdso},
	{"time_coarse", time_coarse},
	{"time_threads", time_threads},
	{"time_sleep", time_sleep},
	{"time_tsc", time_tsc},
	{"time_cpu", time_cpu},
	{"time_vsyscall", time_vsyscall},
	{NULL, NULL},
};
