// The program locks itself up after its start, in every way that sandboxes do, with filters that
// allow what libc's malloc calls and kill for anything else: malloc and free go on.
// timeout: 300
// host-only: in ring 0 a program's seccomp filter is refused (EINVAL), for it would bind the vmm
#include "ok.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ALLOW	       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL	       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define DATA(field)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)

/* Only these, from a list that ends with -1; of madvise only `advice`, if it is not negative. */
static int lock_up(const int *list, int advice, int by_prctl)
{
	struct sock_filter f[100] = {DATA(arch), IS(AUDIT_ARCH_X86_64, 1, 0), KILL, DATA(nr)};
	struct sock_fprog prog = {4, f};

	for (; *list >= 0; list++) {
		f[prog.len++] = (struct sock_filter)IS(*list, 0, 1);
		f[prog.len++] = (struct sock_filter)ALLOW;
	}
	if (advice >= 0) {
		f[prog.len++] = (struct sock_filter)IS(SYS_madvise, 0, 3);
		f[prog.len++] = (struct sock_filter)DATA(args[2]);
		f[prog.len++] = (struct sock_filter)IS(advice, 0, 1);
		f[prog.len++] = (struct sock_filter)ALLOW;
	}
	f[prog.len++] = (struct sock_filter)KILL;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return by_prctl ? prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)
			: (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static const int as_libc[] = {SYS_read, SYS_write, SYS_exit_group, SYS_brk, SYS_mmap, SYS_munmap,
	SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex, SYS_rt_sigreturn, -1};
static const int no_madvise[] = {SYS_read, SYS_write, SYS_exit_group, SYS_brk, SYS_mmap, SYS_munmap,
	SYS_mremap, SYS_mprotect, SYS_futex, -1};
static const int no_mremap[] = {SYS_read, SYS_write, SYS_exit_group, SYS_brk, SYS_mmap, SYS_munmap,
	SYS_mprotect, SYS_futex, -1};
static const int only_brk[] = {SYS_write, SYS_exit_group, SYS_brk, -1};

#define KEPT 200
static unsigned char *kept[KEPT];
static size_t length[KEPT];

/* Blocks of up to `most` bytes come and go, `live` at a time; what they hold stays. */
static int churn(int rounds, int live, size_t most)
{
	static uint64_t seed = 3;

	for (int i = 0; i < rounds; i++) {
		unsigned n = random_next(&seed) % live;
		size_t len = random_next(&seed) % most + 1;

		for (size_t j = 0; kept[n] && j < length[n]; j += 501)
			if (kept[n][j] != (unsigned char)n)
				return 0;
		if (random_next(&seed) % 8 == 0) {
			kept[n] = realloc(kept[n], len);
		} else {
			free(kept[n]);
			kept[n] = random_next(&seed) % 8 ? malloc(len) : calloc(1, len);
		}
		if (!kept[n])
			return 0;
		memset(kept[n], (int)n, len);
		length[n] = len;
	}
	return 1;
}

static int end(int good)
{
	say("%s", good ? "went on" : "not ok: wrong bytes, or none");
	return !good;
}

static int churn_locked(const int *list, int advice, int by_prctl, int rounds, size_t most)
{
	return end(churn(2000, KEPT, 3000) && !lock_up(list, advice, by_prctl) &&
		   churn(rounds, KEPT, most));
}

static int list_by_prctl(void)
{
	return churn_locked(as_libc, -1, 1, 20000, 9000);
}

static int list_by_seccomp(void)
{
	return churn_locked(as_libc, -1, 0, 4000, 300000);
}

static int one_advice(void)
{
	return churn_locked(no_madvise, MADV_DONTNEED, 0, 20000, 9000);
}

static int without_madvise(void)
{
	return churn_locked(no_madvise, -1, 1, 8000, 3000);
}

static int without_mremap(void)
{
	return churn_locked(no_mremap, -1, 1, 60000, 3000);
}

static int nothing_but_brk(void)
{
	void *p;

	if (!churn(2000, KEPT, 3000) || lock_up(only_brk, -1, 1) || !churn(40000, KEPT, 3000))
		return end(0);
	for (size_t align = 16; align <= 4096; align *= 2) {
		if (posix_memalign(&p, align, 100) || (uintptr_t)p % align)
			return end(0);
		memset(p, 1, 100);
		free(realloc(p, 1000));
	}
	return end(1);
}

static int strict(void)
{
	int good = churn(2000, 20, 1000) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) &&
		   churn(20000, 20, 1000);

	syscall(SYS_exit, end(good));
	return 1;
}

static int no_time_stamps(void)
{
	return end(churn(2000, 20, 1000) && !prctl(PR_SET_TSC, PR_TSC_SIGSEGV) &&
		   churn(20000, KEPT, 3000));
}

static int refused(void)
{
	int got = prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);

	check(got == -1 && errno == EFAULT);
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, (void *)16) == -1);
	check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, ~0U, NULL) == -1);
	return end(churn(20000, KEPT, 9000) && !failures);
}

static int from_thread_go;
static void *worker(void *arg)
{
	while (!__atomic_load_n(&from_thread_go, __ATOMIC_ACQUIRE))
		free(malloc(100));
	for (int i = 0; i < 20000; i++)
		free(malloc(100 + i % 1000));
	return arg;
}

static int other_threads(void)
{
	pthread_t t;
	int bad = pthread_create(&t, NULL, worker, NULL) || lock_up(as_libc, -1, 1);

	__atomic_store_n(&from_thread_go, 1, __ATOMIC_RELEASE);
	return end(!bad && churn(20000, KEPT, 9000));
}

static int listener;
static void *answers(void *arg)
{
	struct seccomp_notif n;
	struct seccomp_notif_resp r;

	while (!__atomic_load_n(&listener, __ATOMIC_ACQUIRE))
		sched_yield();
	for (;;) {
		memset(&n, 0, sizeof(n));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n))
			return arg;
		r = (struct seccomp_notif_resp){
			.id = n.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
}

/* A supervisor (here a thread from before the filter) is asked about each call that changes mappings. */
static int supervised(void)
{
	struct sock_filter f[] = {DATA(nr), IS(SYS_madvise, 3, 0), IS(SYS_mremap, 2, 0),
		IS(SYS_mprotect, 1, 0), ALLOW, BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
	struct sock_fprog prog = {ARRAY_N(f), f};
	pthread_t t;
	int fd;

	if (!churn(2000, KEPT, 3000) || pthread_create(&t, NULL, answers, NULL) ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return end(0);
	fd = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	__atomic_store_n(&listener, fd, __ATOMIC_RELEASE);
	return end(
		fd > 0 && churn(4000, KEPT, 9000) && !syscall(SYS_madvise, NULL, 0, MADV_NORMAL));
}

int main(void)
{
	in_child("a list, by prctl", list_by_prctl);
	in_child("a list, by seccomp", list_by_seccomp);
	in_child("one advice only", one_advice);
	in_child("without madvise", without_madvise);
	in_child("without mremap", without_mremap);
	in_child("nothing but brk", nothing_but_brk);
	in_child("strict", strict);
	in_child("no time stamps", no_time_stamps);
	in_child("refused", refused);
	in_child("other threads", other_threads);
	in_child("supervised", supervised);
	return done();
}
