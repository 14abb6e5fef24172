/*
 * html.c - undangle html FILES -o page.html: one page about all findings, grouped by signature,
 * with stacks and source; nothing is loaded from elsewhere, and no script runs.
 *
 * All text of a report goes through text(): names come from anywhere.
 */
#include "cli.h"
#include "dwarf.h"
#include "groups.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

#define AROUND 4 /* source lines before and after */

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>Undangle: "
	"findings</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--line:#8884;--dim:#888;--bad:#c22}\n"
	"body{font:15px/1.45 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em}\n"
	"table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em "
	".8em .3em 0;border-bottom:1px solid var(--line);vertical-align:top}\n"
	"pre,code,.frame{font:13px/1.5 ui-monospace,monospace}pre{overflow-x:auto;margin:.3em 0 "
	".8em "
	"1.5em;border-left:3px solid var(--line);padding-left:.8em}\n"
	"h2{margin:2em 0 .3em;font-size:1.15em;overflow-wrap:anywhere}h3{font-size:1em;margin:1em "
	"0 .2em}\n"
	".kind{color:var(--bad)}.dim{color:var(--dim)}.here{background:#fc04;font-weight:bold}\n"
	"summary{cursor:pointer}summary,code,.frame{overflow-wrap:anywhere}details,.frame{margin:."
	"1em "
	"0}\n"
	"div.frame{padding-left:1.1em}\n"
	"</style></head><body>\n";

static void text(FILE *out, const char *s)
{
	static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
	static const char special[] = "&<>\"'";
	size_t n;

	for (; s && *s; s += n) {
		const char *at = strchr(special, *s);

		n = utf8_length(s);
		if (at)
			fputs(names[at - special], out);
		else if (!n || ((unsigned char)*s < ' ' && !strchr("\t\n", *s)) || *s == 0x7f)
			fputs("\xef\xbf\xbd", out); /* what cannot be shown */
		else
			fwrite(s, 1, n, out);
		n = n ? n : 1;
	}
}

static void write_source(FILE *out, FILE *in, const struct line *l)
{
	char *s = NULL;
	size_t size = 0;

	fputs("<pre>", out);
	for (int n = 1; n <= l->line + AROUND && getline(&s, &size, in) > 0; n++) {
		if (n < l->line - AROUND)
			continue;
		s[strcspn(s, "\r\n")] = 0;
		fputs(n == l->line ? "<span class=\"here\">" : "<span>", out);
		fprintf(out, "<span class=\"dim\">%5d </span>", n);
		text(out, s);
		fputs("</span>\n", out);
	}
	fputs("</pre>", out);
	free(s);
}

/* open: the source is shown without a click. */
static void write_line(
	FILE *out, const struct frame *f, const struct line *l, size_t n, bool sources, bool open)
{
	FILE *in = sources && l->file && l->line > 0 ? source_open(l->file) : NULL;

	fputs(in ? open ? "<details open><summary class=\"frame\">"
			: "<details><summary class=\"frame\">"
		 : "<div class=\"frame\">",
		out);
	fprintf(out, "#%zu <b>", n);
	text(out, l->function);
	fputs("</b> ", out);
	text(out, l->file);
	if (l->line > 0)
		fprintf(out, ":%d", l->line);
	if (l->column > 0)
		fprintf(out, ":%d", l->column);
	if (l->inlined || f->guessed)
		fprintf(out, " <span class=\"dim\">%s</span>",
			l->inlined ? "(inlined)" : &GUESSED[1]);
	if (in) {
		fputs("</summary>", out);
		write_source(out, in, l);
		fclose(in);
	}
	fputs(in ? "</details>\n" : "</div>\n", out);
}

static void write_raw(FILE *out, const struct frame *f, size_t n)
{
	fprintf(out, "<div class=\"frame\">#%zu ", n);
	if (f->symbol) {
		fputs("<b>", out);
		text(out, demangle(f->symbol));
		fprintf(out, "</b>+0x%lx ", f->delta);
	}
	fputs("<span class=\"dim\">", out);
	text(out, f->path ? f->path : "unknown module");
	if (f->path)
		fprintf(out, "+0x%lx", f->offset);
	if (f->id) {
		fputs(" (build id ", out);
		text(out, f->id);
		fputc(')', out);
	}
	fputs("</span></div>\n", out);
}

static void write_stack(FILE *out, const struct stack *k, bool sources)
{
	const struct frame *at;
	const struct line *open = stack_line(k, &at);
	size_t n = 0;

	fputs("<h3>", out);
	text(out, stack_title(k));
	fputs("</h3>\n", out);
	for (size_t i = 0; i < k->nframes; i++) {
		const struct frame *f = &k->frames[i];

		if (!f->nlines)
			write_raw(out, f, n++);
		for (size_t j = 0; j < f->nlines; j++)
			write_line(out, f, &f->lines[j], n++, sources, &f->lines[j] == open);
	}
	if (!k->nframes)
		fputs("<div class=\"frame dim\">no stack recorded</div>\n", out);
}

/* The function of the line that is shown, else the innermost that has a name. */
static const char *where(const struct finding *f)
{
	const struct stack *use = finding_place(f);
	const struct frame *at;
	const struct line *l = stack_line(use, &at);

	if (l)
		return l->function;
	for (size_t i = 0; use && i < use->nframes; i++)
		if (use->frames[i].symbol)
			return demangle(use->frames[i].symbol);
	return "";
}

static void write_row(FILE *out, const struct group *g, size_t n)
{
	fprintf(out, "<tr><td><a href=\"#f%zu\">%zu</a></td><td class=\"kind\">", n, n);
	text(out, g->first->kind);
	fputs("</td><td><code>", out);
	text(out, where(g->first));
	fputs("</code></td><td>", out);
	text(out, g->first->comm);
	fprintf(out, "</td><td>%zu</td><td><code>", g->times);
	text(out, g->key);
	fputs("</code></td></tr>\n", out);
}

static void write_group(FILE *out, const struct group *g, size_t n, bool sources)
{
	const struct finding *f = g->first;

	fprintf(out, "<section id=\"f%zu\"><h2>%zu. <span class=\"kind\">", n, n);
	text(out, f->message);
	fprintf(out, "</span></h2>\n<p class=\"dim\">process %d (", f->pid);
	text(out, f->comm);
	fprintf(out, "), told %zu time%s, signature <code>", g->times, g->times == 1 ? "" : "s");
	text(out, g->key);
	fputs("</code></p>\n", out);
	for (size_t i = 0; i < f->nstacks; i++)
		write_stack(out, &f->stacks[i], sources);
	if (f->registers) {
		fputs("<details><summary>registers</summary><pre>", out);
		text(out, f->registers);
		fputs("</pre></details>\n", out);
	}
	fputs("</section>\n", out);
}

int verb_html(int argc, char **argv)
{
	struct groups g;
	size_t n = 0, groups = 0;

	groups_read(&g, argc, argv);
	for (const struct group *at = g.first; at; at = at->next)
		groups++;
	fputs(head, g.out);
	fprintf(g.out, "<h1>Undangle</h1>\n<p>%zu finding%s, %zu of them different.</p>\n",
		g.findings, g.findings == 1 ? "" : "s", groups);
	fputs("<table><tr><th></th><th>kind</th><th>where</th><th>program</th><th>times</th>"
	      "<th>signature</th></tr>\n",
		g.out);
	for (const struct group *at = g.first; at; at = at->next)
		write_row(g.out, at, ++n);
	fputs("</table>\n", g.out);
	n = 0;
	for (const struct group *at = g.first; at; at = at->next)
		write_group(g.out, at, ++n, g.sources);
	fputs("</body></html>\n", g.out);
	return groups_done(&g);
}
