// Fork where libc, or the thread itself, needs blocks in the child before handlers of
// pthread_atfork run there: FILEs, thread-specific data, stacks, with and without other threads.
// also: strict
#include "ok.h"
#include <pwd.h>

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_key_t key[100];
static FILE *file;
static const char first[] = "first\n", second[] = "second\n", third[] = "third\n";
static char name[] = "/tmp/fork-blocks.XXXXXX";
static volatile sig_atomic_t usr2;
static sigset_t blocked_outside;

static void on_usr2(int sig)
{
	usr2 = sig;
}

/* In a child, and in a child of it: the heap, the thread's own number, the FILE, the signal mask.
 */
static void uses(void)
{
	static const char *next = second;
	char *p = malloc(1000), line[100] = "";
	sigset_t now;

	memset(p, 1, 1000);
	free(p);
	usr2 = 0;
	raise(SIGUSR2);
	check(usr2 == SIGUSR2);
	check(pthread_mutex_lock(&recursive) == 0 && pthread_mutex_lock(&recursive) == 0);
	check(recursive.__data.__owner == gettid());
	check(pthread_mutex_unlock(&recursive) == 0 && pthread_mutex_unlock(&recursive) == 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	for (int i = 1; i < 32; i++)
		check(sigismember(&now, i) == sigismember(&blocked_outside, i));
	if (file)
		check(fgets(line, sizeof(line), file) && !strcmp(line, next));
	next = third;
}

static void in_children(void)
{
	pid_t pid;

	uses();
	pid = fork();
	if (!pid) {
		uses();
		_exit(failures != 0);
	}
	check(pid > 0 && wait_for(pid) == 0);
	_exit(failures != 0);
}

static void try_fork(const char *when)
{
	stack_t before, after;
	volatile int mine = 1;
	pid_t pid;

	sigaltstack(NULL, &before);
	sigprocmask(SIG_SETMASK, NULL, &blocked_outside);
	pid = fork();
	if (!pid) {
		mine++; /* on its own stack, not on its parent's */
		check(mine == 2);
		sigaltstack(NULL, &after);
		check(after.ss_sp == before.ss_sp && after.ss_flags == before.ss_flags);
		in_children();
	}
	check(pid > 0 && wait_for(pid) == 0);
	check(mine == 1);
	sigaltstack(NULL, &after);
	check(after.ss_sp == before.ss_sp && after.ss_flags == before.ss_flags);
	say("%s", when);
}

/* What is larger is not of the rows. */
#define STACK 32768

static const char *co_says;

static void body(void)
{
	try_fork(co_says);
}

static void coroutine(const char *when, size_t size)
{
	co_says = when;
	on_block(body, size);
}

static void on_usr1(int sig)
{
	try_fork("in a handler on an alternate stack from malloc");
}

/* A second one that is sent comes when the first is over, not amid the fork. */
static void on_segv(int sig, siginfo_t *si, void *uc)
{
	static volatile sig_atomic_t in, sent;

	check(!in);
	in = 1;
	if (!sent++)
		tgkill(getpid(), gettid(), SIGSEGV);
	try_fork("in a handler of SIGSEGV");
	mprotect(si->si_addr, 4096, PROT_READ | PROT_WRITE);
	in = 0;
}

static void *thread(void *arg)
{
	pthread_setspecific(key[77], &key);
	try_fork("in a thread whose stack is from malloc");
	check(pthread_getspecific(key[77]) == &key);
	return NULL;
}

static void all(void)
{
	struct sigaction usr1 = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
	struct sigaction segv = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t ss = {.ss_sp = malloc(STACK), .ss_size = STACK}, off = {.ss_flags = SS_DISABLE};
	void *stack = aligned_alloc(4096, STACK);
	char line[100], *page;
	pthread_attr_t a;
	pthread_t t;
	sigset_t set;

	try_fork("plain");
	coroutine("in a coroutine", STACK);
	coroutine("in a coroutine with a large stack", 1 << 20);
	file = fopen(name, "r");
	check(fgets(line, sizeof(line), file) &&
		!strcmp(line, first)); /* the rest is in its buffer */
	try_fork("with a FILE");
	for (size_t i = 0; i < ARRAY_N(key); i++)
		check(!pthread_setspecific(key[i], line));
	try_fork("with many thread-specific data");
	check(getpwnam("root") != NULL);
	try_fork("with a database of names");
	sigaltstack(&ss, NULL);
	try_fork("with an alternate stack from malloc");
	coroutine("in a coroutine, with that", STACK);
	sigaction(SIGUSR1, &usr1, NULL);
	raise(SIGUSR1);
	sigaction(SIGSEGV, &segv, NULL);
	page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*(volatile char *)page = 1;
	check(page[0] == 1);
	sigaltstack(&off, NULL);
	mprotect(page, 4096, PROT_NONE);
	*(volatile char *)page = 2;
	sigfillset(&set);
	sigdelset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	try_fork("with all signals blocked");
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGSEGV, SIG_DFL);
	pthread_attr_init(&a);
	check(pthread_attr_setstack(&a, stack, STACK) == 0);
	check(pthread_create(&t, &a, thread, NULL) == 0);
	pthread_join(t, NULL);
	check(fgets(line, sizeof(line), file) && !strcmp(line, second));
	fclose(file);
	file = NULL;
	free(stack);
	free(ss.ss_sp);
}

int main(void)
{
	pthread_t t;

	crowd();
	signal(SIGUSR2, on_usr2);
	file = fdopen(mkstemp(name), "w");
	fprintf(file, "%s%s%s", first, second, third);
	fclose(file);
	file = NULL;
	for (size_t i = 0; i < ARRAY_N(key); i++)
		check(!pthread_key_create(&key[i], NULL));
	all();
	check(pthread_create(&t, NULL, idle_thread, name) == 0);
	say("and with another thread:");
	all();
	unlink(name);
	return done();
}
