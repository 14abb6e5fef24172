// mallinfo and malloc_info tell live and free bytes that are true; aligned_alloc is that of the libc which runs.
// host-only: there the malloc underneath answers, whose dead blocks come back to it later
#include "ok.h"
#include <malloc.h>

#define BLOCKS 3000
/* A heap keeps a thread's last few blocks as it likes. */
#define FEW    (64 << 10)

static char *block[BLOCKS];

static size_t live_now(void)
{
	struct mallinfo2 m = mallinfo2();

	check(m.uordblks + m.fordblks == m.arena);
	return m.uordblks + m.hblkhd;
}

static int about(size_t is, size_t want)
{
	if (is >= want && is <= want + want / 2 + FEW)
		return 1;
	printf("%zu bytes and not about %zu\n", is, want);
	return 0;
}

static void sizes(size_t size, int n)
{
	size_t before = live_now(), all = size * (size_t)n;

	for (int i = 0; i < n; i++) {
		block[i] = malloc(size);
		memset(block[i], 1, size);
	}
	check(about(live_now() - before, all));
	for (int i = 0; i < n; i += 2)
		free(block[i]);
	check(about(live_now() - before, all / 2));
	for (int i = 1; i < n; i += 2)
		free(block[i]);
	check(live_now() <= before + FEW);
}

static void *other(void *arg)
{
	sizes(100, BLOCKS);
	return arg;
}

static void text(void)
{
	char *s = NULL, *at;
	size_t n, size = 0, live, count = 0;
	FILE *f = open_memstream(&s, &n);
	void *large = malloc(8 << 20);

	memset(large, 1, 8 << 20);
	check(malloc_info(0, f) == 0);
	fclose(f);
	at = strstr(s, "type=\"mmap\"");
	check(at && sscanf(at, "type=\"mmap\" count=\"%zu\" size=\"%zu\"", &count, &size) == 2);
	check(count >= 1 && size >= 8 << 20);
	live = live_now();
	free(large);
	check(about(live - live_now(), 8 << 20));
	free(s);
	check(malloc_info(1, stdout) == EINVAL);
}

/* Natively, too; and the answers are compared. */
static void alignments(void)
{
	static const size_t odd[] = {0, 3, 24, 48, 5000, SIZE_MAX / 2 + 2};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		size_t a = odd[i];
		void *p;

		HIDE(a);
		errno = 0;
		p = aligned_alloc(a, 100);
		printf("aligned_alloc(%zu): %s, errno %d\n", a, p ? "a block" : "NULL", errno);
		for (size_t up = 16; p && a < 8192 && up < a * 2; up *= 2)
			check((uintptr_t)p % up == 0);
		free(p);
	}
}

int main(void)
{
	static const size_t size[] = {24, 100, 1000, 4000, 9000, 100000};
	pthread_t t;

	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++)
		sizes(size[i], size[i] > 20000 ? 100 : BLOCKS);
	pthread_create(&t, NULL, other, NULL);
	pthread_join(t, NULL);
	text();
	alignments();
	return done();
}
