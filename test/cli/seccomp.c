/*
 * seccomp NR[:THIRD] errno|invalid|kill PROG [ARGS...]: runs PROG with system call number NR (where its third
 * argument is THIRD) forbidden, by EPERM, EINVAL or death. How a sandbox, or an older kernel, looks from inside.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *end = "";
	unsigned nr = argc > 3 ? (unsigned)strtoul(argv[1], &end, 10) : 0;
	unsigned third = *end == ':' ? (unsigned)atoi(end + 1) : 0;
	unsigned action = argc < 4			? 0
			  : !strcmp(argv[2], "kill")	? SECCOMP_RET_KILL_PROCESS
			  : !strcmp(argv[2], "invalid") ? SECCOMP_RET_ERRNO | EINVAL
							: SECCOMP_RET_ERRNO | EPERM;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, third, 0, *end == ':'),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {sizeof(code) / sizeof(code[0]), code};

	if (argc < 4)
		return 99;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("seccomp");
		return 99;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 99;
}
