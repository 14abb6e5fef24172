// The malloc family's contract: alignment, errno, zero sizes, overflow, usable size, zeroing.
// also: strict
#include "ok.h"
#include <malloc.h>
#include <obstack.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

static void sizes(void)
{
	size_t n;

	for (n = 0; n < 70000; n = n < 2100 ? n + 1 : n * 17 / 16) {
		char *p = malloc(n), *q = calloc(1, n);

		check(p && q && p != q);
		check((uintptr_t)p % 16 == 0 && (uintptr_t)q % 16 == 0);
		check(malloc_usable_size(p) >= n);
		memset(p, 0xa5, malloc_usable_size(p));
		for (size_t i = 0; i < n; i++)
			if (q[i]) {
				check(!"calloc gave a byte that is not zero");
				break;
			}
		memset(q, 0x5a, n);
		free(p);
		free(q);
	}
}

static void zero(void)
{
	void *a = malloc(0), *b = malloc(0), *c = calloc(0, 8), *d = calloc(8, 0);
	void *e = realloc(NULL, 0);

	check(a && b && c && d && e && a != b);
	free(a);
	free(b);
	free(c);
	free(d);
	errno = 77;
	check(realloc(e, 0) == NULL);
	free(NULL);
	check(errno == 77);
	check(malloc_usable_size(NULL) == 0);
}

#define FAILS(call, error)             \
	do {                           \
		errno = 0;             \
		check((call) == NULL); \
		check(errno == error); \
	} while (0)

static void too_much(void)
{
	size_t half = (size_t)PTRDIFF_MAX, big = SIZE_MAX, n = 2;
	char *p = malloc(30), *keep = p;
	void *q = &q;

	HIDE(half);
	HIDE(big);
	HIDE(n);
	strcpy(p, "still here");
	FAILS(malloc(half + 1), ENOMEM);
	FAILS(malloc(big), ENOMEM);
	FAILS(malloc(big - 4096), ENOMEM);
	FAILS(malloc(half), ENOMEM);
	FAILS(calloc(big / 2, n + 1), ENOMEM);
	FAILS(calloc(n, half), ENOMEM);
	FAILS(calloc(1UL << 32, 1UL << 32), ENOMEM);
	FAILS(realloc(p, half + 1), ENOMEM);
	FAILS(reallocarray(p, big / 2, n + 2), ENOMEM);
	FAILS(reallocarray(p, 1UL << 33, 1UL << 33), ENOMEM);
	FAILS(aligned_alloc(64, big - 64), ENOMEM);
	FAILS(memalign(4096, big - 100), ENOMEM);
	FAILS(valloc(big - 100), ENOMEM);
	FAILS(pvalloc(big - 100), ENOMEM);
	check(p == keep && !strcmp(p, "still here"));
	errno = 5;
	check(posix_memalign(&q, 64, big - 64) == ENOMEM && q == &q && errno == 5);
	check(posix_memalign(&q, 3, 10) == EINVAL && q == &q);
	check(posix_memalign(&q, 4, 10) == EINVAL);
	check(posix_memalign(&q, 24, 10) == EINVAL);
	check(posix_memalign(&q, 0, 10) == EINVAL);
	check(posix_memalign(&q, big, 4096) == EINVAL && q == &q);
	FAILS(memalign(big, 4096), EINVAL);
	FAILS(memalign(half / 2 + 2, 4096), ENOMEM);
	free(p);
}

/*
 * What no address space has, each time after a block was freed that could be given by mistake where a sum or product
 * wraps: of all magnitudes, and of all neighbours of the largest.
 */
static void far_too_much(void)
{
	char *small = malloc(30), *large = malloc(3UL << 20);
	void *q = &q;

	small[29] = large[29] = 7;

	for (size_t i = 0; i < 3000; i++) {
		size_t n = i < 1000   ? SIZE_MAX - i
			   : i < 2000 ? PTRDIFF_MAX + i - 999
				      : (i - 1999) << (i % 2 ? 53 : 50);

		free(malloc(16));
		FAILS(malloc(n), ENOMEM);
		FAILS(calloc(n / 8 + 1, 8), ENOMEM);
		FAILS(calloc(8, n / 8 + 1), ENOMEM);
		FAILS(reallocarray(NULL, n / 4 + 1, 4), ENOMEM);
		FAILS(realloc(small, n), ENOMEM);
		FAILS(realloc(large, n), ENOMEM);
		FAILS(valloc(n), ENOMEM);
		FAILS(pvalloc(n), ENOMEM);
		for (size_t a = 1; a <= 4096; a *= 8)
			FAILS(memalign(a, n), ENOMEM);
		check(posix_memalign(&q, 4096, n) == ENOMEM && q == &q);
	}
	check(small[29] == 7 && large[29] == 7);
	free(small);
	free(large);
}

static void aligned(void)
{
	size_t a, n;
	void *p;

	for (a = 8; a <= 4UL << 20; a *= 2) {
		for (n = 0; n < 300000; n = n * 3 + 1) {
			p = NULL;
			check(posix_memalign(&p, a, n) == 0 && p && (uintptr_t)p % a == 0);
			memset(p, 1, n);
			check(malloc_usable_size(p) >= n);
			p = realloc(p, n + 100);
			check(p && (n == 0 || ((char *)p)[n - 1] == 1));
			free(p);
			p = aligned_alloc(a, n);
			check(p && (uintptr_t)p % a == 0);
			free(p);
			p = memalign(a, n);
			check(p && (uintptr_t)p % a == 0);
			memset(p, 2, n);
			free(p);
		}
	}
	p = valloc(100);
	check(p && (uintptr_t)p % 4096 == 0);
	free(p);
	p = pvalloc(5000);
	check(p && (uintptr_t)p % 4096 == 0 && malloc_usable_size(p) >= 8192);
	memset(p, 3, 8192);
	free(p);
	p = memalign(0, 100);
	check(p);
	free(p);
	p = pvalloc(0);
	check(p && (uintptr_t)p % 4096 == 0);
	free(p);
	p = valloc(0);
	check(p && (uintptr_t)p % 4096 == 0);
	free(p);
	p = memalign(48, 100);
	check(p && (uintptr_t)p % 64 == 0);
	free(p);
}

static void growth(void)
{
	unsigned char *p = NULL;
	size_t n, old = 0, i;

	for (n = 1; n < 20000000; n = n * 5 / 4 + 1) {
		p = realloc(p, n);
		check(p);
		for (i = 0; i < old; i += old / 50 + 1)
			check(p[i] == (unsigned char)(i * 7));
		for (i = 0; i < n; i++)
			p[i] = i * 7;
		old = n;
	}
	for (; n > 0; n = n * 3 / 4) {
		size_t now = n < old ? n : old;

		p = realloc(p, now);
		check(p);
		for (i = 0; i < now; i += now / 50 + 1)
			check(p[i] == (unsigned char)(i * 7));
		check(now == 0 || p[now - 1] == (unsigned char)((now - 1) * 7));
		old = now;
	}
	free(p);
	p = reallocarray(NULL, 30, 30);
	memset(p, 9, 900);
	p = reallocarray(p, 100, 100);
	check(p && p[0] == 9 && p[899] == 9);
	free(p);
}

/* Memory that was dirty and comes back through calloc is zero. */
static void zeroing(void)
{
	static const size_t size[] = {8, 16, 100, 500, 2048, 5000, 40000, 200000, 3000000, 9000000};
	unsigned round, i, j;

	for (i = 0; i < ARRAY_N(size); i++) {
		for (round = 0; round < (size[i] < 50000 ? 300 : 4); round++) {
			unsigned char *p = malloc(size[i]), *q;

			memset(p, 0xee, size[i]);
			free(p);
			q = calloc(size[i] / 4, 4);
			for (j = 0; j < size[i] / 4 * 4; j++)
				if (q[j]) {
					check(!"calloc of used memory is not zero");
					return;
				}
			memset(q, 0xdd, size[i] / 4 * 4);
			free(q);
		}
	}
}

static void others(void)
{
	struct mallinfo2 mi;
	char *p = strdup("text"), *q = NULL, *line = NULL;
	size_t n = 0;
	FILE *f;

	check(!strcmp(p, "text"));
	free(p);
	check(asprintf(&q, "%0500d", 7) == 500 && q[499] == '7');
	free(q);
	f = open_memstream(&q, &n);
	for (int i = 0; i < 1000; i++)
		fprintf(f, "%d,", i);
	fclose(f);
	check(n == 3890 && !strncmp(q, "0,1,2,", 6));
	f = fmemopen(q, n, "r");
	n = 0;
	check(getdelim(&line, &n, ',', f) == 2 && getdelim(&line, &n, 'x', f) == 3888);
	fclose(f);
	free(line);
	free(q);
	p = realpath("/proc/self/../self", NULL);
	check(p != NULL);
	free(p);
	mi = mallinfo2();
	(void)mi;
	check(mallopt(M_MMAP_THRESHOLD, 100000) == 1);
	malloc_trim(0);
	f = fopen("/dev/null", "w");
	check(malloc_info(0, f) == 0);
	fclose(f);
	errno = 33;
	p = malloc(100);
	free(p);
	p = malloc(1000000);
	p = realloc(p, 2000000);
	free(p);
	check(errno == 33);
}

/* What malloc_usable_size says may be used, and realloc keeps all of it (redis strings live by
 * that). */
static void usable_kept(void)
{
	for (size_t n = 1; n < 20000; n += n / 3 + 1) {
		unsigned char *p = malloc(n), *other = malloc(n);
		size_t all = malloc_usable_size(p), i;

		memset(p, 0x3c, all);
		p = realloc(p, all * 3 + 500);
		for (i = 0; i < all && p[i] == 0x3c; i++)
			;
		check(i == all);
		free(other);
		free(p);
	}
}

/* Natively, too; and the answers are compared. */
static void options(void)
{
	static const int what[] = {M_CHECK_ACTION, M_MMAP_MAX, M_MMAP_THRESHOLD, M_MXFAST,
		M_PERTURB, M_TOP_PAD, M_TRIM_THRESHOLD, M_ARENA_MAX, M_ARENA_TEST, 1000};
	static const int value[] = {-1, 0, 1, 160, 161, 65536, 1 << 30};

	for (size_t i = 0; i < ARRAY_N(what); i++)
		for (size_t k = 0; k < ARRAY_N(value); k++)
			say("mallopt(%d, %d): %d", what[i], value[k], mallopt(what[i], value[k]));
	check(mallopt(M_PERTURB, 0) == 1);
}

/* Chunks that grow under an object, alignments, and all of it given back to a mark. */
static void obstacks(void)
{
	struct obstack o;

	for (int align = 2; align <= 64; align *= 2) {
		obstack_init(&o);
		obstack_alignment_mask(&o) = align - 1;
		obstack_finish(&o);

		char *mark = obstack_copy0(&o, "mark", 4);

		for (int i = 0; i < 3000; i++) {
			obstack_grow(&o, "0123456789", 10);
			if (i % 7 == 0)
				check((uintptr_t)obstack_finish(&o) % (uintptr_t)align == 0);
		}
		char *last = obstack_finish(&o);

		check(!strncmp(last, "0123456789", 10) && !strcmp(mark, "mark"));
		obstack_free(&o, mark);
		check(obstack_alloc(&o, 1) == mark);
		obstack_free(&o, NULL);
	}
}

int main(void)
{
	sizes();
	usable_kept();
	zero();
	too_much();
	far_too_much();
	aligned();
	growth();
	zeroing();
	others();
	options();
	obstacks();
	return done();
}
