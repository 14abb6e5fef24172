/* sandbox.c - see sandbox.h. app context. */
#include "sandbox.h"
#include "base/base.h"
#include "trace/trace.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

/* What may be no address at all: then the kernel says EFAULT, and nothing is installed. */
static bool readable(uintptr_t at, size_t len)
{
	for (uintptr_t p = at; p < at + len; p = (p & PAGE_MASK) + PAGE_SIZE)
		if (p < PAGE_SIZE || p >> 47 || !stack_probe(p))
			return false;
	return stack_probe(at + len - 1);
}

static bool add_program(long at)
{
	const struct sock_fprog *prog = (const struct sock_fprog *)at;

	return readable((uintptr_t)at, sizeof(*prog)) && prog->len && prog->len <= BPF_MAXINSNS &&
	       readable((uintptr_t)prog->filter, prog->len * sizeof(*prog->filter)) &&
	       filter_add(prog->filter, prog->len);
}

bool sandbox_before(const long *a)
{
	if (a[0] == __NR_prctl && (int)a[1] == PR_SET_SECCOMP)
		return a[2] == SECCOMP_MODE_FILTER
			       ? add_program(a[3])
			       : a[2] == SECCOMP_MODE_STRICT && filter_add(NULL, 0);
	if (a[0] == __NR_seccomp && (int)a[1] == SECCOMP_SET_MODE_FILTER)
		return add_program(a[3]);
	return a[0] == __NR_seccomp && (int)a[1] == SECCOMP_SET_MODE_STRICT && filter_add(NULL, 0);
}

/* A number other than 0 is the thread that could not be made to follow, or the listener. */
void sandbox_after(const long *a, long result)
{
	bool listens = a[0] == __NR_seccomp && a[2] & SECCOMP_FILTER_FLAG_NEW_LISTENER;

	if (result && (result < 0 || !listens))
		filter_drop();
}
