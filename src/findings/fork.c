/*
 * fork.c - forks that pthread_atfork's handlers do not suffice for.
 *
 * app context. The child gets the blocks as they were when their copy was made (the engine's fork.c).
 *
 * A stack changes after that. Where it is a block (a coroutine, a handler on an alternate stack),
 * the fork is made from another one, which is private memory, and the block has what its frames
 * need when the copy is made. If it is a thread's stack, its TCB lies there, too: the kernel must
 * write nothing there before the child has it again. Where libc forks by itself (daemon, forkpty)
 * it cannot be helped: there the child ends with a line.
 *
 * Others fork without any handlers: clone without CLONE_VM, _Fork, and the bare system calls, as
 * far as they are made by syscall(2). What the engine needs is done around those.
 */
#include "fork.h"
#include "trace/trace.h"
#include "print.h"
#include "base/base.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* glibc's own, by their other names */
pid_t __fork(void);
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso);

#define STACK_BYTES (256UL << 10) /* handlers of pthread_atfork run there */

/* A fork: f returns as fork does. */
struct call {
	long (*f)(const long *arg);
	const long *arg;
	long r;
	int err;
	ucontext_t here, there;
};

/*
 * Restartable sequences, rseq(2): at every return from the kernel it writes the processor's number
 * into the TCB, and kills whose TCB is missing. (glibc 2.35 is the first to ask for that.)
 */
extern const ptrdiff_t __rseq_offset __attribute__((weak));

static bool rseq_switch(int flags)
{
	vaddr_t at;

	if (!&__rseq_offset)
		return false;
	at = vaddr_of(__builtin_thread_pointer()) + (vaddr_t)__rseq_offset;
	return block_source->copied(vaddr_ptr(at)) &&
	       sys_call4(__NR_rseq, (long)at, RSEQ_SIZE_OLD, flags, RSEQ_SIGNATURE) == 0;
}

/* makecontext gives its function ints. */
static void fork_there(unsigned hi, unsigned lo)
{
	struct call *c = vaddr_ptr((vaddr_t)hi << 32 | lo);
	bool off = rseq_switch(RSEQ_UNREGISTER);

	c->r = c->f(c->arg);
	c->err = errno;
	if (off)
		rseq_switch(0);
}

/* The call lies at the lower end of the other stack. */
static long fork_elsewhere(struct call *c)
{
	vaddr_t at = vaddr_of(c);
	struct lock_section s;

	getcontext(&c->there);
	c->there.uc_stack = (stack_t){.ss_sp = c + 1, .ss_size = STACK_BYTES - sizeof(*c)};
	c->there.uc_link = &c->here;
	makecontext(&c->there, (void (*)(void))fork_there, 2, (unsigned)(at >> 32), (unsigned)at);
	/* A handler that came meanwhile would begin at the top of the stack that we left. */
	lock_section_enter(&s);
	swapcontext(&c->here, &c->there);
	lock_section_leave(&s);
	errno = c->err;
	return c->r;
}

static long fork_from_here(long (*f)(const long *arg), const long *arg)
{
	struct call *c;
	long p, r;

	if (likely(!block_source->copied(__builtin_frame_address(0))))
		return f(arg);
	p = sys_mmap(0, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (sys_is_err(p)) {
		errno = ENOMEM;
		return -1;
	}
	c = vaddr_ptr((vaddr_t)p);
	c->f = f;
	c->arg = arg;
	r = fork_elsewhere(c);
	sys_munmap((vaddr_t)p, STACK_BYTES);
	return r;
}

static long by_libc(const long *arg)
{
	return __fork();
}

UD_EXPORT pid_t fork(void)
{
	return (pid_t)fork_from_here(by_libc, NULL);
}

static bool forked UD_ALWAYS;

bool fork_was_made(void)
{
	return forked;
}

/* What the handlers of pthread_atfork do for the others. */
static void before(bool child_on_this_stack)
{
	forked = true;
	print_fork_prepare();
	block_source->fork_prepare(child_on_this_stack);
}

static void in_child(void)
{
	block_source->fork_child();
	print_fork_child();
}

static void after(long r)
{
	if (r)
		block_source->fork_parent();
	else
		in_child();
}

/* The kernel writes the child's own id when it has no blocks yet. */
static void tell_child(unsigned long flags, void *to)
{
	if (flags & CLONE_CHILD_SETTID && block_source->copied(to))
		*(pid_t *)to = sys_gettid();
}

static void tell_child_of(const long *a)
{
	const struct clone_args *args = vaddr_ptr((vaddr_t)a[1]);

	if (a[0] == __NR_clone)
		tell_child((unsigned long)a[1], vaddr_ptr((vaddr_t)a[4]));
	else if (a[0] == __NR_clone3)
		tell_child(args->flags, vaddr_ptr(args->child_tid));
}

static long bare(const long *arg)
{
	long r;

	before(true);
	r = sys_call_its(arg[0], arg[1], arg[2], arg[3], arg[4], arg[5], arg[6]);
	after(r);
	if (!r)
		tell_child_of(arg);
	if (!sys_is_err(r))
		return r;
	errno = (int)-r;
	return -1;
}

static long by_libc_alone(const long *arg)
{
	long (*next)(void) = (long (*)(void))arg[0];
	pid_t pid;

	before(true);
	pid = (pid_t)next();
	after(pid);
	return pid;
}

UD_EXPORT pid_t _Fork(void)
{
	static _Atomic long next;

	if (!next)
		next = (long)symtab_next("_Fork");
	return (pid_t)fork_from_here(by_libc_alone, (const long[]){next});
}

/* Whoever asks what clone3 is capable of passes what is no memory: that is for the kernel to say.
 */
static bool is_there(const struct clone_args *args)
{
	return stack_probe(vaddr_of(args)) &&
	       stack_probe(vaddr_of(args) + CLONE_ARGS_SIZE_VER0 - 1);
}

/* Does the child get a copy of everything, and return here as the parent does? */
static bool is_fork(const long *a)
{
	const struct clone_args *args = vaddr_ptr((vaddr_t)a[1]);

	switch (a[0]) {
	case __NR_fork:
		return true;
	case __NR_clone:
		return !(a[1] & CLONE_VM) && !a[2];
	case __NR_clone3:
		return a[2] >= CLONE_ARGS_SIZE_VER0 && is_there(args) &&
		       !(args->flags & CLONE_VM) && !args->stack;
	default:
		return false;
	}
}

bool fork_is_syscall(long nr)
{
	return nr == __NR_fork || nr == __NR_clone || nr == __NR_clone3;
}

long fork_syscall(long (*next)(long, long, long, long, long, long, long), const long *a)
{
	if (!is_fork(a))
		return next(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	return fork_from_here(bare, a);
}

struct start {
	int (*fn)(void *);
	void *arg;
	int flags;
	void *tid;
};

static int start(void *arg)
{
	const struct start *s = arg;

	in_child();
	tell_child((unsigned)s->flags, s->tid);
	return s->fn(s->arg);
}

UD_EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	struct start s = {.fn = fn, .arg = arg, .flags = flags};
	va_list ap;
	void *more[3];
	uintptr_t *top;
	int r;

	va_start(ap, arg);
	for (int i = 0; i < 3; i++)
		more[i] = va_arg(ap, void *);
	va_end(ap);
	if (flags & CLONE_VM || !fn || !stack)
		return __clone(fn, stack, flags, arg, more[0], more[1], more[2]);
	/* What __clone will put there: the stack may be a block, and its copy is made before. */
	top = vaddr_ptr(ALIGN_DOWN(vaddr_of(stack), 16) - 16);
	top[0] = vaddr_of(start);
	top[1] = vaddr_of(&s);
	s.tid = more[2];
	before(false);
	r = __clone(start, stack, flags, &s, more[0], more[1], more[2]);
	block_source->fork_parent();
	return r;
}

/*
 * libc's fork takes the lock of its list of handlers again when ours has run, and who registers one
 * has that lock while the list grows by malloc: a thread that does so meets no fork of this kind.
 */
static struct lock registering UD_ALWAYS = LOCK(UNRANKED);
static struct lock_section forking UD_ALWAYS;

static void before_fork(void)
{
	struct lock_section s;

	lock_section_enter(&s);
	lock_take(&registering);
	forking = s;
	before(true);
}

static void fork_is_made(void)
{
	struct lock_section s = forking;

	lock_drop(&registering);
	lock_section_leave(&s);
}

static void after_in_parent(void)
{
	block_source->fork_parent();
	fork_is_made();
}

static void after_in_child(void)
{
	in_child();
	fork_is_made();
}

static int (*of_libc)(void (*)(void), void (*)(void), void (*)(void), void *);

static void of_libc_find(void)
{
	if (!of_libc)
		*(void **)&of_libc = symtab_next("__register_atfork");
	panic_if(!of_libc, "no __register_atfork behind us");
}

/* pthread_atfork is this, with the caller's __dso_handle. */
UD_EXPORT int __register_atfork(
	void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso)
{
	struct lock_section s;
	int r;

	of_libc_find();
	lock_section_enter(&s);
	lock_take(&registering);
	r = of_libc(prepare, parent, child, dso);
	lock_drop(&registering);
	lock_section_leave(&s);
	return r;
}

/*
 * Registered first, so that ours run next to the fork itself: those of others may use malloc. And
 * with libc itself: a program that has a __register_atfork of its own (Firefox) calls what it was
 * given around its own calls of clone, where all of it is done already.
 */
void fork_init(void)
{
	of_libc_find();
	of_libc(before_fork, after_in_parent, after_in_child, NULL);
}
