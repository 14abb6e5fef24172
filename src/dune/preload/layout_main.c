/*
 * layout_main.c - libundangle-layout.so: preloaded by `undangle layout -- PROG`, it prints PROG's
 * address space when everything is loaded and nothing has run, and ends the process.
 *
 * app context, in a constructor; plain Linux, no VM. What to do stands in UNDANGLE_LAYOUT:
 * "full" or "precise", then ":FILE" if a drawing is wanted. The layout goes to descriptor 1.
 */
#include "../layout.h"
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void layout_start(void)
{
	const char *form = getenv("UNDANGLE_LAYOUT"), *svg = form ? strchr(form, ':') : NULL, *what;
	int r;

	if (!form)
		return;
	r = layout_show(
		*form == 'p' ? MAPPINGS_PRECISE : MAPPINGS_FULL, svg ? svg + 1 : NULL, &what);
	if (r)
		out_line(2, "undangle: layout: %s: %s", what, strerror(-r));
	sys_exit_group(r ? 2 : 0);
}
