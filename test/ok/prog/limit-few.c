// A program that leaves 100 of the mappings that vm.max_map_count allows, or ten, or none: malloc, calloc, realloc
// and aligned blocks are there all the same, with every byte in place. (Natively none left is too few.)
// native: no
// profiles: strict,adaptive,test,production
// timeout: 120
// not-tiny: nothing is mapped per alias in ring 0
#include "ok.h"

#define KEPT  1500
#define TURNS 60000

static int left = 100;
static unsigned char *kept[KEPT];
static size_t size_of[KEPT];

/* Every other page with another protection is two mappings. */
static void maps_take(void)
{
	const long pages = 1 << 18;
	char *p = mmap(
		NULL, pages * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long i = 1;

	for (; i < pages && !mprotect(p + i * 4096, 4096, PROT_READ); i += 2)
		;
	say("took mappings: %s", i > 20000 && i < pages ? "all" : "few");
	for (long back = 0; back < left / 2; back++) {
		i -= 2;
		check(!mprotect(p + i * 4096, 4096, PROT_NONE));
	}
}

static void keep(unsigned i, unsigned char *p, size_t n)
{
	check(p != NULL);
	kept[i] = p;
	size_of[i] = n;
	if (p)
		memset(p, (int)(i * 7 + n), n);
}

static void look(unsigned i)
{
	unsigned char want = (unsigned char)(i * 7 + size_of[i]);

	for (size_t k = 0; kept[i] && k < size_of[i]; k += size_of[i] / 3 + 1)
		check(kept[i][k] == want);
}

static void turn(uint64_t *s)
{
	unsigned i = (unsigned)(random_next(s) % KEPT);
	size_t n = random_next(s) % 500 == 0 ? 100000 : 1 + random_next(s) % 2000;
	unsigned char *p;

	look(i);
	switch (random_next(s) % 4) {
	case 0:
		p = realloc(kept[i], n);
		for (size_t k = 0; p && kept[i] && k < size_of[i] && k < n; k += 97)
			check(p[k] == (unsigned char)(i * 7 + size_of[i]));
		break;
	case 1:
		free(kept[i]);
		p = calloc(1, n);
		for (size_t k = 0; p && k < n; k++)
			check(!p[k]);
		break;
	case 2:
		free(kept[i]);
		p = aligned_alloc(256, (n + 255) & ~255UL);
		check(!((uintptr_t)p & 255));
		break;
	default:
		free(kept[i]);
		p = malloc(n);
	}
	keep(i, p, n);
}

static int few(void)
{
	uint64_t s = 3;

	maps_take();
	for (int i = 0; i < TURNS; i++)
		turn(&s);
	for (unsigned i = 0; i < KEPT; i++) {
		look(i);
		free(kept[i]);
	}
	return failures;
}

int main(void)
{
	free(malloc(1));
	in_child("100 left", few);
	left = 10;
	in_child("10 left", few);
	left = 0;
	in_child("none left", few);
	return done();
}
