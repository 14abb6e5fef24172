// The program locks itself up with seccomp: madvise gives EPERM from then on, which is what kills
// blocks and gives memory back. malloc and free must go on. (mremap is what makes views: a program
// that forbids it gets NULL and ENOMEM.)
// timeout: 60
// native: no
// host-only: in ring 0 a program's seccomp filter is refused (EINVAL), for it would bind the vmm
#include "ok.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int lock_up(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog prog = {ARRAY_N(f), f};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog);
}

int main(void)
{
	static unsigned char *p[5000];
	uint64_t s = 9;
	int i, n;
	size_t len;

	for (i = 0; i < 60000; i++) {
		if (i == 10000)
			check(lock_up() == 0);
		n = random_next(&s) % 5000;
		len = n % 97 == 0 ? 400000 : n % 700 + 1;
		if (p[n])
			check(p[n][0] == (unsigned char)n);
		if (i % 50 == 0) {
			p[n] = realloc(p[n], len);
		} else {
			free(p[n]);
			p[n] = malloc(len);
		}
		check(p[n]);
		p[n][0] = p[n][len - 1] = n;
	}
	return done();
}
