/*
 * init.c - the constructor: what the first malloc could not do yet.
 *
 * app context, before main and (initfirst) before other libraries' constructors. malloc works
 * from the very first call; handlers for faults, thread exits and forks come here.
 */
#include "alias.h"
#include "fault.h"
#include "log.h"
#include "options.h"
#include "stats.h"
#include "tcache.h"

__attribute__((constructor(101))) static void undangle_init(void)
{
	alias_init();
	tcache_init();
	alias_fork_init();
	fault_init();
	if (options.stats)
		log_keep_stderr();
}

__attribute__((destructor(101))) static void undangle_exit(void)
{
	struct out o;

	if (!options.stats)
		return;
	out_init(&o, log_fd());
	stats_print(&o);
	out_flush(&o);
}
