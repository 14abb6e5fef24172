// What a freed block is filled with may be gone without that anybody wrote there: pages that the
// program gave back, protected or mapped anew before it freed them, or had emptied in children, and a fork's
// child in which the copy was made while other threads freed. Nothing of that is a write to a freed block.
// native: no
// profiles: deferred,adaptive,test
// not-tiny: threads that fork all the time
#include "ok.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>

extern void ud_kill_dead(void) __attribute__((weak));

#define PAGE 4096UL

static void look(void)
{
	if (ud_kill_dead)
		ud_kill_dead();
}

/* The whole pages in it; NULL: there is none. */
static char *pages_in(char *p, size_t size, size_t *n)
{
	char *first = (char *)(((uintptr_t)p + PAGE - 1) & ~(PAGE - 1));

	*n = p + size < first + PAGE ? 0 : (size_t)(p + size - first) & ~(PAGE - 1);
	return *n ? first : NULL;
}

static void change(char *at, size_t n, int how)
{
	switch (how) {
	case 0:
		check(madvise(at, n, MADV_DONTNEED) == 0);
		break;
	case 1:
		check(madvise(at, n, MADV_FREE) == 0);
		break;
	case 2:
		check(mmap(at, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			      -1, 0) == at);
		break;
	case 3: /* not by way of libc's function */
		check(syscall(SYS_madvise, at, n, MADV_DONTNEED) == 0);
		break;
	case 4:
		check(mlock(at, n) == 0 && munlock(at, n) == 0);
		break;
	case 5: /* it cannot be filled */
		check(mprotect(at, n, PROT_READ) == 0);
		break;
	case 6:
		check(mprotect(at, n, PROT_NONE) == 0);
	}
}

static void given_back(int how)
{
	static const size_t sizes[] = {4096, 5000, 9000, 16384, 30000, 60000};

	for (unsigned i = 0; i < 40 * ARRAY_N(sizes); i++) {
		size_t size = sizes[i % ARRAY_N(sizes)], n;
		char *p = i % 2 ? aligned_alloc(PAGE, size & ~(PAGE - 1)) : malloc(size);
		char *at = pages_in(p, i % 2 ? size & ~(PAGE - 1) : size, &n);

		memset(p, 1, size & ~(PAGE - 1));
		if (at)
			change(at, n, how);
		free(p);
		if (i % 100 == 99)
			look();
	}
	look();
}

/* In a fork's child they are zeros; some of them, that others may share a view with what is filled. */
static void wiped(void)
{
	pid_t pid;

	for (int i = 0; i < 50; i++) {
		char *p = aligned_alloc(PAGE, 2 * PAGE);

		memset(p, 1, 2 * PAGE);
		if (i % 3)
			check(madvise(p, 2 * PAGE, MADV_WIPEONFORK) == 0);
		free(p);
	}
	pid = fork();
	if (!pid) {
		look();
		_exit(0);
	}
	check(wait_for(pid) == 0);
}

static atomic_bool over;

static void *freer(void *arg)
{
	void *keep[64] = {0};

	for (unsigned i = 0; !over; i++) {
		free(keep[i % 64]);
		keep[i % 64] = calloc(1, 16 + i * 40 % 3000);
	}
	for (unsigned i = 0; i < 64; i++)
		free(keep[i]);
	return arg;
}

/* Copies that are made while others free. */
static void forks(void)
{
	pthread_t t[2];
	int st;

	for (int i = 0; i < 2; i++)
		check(pthread_create(&t[i], NULL, freer, NULL) == 0);
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid) {
			for (int k = 0; k < 100; k++)
				free(malloc(100));
			look();
			exit(0);
		}
		check(waitpid(pid, &st, 0) == pid && st == 0);
	}
	over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	look();
}

int main(void)
{
	wiped();
	crowd();
	wiped();
	forks();
	for (int how = 0; how < 7; how++)
		given_back(how);
	return done();
}
