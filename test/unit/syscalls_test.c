// sources: src/kvm/translate.c src/base/calls.c
/*
 * The table itself: complete against the installed header, no row names another's number, and
 * what arguments point to is as large as libc's own structures, or as the argument that counts.
 */
#include "unit.h"
#include "kvm/translate.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <utime.h>

#define HEADER "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

static void every_number_has_its_row(void)
{
	char line[200], name[100];
	int nr, seen = 0;
	FILE *f = fopen(HEADER, "r");

	CHECK(f != NULL);
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define __NR_%99s %d", name, &nr) != 2)
			continue;
		seen++;
		if (!xlate_name(nr) || strcmp(xlate_name(nr), name)) {
			printf("# %d is %s, the table says %s\n", nr, name,
				xlate_name(nr) ? xlate_name(nr) : "nothing");
			CHECK(0);
		}
	}
	CHECK(seen >= 360);
	if (f)
		fclose(f);
}

static void names_are_unique(void)
{
	long a, b;

	for (a = 0; a < 500; a++)
		for (b = a + 1; xlate_name(a) && b < 500; b++)
			CHECK(!xlate_name(b) || strcmp(xlate_name(a), xlate_name(b)));
}

static void outside_the_table(void)
{
	CHECK(!xlate_name(-1));
	CHECK(!xlate_name(400));
	CHECK(!xlate_name(1L << 40));
}

#define ALIAS 0x100000000000UL
#define COUNT 40

static unsigned char memory[4096], scratch[1 << 16];
static size_t asked;

static void lookup(void *ctx, vaddr_t va, size_t len, struct xlate_hit *h)
{
	h->kind = va == ALIAS ? XLATE_LIVE : XLATE_PLAIN;
	h->canon = vaddr_of(memory);
	h->len = len;
	if (va == ALIAS)
		asked = MAX(asked, len);
}

static long copy_in(void *ctx, void *dst, vaddr_t src, size_t n)
{
	memcpy(dst, vaddr_ptr(src), n);
	return 0;
}

static long copy_out(void *ctx, vaddr_t dst, const void *src, size_t n)
{
	return 0;
}

static const struct xlate_ops ops = {lookup, copy_in, copy_out};

/* For how many bytes at argument `arg` does call nr ask, if argument `by` is COUNT? */
static size_t bytes_at(long nr, int arg, int by)
{
	struct xlate x = {.ops = &ops, .scratch = scratch, .scratch_size = sizeof(scratch)};
	uint64_t args[6] = {0};

	args[arg - 1] = ALIAS;
	if (by)
		args[by - 1] = COUNT;
	asked = 0;
	CHECK_EQ(xlate_before(&x, nr, args), XLATE_CALL);
	CHECK(x.args[arg - 1] != ALIAS);
	return asked;
}

static const struct fixed {
	short nr, arg;
	size_t bytes;
} fixed[] = {
	{SYS_stat, 2, sizeof(struct stat)},
	{SYS_fstat, 2, sizeof(struct stat)},
	{SYS_lstat, 2, sizeof(struct stat)},
	{SYS_newfstatat, 3, sizeof(struct stat)},
	{SYS_statx, 5, sizeof(struct statx)},
	{SYS_statfs, 2, sizeof(struct statfs)},
	{SYS_fstatfs, 2, sizeof(struct statfs)},
	{SYS_uname, 1, 6 * 65},
	{SYS_sysinfo, 1, sizeof(struct sysinfo)},
	{SYS_times, 1, sizeof(struct tms)},
	{SYS_time, 1, sizeof(time_t)},
	{SYS_getrusage, 2, sizeof(struct rusage)},
	{SYS_wait4, 2, sizeof(int)},
	{SYS_wait4, 4, sizeof(struct rusage)},
	{SYS_waitid, 3, 128},
	{SYS_waitid, 5, sizeof(struct rusage)},
	{SYS_nanosleep, 1, sizeof(struct timespec)},
	{SYS_nanosleep, 2, sizeof(struct timespec)},
	{SYS_clock_gettime, 2, sizeof(struct timespec)},
	{SYS_clock_getres, 2, sizeof(struct timespec)},
	{SYS_clock_settime, 2, sizeof(struct timespec)},
	{SYS_clock_nanosleep, 3, sizeof(struct timespec)},
	{SYS_clock_nanosleep, 4, sizeof(struct timespec)},
	{SYS_gettimeofday, 1, sizeof(struct timeval)},
	{SYS_gettimeofday, 2, sizeof(struct timezone)},
	{SYS_getitimer, 2, sizeof(struct itimerval)},
	{SYS_setitimer, 2, sizeof(struct itimerval)},
	{SYS_setitimer, 3, sizeof(struct itimerval)},
	{SYS_timer_settime, 3, sizeof(struct itimerspec)},
	{SYS_timerfd_settime, 3, sizeof(struct itimerspec)},
	{SYS_timerfd_settime, 4, sizeof(struct itimerspec)},
	{SYS_timerfd_gettime, 2, sizeof(struct itimerspec)},
	{SYS_adjtimex, 1, sizeof(struct timex)},
	{SYS_getrlimit, 2, sizeof(struct rlimit)},
	{SYS_setrlimit, 2, sizeof(struct rlimit)},
	{SYS_prlimit64, 3, sizeof(struct rlimit)},
	{SYS_prlimit64, 4, sizeof(struct rlimit)},
	{SYS_pipe, 1, 2 * sizeof(int)},
	{SYS_pipe2, 1, 2 * sizeof(int)},
	{SYS_socketpair, 4, 2 * sizeof(int)},
	{SYS_rt_sigaction, 2, 32},
	{SYS_rt_sigaction, 3, 32},
	{SYS_rt_sigtimedwait, 2, 128},
	{SYS_rt_sigtimedwait, 3, sizeof(struct timespec)},
	{SYS_select, 5, sizeof(struct timeval)},
	{SYS_ppoll, 3, sizeof(struct timespec)},
	{SYS_pselect6, 5, sizeof(struct timespec)},
	{SYS_utime, 2, sizeof(struct utimbuf)},
	{SYS_utimes, 2, 2 * sizeof(struct timeval)},
	{SYS_utimensat, 3, 2 * sizeof(struct timespec)},
	{SYS_getresuid, 1, sizeof(uid_t)},
	{SYS_getresuid, 2, sizeof(uid_t)},
	{SYS_getresgid, 3, sizeof(gid_t)},
	{SYS_getcpu, 1, sizeof(unsigned)},
	{SYS_getcpu, 2, sizeof(unsigned)},
	{SYS_sendfile, 3, sizeof(off_t)},
	{SYS_splice, 2, sizeof(loff_t)},
	{SYS_splice, 4, sizeof(loff_t)},
	{SYS_copy_file_range, 2, sizeof(loff_t)},
	{SYS_sched_rr_get_interval, 2, sizeof(struct timespec)},
	{SYS_set_robust_list, 1, 24},
};

static const struct counted {
	short nr, arg, by;
	size_t each;
} counted[] = {
	{SYS_read, 2, 3, 1},
	{SYS_write, 2, 3, 1},
	{SYS_pread64, 2, 3, 1},
	{SYS_pwrite64, 2, 3, 1},
	{SYS_getcwd, 1, 2, 1},
	{SYS_readlink, 2, 3, 1},
	{SYS_readlinkat, 3, 4, 1},
	{SYS_getdents, 2, 3, 1},
	{SYS_getdents64, 2, 3, 1},
	{SYS_getrandom, 1, 2, 1},
	{SYS_sendto, 2, 3, 1},
	{SYS_sendto, 5, 6, 1},
	{SYS_recvfrom, 2, 3, 1},
	{SYS_bind, 2, 3, 1},
	{SYS_connect, 2, 3, 1},
	{SYS_poll, 1, 2, 8},
	{SYS_ppoll, 1, 2, 8},
	{SYS_epoll_wait, 2, 3, sizeof(struct epoll_event)},
	{SYS_epoll_pwait, 2, 3, sizeof(struct epoll_event)},
	{SYS_readv, 2, 3, 16},
	{SYS_writev, 2, 3, 16},
	{SYS_preadv, 2, 3, 16},
	{SYS_getgroups, 2, 1, sizeof(gid_t)},
	{SYS_setgroups, 2, 1, sizeof(gid_t)},
	{SYS_getxattr, 3, 4, 1},
	{SYS_setxattr, 3, 4, 1},
	{SYS_listxattr, 2, 3, 1},
	{SYS_rt_sigprocmask, 2, 4, 1},
	{SYS_rt_sigprocmask, 3, 4, 1},
	{SYS_rt_sigpending, 1, 2, 1},
	{SYS_rt_sigsuspend, 1, 2, 1},
	{SYS_sched_getaffinity, 3, 2, 1},
	{SYS_setsockopt, 4, 5, 1},
	{SYS_mq_timedsend, 2, 3, 1},
	{SYS_process_madvise, 2, 3, 16},
};

static void sizes_are_those_of_the_headers(void)
{
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(fixed); i++) {
		n = bytes_at(fixed[i].nr, fixed[i].arg, 0);
		if (n != fixed[i].bytes)
			printf("# %s, argument %d\n", xlate_name(fixed[i].nr), fixed[i].arg);
		CHECK_EQ(n, fixed[i].bytes);
	}
	for (i = 0; i < ARRAY_LEN(counted); i++) {
		n = bytes_at(counted[i].nr, counted[i].arg, counted[i].by);
		if (n != COUNT * counted[i].each)
			printf("# %s, argument %d\n", xlate_name(counted[i].nr), counted[i].arg);
		CHECK_EQ(n, COUNT * counted[i].each);
	}
}

int main(void)
{
	RUN(sizes_are_those_of_the_headers);
	RUN(every_number_has_its_row);
	RUN(names_are_unique);
	RUN(outside_the_table);
	return UNIT_END();
}
