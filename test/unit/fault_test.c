// sources: src/findings/fault.c src/findings/signals*.c src/findings/report.c src/findings/others.c src/findings/survive.c src/findings/summary.c src/findings/suppressed.c src/base/suppress.c src/base/glob.c src/findings/print.c src/findings/hint.c src/base/stamp.c src/findings/helper.c src/base/options.c src/trace/place.c src/trace/symbol.c src/trace/decode.c src/base/log.c src/base/file.c src/findings/near.c src/findings/judge.c src/base/calls.c src/base/mode.c src/base/memlimit.c src/base/poison.c src/base/extable.c src/base/late.c
// sources: src/findings/sandbox.c src/findings/maps.c src/findings/efault.c src/base/altstack.c src/base/ownlimit.c src/base/threadend.c src/trace/stack.c src/trace/capture.c src/trace/depot.c src/trace/rules.c src/base/symtab.c src/trace/cfi.c src/base/out.c
/*
 * Faults in child processes, over a fake engine: one page is the dead block. That findings leave, and faults
 * which are none take, the course that the kernel gives them.
 */
#include "base/altstack.h"
#include "base/ticks.h"
#include "finding.h"
#include "findings/print.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void do_read(void)
{
	*(volatile long *)(dead + 32);
}

static void on_abort_exit(int sig)
{
	_exit(7);
}

static sigjmp_buf jump;
static volatile int seen_code;
static char *volatile seen_addr, *volatile seen_sp;

static void on_segv(int sig, siginfo_t *si, void *uc)
{
	sigset_t now;

	hits++;
	seen_code = si->si_code;
	seen_addr = si->si_addr;
	seen_sp = __builtin_frame_address(0);
	syscall(14 /* rt_sigprocmask */, SIG_BLOCK, NULL, &now, 8);
	seen_code += sigismember(&now, SIGSEGV) ? 100 : 0;
	seen_code += sigismember(&now, SIGUSR1) ? 1000 : 0;
	siglongjmp(jump, 1);
}

static void catching(int flags, char *at)
{
	struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | flags}, q;

	sigaction(SIGSEGV, NULL, &q);
	if (q.sa_handler != SIG_DFL)
		_exit(90);
	sigaddset(&sa.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &sa, NULL);
	if (!sigsetjmp(jump, 1))
		*(volatile char *)at = 1;
	sigaction(SIGSEGV, NULL, &q);
	if (hits != 1 || seen_addr != at)
		_exit(91);
	if (q.sa_sigaction != (flags & SA_RESETHAND ? NULL : on_segv))
		_exit(92);
}

static void do_own_fault(void)
{
	catching(0, foreign);
	if (seen_code != SEGV_ACCERR + 1100)
		_exit(93);
	for (int i = 0; i < 3; i++) /* one in the pages of a live block, too */
		if (!sigsetjmp(jump, 1))
			*(volatile char *)(i ? foreign : ours + 2910) = 1;
	_exit(hits == 4 ? 0 : 94);
}

static void do_nodefer(void)
{
	catching(SA_NODEFER, foreign);
	_exit(seen_code == SEGV_ACCERR + 1000 ? 0 : 93);
}

static void do_resethand(void)
{
	catching((int)SA_RESETHAND, foreign);
	*(volatile char *)foreign = 1; /* now by default */
}

static void do_altstack(void)
{
	static char alt[1 << 14];
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)};

	sigaltstack(&ss, NULL);
	catching(SA_ONSTACK, foreign);
	if (seen_sp < alt || seen_sp >= alt + sizeof(alt))
		_exit(95);
	hits = 0;
	signal(SIGSEGV, SIG_DFL);
	catching(0, foreign);
	_exit(seen_sp >= alt && seen_sp < alt + sizeof(alt) ? 96 : 0);
}

static void do_default(void)
{
	*(volatile char *)foreign = 1;
}

static void do_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	kill(getpid(), SIGSEGV); /* a sent one is ignored, a fault is not */
	write(2, "still here\n", 11);
	*(volatile char *)foreign = 1;
}

static void do_sent(void)
{
	kill(getpid(), SIGSEGV);
	pause();
}

static void do_blocked(void)
{
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigprocmask(SIG_BLOCK, NULL, &old);
	if (!sigismember(&old, SIGSEGV) || !sigismember(&old, SIGBUS))
		_exit(97);
	signal(SIGSEGV, on_abort_exit);
	raise(SIGSEGV); /* stays pending */
	write(2, "still here\n", 11);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	_exit(98);
}

/* What waits is gone for good, whatever is to be done with the next one. */
static void do_ignored_while_blocked(void)
{
	sigset_t segv;

	sigemptyset(&segv);
	sigaddset(&segv, SIGSEGV);
	sigprocmask(SIG_BLOCK, &segv, NULL);
	signal(SIGSEGV, on_abort_exit);
	raise(SIGSEGV);
	signal(SIGSEGV, SIG_IGN);
	signal(SIGSEGV, on_abort_exit);
	sigprocmask(SIG_UNBLOCK, &segv, NULL);
	_exit(9);
}

static void do_blocked_fault(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	signal(SIGSEGV, on_abort_exit);
	*(volatile char *)foreign = 1;
}

/* prctl(2), as seccomp(2)'s strict mode, takes the counter away: it stands still then. */
static void do_no_time_stamps(void)
{
	uint64_t before = ticks();

	signal(SIGSEGV, on_abort_exit);
	if (!before || prctl(PR_SET_TSC, PR_TSC_SIGSEGV) || ticks())
		_exit(81);
	if (prctl(PR_SET_TSC, PR_TSC_ENABLE) || ticks() < before)
		_exit(82);
	_exit(9);
}

static void own_faults(void)
{
	CHILDREN(CHILD(do_own_fault, EXITS(0), 0), CHILD(do_nodefer, EXITS(0), 0),
		CHILD(do_resethand, SIGSEGV, 0), CHILD(do_altstack, EXITS(0), 0),
		CHILD(do_default, SIGSEGV, 0), CHILD(do_ignored, SIGSEGV, 0, "still here"),
		CHILD(do_sent, SIGSEGV, 0), CHILD(do_blocked, EXITS(7), 0, "still here"),
		CHILD(do_ignored_while_blocked, EXITS(9), 0), CHILD(do_blocked_fault, SIGSEGV, 0),
		CHILD(do_no_time_stamps, EXITS(9), 0));
}

static void do_found_caught(void)
{
	catching(0, dead + 20);
	_exit(33);
}

static void return_at_once(int sig)
{
	hits++;
}

static void do_found_retried(void)
{
	signal(SIGSEGV, return_at_once);
	do_read();
}

/* A handler that jumps out may meet the same finding as often as it likes. */
static void do_found_often(void)
{
	struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	for (volatile int i = 0; i < 300; i++)
		if (!sigsetjmp(jump, 1))
			do_read();
	_exit(hits == 300 ? 9 : 1);
}

/* The siginfo of a fault, sent: there is no instruction that would fault again. */
static void do_sent_like_a_fault(void)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = foreign + 100};

	if (!sigsetjmp(jump, 1)) {
		struct sigaction sa = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};

		sigaction(SIGSEGV, &sa, NULL);
		*(volatile char *)foreign = 1;
	}
	signal(SIGSEGV, SIG_DFL);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGSEGV, &si);
	_exit(1);
}

/* The same with the address of a dead block: nobody used it just now. */
static void do_sent_like_a_finding(void)
{
	siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR, .si_addr = dead + 20};

	catching(0, foreign);
	signal(SIGSEGV, SIG_DFL);
	syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGSEGV, &si);
	_exit(1);
}

static void do_found_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	do_read();
}

static void read_in_handler(int sig)
{
	do_read();
}

static void do_found_in_handler(void)
{
	struct sigaction sa = {.sa_handler = read_in_handler};

	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}

static void do_found_in_sigsuspend(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGUSR1, read_in_handler);
	raise(SIGUSR1);
	sigdelset(&all, SIGUSR1);
	sigsuspend(&all);
}

static void note_sp(int sig)
{
	seen_sp = __builtin_frame_address(0);
}

/* The stack that we give each thread is not to be seen. */
static void do_hidden_altstack(void)
{
	static char alt[1 << 14];
	stack_t ss = {.ss_sp = alt, .ss_size = sizeof(alt)}, old, off = {.ss_flags = SS_DISABLE};
	struct sigaction sa = {.sa_handler = note_sp, .sa_flags = SA_ONSTACK}, q;
	char *here = __builtin_frame_address(0);

	if (sigaltstack(NULL, &old) || old.ss_flags != SS_DISABLE)
		_exit(81);
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR1, NULL, &q);
	raise(SIGUSR1);
	if (!(q.sa_flags & SA_ONSTACK) || seen_sp > here || seen_sp < here - 65536)
		_exit(82);
	if (sigaltstack(&ss, &old) || old.ss_flags != SS_DISABLE)
		_exit(83);
	raise(SIGUSR1);
	if (seen_sp < alt || seen_sp >= alt + sizeof(alt))
		_exit(84);
	if (sigaltstack(&off, &old) || old.ss_sp != alt || old.ss_flags != 0)
		_exit(85);
	if (sigaltstack(NULL, &old) || old.ss_flags != SS_DISABLE)
		_exit(86);
	ss.ss_size = 1;
	if (sigaltstack(&ss, NULL) != -1)
		_exit(87);
	_exit(9);
}

static void stand_on_dead(void)
{
	/* Any push faults now; nothing but another stack can take the signal frame. */
	__asm__ volatile("movq %0, %%rsp\n\tpushq $1" : : "r"(dead + 64) : "memory");
}

static void *thread_on_dead(void *arg)
{
	altstack_enter();
	stand_on_dead();
	return NULL;
}

static void do_thread_on_dead(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_on_dead, NULL);
	pthread_join(t, NULL);
}

static void *thread_that_ends(void *arg)
{
	altstack_enter();
	return NULL;
}

static unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	int c;

	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void do_many_threads(void)
{
	unsigned before = 0;

	for (int i = 0; i < 200; i++) {
		pthread_t t;

		pthread_create(&t, NULL, thread_that_ends, NULL);
		pthread_join(t, NULL);
		before = i == 10 ? mappings() : before;
	}
	_exit(mappings() <= before ? 9 : 1);
}

static void alternate_stacks(void)
{
	CHILDREN(CHILD(do_hidden_altstack, EXITS(9), 0),
		CHILD(stand_on_dead, SIGSEGV, 1, "use-after-free: WRITE of size 8 at 0x"),
		CHILD(do_thread_on_dead, SIGSEGV, 1), CHILD(do_many_threads, EXITS(9), 0));
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* System V: hold, release, ignore, and what each says of the state before. */
static void do_sigset(void)
{
	if (sigset(SIGSEGV, on_abort_exit) != SIG_DFL)
		_exit(81);
	if (sigset(SIGSEGV, SIG_HOLD) != on_abort_exit)
		_exit(82);
	raise(SIGSEGV);
	if (sigset(SIGSEGV, SIG_IGN) != SIG_HOLD) /* the pending one is ignored now */
		_exit(83);
	if (sighold(SIGSEGV) || sigignore(SIGBUS) || sigset(65, SIG_DFL) != SIG_ERR)
		_exit(84);
	if (signal(SIGSEGV, on_abort_exit) != SIG_IGN || signal(SIGBUS, SIG_DFL) != SIG_IGN)
		_exit(85);
	raise(SIGSEGV);
	sigrelse(SIGSEGV);
	_exit(86);
}

static void do_inherits_blocked(void)
{
	sigset_t all, now;

	sigemptyset(&all);
	sigaddset(&all, SIGSEGV);
	syscall(14 /* rt_sigprocmask */, SIG_BLOCK, &all, NULL, 8); /* as if before exec */
	fault_init();
	sigprocmask(SIG_BLOCK, NULL, &now);
	if (sigismember(&now, SIGSEGV) != 1 || sigismember(&now, SIGBUS) != 0)
		_exit(82);
	do_read();
}

static void *thread_read(void *arg)
{
	do_read();
	return NULL;
}

static void do_found_by_many(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, thread_read, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
}

static void *thread_frees_badly(void *arg)
{
	report_bad_free(foreign, "free", __builtin_frame_address(0));
	return NULL;
}

/* From a fatal finding on the process is dying: nobody else gets to tell another. */
static void do_found_while_dying(void)
{
	struct report r = {.kind = FINDING_USE_AFTER_FREE, .addr = vaddr_of(dead + 32)};
	pthread_t t;

	block_find(r.addr, &r.block);
	report_print(&r, NULL, true);
	pthread_create(&t, NULL, thread_frees_badly, NULL);
	usleep(50000);
	syscall(SYS_exit_group, 9);
}

static void free_badly(int sig)
{
	report_bad_free(foreign, "free", __builtin_frame_address(0));
}

/* A handler that comes while its thread tells a finding, and has one of its own, waits for nobody. */
static void do_found_while_telling(void)
{
	alarm(15); /* who waits for others does so for 20 s */
	signal(SIGUSR1, free_badly);
	made_raises = SIGUSR1;
	do_read();
}

/* Children of children: the blocks are still those of the first of them. */
static void do_grandchild(void)
{
	pid_t pid;

	print_fork_child();
	print_fork_prepare();
	pid = fork();
	if (!pid) {
		print_fork_child();
		do_read();
	}
	_exit(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 9 : 1);
}

static void threads_and_processes(void)
{
	print_fork_prepare();
	CHILDREN(CHILD(do_found_by_many, SIGSEGV, 1, "used by thread T1 (fault_test)"),
		CHILD(do_found_while_dying, EXITS(9), 1), CHILD(do_found_while_telling, SIGABRT, 0),
		CHILD(do_grandchild, EXITS(9), 1, "freed by thread T0 (main, before fork)"));
}

static void handlers_and_findings(void)
{
	CHILDREN(CHILD(do_found_caught, EXITS(33), 1), CHILD(do_found_retried, SIGSEGV, 1),
		CHILD(do_found_often, EXITS(9), 1), CHILD(do_sent_like_a_fault, SIGSEGV, 0),
		CHILD(do_sent_like_a_finding, SIGSEGV, 0), CHILD(do_found_blocked, SIGSEGV, 1),
		CHILD(do_found_in_handler, SIGSEGV, 1, " read_in_handler+0x",
			" do_found_in_handler+0x"),
		CHILD(do_found_in_sigsuspend, SIGSEGV, 1), CHILD(do_sigset, EXITS(7), 0),
		CHILD(do_inherits_blocked, SIGSEGV, 1));
}

int main(void)
{
	finding_init();
	RUN(own_faults);
	RUN(handlers_and_findings);
	RUN(threads_and_processes);
	RUN(alternate_stacks);
	return UNIT_END();
}
