/*
 * survive.c - see survive.h. app context, fault path: raw system calls, no lock but report.c's gate.
 *
 * A dead page has nothing in it, whatever dead blocks it was of; so zeros of our own may stand there,
 * where the library never looks again. If it kills that range once more (a view that goes as a whole),
 * they fault and come again.
 */
#include "survive.h"
#include "base/base.h"
#include "summary.h"
#include "trace/trace.h"

#include <stdlib.h>
#include <sys/mman.h>

#define STATUS_FOUND 1 /* continue: in place of 0 */

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
	p = sys_mmap(
		at, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1);
	return p == (long)at;
}

int survive_status(int status)
{
	summary_tell();
	if (!summary_any())
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

	if (options.on_error == ON_ERROR_CONTINUE || options.exit_code)
		report_wait();
	now = survive_status(status);
	if (now != status)
		exit(now);
}

void survive_init(void)
{
	bool goes_on = options.on_error == ON_ERROR_CONTINUE;

	summary_init();
	if (goes_on || options.exit_code || summary_is_mine())
		on_exit(at_exit, NULL);
	if (goes_on)
		log_keep_stderr();
}
