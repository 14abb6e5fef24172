/*
 * groups.c - see groups.h. The reports come from anywhere; what is no report is left out.
 */
#include "groups.h"

#include "dwarf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FRAMES 3 /* as print.c's signature */

static bool lines = true;

/* Reports of before there were signatures, or cut off before theirs. */
static const char *key_of(const struct finding *f)
{
	const struct stack *use = finding_place(f);
	const char *key = f->kind;

	if (f->signature)
		return f->signature;
	for (size_t i = 0; use && i < use->nframes && i < KEY_FRAMES; i++) {
		const struct frame *fr = &use->frames[i];

		key = claim_text("%s %s+0x%lx", key, fr->path ? fr->path : "?", fr->offset);
	}
	return key;
}

static void on_finding(struct finding *f, void *arg)
{
	struct groups *g = arg;
	const char *key = key_of(f);
	struct group *at = g->first;

	g->findings++;
	while (at && strcmp(at->key, key))
		at = at->next;
	if (at) {
		at->times++;
		return;
	}
	if (lines)
		dwarf_finding(f);
	at = claim(sizeof(*at));
	*at = (struct group){.key = key, .first = f, .times = 1};
	*g->last = at;
	g->last = &at->next;
}

void groups_read(struct groups *g, int argc, char **argv)
{
	const char *name = NULL;
	int i, files = 0;

	*g = (struct groups){.verb = argv[0], .out = stdout, .sources = true};
	g->last = &g->first;
	for (i = 1; i < argc; i++) {
		if (debug_dir_take(g->verb, argv[i]))
			continue;
		if (argv[i][0] != '-' || !argv[i][1])
			argv[++files] = argv[i];
		else if (!strcmp(argv[i], "-o") && !argv[i + 1])
			refuse("%s: -o: the name of a file follows", g->verb);
		else if (!strcmp(argv[i], "-o"))
			name = argv[++i];
		else if (!strcmp(argv[i], "--no-lines"))
			lines = false;
		else if (!strcmp(argv[i], "--no-source"))
			g->sources = false;
		else
			refuse("%s: unknown option '%s'; there are -o FILE, --debug-dir=DIR, "
			       "--no-lines and --no-source",
				g->verb, argv[i]);
	}
	if (lines && dwarf_missing())
		fprintf(stderr, "undangle: warning: %s\n", dwarf_missing());
	for (i = 0; i < MAX(files, 1); i++)
		findings_of(g->verb, files ? argv[i + 1] : "-", on_finding, NULL, g);
	/* Not before: it may be one that was read, and where that fails what it holds stays. */
	if (name && !(g->out = whole_open(&g->whole, name)))
		refuse("%s: -o %s: %s", g->verb, name, strerror(errno));
}

int groups_done(struct groups *g)
{
	bool bad = ferror(g->out);

	if (g->out == g->whole.out ? !whole_close(&g->whole) : fclose(g->out) || bad)
		refuse("%s: cannot write: %s", g->verb, strerror(errno));
	return 0;
}
