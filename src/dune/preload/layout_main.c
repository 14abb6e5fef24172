/*
 * layout_main.c - libundangle-layout.so: preloaded by `undangle layout -- PROG`, it prints PROG's
 * address space when everything is loaded and nothing has run, and ends the process.
 *
 * app context, in a constructor; plain Linux, no VM. What to do stands in UNDANGLE_LAYOUT:
 * "full" or "precise", then ":FILE" if a drawing is wanted. The layout goes to descriptor 1.
 */
#include "../layout.h"
#include "base/base.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

__attribute__((noreturn)) static void fail(const char *what, long err)
{
	out_line(2, "undangle: layout: %s failed (error %ld)", what, -err);
	sys_exit_group(2);
}

static void draw(const struct mappings *m, const char *path)
{
	long fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct out o;

	if (fd < 0)
		fail(path, fd);
	out_init(&o, (int)fd);
	layout_svg(&o, m);
	out_flush(&o);
	sys_close((int)fd);
}

__attribute__((constructor)) static void layout_start(void)
{
	const char *what = getenv("UNDANGLE_LAYOUT");
	bool precise = what && !strncmp(what, "precise", 7);
	struct out o;
	int r;

	if (!what)
		return;
	r = setup_mappings(&dune_mappings, precise ? MAPPINGS_PRECISE : MAPPINGS_FULL);
	if (r)
		fail("setup_mappings", r);
	out_init(&o, 1);
	r = layout_print(&o, &dune_mappings);
	out_flush(&o);
	if (r)
		fail("/proc/thread-self/maps", r);
	what = strchr(what, ':');
	if (what)
		draw(&dune_mappings, what + 1);
	sys_exit_group(0);
}
