/* panic.c - see panic.h. */
#include "panic.h"
#include "out.h"
#include "sys.h"

#include <signal.h>

/* The kernel's own struct for rt_sigaction: libc's wrapper may be interposed. */
struct kernel_sigaction {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

void panic_at(const char *file, int line, const char *fmt, ...)
{
	struct kernel_sigaction dfl = {0};
	uint64_t unblock = 1UL << (SIGABRT - 1);
	struct out o;
	va_list ap;

	out_init(&o, 2);
	out_fmt(&o, "undangle: INTERNAL ERROR (please report): %s:%d: ", file, line);
	va_start(ap, fmt);
	out_vfmt(&o, fmt, ap);
	va_end(ap);
	out_char(&o, '\n');
	out_flush(&o);
	sys_call4(__NR_rt_sigaction, SIGABRT, (long)&dfl, 0, 8);
	sys_sigmask(SIG_UNBLOCK, &unblock, NULL);
	sys_call3(__NR_tgkill, sys_getpid(), sys_gettid(), SIGABRT);
	sys_exit_group(134);
}
