/* filter.c - see filter.h. app context; a list that only grows, but for what failed. */
#include "filter.h"
#include "bpf.h"
#include "sys.h"

#include <linux/audit.h>
#include <stdatomic.h>
#include <sys/mman.h>

bool filter_on;
void (*filter_changed)(void);

struct filter {
	struct filter *older;
	uint32_t n; /* 0: SECCOMP_MODE_STRICT */
	struct sock_filter code[];
};

static _Atomic(struct filter *) newest;

static bool strict_allows(long nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

bool filter_allows(long nr, const long arg[6])
{
	struct seccomp_data call = {
		.nr = (int)nr,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = (uint64_t)(uintptr_t)filter_allows,
	};

	for (int i = 0; i < 6; i++)
		call.args[i] = (uint64_t)arg[i];
	for (struct filter *f = newest; f; f = f->older) {
		uint32_t r = f->n		 ? bpf_run(f->code, f->n, &call)
			     : strict_allows(nr) ? SECCOMP_RET_ALLOW
						 : SECCOMP_RET_KILL_PROCESS;

		r &= SECCOMP_RET_ACTION_FULL;
		if (r != SECCOMP_RET_ALLOW && r != SECCOMP_RET_LOG)
			return false;
	}
	return true;
}

static size_t filter_bytes(uint32_t n)
{
	return ALIGN_UP(sizeof(struct filter) + n * sizeof(struct sock_filter), PAGE_SIZE);
}

bool filter_add(const struct sock_filter *code, uint32_t n)
{
	long r = sys_mmap(
		0, filter_bytes(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct filter *f = (struct filter *)r;

	if (sys_is_err(r))
		return false;
	f->n = n;
	for (uint32_t i = 0; i < n; i++)
		f->code[i] = code[i];
	f->older = newest;
	newest = f;
	if (filter_changed)
		filter_changed(); /* before any call of ours obeys it */
	filter_on = true;
	return true;
}

void filter_drop(void)
{
	struct filter *f = newest; /* another thread may be reading it: it stays mapped */

	newest = f->older;
	filter_on = newest != NULL;
	if (filter_changed)
		filter_changed();
}
