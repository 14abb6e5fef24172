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
#include "report.h"
#include "signals.h"
#include "base/base.h"

#include <dlfcn.h>
#include <errno.h>

#define A(n) (1u << ((n)-1))
#define ARGS 7

enum fail { MINUS_1, NUL, ERRNO, EXEC, FORKS };
#define FAIL_MINUS_1 MINUS_1
#define FAIL_NULL    NUL
#define FAIL_ERRNO   ERRNO
#define FAIL_EXEC    EXEC
#define FAIL_FORKS   FORKS

enum nested { NONE, IOVEC, MSGHDR, STRINGS };

enum { /* CALL_read, ... */
#define EFAULT_CALL(name, shown, fail, pointers, nested)  CALL_##name,
#define EFAULT_CALL7(name, shown, fail, pointers, nested) CALL_##name,
#include "efault.def"
#undef EFAULT_CALL
#undef EFAULT_CALL7
	CALLS
};

static const struct call {
	const char *name, *shown;
	uint8_t pointers, nested;
} calls[] = {
#define EFAULT_CALL(name, shown, fail, pointers, nested)  {#name, #shown, pointers, nested},
#define EFAULT_CALL7(name, shown, fail, pointers, nested) {#name, #shown, pointers, nested},
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
	void *p = dlsym(RTLD_NEXT, calls[i].name);

	__atomic_store_n(&real[i], p, __ATOMIC_RELAXED);
	return p;
}

void efault_init(void)
{
	for (int i = 0; i < CALLS; i++)
		resolve(i);
}

/* One word of the program's memory that may be anything by now. */
static bool peek(uintptr_t at, uintptr_t *v)
{
	if (at & 7 || !stack_probe(at))
		return false;
	*v = *(const uintptr_t *)at;
	return true;
}

static bool is_dead(uintptr_t addr, struct report *r)
{
	block_find(addr, &r->block);
	r->addr = addr;
	return r->block.state == BLOCK_DEAD;
}

static bool iovec_dead(uintptr_t iov, uintptr_t n, struct report *r)
{
	for (uintptr_t base; n > 0 && n <= 1024 && peek(iov, &base); n--, iov += 16)
		if (is_dead(base, r))
			return true;
	return false;
}

/* struct msghdr: name, its length, iov, its count, control */
static bool msghdr_dead(uintptr_t m, struct report *r)
{
	uintptr_t name, iov, n, control;

	if (!peek(m, &name) || !peek(m + 16, &iov) || !peek(m + 24, &n) || !peek(m + 32, &control))
		return false;
	return is_dead(name, r) || is_dead(iov, r) || is_dead(control, r) || iovec_dead(iov, n, r);
}

static bool strings_dead(uintptr_t v, struct report *r)
{
	for (uintptr_t s; peek(v, &s) && s; v += 8)
		if (is_dead(s, r))
			return true;
	return false;
}

static bool nested_dead(const struct call *c, const long *arg, struct report *r)
{
	r->arg = 2;
	switch (c->nested) {
	case IOVEC:
		return iovec_dead((uintptr_t)arg[1], (uintptr_t)arg[2], r);
	case MSGHDR:
		return msghdr_dead((uintptr_t)arg[1], r);
	case STRINGS:
		if (c->pointers & A(2) && strings_dead((uintptr_t)arg[1], r))
			return true;
		r->arg = 3;
		return c->pointers & A(3) && strings_dead((uintptr_t)arg[2], r);
	}
	return false;
}

static bool find_dead(const struct call *c, const long *arg, struct report *r)
{
	for (int i = 0; i < ARGS; i++) {
		if (!(c->pointers & 1 << i) || !is_dead((uintptr_t)arg[i], r))
			continue;
		r->arg = i + 1;
		return true;
	}
	return nested_dead(c, arg, r);
}

/* As the access would have raised it, had the program made it instead of the kernel. */
static void raise_fault(vaddr_t addr)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = vaddr_ptr(addr)};

	if (signal_is_fatal(SIGSEGV)) {
		const unsigned long bit = 1UL << (SIGSEGV - 1);

		signal_set_default(SIGSEGV);
		/* The kernel may block it, for another one that waits. */
		sys_call4(__NR_rt_sigprocmask, SIG_UNBLOCK, (long)&bit, 0, 8);
	}
	sent = si.si_addr;
	sys_call4(__NR_rt_tgsigqueueinfo, sys_getpid(), sys_gettid(), SIGSEGV, (long)&si);
}

void efault_raise(vaddr_t addr)
{
	told = addr;
	raise_fault(addr);
}

static __attribute__((noinline, cold)) void check(int i, const long *arg, const void *frame)
{
	struct report r = {
		.kind = FINDING_USE_AFTER_FREE,
		.access = ACCESS_SYSCALL,
		.call = calls[i].shown,
		.use = stack_regs_of_frame(frame),
	};

	if (!find_dead(&calls[i], arg, &r))
		return;
	if (r.addr == told) {
		told = 0;
		return;
	}
	report_print(&r, NULL, signal_is_fatal(SIGSEGV));
	raise_fault(r.addr);
}

static inline __attribute__((always_inline)) bool failed(long r, enum fail how)
{
	if (how == ERRNO)
		return (int)r == EFAULT;
	return unlikely(how == NUL ? !r : (int)r == -1) && errno == EFAULT;
}

static inline __attribute__((always_inline)) void *real_of(int i)
{
	void *p = __atomic_load_n(&real[i], __ATOMIC_RELAXED);

	return likely(p) ? p : resolve(i);
}

/* Only what check() will look at is kept across the call: the others cost no register. */
#define KEPT(n, v, pointers, nested) ((pointers)&A(n) || ((n) == 3 && (nested) == IOVEC) ? (v) : 0)
#define KEPT_6(p, n)                                                                              \
	KEPT(1, a, p, n), KEPT(2, b, p, n), KEPT(3, c, p, n), KEPT(4, d, p, n), KEPT(5, e, p, n), \
		KEPT(6, f, p, n)

#define EFAULT_CALL(name, shown, fail, pointers, nested)                                 \
	UD_EXPORT long wrap_##name(long, long, long, long, long, long) __asm__(#name);   \
	UD_EXPORT long wrap_##name(long a, long b, long c, long d, long e, long f)       \
	{                                                                                \
		long (*next)(long, long, long, long, long, long) = real_of(CALL_##name); \
		long r;                                                                  \
                                                                                         \
		if (FAIL_##fail == EXEC)                                                 \
			signal_exec(true);                                               \
		r = next(a, b, c, d, e, f);                                              \
		if (FAIL_##fail == EXEC)                                                 \
			signal_exec(false);                                              \
		if (unlikely(failed(r, FAIL_##fail)))                                    \
			check(CALL_##name, (const long[ARGS]){KEPT_6(pointers, nested)}, \
				__builtin_frame_address(0));                             \
		return r;                                                                \
	}

#define EFAULT_CALL7(name, shown, fail, pointers, nested)                                      \
	UD_EXPORT long wrap_##name(long, long, long, long, long, long, long) __asm__(#name);   \
	UD_EXPORT long wrap_##name(long a, long b, long c, long d, long e, long f, long g)     \
	{                                                                                      \
		long (*next)(long, long, long, long, long, long, long) = real_of(CALL_##name); \
		long r = FAIL_##fail == FORKS && fork_is_syscall(a)                            \
				 ? fork_syscall(next, (const long[]){a, b, c, d, e, f, g})     \
				 : next(a, b, c, d, e, f, g);                                  \
                                                                                               \
		if (unlikely(failed(r, FAIL_##fail)))                                          \
			check(CALL_##name, (const long[ARGS]){KEPT_6(pointers, nested), g},    \
				__builtin_frame_address(0));                                   \
		return r;                                                                      \
	}

/* clang-format off */
#include "efault.def"
