// As Go's runtime does: the alternate stack is asked for, and set, by system calls that libc never
// sees; its handlers must run on it. One that only says SA_ONSTACK for courtesy, before there is
// any, runs on the stack that it interrupts.
#include "ok.h"
#include <sys/syscall.h>

static char room[64 << 10];
static stack_t stack;
static volatile int on, ran;

static void handler(int sig, siginfo_t *si, void *uc)
{
	char *here = __builtin_frame_address(0);

	(void)sig, (void)si, (void)uc;
	on = here >= (char *)stack.ss_sp && here < (char *)stack.ss_sp + stack.ss_size;
	ran++;
}

static void set(int sig, int full, int flags)
{
	struct sigaction a = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	if (full)
		sigfillset(&a.sa_mask);
	check(sigaction(sig, &a, NULL) == 0);
}

static void *thread(void *arg)
{
	free(malloc(100));
	check(syscall(SYS_sigaltstack, NULL, &stack) == 0);
	if (stack.ss_flags & SS_DISABLE) {
		stack = (stack_t){.ss_sp = room, .ss_size = sizeof(room)};
		check(syscall(SYS_sigaltstack, &stack, NULL) == 0);
	}
	set(SIGURG, 1, SA_ONSTACK | SA_RESTART);
	raise(SIGURG);
	say("SIGURG in %s: on the alternate stack: %d", (char *)arg, on);
	raise(SIGUSR1);
	say("SIGUSR1 in %s: %d", (char *)arg, on);
	return NULL;
}

int main(void)
{
	pthread_t t;

	set(SIGUSR1, 0, SA_ONSTACK);
	raise(SIGUSR1);
	say("none set: %d", on);
	thread("main");
	memset(&stack, 0, sizeof(stack));
	pthread_create(&t, NULL, thread, "a thread");
	pthread_join(t, NULL);
	check(ran == 5);
	return done();
}
