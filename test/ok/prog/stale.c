// What a stale pointer can do where death may come late (deferred, grouped): it sees the old object,
// what that is filled with, or faults; it never sees, or changes, another live block.
// native: no
// profiles: adaptive,production
// findings: yes
// options: no-symbolize
// timeout: 90
// not-tiny: not tried: three modes, two million allocations
#include "ok.h"

#define LIVE 3000

static unsigned char *live[LIVE];
static const size_t sizes[] = {16, 40, 100, 300, 1000, 3000, 6000, 40000, 150000};

/* Many blocks of the same size come and go and fill whatever was freed. */
static void press(size_t size, int rounds)
{
	int n = size > 20000 ? 60 : LIVE;

	while (rounds--)
		for (int i = 0; i < n; i++) {
			free(live[i]);
			live[i] = malloc(size);
			memset(live[i], i | 1, size);
		}
}

static int all_intact(size_t size)
{
	int n = size > 20000 ? 60 : LIVE;

	for (int i = 0; i < n; i++)
		for (size_t j = 0; j < size; j++)
			if (live[i][j] != (unsigned char)(i | 1))
				return 0;
	return 1;
}

/* What a freed block is filled with: each word says where it lies. */
static int is_poison(const volatile unsigned char *p)
{
	unsigned long at = (unsigned long)p, w = 0xd1edUL << 48 | (at & ~7UL) | 1;

	return *p == (w >> at % 8 * 8 & 0xff);
}

/* In a child: 0 the old object was seen, SIGSEGV it was dead; anything else is wrong. */
static int stale_read(size_t size, int rounds)
{
	volatile unsigned char *p = malloc(size), *q = malloc(size);

	memset((void *)p, 0xa4, size);
	HIDE(p); /* the bytes are looked at after free: no dead stores */
	free((void *)p);
	free((void *)q);
	press(size, rounds);
	for (size_t j = 0; j < size; j++)
		if (p[j] != 0xa4 && j >= 16 && !is_poison(&p[j]))
			return 3;
	return 0;
}

static int stale_write(size_t size, int rounds)
{
	volatile unsigned char *p = malloc(size);

	memset((void *)p, 0xa4, size);
	HIDE(p); /* the bytes are looked at after free: no dead stores */
	free((void *)p);
	press(size, rounds);
	for (size_t j = 0; j < size; j++)
		p[j] = 0xee;
	return all_intact(size) ? 0 : 4;
}

int main(void)
{
	for (unsigned i = 0; i < ARRAY_N(sizes); i++)
		for (int rounds = 1; rounds <= 8; rounds *= 2)
			for (int write = 0; write < 2; write++) {
				pid_t pid = fork();
				int st;

				if (!pid)
					_exit(write ? stale_write(sizes[i], rounds)
						    : stale_read(sizes[i], rounds));
				st = wait_for(pid);
				if (!(WIFEXITED(st) && !WEXITSTATUS(st)) &&
					!(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV)) {
					say("size %zu rounds %d write %d", sizes[i], rounds, write);
					say_end("child", st);
					failures++;
				}
			}
	return done();
}
