// Signals by System V's and BSD's names: masks, handlers and what is handed back, for a signal that is none of ours and
// for the two that are.
#include "ok.h"

#include <dlfcn.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static volatile sig_atomic_t got;
static int (*sig_pause)(int); /* by a signal's number, as System V has it */
static int (*get_mask)(void); /* the linker warns of its name */

static void on_signal(int sig)
{
	got += sig;
}

static const char *name_of(sighandler_t h)
{
	return h == SIG_ERR	? "error"
	       : h == SIG_DFL	? "default"
	       : h == SIG_IGN	? "ignored"
	       : h == SIG_HOLD	? "held"
	       : h == on_signal ? "ours"
				: "another";
}

/* What the kernel would do, as the program sees it. */
static void state(const char *what, int sig)
{
	struct sigaction act;
	sigset_t mask;

	sigaction(sig, NULL, &act);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	say("  %s: %s, flags %x, itself %s, %s, got %d", what, name_of(act.sa_handler),
		act.sa_flags & ~0x4000000, sigismember(&act.sa_mask, sig) ? "masked" : "open",
		sigismember(&mask, sig) ? "blocked" : "open", got);
}

static void hold(int sig)
{
	say("  hold %d", sighold(sig));
	state("held", sig);
	say("  set %s", name_of(sigset(sig, on_signal)));
	state("set", sig);
	say("  held by set, was %s", name_of(sigset(sig, SIG_HOLD)));
	say("  and once more, was %s", name_of(sigset(sig, SIG_HOLD)));
	raise(sig);
	state("raised", sig);
	say("  let go %d", sigrelse(sig));
	state("let go", sig);
	say("  ignore %d", sigignore(sig));
	state("ignored", sig);
}

static void interrupt(int sig)
{
	say("  was %s", name_of(signal(sig, on_signal)));
	state("signal", sig);
	say("  interrupts %d", siginterrupt(sig, 1));
	state("interrupts", sig);
	say("  was %s", name_of(signal(sig, on_signal)));
	state("signal again", sig);
	say("  restarts %d", siginterrupt(sig, 0));
	say("  was %s", name_of(signal(sig, on_signal)));
	state("signal at last", sig);
	say("  was %s", name_of(sysv_signal(sig, on_signal)));
	state("as System V has it", sig);
}

static void waits(int sig)
{
	say("  was %s", name_of(signal(sig, on_signal)));
	sighold(sig);
	raise(sig);
	errno = 0;
	say("  pause %d", sig_pause(sig));
	say("  %s", strerrorname_np(errno));
	state("behind it", sig);
}

static void masks(int sig)
{
	int bit = 1 << (sig - 1);

	say("  sigblock %x", sigblock(bit));
	say("  siggetmask %x", get_mask());
	say("  sigsetmask %x", sigsetmask(0));
	say("  siggetmask %x", get_mask());
}

static void refused(int sig)
{
	say("  signal %s", name_of(signal(sig, on_signal)));
	say("  sigset %s", name_of(sigset(sig, on_signal)));
	say("  sighold %d sigrelse %d sigignore %d siginterrupt %d", sighold(sig), sigrelse(sig),
		sigignore(sig), siginterrupt(sig, 1));
	errno = 0;
	say("  pause %d", sig_pause(sig));
	say("  %s", strerrorname_np(errno));
}

static void (*part)(int);
static int part_sig;

static int run(void)
{
	part(part_sig);
	return 0;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*fn)(int);
		int sigs[3];
	} parts[] = {
		{"hold", hold, {SIGUSR1, SIGSEGV, SIGBUS}},
		{"interrupt", interrupt, {SIGUSR1, SIGSEGV, SIGBUS}},
		{"waits", waits, {SIGUSR1, SIGSEGV, SIGBUS}},
		{"masks", masks, {SIGUSR1, SIGSEGV, SIGBUS}},
		{"refused", refused, {0, 65, -1}},
	};

	sig_pause = (int (*)(int))dlsym(RTLD_DEFAULT, "__xpg_sigpause");
	get_mask = (int (*)(void))dlsym(RTLD_DEFAULT, "siggetmask");
	for (size_t i = 0; i < ARRAY_N(parts); i++)
		for (size_t j = 0; j < ARRAY_N(parts[i].sigs); j++) {
			part = parts[i].fn;
			part_sig = parts[i].sigs[j];
			say("%s, signal %d", parts[i].name, part_sig);
			in_child(parts[i].name, run);
		}
	return failures;
}
