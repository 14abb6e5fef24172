/*
 * hint.c - the last line of a finding: what to do next (print.h). app context, fault path: no malloc, no stdio, no lock.
 */
#include "print.h"
#include "survive.h"

static const char *how_it_goes_on(const struct report *r)
{
	if (r->found)
		return "";
	if (r->access == ACCESS_SYSCALL)
		return ": the call failed";
	if (r->access != ACCESS_NONE)
		return ": zeros are there now";
	return text_after(r->call, "realloc") ? ": the call gives a new block of zeros"
					      : ": the call is ignored";
}

/* What becomes of the program, and where a debugger has something to see. */
static void print_outcome(struct out *o, const struct report *r)
{
	if (survive_can(r))
		out_fmt(o, "the program goes on%s\n", how_it_goes_on(r));
	else if (r->found)
		out_str(o, "gdb --args undangle PROG stops where it was found, not at the write\n");
	else
		out_fmt(o, "%sgdb --args undangle PROG stops here%s\n",
			options.exit_code && !report_by_access(r) ? "without --exit-code " : "",
			options.exit_code
				? ""
				: "; undangle core CORE prints this from a core dump (ulimit -c)");
}

void print_hint(struct out *o, const struct report *r)
{
	out_str(o, "undangle: hint: ");
	if (r->found)
		out_str(o, "--detect=strict stops at the write itself; one past the end of the "
			   "block before it in memory would look the same, --sample=1 stops at "
			   "most of those; ");
	else if (options.detect != DETECT_STRICT && options.backend != BACKEND_KVM &&
		 r->kind == FINDING_USE_AFTER_FREE)
		out_str(o, "--detect=strict stops at an earlier stale access, if there was one; ");
	if (!options.stacks && r->block.state >= BLOCK_LIVE && !r->block.alloc_tid)
		out_str(o, "--stacks records who allocated and freed; ");
	out_str(o, "undangle symbolize [--debug-dir=DIR] REPORT names the source lines; ");
	print_outcome(o, r);
	out_flush(o);
}
