// A user locks all memory that a small program has and will have, within Debian's RLIMIT_MEMLOCK of
// 8 MB: that asks for the size of all mappings, so what we reserve and do not use counts.
// profiles: production,test
// host-only: the windows of ring 0 are larger than this limit
#include "ok.h"

int main(void)
{
	struct rlimit most = {8UL << 20, 8UL << 20};
	unsigned n;
	char *p;

	say("limit %d\n", setrlimit(RLIMIT_MEMLOCK, &most));
	say("user %d\n", geteuid() ? 0 : setuid(65534));
	say("mlockall %d\n", mlockall(MCL_CURRENT | MCL_FUTURE));
	for (n = 0; n < 5000 && (p = malloc(100)); n++)
		memset(p, 1, 100);
	say("%u blocks\n", n);
	return done();
}
