// As if few mappings were allowed: many sizes in little use, each with small views of its own, must
// not use them up. From an eighth of the limit on new views are whole, and parts of super-views.
// options: maps=1200
// timeout: 60
// native: no
// host-only: nothing is mapped per alias in ring 0
#include "ok.h"

#define EACH 3000

static int maps_count(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0, c;

	check(f != NULL);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

int main(void)
{
	int before = maps_count(), after;

	/* 47 views of 64 objects for each of 15 sizes would be 700 mappings, and gaps between. */
	for (size_t size = 16; size <= 1024; size += size < 128 ? 16 : size / 4)
		for (int i = 0; i < EACH; i++) {
			unsigned char *p = malloc(size);

			check(p != NULL);
			*p = 1;
			HIDE(p);
		}
	after = maps_count() - before;
	if (after > 400)
		fprintf(stderr, "%d mappings more\n", after);
	check(after <= 400);
	return done();
}
