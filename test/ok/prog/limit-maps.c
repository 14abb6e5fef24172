// Near vm.max_map_count: the program itself uses up most mappings, then one block in 512 is
// immortal. It must go on, with every byte in place.
// timeout: 120
// full-timeout: 900
// native: no
#include "ok.h"

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

int main(void)
{
	const char *size = getenv("SIZE");
	long total = size && !strcmp(size, "full") ? 50000000 : 1500000, i, n = 0;
	long keep = map_limit() - 3000;
	unsigned char *p;
	uint64_t s = 3;

	if (keep > 0)
		maps_take(keep);
	for (i = 0; i < total; i++) {
		size_t len = 16 + random_next(&s) % 16 * 16;

		p = malloc(len);
		if (!p) {
			check(errno == ENOMEM);
			break;
		}
		p[0] = i, p[len - 1] = i >> 8;
		if (i % 512 == 0 && n < 200000) {
			p[1] = n;
			immortal[n++] = p;
		} else {
			free(p);
		}
	}
	say("got through: %d", i == total);
	for (i = 0; i < n; i++) {
		check(immortal[i][1] == (unsigned char)i);
		free(immortal[i]);
	}
	check((p = malloc(100)) != NULL);
	free(p);
	return done();
}
