// A deliberately small virtual range: at its end the program goes on or gets NULL and ENOMEM; live
// blocks keep their bytes. (Natively there is no such end.)
// options: vspace=512m
// timeout: 90
// native: no
// not-tiny: not tried: uses up 512 MB of addresses, page by page
#include "ok.h"

int main(void)
{
	unsigned char *live[1000], *p;
	long i, refused = 0;

	for (i = 0; i < 1000; i++) {
		live[i] = malloc(100);
		check(live[i]);
		memset(live[i], i, 100);
	}
	/* 4 KB of addresses each: ten times the range. */
	for (i = 0; i < 1300000 && refused < 1000; i++) {
		p = malloc(64);
		if (p) {
			p[0] = i;
			p[63] = i;
			free(p);
		} else {
			check(errno == ENOMEM);
			refused++;
		}
	}
	for (i = 0; i < 200; i++) {
		p = malloc(3000000);
		if (p)
			p[0] = p[2999999] = 1;
		free(p);
	}
	for (i = 0; i < 1000; i++) {
		check(live[i][0] == (unsigned char)i && live[i][99] == (unsigned char)i);
		free(live[i]);
	}
	return done();
}
