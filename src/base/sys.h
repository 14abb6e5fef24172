/*
 * sys.h - raw system calls: no errno, no TLS, no cancellation point, no interposition.
 *
 * Any context but the monitor. The only way to enter the kernel on vmm and fault paths and
 * under the heap's locks (libc's wrappers write the app's errno and may be interposed by the
 * program, or by us). Every function returns what the kernel returned: >= 0, or -errno.
 * Where a seccomp filter of the program's does not allow a call it is not made: -EPERM (filter.h).
 * Source: syscall(2), arch/x86/entry/syscalls/syscall_64.tbl.
 */
#ifndef UD_SYS_H
#define UD_SYS_H

#include "filter.h"
#include "words.h"

#include <asm/unistd.h>

/* rseq(2), as glibc registers it; later versions perhaps with more than the first size. */
#define RSEQ_SIGNATURE	0x53053053
#define RSEQ_UNREGISTER 1
#define RSEQ_SIZE_OLD	32

/* The program's own call, made for it: what a filter says to it is the program's affair. */
static inline long sys_call_its(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline bool sys_forbidden(long nr, long a, long b, long c, long d, long e, long f)
{
	return unlikely(filter_on) && !filter_allows(nr, (const long[]){a, b, c, d, e, f});
}

#define SYS_EPERM -1L

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	return sys_forbidden(nr, a, b, c, d, e, f) ? SYS_EPERM : sys_call_its(nr, a, b, c, d, e, f);
}

static inline long sys_call3(long nr, long a, long b, long c)
{
	long ret;

	if (sys_forbidden(nr, a, b, c, 0, 0, 0))
		return SYS_EPERM;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long sys_call4(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10");
	long ret;

	if (sys_forbidden(nr, a, b, c, d, 0, 0))
		return SYS_EPERM;
	r10 = d;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline bool sys_is_err(long ret)
{
	return (unsigned long)ret >= (unsigned long)-4095L;
}

/* fd: from its beginning, or -1. */
static inline long sys_mmap(vaddr_t at, size_t len, int prot, int flags, int fd)
{
	return sys_call6(__NR_mmap, (long)at, (long)len, prot, flags, fd, 0);
}

static inline long sys_munmap(vaddr_t at, size_t len)
{
	return sys_call3(__NR_munmap, (long)at, (long)len, 0);
}

static inline long sys_mprotect(vaddr_t at, size_t len, int prot)
{
	return sys_call3(__NR_mprotect, (long)at, (long)len, prot);
}

static inline long sys_madvise(vaddr_t at, size_t len, int advice)
{
	return sys_call3(__NR_madvise, (long)at, (long)len, advice);
}

static inline long sys_write(int fd, const void *p, size_t n)
{
	return sys_call3(__NR_write, fd, (long)p, (long)n);
}

static inline long sys_read(int fd, void *p, size_t n)
{
	return sys_call3(__NR_read, fd, (long)p, (long)n);
}

static inline long sys_openat(int dir, const char *path, int flags, int mode)
{
	return sys_call4(__NR_openat, dir, (long)path, flags, mode);
}

static inline long sys_close(int fd)
{
	return sys_call3(__NR_close, fd, 0, 0);
}

/* Of all 64 signals; set, was: or NULL. */
static inline long sys_sigmask(int how, const uint64_t *set, uint64_t *was)
{
	return sys_call4(__NR_rt_sigprocmask, how, (long)set, (long)was, sizeof(*set));
}

/* 0: a filter does not allow to ask. */
static inline int sys_gettid(void)
{
	int tid = (int)sys_call3(__NR_gettid, 0, 0, 0);

	return MAX(tid, 0);
}

static inline int sys_getpid(void)
{
	int pid = (int)sys_call3(__NR_getpid, 0, 0, 0);

	return MAX(pid, 0);
}

__attribute__((noreturn)) static inline void sys_exit_group(int status)
{
	for (;;)
		sys_call_its(__NR_exit_group, status, 0, 0, 0, 0, 0);
}

/* What the kernel keeps of an action's flags: uapi asm-generic/signal-defs.h, and x86's SA_RESTORER. */
#define SIGACTION_FLAGS 0xdc000807UL

#endif
