// sources: src/base/bpf.c
/* Random filters: what they say here, and what the kernel says when a child has installed them. */
#include "base/bpf.h"
#include "unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STMT(code, k) ((struct sock_filter)BPF_STMT(code, k))
#define PROBE_NR      SYS_getpgid /* whose answer the filter gives */
#define ARG	      0x123456789abcdef0L

static unsigned long seed = 88172645463325252UL;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static struct sock_filter random_step(unsigned left)
{
	static const uint16_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH,
		BPF_RSH, BPF_XOR, BPF_NEG};
	static const uint16_t conds[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	const uint16_t src = rnd() % 2 ? BPF_K : BPF_X;
	uint16_t op = ops[rnd() % ARRAY_LEN(ops)];

	switch (rnd() % 10) {
	case 0:
		return STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, args) + rnd() % 2 * 4);
	case 1:
		return STMT(BPF_LD | BPF_W | BPF_LEN, 0);
	case 2:
		return STMT(BPF_LDX | BPF_IMM, rnd() % 40);
	case 3:
		return STMT(rnd() % 2 ? BPF_ST : BPF_STX, rnd() % 4);
	case 4:
		return STMT((rnd() % 2 ? BPF_LD : BPF_LDX) | BPF_MEM, rnd() % 4);
	case 5:
		return STMT(BPF_MISC | (rnd() % 2 ? BPF_TAX : BPF_TXA), 0);
	case 6:
		return (struct sock_filter)BPF_JUMP(BPF_JMP | conds[rnd() % 4] | src,
			rnd() % 3 ? rnd() % 50 : rnd(), rnd() % MIN(left, 4U),
			rnd() % MIN(left, 4U));
	case 7:
		return STMT(BPF_JMP | BPF_JA, rnd() % MIN(left, 4U));
	default:
		if (op == BPF_NEG)
			return STMT(BPF_ALU | BPF_NEG, 0);
		return STMT(BPF_ALU | op | src,
			op == BPF_LSH || op == BPF_RSH ? rnd() % 32 : 1 + rnd() % 1000);
	}
}

/* All calls but one are allowed; that one fails with what the steps have left in A. */
static uint32_t random_filter(struct sock_filter *f)
{
	uint32_t n = 0, steps = 4 + rnd() % 30;

	f[n++] = STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROBE_NR, 1, 0);
	f[n++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	/* The kernel refuses programs that read what was not written. */
	for (uint32_t i = 0; i < 4; i++)
		f[n++] = STMT(BPF_ST, i);
	while (steps--)
		f[n++] = random_step(steps + 1);
	f[n++] = STMT(BPF_ALU | BPF_AND | BPF_K, 0xffe);
	f[n++] = STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO | 1);
	f[n++] = STMT(BPF_RET | BPF_A, 0);
	return n;
}

/* What the kernel says, or -1 if it does not take the program. */
static long kernel_run(struct sock_filter *f, uint32_t n)
{
	struct sock_fprog prog = {(unsigned short)n, f};
	int got[2] = {-1, 0}, fd[2];
	pid_t pid;

	if (pipe(fd))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) &&
			syscall(PROBE_NR, ARG) == -1)
			got[0] = errno;
		_exit(write(fd[1], got, sizeof(got)) < 0);
	}
	close(fd[1]);
	if (read(fd[0], got, sizeof(got)) != sizeof(got))
		got[0] = 0; /* killed: it divided by zero */
	waitpid(pid, NULL, 0);
	close(fd[0]);
	return got[0];
}

static void as_the_kernel(void)
{
	const struct seccomp_data call = {.nr = PROBE_NR, .arch = AUDIT_ARCH_X86_64, .args = {ARG}};
	const struct seccomp_data other = {.nr = SYS_read, .arch = AUDIT_ARCH_X86_64};
	struct sock_filter f[64];
	int taken = 0;

	for (int i = 0; i < 300; i++) {
		uint32_t n = random_filter(f);
		long want = kernel_run(f, n);

		CHECK_EQ(bpf_run(f, n, &other), SECCOMP_RET_ALLOW);
		if (want < 0)
			continue;
		taken++;
		CHECK_EQ(bpf_run(f, n, &call), want ? SECCOMP_RET_ERRNO | (uint32_t)want : 0);
	}
	CHECK(taken > 200);
}

static void falls_off_the_end(void)
{
	struct sock_filter f[] = {STMT(BPF_LD | BPF_IMM, 1)};

	CHECK_EQ(bpf_run(f, 1, &(struct seccomp_data){0}), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	RUN(as_the_kernel);
	RUN(falls_off_the_end);
	return UNIT_END();
}
