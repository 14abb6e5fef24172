// sources: src/trace/stack.c src/trace/capture.c src/trace/depot.c src/trace/rules.c src/base/symtab.c
// sources: src/trace/cfi.c src/trace/symbol.c src/base/extable.c src/base/altstack.c src/base/threadend.c
// sources: src/base/log.c src/base/file.c src/base/out.c
/*
 * onstack.h - for tests of the walker: a function on a stack of its own, and faults of a walk.
 */
#ifndef UD_TEST_ONSTACK_H
#define UD_TEST_ONSTACK_H

#include "base/extable.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned nfaults;
static ucontext_t main_uc, co_uc;

static void on_stack(void *s, size_t len, void (*fn)(void))
{
	getcontext(&co_uc);
	co_uc.uc_stack.ss_sp = s;
	co_uc.uc_stack.ss_size = len;
	co_uc.uc_link = &main_uc;
	makecontext(&co_uc, fn, 0);
	swapcontext(&main_uc, &co_uc);
}

static void on_fault(int sig, siginfo_t *si, void *ucontext)
{
	greg_t *g = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
	uintptr_t ip = (uintptr_t)g[REG_RIP];

	if (!extable_find(&ip))
		_exit(1);
	g[REG_RIP] = (greg_t)ip;
	nfaults++;
}

#endif
