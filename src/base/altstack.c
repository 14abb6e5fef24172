/* altstack.c - see altstack.h. app context; raw system calls, callable from inside malloc. */
#include "altstack.h"
#include "words.h"
#include "sys.h"
#include "threadend.h"

#include <sys/mman.h>

#define USED_BYTES (ALTSTACK_BYTES + ALTSTACK_ROOM)
#define AUTODISARM ((int)(1U << 31)) /* SS_AUTODISARM, of linux/signal.h */
#define MAP_BYTES  (USED_BYTES + PAGE_SIZE)

static pthread_key_t at_exit;
static bool ready;

__thread char *altstack_mine;
static __thread bool programs; /* the program has set its own         */

static long set(const stack_t *ss, stack_t *old)
{
	return sys_call3(__NR_sigaltstack, (long)ss, (long)old, 0);
}

static long set_mine(void)
{
	const stack_t ss = {.ss_sp = altstack_mine, .ss_size = ALTSTACK_BYTES};

	return set(&ss, NULL);
}

static void thread_ends(void *arg)
{
	const stack_t off = {.ss_flags = SS_DISABLE};

	if (!programs && set(&off, NULL) != 0)
		return; /* we stand on it */
	altstack_mine = NULL;
	sys_munmap(vaddr_of(arg), MAP_BYTES);
}

void altstack_enter(void)
{
	stack_t now;
	long p;

	if (!ready || altstack_mine || set(NULL, &now) != 0)
		return;
	p = sys_mmap(0, MAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (sys_is_err(p))
		return;
	if (sys_mprotect((vaddr_t)p + PAGE_SIZE, USED_BYTES, PROT_READ | PROT_WRITE) != 0) {
		sys_munmap((vaddr_t)p, MAP_BYTES);
		return;
	}
	altstack_mine = (char *)p + PAGE_SIZE;
	programs = !(now.ss_flags & SS_DISABLE);
	if (!programs)
		set_mine();
	pthread_setspecific(at_exit, (void *)p);
}

bool altstack_lend(stack_t *was)
{
	altstack_enter();
	if (!altstack_mine || set(NULL, was) != 0 || was->ss_flags & SS_DISABLE ||
		was->ss_sp == altstack_mine)
		return false;
	return set_mine() == 0;
}

void altstack_return(const stack_t *was)
{
	set(was, NULL);
}

void altstack_init(void)
{
	ready = threadend_key(&at_exit, thread_ends);
	altstack_enter();
}

long altstack_set(const stack_t *ss, stack_t *old)
{
	bool off, was = programs;
	long r;

	if (!altstack_mine)
		return set(ss, old);
	/* With any other flag it is the kernel's to refuse. */
	off = ss && (ss->ss_flags & ~AUTODISARM) == SS_DISABLE;
	r = off ? set(NULL, old) : set(ss, old);
	if (r == 0 && off)
		r = set_mine();
	if (r < 0)
		return r;
	if (ss)
		programs = !off;
	if (old && !was)
		*old = (stack_t){.ss_flags = SS_DISABLE};
	return 0;
}
