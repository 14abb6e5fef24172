/* places HOW: the same finding where it is harder to tell. Ends with 0 if all went its way. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile p;
static sigjmp_buf out;
static volatile int ended;

__attribute__((noinline)) static int use(void)
{
	return *(volatile int *)(p + 8);
}

static void on_segv(int sig)
{
	siglongjmp(out, 1);
}

static void on_child(int sig)
{
	ended++;
}

static void *caught(void *unused)
{
	if (!sigsetjmp(out, 1))
		use();
	return NULL;
}

static int in_thread(size_t stack)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, stack);
	return pthread_create(&t, &a, caught, NULL) || pthread_join(t, NULL);
}

static int in_child(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		caught(NULL);
		_exit(0);
	}
	return waitpid(pid, &status, 0) != pid || status;
}

/* Nobody else's child is seen, nor its end. */
static int waits(void)
{
	signal(SIGCHLD, on_child);
	caught(NULL);
	usleep(100000);
	return ended || wait(NULL) != -1 || errno != ECHILD;
}

static void limit(int what, rlim_t n)
{
	struct rlimit r = {n, n};

	setrlimit(what, &r);
}

/* Whoever makes a process is killed. */
static int filtered(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog prog = {sizeof(f) / sizeof(*f), f};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static void on_small_stack(int flags)
{
	static char small[8192];
	stack_t s = {.ss_sp = small, .ss_size = sizeof(small)};
	struct sigaction a = {.sa_handler = on_segv, .sa_flags = flags};

	sigaltstack(&s, NULL);
	sigaction(SIGSEGV, &a, NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	p = malloc(64);
	free(p);
	if (argc == 1)
		return use();
	signal(SIGSEGV, on_segv);
	if (!strcmp(how, "thread"))
		return in_thread(1 << 20);
	if (!strcmp(how, "small-stack"))
		return in_thread(16384);
	if (!strcmp(how, "child"))
		return in_child();
	if (!strcmp(how, "wait"))
		return waits();
	if (!strcmp(how, "no-stderr")) {
		close(0);
		close(1);
		close(2);
	}
	if (!strcmp(how, "fsize"))
		limit(RLIMIT_FSIZE, 0);
	if (!strcmp(how, "nofile"))
		limit(RLIMIT_NOFILE, 5);
	if (!strcmp(how, "seccomp") && filtered())
		return 2;
	if (!strcmp(how, "chroot") && chroot("."))
		return 3;
	if (!strcmp(how, "altstack"))
		on_small_stack(SA_ONSTACK);
	caught(NULL);
	return 0;
}
