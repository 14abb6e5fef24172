/*
 * warm MEGABYTES: touches so much memory and gives it back.
 *
 * A hypervisor may take away what a guest has free, and whoever touches it next pays for it: ten
 * times the price of clearing it. With this before every timed run nobody does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	size_t n = (argc > 1 ? strtoul(argv[1], NULL, 10) : 0) << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);

	if (p == MAP_FAILED) {
		perror("warm: mmap");
		return 2;
	}
	madvise(p, n, MADV_HUGEPAGE);
	for (size_t i = 0; i < n; i += 4096)
		p[i] = 1;
	return 0;
}
