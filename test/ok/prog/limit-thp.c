// Without huge pages (prctl PR_SET_THP_DISABLE, kept over exec), the same answers, only slower.
// timeout: 90
// native: no
// not-tiny: not tried: huge pages are the host backend's way to make views
#include "ok.h"
#include <sys/prctl.h>

int main(int argc, char **argv)
{
	static unsigned char *p[20000];
	uint64_t s = 1;
	int i, n;

	if (argc == 1) {
		if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
			return 9;
		execl(argv[0], argv[0], "without", (char *)NULL);
		return 9;
	}
	check(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	for (i = 0; i < 120000; i++) {
		n = random_next(&s) % 20000;
		if (p[n])
			check(p[n][0] == (unsigned char)n && p[n][n % 600] == (unsigned char)n);
		free(p[n]);
		p[n] = malloc(n % 600 + 1);
		check(p[n]);
		p[n][0] = p[n][n % 600] = n;
	}
	return done();
}
