/* unit.h - the whole unit-test framework: CASE functions, CHECK, and a transcript in TAP style. */
#ifndef UNIT_H
#define UNIT_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unit_failed_checks, unit_failed_cases;

#define CHECK(cond)                                                                 \
	do {                                                                        \
		if (!(cond)) {                                                      \
			unit_failed_checks++;                                       \
			printf("# %s:%d: failed: %s\n", __FILE__, __LINE__, #cond); \
		}                                                                   \
	} while (0)

#define CHECK_EQ(a, b)                                                                          \
	do {                                                                                    \
		unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b);  \
		if (a_ != b_) {                                                                 \
			unit_failed_checks++;                                                   \
			printf("# %s:%d: %s = %#llx, want %#llx\n", __FILE__, __LINE__, #a, a_, \
				b_);                                                            \
		}                                                                               \
	} while (0)

#define RUN_AS(name, ...)                                                      \
	do {                                                                   \
		unit_failed_checks = 0;                                        \
		__VA_ARGS__;                                                   \
		unit_failed_cases += unit_failed_checks != 0;                  \
		printf("%s %s\n", unit_failed_checks ? "not ok" : "ok", name); \
		fflush(stdout);                                                \
	} while (0)

#define RUN(fn) RUN_AS(#fn, fn())

/* The test calls what is called with signals blocked. */
static inline void unit_section(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

#define UNIT_END() (unit_failed_cases != 0)

#endif
