/*
 * fork.c - fork by a thread whose stack is a block: a coroutine, a handler on an alternate stack.
 *
 * app context. The child gets the blocks as they were when their copy was made (alias_fork.c), and
 * a stack changes after that. So such a fork is made from another stack, which is private memory,
 * and the block has what its frames need when the copy is made. If it is a thread's stack, its TCB
 * lies there, too: the kernel must write nothing there before the child has it again. Where libc
 * forks by itself (daemon, forkpty) it cannot be helped: there the child ends with a line.
 */
#include "alias.h"
#include "sys.h"

#include <errno.h>
#include <linux/rseq.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

pid_t __fork(void); /* glibc's own, by its other name */

#define STACK_BYTES (256UL << 10) /* handlers of pthread_atfork run there */

/* At the lower end of that stack. */
struct call {
	ucontext_t here, there;
	struct lock_section s;
	pid_t pid;
	int err;
};

/*
 * Restartable sequences, rseq(2): at every return from the kernel it writes the processor's number
 * into the TCB, and kills whose TCB is missing. (glibc 2.35 is the first to ask for that.)
 */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
#define RSEQ_BYTES 32
#define RSEQ_SIGN  0x53053053

static bool rseq_switch(int flags)
{
	vaddr_t at;

	if (!&__rseq_offset)
		return false;
	at = vaddr_of(__builtin_thread_pointer()) + (vaddr_t)__rseq_offset;
	return alias_copied(vaddr_ptr(at)) &&
	       sys_call4(__NR_rseq, (long)at, RSEQ_BYTES, flags, RSEQ_SIGN) == 0;
}

/* makecontext gives its function ints. */
static void fork_there(unsigned hi, unsigned lo)
{
	struct call *c = vaddr_ptr((vaddr_t)hi << 32 | lo);

	bool off = rseq_switch(RSEQ_FLAG_UNREGISTER);

	c->pid = __fork();
	c->err = errno;
	if (off)
		rseq_switch(0);
}

static pid_t fork_elsewhere(struct call *c)
{
	vaddr_t at = vaddr_of(c);

	getcontext(&c->there);
	c->there.uc_stack = (stack_t){.ss_sp = c + 1, .ss_size = STACK_BYTES - sizeof(*c)};
	c->there.uc_link = &c->here;
	makecontext(&c->there, (void (*)(void))fork_there, 2, (unsigned)(at >> 32), (unsigned)at);
	/* A handler that comes while we are there would begin at the top of the stack that we left.
	 */
	lock_section_enter(&c->s);
	swapcontext(&c->here, &c->there);
	lock_section_leave(&c->s);
	errno = c->err;
	return c->pid;
}

UD_EXPORT pid_t fork(void)
{
	pid_t pid;
	long p;

	if (likely(!alias_copied(__builtin_frame_address(0))))
		return __fork();
	p = sys_mmap(0, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sys_is_err(p)) {
		errno = ENOMEM;
		return -1;
	}
	pid = fork_elsewhere(vaddr_ptr((vaddr_t)p));
	sys_munmap((vaddr_t)p, STACK_BYTES);
	return pid;
}
