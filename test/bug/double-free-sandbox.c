// expect: kind=double-free call=free offset=0 block=48 status=134
// options: quiet
// raw: where a filter is, no helper is started for source lines
// sized: the last heap keeps it
// host-only: in ring 0 a program's seccomp filter is refused (EINVAL), for it would bind the vmm
// A filter allows no new aliases: blocks come from the last heap, which still knows what is dead.
#include "bug.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int lock_up(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(f) / sizeof(f[0]), f};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog);
}

int main(void)
{
	void *p;

	if (lock_up())
		return !TWIN; /* in ring 0 it is refused */
	for (int i = 0; i < 1000; i++) {
		p = malloc(i);
		HIDE(p);
		free(p);
	}
	p = malloc(48);
	HIDE(p);
	free(malloc(48));
	if (!TWIN)
		free(p);
	free(p);
	return 0;
}
