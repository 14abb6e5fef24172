/* api.c - include/undangle.h from a program's side; exits 0 or says what is wrong. */
#include "undangle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int bad;

#define WANT(cond)                                                           \
	do {                                                                 \
		if (!(cond))                                                 \
			bad = printf("api: line %d: %s\n", __LINE__, #cond); \
	} while (0)

/* Not by write(2): a dead alias given to a system call is a finding. */
static int readable(char *p)
{
	char byte;
	struct iovec to = {&byte, 1}, from = {p, 1};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

/* Smaller blocks share what dies together. */
static size_t grouped_below(void)
{
	return strstr(getenv("UNDANGLE_OPTIONS"), "grouped") ? 4096 : 0;
}

static void one(size_t size)
{
	char *volatile p = malloc(size), text[400] = "";
	size_t got = 0;
	int fd[2];

	p[0] = 1;
	WANT(!ud_is_dead(p) && !ud_is_dead(p + size - 1));
	WANT(ud_block(p + size / 2, &got) == p);
	WANT(got >= size);
	free(p);
	WANT(ud_is_dead(p) && ud_is_dead(p + size - 1));
	WANT(!ud_block(p, &got));
	ud_kill_dead();
	/* In groups, neighbours that were never handed out keep the page. */
	WANT(!readable(p) || size < grouped_below());
	if (pipe(fd))
		exit(1);
	ud_dump(fd[1], p);
	WANT(read(fd[0], text, sizeof(text) - 1) > 0 && strstr(text, "dead"));
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	size_t n;
	int local;

	for (size_t size = 16; size < 10000000; size = size * 3 + 5)
		one(size);
	WANT(!ud_is_dead(&local) && !ud_block(&local, &n));
	WANT(!ud_is_dead(NULL) && !ud_is_dead((void *)-1L));
	ud_stats(STDERR_FILENO);
	puts(bad ? "api: bad" : "api: ok");
	return bad != 0;
}
