/*
 * atonce.c - strict means the very next access: frees a block and reads it, 100 times of each
 * size, with nothing in between. Every read must fault. Run with --no-stacks --log=/dev/null.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static sigjmp_buf back;

static void on_segv(int sig)
{
	siglongjmp(back, 1);
}

int main(void)
{
	static const size_t sizes[] = {16, 100, 3000, 9000, 100000};
	struct sigaction sa = {.sa_handler = on_segv, .sa_flags = SA_NODEFER};
	volatile unsigned seen = 0, faults = 0;

	sigaction(SIGSEGV, &sa, NULL);
	for (volatile unsigned i = 0; i < 500; i++) {
		volatile char *volatile p = malloc(sizes[i % 5]);

		p[0] = p[sizes[i % 5] - 1] = 1;
		if (sigsetjmp(back, 0)) {
			faults++;
			continue;
		}
		free((void *)p);
		(void)p[i / 5 % 2 ? 0 : sizes[i % 5] - 1];
		seen++;
	}
	fprintf(stderr, "atonce: %u faults, %u reads saw a dead block\n", faults, seen);
	return seen || faults != 500;
}
