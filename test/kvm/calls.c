/*
 * calls.c - system calls that reach into a block by ways of their own: the same result natively and
 * on the kvm backend (test/vm/list.d/kvm.list runs both).
 */
#include <errno.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int bad;

static void expect(const char *what, long want, long got)
{
	if (want != got)
		printf("%s: expected %ld, got %ld\n", what, want, got);
	bad += want != got;
}

static pthread_mutex_t *robust_new(int shared)
{
	pthread_mutex_t *m = shared ? mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					      MAP_SHARED | MAP_ANONYMOUS, -1, 0)
				    : malloc(sizeof(*m));
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE);
	pthread_mutex_init(m, &a);
	return m;
}

static pthread_mutex_t *held[5];
static pthread_barrier_t locked;

static void *dies_holding(void *arg)
{
	for (int i = 0; i < 5; i++)
		pthread_mutex_lock(held[i]);
	pthread_barrier_wait(&locked);
	usleep(100000); /* the main thread waits in the kernel by now, most likely */
	return NULL;
}

/* A thread dies with mutexes in blocks: the next owner is told, and who waits is woken. */
static void robust_thread(void)
{
	pthread_t t;

	pthread_barrier_init(&locked, NULL, 2);
	for (int i = 0; i < 5; i++)
		held[i] = robust_new(i == 3);
	pthread_create(&t, NULL, dies_holding, NULL);
	pthread_barrier_wait(&locked);
	for (int i = 0; i < 5; i++) {
		expect("robust lock", EOWNERDEAD, pthread_mutex_lock(held[i]));
		expect("consistent", 0, pthread_mutex_consistent(held[i]));
		expect("unlock", 0, pthread_mutex_unlock(held[i]));
		expect("lock again", 0, pthread_mutex_lock(held[i]));
		pthread_mutex_unlock(held[i]);
	}
	pthread_join(t, NULL);
}

/* A process ends with one in a block and one in shared memory, in either order of the list. */
static void robust_process(int how)
{
	pthread_mutex_t *shared = robust_new(1), *own = robust_new(0);
	pid_t pid = fork();

	if (!pid) {
		pthread_mutex_lock(how & 1 ? own : shared);
		pthread_mutex_lock(how & 1 ? shared : own);
		if (how & 2)
			abort();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	expect("robust process", EOWNERDEAD, pthread_mutex_lock(shared));
}

/* A list that was overwritten ends the walk, not the process. */
static void *dies_broken(void *arg)
{
	uint64_t *list = NULL, len;

	pthread_mutex_lock(arg);
	syscall(SYS_get_robust_list, 0, &list, &len);
	list[0] = 0x123456789000;
	list[2] = 0x7ffffffff001;
	return NULL;
}

static void robust_broken(void)
{
	pthread_t t;

	pthread_create(&t, NULL, dies_broken, robust_new(0));
	expect("join", 0, pthread_join(t, NULL));
}

static char outside[8] = "outside";

/* Memory of another process: what it has by plain addresses can be read; its blocks not in every
 * case. */
static void other_process(void)
{
	char *block = strcpy(malloc(64), "inside"), got[8] = "";
	struct iovec to = {got, 7}, from = {block, 7};
	pid_t pid;
	long r;

	expect("own block", 7, process_vm_readv(getpid(), &to, 1, &from, 1, 0));
	expect("own block's bytes", 0, strcmp(got, "inside"));
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	from.iov_base = outside;
	expect("child's variable", 7, process_vm_readv(pid, &to, 1, &from, 1, 0));
	expect("its bytes", 0, strcmp(got, "outside"));
	from.iov_base = block;
	r = process_vm_readv(pid, &to, 1, &from, 1, 0);
	expect("child's block", 1, r == 7 || (r == -1 && errno == EFAULT));
	r = process_vm_writev(pid, &from, 1, &from, 1, 0);
	expect("into the child's block", 1, r == 7 || (r == -1 && errno == EFAULT));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	expect("our block", 0, strcmp(block, "inside"));
}

/* Calls that read memory later: right, or refused as by a kernel that has not got them. */
static void later(void)
{
	aio_context_t ctx = 0;
	char params[120] = "";
	long r = syscall(SYS_io_setup, 1, &ctx);

	expect("io_setup", 1, r == 0 || (r == -1 && errno == ENOSYS));
	expect("aio context", r == 0, ctx != 0);
	r = syscall(SYS_io_uring_setup, 2, params);
	expect("io_uring_setup", 1, r >= 0 || (r == -1 && (errno == ENOSYS || errno == EPERM)));
}

int main(void)
{
	robust_thread();
	for (int how = 0; how < 4; how++)
		robust_process(how);
	robust_broken();
	other_process();
	later();
	puts(bad ? "bad" : "good");
	return bad != 0;
}
