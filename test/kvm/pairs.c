/*
 * pairs.c - N pairs of malloc and free of mixed sizes, K of them live at a time, then C system
 * calls. No output, unless a fourth argument asks for the bytes of page tables at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long number(int argc, char **argv, int i, unsigned long otherwise)
{
	return argc > i ? strtoul(argv[i], NULL, 10) : otherwise;
}

/* On the stack: what is measured must not allocate. */
static void tables_print(void)
{
	char text[4096] = "", *at;
	FILE *f = fopen("/proc/self/status", "r");

	if (f && fread(text, 1, sizeof(text) - 1, f) && (at = strstr(text, "VmPTE:")))
		printf("%lu\n", strtoul(at + 6, NULL, 10) * 1024);
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	unsigned long n = number(argc, argv, 1, 100000), k = number(argc, argv, 2, 100), i;
	char **live = calloc(k, sizeof(*live));

	for (i = 0; i < n; i++) {
		free(live[i % k]);
		live[i % k] = malloc(16 + i % 7 * 40);
		live[i % k][0] = 1;
	}
	for (i = number(argc, argv, 3, 0); i; i--)
		syscall(SYS_getppid);
	if (argc > 4)
		tables_print();
	return 0;
}
