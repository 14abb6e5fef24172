// sources: src/kvm/translate.c src/kvm/calls.c
/* The table itself: complete against the installed header, and no row names another's number. */
#include "unit.h"
#include "kvm/translate.h"

#define HEADER "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"

static void every_number_has_its_row(void)
{
	char line[200], name[100];
	int nr, seen = 0;
	FILE *f = fopen(HEADER, "r");

	CHECK(f != NULL);
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "#define __NR_%99s %d", name, &nr) != 2)
			continue;
		seen++;
		if (!xlate_name(nr) || strcmp(xlate_name(nr), name)) {
			printf("# %d is %s, the table says %s\n", nr, name,
				xlate_name(nr) ? xlate_name(nr) : "nothing");
			CHECK(0);
		}
	}
	CHECK(seen >= 360);
	if (f)
		fclose(f);
}

static void names_are_unique(void)
{
	long a, b;

	for (a = 0; a < 500; a++)
		for (b = a + 1; xlate_name(a) && b < 500; b++)
			CHECK(!xlate_name(b) || strcmp(xlate_name(a), xlate_name(b)));
}

static void outside_the_table(void)
{
	CHECK(!xlate_name(-1));
	CHECK(!xlate_name(400));
	CHECK(!xlate_name(1L << 40));
}

int main(void)
{
	RUN(every_number_has_its_row);
	RUN(names_are_unique);
	RUN(outside_the_table);
	return UNIT_END();
}
