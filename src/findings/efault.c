/*
 * efault.c - see efault.h. app context: runs wherever the program calls libc, signal handlers
 * included. No lock, no allocation; errno is left as the real function left it.
 *
 * Every wrapper has the same type: arguments and results of all these functions travel in the
 * integer registers, so six longs in and one out pass anything on unread, and cancellation
 * unwinds through it. That is why this file includes no header that declares them.
 */
#include "efault.h"
#include "fork.h"
#include "judge.h"
#include "maps.h"
#include "report.h"
#include "sandbox.h"
#include "signals.h"
#include "base/base.h"
#include "trace/trace.h"

#include <errno.h>

#define ARGS 7

enum fail { MINUS_1, NUL, ERRNO, EXEC, PRCTL, FORKS, MAPS, LIMIT };
#define FAIL_MINUS_1 MINUS_1
#define FAIL_NULL    NUL
#define FAIL_ERRNO   ERRNO
#define FAIL_EXEC    EXEC
#define FAIL_PRCTL   PRCTL
#define FAIL_FORKS   FORKS
#define FAIL_MAPS    MAPS
#define FAIL_LIMIT   LIMIT

enum { /* CALL_read, ... */
#define EFAULT_CALL(name, shown, fail, moves, args)  CALL_##name,
#define EFAULT_CALL7(name, shown, fail, moves, args) CALL_##name,
#include "efault.def"
#undef EFAULT_CALL
#undef EFAULT_CALL7
	CALLS
};

/* No pointers, which would be relocated at each start. */
static const struct call {
	char name[24], shown[24];
	int as;
	enum judge_moves moves;
} calls[] = {
#define EFAULT_CALL(name, shown, fail, moves, args)  {#name, #shown, JUDGE_##args, moves},
#define EFAULT_CALL7(name, shown, fail, moves, args) {#name, #shown, JUDGE_##args, moves},
#include "efault.def"
#undef EFAULT_CALL
#undef EFAULT_CALL7
};

static void *real[CALLS];

static __thread const void *sent; /* the address in the signal that we are sending */

static __thread vaddr_t told; /* found by the backend in the call that is about to fail */

bool efault_is_mine(const siginfo_t *si)
{
	bool mine = sent && sent == si->si_addr;

	sent = NULL;
	return mine;
}

static __attribute__((noinline, cold)) void *resolve(int i)
{
	void *p = symtab_next(calls[i].name);

	__atomic_store_n(&real[i], p, __ATOMIC_RELAXED);
	return p;
}

/* As the access would have raised it, had the program made it instead of the kernel. */
static void raise_fault(vaddr_t addr)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = vaddr_ptr(addr)};

	if (signal_is_fatal(SIGSEGV)) {
		const unsigned long bit = 1UL << (SIGSEGV - 1);

		signal_set_default(SIGSEGV);
		/* The kernel may block it, for another one that waits. */
		sys_sigmask(SIG_UNBLOCK, &bit, NULL);
	}
	sent = si.si_addr;
	sys_call4(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), SIGSEGV, (long)&si);
}

void efault_raise(vaddr_t addr)
{
	told = addr;
	raise_fault(addr);
}

/* Of r it is known what was judged. */
static void tell(int i, struct report *r, const void *frame)
{
	r->kind = FINDING_USE_AFTER_FREE;
	r->access = ACCESS_SYSCALL;
	r->call = calls[i].shown;
	r->use = stack_regs_of_frame(frame);
	if (report_survived(r, NULL)) /* the call failed, or ended early: that is all */
		return;
	report_print(r, NULL, signal_is_fatal(SIGSEGV));
	raise_fault(r->addr);
}

static __attribute__((noinline, cold)) void check(int i, const long *arg, const void *frame)
{
	struct report r;

	if (told) {
		told = 0;
		return;
	}
	if (judge_failed(calls[i].as, arg, &r))
		tell(i, &r, frame);
}

static __attribute__((noinline)) void check_short(
	int i, const long *arg, long done, const void *frame)
{
	struct report r;

	if (judge_short(calls[i].moves, arg, (size_t)done, &r))
		tell(i, &r, frame);
}

static ALWAYS_INLINE bool failed(long r, enum fail how)
{
	if (how == ERRNO)
		return (int)r == EFAULT;
	return unlikely(how == NUL ? !r : (int)r == -1) && errno == EFAULT;
}

static ALWAYS_INLINE void *real_of(int i)
{
	void *p = __atomic_load_n(&real[i], __ATOMIC_RELAXED);

	return likely(p) ? p : resolve(i);
}

/* setrlimit(what, new) or prlimit(pid, what, new, old): room for what is ours is put on top. */
static void limit_before(int as, long a, long *b, long *c, struct ownlimit *own)
{
	bool by_pid = as == __NR_prlimit64;
	long *at = by_pid ? c : b;

	if (as == __NR_getrlimit || (by_pid && a && (int)a != sys_getpid()) || !*at ||
		!stack_probe((vaddr_t)*at) || !stack_probe((vaddr_t)*at + sizeof(*own) - 1))
		return;
	__builtin_memcpy(own, vaddr_ptr((vaddr_t)*at), sizeof(*own));
	if (ownlimit_raise((int)(by_pid ? *b : a), own))
		*at = (long)own;
}

/* getrlimit(what, old) or prlimit(pid, what, new, old): without that room. */
static void limit_after(int as, long a, long b, long d)
{
	long what = as == __NR_prlimit64 ? b : a, to = as == __NR_prlimit64 ? d : b;

	if (to && as != __NR_setrlimit)
		ownlimit_show((int)what, vaddr_ptr((vaddr_t)to));
}

static inline bool is_exec(long nr)
{
	return nr == __NR_execve || nr == __NR_execveat;
}

/* A buffer that came out whole needs no look; of vectors only a look tells. */
#define MAY_BE_SHORT(moves, r, n) \
	((moves) && (r) > 0 && ((moves) > OUT_BUF || (unsigned long)(r) < (unsigned long)(n)))

#define EFAULT_CALL(name, shown, fail, moves, args)                                        \
	UD_EXPORT long wrap_##name(long, long, long, long, long, long) __asm__(#name);     \
	UD_EXPORT long wrap_##name(long a, long b, long c, long d, long e, long f)         \
	{                                                                                  \
		long (*next)(long, long, long, long, long, long) = real_of(CALL_##name);   \
		const long call[] = {__NR_prctl, a, b, c};                                 \
		bool locks = FAIL_##fail == PRCTL && sandbox_before(call);                 \
		const long what_or_to = b;                                                 \
		struct ownlimit own;                                                       \
		long r;                                                                    \
                                                                                           \
		if (FAIL_##fail == EXEC)                                                   \
			signal_exec(true);                                                 \
		if (FAIL_##fail == MAPS)                                                   \
			maps_before(calls[CALL_##name].as, (const long[]){a, b, c, d, e}); \
		if (FAIL_##fail == LIMIT)                                                  \
			limit_before(calls[CALL_##name].as, a, &b, &c, &own);              \
		r = next(a, b, c, d, e, f);                                                \
		if (FAIL_##fail == LIMIT && !(int)r)                                       \
			limit_after(calls[CALL_##name].as, a, what_or_to, d);              \
		if (FAIL_##fail == EXEC)                                                   \
			signal_exec(false);                                                \
		if (locks)                                                                 \
			sandbox_after(call, (int)r);                                       \
		if (unlikely(failed(r, FAIL_##fail)))                                      \
			check(CALL_##name, (const long[ARGS]){a, b, c, d, e, f},           \
				__builtin_frame_address(0));                               \
		else if (unlikely(MAY_BE_SHORT(moves, r, c)))                              \
			check_short(CALL_##name, (const long[ARGS]){a, b, c}, r,           \
				__builtin_frame_address(0));                               \
		return r;                                                                  \
	}

#define EFAULT_CALL7(name, shown, fail, moves, args)                                           \
	UD_EXPORT long wrap_##name(long, long, long, long, long, long, long) __asm__(#name);   \
	UD_EXPORT long wrap_##name(long a, long b, long c, long d, long e, long f, long g)     \
	{                                                                                      \
		long (*next)(long, long, long, long, long, long, long) = real_of(CALL_##name); \
		const long arg[ARGS] = {a, b, c, d, e, f, g};                                  \
		bool locks = FAIL_##fail == FORKS && sandbox_before(arg);                      \
		bool execs = FAIL_##fail == FORKS && is_exec(a);                               \
		long r;                                                                        \
                                                                                               \
		if (FAIL_##fail == FORKS)                                                      \
			maps_before(a, arg + 1);                                               \
		if (execs)                                                                     \
			signal_exec(true);                                                     \
		r = FAIL_##fail == FORKS && fork_is_syscall(a) ? fork_syscall(next, arg)       \
							       : next(a, b, c, d, e, f, g);    \
		if (execs)                                                                     \
			signal_exec(false);                                                    \
		if (locks)                                                                     \
			sandbox_after(arg, r);                                                 \
		if (unlikely(failed(r, FAIL_##fail)))                                          \
			check(CALL_##name, arg, __builtin_frame_address(0));                   \
		return r;                                                                      \
	}

/* clang-format off */
#include "efault.def"
