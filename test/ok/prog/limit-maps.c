// Near vm.max_map_count: the program itself uses up most mappings, then one block in 512 is
// immortal. It must get through, with every byte in place, and what is dead must be dead: a block
// freed before the limit at once, one freed behind it when its neighbours are (until then it may
// be read, but only its own bytes are there).
// timeout: 120
// profiles: strict,production
// full-timeout: 900
// native: no
// findings: yes
// not-tiny: not tried: a million and a half allocations; nothing is mapped per alias in ring 0
#include "ok.h"

extern void ud_kill_dead(void) __attribute__((weak));

static unsigned char *immortal[200000];

static long map_limit(void)
{
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");
	long n = 65530;

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = 65530;
		fclose(f);
	}
	return n;
}

/* Every page with another protection than its neighbours is a mapping. */
static void maps_take(long n)
{
	char *p = mmap(NULL, n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long i;

	for (i = 0; i < n; i += 2)
		if (mprotect(p + i * 4096, 4096, PROT_READ))
			break;
	say("took mappings: %s", i >= n - 2000 ? "most" : "few");
}

/* How a child ends that reads p: 0 if it finds `own` there, or what freed blocks are filled with; else 1. */
static int read_in_child(unsigned char *p, unsigned char own)
{
	pid_t pid = fork();

	HIDE(p);
	if (!pid)
		_exit(*p != own && *p != (((uintptr_t)p & 0xf8) | 1));
	return wait_for(pid);
}

static int is_fault(int st)
{
	return WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV;
}

static unsigned char *freed_block(unsigned char own)
{
	unsigned char *p = malloc(48);

	memset(p, own, 48);
	HIDE(p); /* or the compiler leaves out the memset */
	free(p);
	HIDE(p);
	return p;
}

int main(void)
{
	const char *size = getenv("SIZE");
	long total = size && !strcmp(size, "full") ? 50000000 : 1500000, i, n = 0;
	long keep = map_limit() - 3000;
	unsigned char *p, *before = freed_block(0x11), *behind;
	uint64_t s = 3;
	int st;

	if (keep > 0)
		maps_take(keep);
	for (i = 0; i < total; i++) {
		size_t len = 16 + random_next(&s) % 16 * 16;

		p = malloc(len);
		if (!p)
			break;
		p[0] = i, p[len - 1] = i >> 8;
		if (i % 512 == 0 && n < 200000) {
			p[1] = n;
			immortal[n++] = p;
		} else {
			free(p);
		}
	}
	check(i == total);
	behind = freed_block(0x22);
	if (ud_kill_dead)
		ud_kill_dead();
	check(is_fault(read_in_child(before, 0x11)));
	st = read_in_child(behind, 0x22);
	check(is_fault(st) || st == 0);
	for (i = 0; i < n; i++) {
		check(immortal[i][1] == (unsigned char)i);
		free(immortal[i]);
	}
	/* The rest of its page is used up, and dies. */
	for (i = 0; i < 200; i++)
		freed_block(0x33);
	if (ud_kill_dead)
		ud_kill_dead();
	check(is_fault(read_in_child(behind, 0x22)));
	check((p = malloc(100)) != NULL);
	free(p);
	return done();
}
