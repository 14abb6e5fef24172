// Programs that close every descriptor, or look at all of them: nothing of ours may be in the way,
// and nothing of ours may be lost.
#include "ok.h"
#include <dirent.h>
#include <sys/syscall.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int still_works(void)
{
	char *p, *q;
	int i;
	pid_t pid;

	for (i = 0; i < 3000; i++) {
		p = malloc(i * 31 % 9000);
		q = realloc(malloc(100), i * 100 % 400000 + 1);
		memset(q, 1, i * 100 % 400000 + 1);
		free(p);
		free(q);
	}
	p = malloc(3000);
	memset(p, 'p', 3000);
	pid = fork();
	if (!pid)
		_exit(p[2999] == 'p' ? 0 : 1);
	i = wait_for(pid);
	free(p);
	return i;
}

static int close_loop(void)
{
	int fd;

	for (fd = 3; fd < 20000; fd++)
		close(fd);
	return still_works();
}

static int close_all_from(void)
{
	closefrom(3);
	return still_works();
}

static int close_range_raw(void)
{
	syscall(SYS_close_range, 3, ~0U, 0);
	return still_works();
}

static int close_proc(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while ((e = readdir(d)))
		if (atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(d))
			close(atoi(e->d_name));
	closedir(d);
	return still_works();
}

static int lowest(void)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY);

	say("descriptors %d %d", a, b);
	free(malloc(5000000));
	close(a);
	say("again %d", open("/dev/null", O_RDONLY));
	return still_works();
}

static int dup_over(void)
{
	int fd, n = open("/dev/zero", O_RDONLY);
	char c = 5;

	for (fd = 3; fd < 1200; fd++)
		if (fd != n)
			dup2(n, fd);
	for (fd = 3; fd < 1200; fd++)
		if (read(fd, &c, 1) != 1 || c != 0)
			return 9;
	return still_works();
}

static int few_allowed(void)
{
	struct rlimit few = {10, 10};

	setrlimit(RLIMIT_NOFILE, &few);
	return still_works();
}

static int none_allowed(void)
{
	struct rlimit none = {0, 0};
	char *p;
	int i;

	setrlimit(RLIMIT_NOFILE, &none);
	for (i = 0; i < 3000; i++) {
		p = malloc(i * 31 % 90000);
		memset(p, 1, i * 31 % 90000);
		free(p);
	}
	return 0;
}

static int no_standard(void)
{
	int st;

	close(0);
	close(1);
	close(2);
	st = still_works();
	return st || open("/dev/null", O_RDWR) != 0;
}

int main(void)
{
	in_child("close loop", close_loop);
	in_child("closefrom", close_all_from);
	in_child("close_range", close_range_raw);
	in_child("close /proc/self/fd", close_proc);
	in_child("lowest", lowest);
	in_child("dup2 over all", dup_over);
	in_child("ten allowed", few_allowed);
	in_child("none allowed", none_allowed);
	in_child("no standard ones", no_standard);
	return done();
}
