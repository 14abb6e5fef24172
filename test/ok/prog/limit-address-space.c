// `ulimit -v`: malloc says NULL and ENOMEM at the limit, never ends the process, and works again
// when memory was freed. Set both before the program starts and while it runs.
// timeout: 90
// native: no
// host-only: the page pool and the windows of ring 0 leave no 100 MB of 600
#include "ok.h"

static void *held[200000];

static int until_null(size_t size)
{
	int n = 0, i;

	errno = 0;
	while (n < 200000 && (held[n] = malloc(size))) {
		memset(held[n], n, size < 64 ? size : 64);
		n++;
	}
	check(n == 200000 || errno == ENOMEM);
	for (i = 0; i < n; i++) {
		check(((unsigned char *)held[i])[0] == (unsigned char)i);
		free(held[i]);
	}
	return n;
}

static void all_sizes(void)
{
	static const size_t size[] = {100000000, 1000000, 100000, 5000, 100};
	unsigned i;
	int n;

	for (i = 0; i < ARRAY_N(size); i++) {
		n = until_null(size[i]);
		check(n > 0);
		check(until_null(size[i]) * 2 >= n);
	}
}

int main(int argc, char **argv)
{
	struct rlimit r;

	if (argc > 1) {
		check(malloc(1UL << 40) == NULL && errno == ENOMEM);
		all_sizes();
		return failures != 0;
	}
	getrlimit(RLIMIT_AS, &r);
	r.rlim_cur = 600UL << 20;
	if (!fork()) {
		setrlimit(RLIMIT_AS, &r);
		execl(argv[0], argv[0], "limited", (char *)NULL);
		_exit(9);
	}
	wait(&argc);
	say_end("before start", argc);
	check(argc == 0);
	/* While it runs, the limit is below what is mapped already: nothing new can be had, but
	 * what is live stays, and free works. */
	for (argc = 0; argc < 1000; argc++)
		memset(held[argc] = malloc(500), argc, 500);
	setrlimit(RLIMIT_AS, &r);
	check(malloc(1UL << 40) == NULL && errno == ENOMEM);
	for (argc = 0; argc < 1000; argc++) {
		check(((unsigned char *)held[argc])[499] == (unsigned char)argc);
		free(held[argc]);
	}
	return done();
}
