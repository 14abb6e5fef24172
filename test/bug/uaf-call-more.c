// expect: kind=use-after-free access=SYSCALL call=CALL arg=ARG offset=0 block=300 status=139
// expect: use=~use>main free=drop>main alloc=make>main
// only: adaptive,rows,strict,deferred
// host-only: the vmm has its own way of telling, and does not know all of these
// each: vm-read CALL=process_vm_readv ARG=2 HOW=1
// each: vm-write CALL=process_vm_writev ARG=* HOW=2: the vector lives, what it names does not
// each: preadv2 CALL=preadv2 ARG=* HOW=3
// each: vmsplice CALL=vmsplice ARG=2 HOW=4
// each: splice CALL=splice ARG=4 HOW=5
// each: copy CALL=copy_file_range ARG=2 HOW=6
// each: receive CALL=recvmmsg ARG=2 HOW=7
// each: mincore CALL=mincore ARG=3 HOW=8
// each: random CALL=getrandom ARG=1 HOW=9
// each: memfd CALL=memfd_create ARG=1 HOW=10
// each: statx CALL=statx ARG=5 HOW=11
// each: waitid CALL=waitid ARG=3 HOW=12
// each: wait-signal CALL=sigtimedwait ARG=1 HOW=13
// each: wait-info CALL=sigtimedwait ARG=2 HOW=14
// each: signalfd CALL=signalfd ARG=2 HOW=15
// each: execveat CALL=execveat ARG=2 HOW=16
// each: queue CALL=syscall ARG=4 HOW=17
// each: clone3 CALL=syscall ARG=2 HOW=18
// each: compare CALL=syscall ARG=6 HOW=19
// each: futexes CALL=syscall ARG=2 HOW=20
// each: futex-of-some CALL=syscall ARG=* HOW=21
// A freed block given to the rarer calls of memory, files, signals and processes.
#include "bug.h"

#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static int pipe_fd[2], file, sock[2];
static char local[200];
static sigset_t usr1;

NOINLINE static long use_memory(char *p)
{
	struct iovec here = {local, 100}, there = {p, 100};

	switch (HOW) {
	case 1:
		return process_vm_readv(getpid(), (struct iovec *)p, 1, &here, 1, 0);
	case 2:
		return process_vm_writev(getpid(), &there, 1, &here, 1, 0);
	case 3:
		return preadv2(file, &there, 1, 0, 0);
	case 4:
		return vmsplice(pipe_fd[1], (struct iovec *)p, 1, 0);
	case 5:
		return splice(pipe_fd[0], NULL, file, (loff_t *)p, 5, 0);
	case 6:
		return copy_file_range(file, (loff_t *)p, pipe_fd[1], NULL, 5, 0);
	case 7:
		return recvmmsg(sock[0], (struct mmsghdr *)p, 1, MSG_DONTWAIT, NULL);
	case 8:
		return mincore((void *)((uintptr_t)local & -4096UL), 100, (unsigned char *)p);
	case 9:
		return getrandom(p, 100, 0);
	default:
		return 0;
	}
}

NOINLINE static long use_others(char *p)
{
	struct futex_waitv word = {.val = 1, .flags = FUTEX_32};

	switch (HOW) {
	case 10:
		return memfd_create(p, 0);
	case 11:
		return statx(AT_FDCWD, "/", 0, 0, (struct statx *)p);
	case 12:
		return waitid(P_ALL, 0, (siginfo_t *)p, WEXITED);
	case 13:
		return sigtimedwait((sigset_t *)p, NULL, &(struct timespec){0, 0});
	case 14:
		return sigwaitinfo(&usr1, (siginfo_t *)p);
	case 15:
		return signalfd(-1, (sigset_t *)p, 0);
	case 16:
		return execveat(AT_FDCWD, p, (char *[]){NULL}, (char *[]){NULL}, 0);
	case 17:
		return syscall(SYS_rt_sigqueueinfo, getpid(), 0, p);
	case 18:
		return syscall(SYS_clone3, p, CLONE_ARGS_SIZE_VER0);
	case 19:
		return syscall(SYS_kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, file, p);
	case 20:
		return syscall(SYS_futex_waitv, p, 1, 0, NULL, 0);
	case 21:
		word.uaddr = (uintptr_t)p;
		return syscall(SYS_futex_waitv, &word, 1, 0, NULL, 0);
	default:
		return 0;
	}
}

NOINLINE static void use(char *p)
{
	if (HOW < 10)
		use_memory(p);
	else
		use_others(p);
	KEEP();
}

/* What the calls need to get as far as the block. */
static int ready(void)
{
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	file = memfd_create("file", 0);
	if (file < 0 || write(file, local, 200) != 200 || pipe(pipe_fd) ||
		write(pipe_fd[1], local, 100) != 100 || socketpair(AF_UNIX, SOCK_DGRAM, 0, sock))
		return 0;
	if (fork() == 0)
		_exit(0);
	return 1;
}

int main(void)
{
	char *p = make(300);

	if (!ready())
		return 9;
	memset(p, 0, 300);
	if (HOW == 18) /* refused */
		((struct clone_args *)(void *)p)->flags = CLONE_THREAD;
	if (!TWIN) {
		drop(p);
		settle();
	}
	use(p);
	if (TWIN)
		drop(p);
	return 0;
}
