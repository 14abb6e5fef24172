/* altstack.c - see altstack.h. app context; raw system calls, callable from inside malloc. */
#include "altstack.h"
#include "words.h"
#include "sys.h"

#include <pthread.h>
#include <sys/mman.h>

#define STACK_BYTES (32UL << 10) /* AVX-512 and AMX state is 11 KB of each frame */
#define MAP_BYTES   (STACK_BYTES + PAGE_SIZE)

static pthread_key_t at_exit;
static bool ready;

static __thread char *mine;    /* this thread's, above its guard page */
static __thread bool programs; /* the program has set its own         */

static long set(const stack_t *ss, stack_t *old)
{
	return sys_call3(__NR_sigaltstack, (long)ss, (long)old, 0);
}

static long set_mine(void)
{
	const stack_t ss = {.ss_sp = mine, .ss_size = STACK_BYTES};

	return set(&ss, NULL);
}

static void thread_ends(void *arg)
{
	const stack_t off = {.ss_flags = SS_DISABLE};

	if (!programs && set(&off, NULL) != 0)
		return; /* we stand on it */
	mine = NULL;
	sys_munmap(vaddr_of(arg), MAP_BYTES);
}

void altstack_enter(void)
{
	stack_t now;
	long p;

	if (!ready || mine || set(NULL, &now) != 0)
		return;
	p = sys_mmap(0, MAP_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_is_err(p))
		return;
	if (sys_mprotect((vaddr_t)p + PAGE_SIZE, STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
		sys_munmap((vaddr_t)p, MAP_BYTES);
		return;
	}
	mine = (char *)p + PAGE_SIZE;
	programs = !(now.ss_flags & SS_DISABLE);
	if (!programs)
		set_mine();
	pthread_setspecific(at_exit, (void *)p); /* one of the first 32 keys: no malloc */
}

bool altstack_lend(stack_t *was)
{
	altstack_enter();
	if (!mine || set(NULL, was) != 0 || was->ss_flags & SS_DISABLE || was->ss_sp == mine)
		return false;
	return set_mine() == 0;
}

void altstack_return(const stack_t *was)
{
	set(was, NULL);
}

void altstack_init(void)
{
	ready = pthread_key_create(&at_exit, thread_ends) == 0;
	altstack_enter();
}

long altstack_set(const stack_t *ss, stack_t *old)
{
	bool off = ss && ss->ss_flags & SS_DISABLE, was = programs;
	long r = mine && off ? set(NULL, old) : set(ss, old);

	if (r == 0 && mine && off)
		r = set_mine();
	if (r < 0)
		return r;
	if (ss)
		programs = !off;
	if (old && mine && !was)
		*old = (stack_t){.ss_flags = SS_DISABLE};
	return 0;
}
