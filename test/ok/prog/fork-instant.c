// A fork's child has its blocks as they were at one instant: never a later store of another thread without an
// earlier one, whether the thread or the kernel stored it. And a fork waits for nobody whom it made wait.
// also: strict,deferred
#include "ok.h"
#include <stdatomic.h>
#include <sys/syscall.h>

#define ROUNDS 40

static volatile long *first, *last;
static atomic_int stop;
static int from[2];

/* What the library needs for it: a system's users may not have it, and then the order is not kept. */
static int may_wait(void)
{
	char status[8192] = "";
	int fd = open("/proc/self/status", O_RDONLY);

	if (read(fd, status, sizeof(status) - 1) < 0 || strstr(status, "Seccomp:\t2"))
		return 0;
	close(fd);
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* In order: the kernel stores the first, this thread the other. */
static void *stores(void *arg)
{
	for (long i = 1; !stop; i++) {
		if (write(from[1], &i, sizeof(i)) != sizeof(i) ||
			read(from[0], (void *)first, sizeof(i)) != sizeof(i))
			check(0);
		__sync_synchronize();
		*last = i;
		__sync_synchronize();
	}
	return NULL;
}

static int in_order(void)
{
	return *last <= *first;
}

static void forks(int ordered)
{
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(ordered && !in_order());
		check(pid > 0 && wait_for(pid) == 0);
	}
}

int main(void)
{
	int ordered = may_wait();
	pthread_t t;

	crowd();
	first = calloc(1, sizeof(*first));
	for (int i = 0; i < 1000; i++)
		check(malloc(2000) != NULL);
	last = calloc(1, 500);
	check(pipe(from) == 0 && pthread_create(&t, NULL, stores, NULL) == 0);
	while (!*last)
		sched_yield();
	forks(ordered);
	stop = 1;
	pthread_join(t, NULL);
	return done();
}
