/*
 * panic.h - the end for OUR bugs (never the user's, never a missing resource).
 *
 * Any context but the monitor. panic() writes one line to stderr with file and line, and ends
 * the process by SIGABRT through raw system calls, in release builds too. It does not return.
 */
#ifndef UD_PANIC_H
#define UD_PANIC_H

__attribute__((noreturn, cold, format(printf, 3, 4))) void panic_at(
	const char *file, int line, const char *fmt, ...);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define panic_if(cond, ...)                                        \
	do {                                                       \
		if (__builtin_expect(!!(cond), 0))                 \
			panic_at(__FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

#endif
