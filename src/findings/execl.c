/*
 * execl.c - execl, execlp, execle: as libc's, but by way of our execv, execvp and execve.
 *
 * app context, vfork children and signal handlers included: no allocation, no lock. libc's own go
 * to the kernel past efault.c, so that a dead string would be missed and a signal that the program
 * ignores would not stay ignored in the new program (signals.h, signal_exec).
 */
#include "base/base.h"

#include <stdarg.h>
#include <unistd.h>

static size_t count_args(const char *arg, va_list *ap)
{
	size_t n = arg ? 1 : 0;

	while (n && va_arg(*ap, char *))
		n++;
	return n;
}

static void take_args(char **argv, size_t n, const char *arg, va_list *ap)
{
	argv[0] = (char *)(uintptr_t)arg;
	for (size_t i = 1; i <= n; i++) /* with their NULL */
		argv[i] = va_arg(*ap, char *);
}

/* The functions differ in name and in what they call: a va_list cannot be handed on for an array. */
#define EXEC_LIST(name, by)                                        \
	UD_EXPORT int name(const char *file, const char *arg, ...) \
	{                                                          \
		va_list ap;                                        \
		size_t n;                                          \
                                                                   \
		va_start(ap, arg);                                 \
		n = count_args(arg, &ap);                          \
		va_end(ap);                                        \
                                                                   \
		char *argv[n + 1];                                 \
                                                                   \
		va_start(ap, arg);                                 \
		take_args(argv, n, arg, &ap);                      \
		va_end(ap);                                        \
		return by(file, argv);                             \
	}

EXEC_LIST(execl, execv)
EXEC_LIST(execlp, execvp)

UD_EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	va_list ap;
	size_t n;

	va_start(ap, arg);
	n = count_args(arg, &ap);
	va_end(ap);

	char *argv[n + 1];

	va_start(ap, arg);
	take_args(argv, n, arg, &ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}
