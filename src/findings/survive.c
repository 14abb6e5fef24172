/*
 * survive.c - see survive.h. app context, fault path: raw system calls, no lock but report.c's gate.
 *
 * A dead page has nothing in it, whatever dead blocks it was of; so zeros of our own may stand there,
 * where the library never looks again. If it kills that range once more (a view that goes as a whole),
 * they fault and come again.
 */
#include "survive.h"
#include "base/base.h"
#include "trace/trace.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STATUS_FOUND 1 /* continue: in place of 0 */

/* Shared with the children of fork, the counts of all. */
struct total {
	_Atomic unsigned long met, told, processes;
};

static struct total *total;
static struct {
	int maker, pid; /* of the total; of the one below */
	bool any;
} here;

bool survive_possible(const struct report *r)
{
	return r->kind != FINDING_OUT_OF_BOUNDS && r->access != ACCESS_EXEC &&
	       !(r->loaded && report_by_access(r));
}

bool survive_can(const struct report *r)
{
	return options.on_error == ON_ERROR_CONTINUE && survive_possible(r);
}

bool survive_mend(const struct report *r)
{
	vaddr_t at = r->addr & PAGE_MASK;
	long p;

	if (!report_by_access(r))
		return true;
	if (stack_probe(at)) /* another thread was here first */
		return true;
	p = sys_mmap(at, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
	return p == (long)at;
}

void survive_count(bool told)
{
	int pid = sys_getpid();

	if (here.pid != pid || !here.any) {
		here.pid = pid;
		here.any = true;
		if (total)
			atomic_fetch_add(&total->processes, 1);
	}
	if (total) {
		atomic_fetch_add(&total->met, 1);
		atomic_fetch_add(&total->told, told);
	}
}

static void say_total(void)
{
	unsigned long met = total->met, told = total->told, n = total->processes;

	if (met)
		out_line(log_fd(), "undangle: %lu finding%s in %lu process%s, %lu of them told\n",
			met, met == 1 ? "" : "s", n, n == 1 ? "" : "es", told);
}

int survive_status(int status)
{
	int pid = sys_getpid();

	if (total && here.maker == pid) {
		here.maker = 0;
		say_total();
	}
	/* A child of vfork has our memory, not our findings. */
	if (!here.any || here.pid != pid)
		return status;
	if (options.exit_code)
		return (int)options.exit_code;
	return options.on_error == ON_ERROR_CONTINUE && !status ? STATUS_FOUND : status;
}

/*
 * After all destructors, for it was registered before the dynamic linker's own. exit() goes on with
 * what is left to do (streams), and with the new status.
 */
static void at_exit(int status, void *unused)
{
	int now;

	report_wait();
	now = survive_status(status);
	if (now != status)
		exit(now);
}

void survive_init(void)
{
	long p;

	if (options.on_error != ON_ERROR_CONTINUE && !options.exit_code)
		return;
	on_exit(at_exit, NULL);
	if (options.on_error != ON_ERROR_CONTINUE)
		return;
	log_keep_stderr();
	p = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sys_is_err(p))
		return;
	total = vaddr_ptr((vaddr_t)p);
	here.maker = sys_getpid();
}
