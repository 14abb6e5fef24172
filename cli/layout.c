/*
 * layout.c - undangle layout [--precise] [--svg FILE] [-- PROG [ARGS]]: the address space as the
 * Dune layer would see it, of this command or of PROG once its libraries are loaded. PROG's own
 * code does not run. Needs no /dev/kvm: the page tables are made in plain Linux.
 */
#include "cli.h"

#include "dune/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void svg_write(const char *path)
{
	struct out o;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		refuse("--svg %s: cannot be written: %s", path, strerror(errno));
	out_init(&o, fd);
	layout_svg(&o, &dune_mappings);
	written(&o, "layout");
	close(fd);
}

static int layout_self(bool precise, const char *svg)
{
	int r = setup_mappings(&dune_mappings, precise ? MAPPINGS_PRECISE : MAPPINGS_FULL);
	struct out o;

	if (r)
		refuse("layout: the page tables cannot be made: %s", strerror(-r));
	if (svg) /* first: where it cannot be, nothing is printed */
		svg_write(svg);
	out_init(&o, 1);
	r = layout_print(&o, &dune_mappings);
	written(&o, "layout");
	if (r)
		refuse("layout: /proc/thread-self/maps: %s", strerror(-r));
	return 0;
}

/* Becomes PROG with the printing library in front. */
static int layout_prog(bool precise, const char *svg, char **argv)
{
	char path[PATH_MAX], lib[PATH_MAX], *what;

	program_check(argv[0], path);
	argv = program_without_env(path, argv);
	library_find("libundangle-layout.so", lib);
	if (asprintf(&what, "%s%s%s", precise ? "precise" : "full", svg ? ":" : "",
		    svg ? svg : "") < 0 ||
		setenv("LD_PRELOAD", lib, 1) || setenv("UNDANGLE_LAYOUT", what, 1))
		refuse("out of memory");
	execv(path, argv);
	refuse("%s: cannot be run: %s", argv[0], strerror(errno));
}

int verb_layout(int argc, char **argv)
{
	const char *svg = NULL;
	bool precise = false;
	int i;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (!strcmp(argv[i], "--precise"))
			precise = true;
		else if (!strcmp(argv[i], "--full"))
			precise = false;
		else if (!strncmp(argv[i], "--svg=", 6))
			svg = argv[i] + 6;
		else if (!strcmp(argv[i], "--svg"))
			svg = i + 1 < argc ? argv[++i] : "";
		else
			refuse("unknown option '%s': undangle layout [--precise] [--svg FILE] "
			       "[-- PROG [ARGS...]]",
				argv[i]);
	}
	if (svg && !*svg)
		refuse("--svg: no file given");
	return i < argc ? layout_prog(precise, svg, argv + i) : layout_self(precise, svg);
}
