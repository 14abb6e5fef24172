/*
 * text.c - a finding for people (finding.h): the layout of print.c with functions, lines, the
 * source around the use, and a drawing of the block.
 *
 * finding.c reads this again: what is put in here stands on lines that it knows as decoration.
 */
#include "cli.h"
#include "finding.h"

#include "dwarf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define AROUND	     2	 /* source lines before and after     */
#define SOURCE_WIDTH 160 /* of a source line, at most         */
#define CELLS	     64	 /* of the drawing, at most           */
#define SOURCE_MAX   (16L << 20)

struct pen {
	FILE *out;
	bool color;
};

static void color(const struct pen *p, const char *code)
{
	if (p->color)
		fprintf(p->out, "\033[%sm", code);
}

static void write_frame(const struct pen *p, const struct frame *f, size_t *n)
{
	for (size_t i = 0; i < f->nlines; i++) {
		const struct line *l = &f->lines[i];

		if (!l->file)
			break;
		fprintf(p->out, "    #%zu 0x%016lx in ", (*n)++, f->pc);
		color(p, "1");
		fputs(l->function, p->out);
		color(p, "0");
		fprintf(p->out, " %s:%d", l->file, l->line);
		if (l->column)
			fprintf(p->out, ":%d", l->column);
		fputs(l->inlined ? " (inlined)\n" : f->guessed ? GUESSED "\n" : "\n", p->out);
		if (i + 1 == f->nlines)
			return;
	}
	fprintf(p->out, "    #%zu 0x%016lx ", (*n)++, f->pc);
	if (f->symbol)
		fprintf(p->out, "in %s+0x%lx ", demangle(f->symbol), f->delta);
	if (f->path)
		fprintf(p->out, "(%s+0x%lx)", f->path, f->offset);
	else
		fputs("(<unknown module>)", p->out);
	if (f->id)
		fprintf(p->out, " (BuildId: %s)", f->id);
	fputc('\n', p->out);
}

static void write_frames(const struct pen *p, const struct stack *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->nframes; i++)
		write_frame(p, &k->frames[i], &n);
}

void text_frames(FILE *out, const struct stack *k)
{
	write_frames(&(struct pen){.out = out}, k);
}

const char *age_text(const struct age *a)
{
	char s[32];

	if (a->ms < 10000)
		snprintf(s, sizeof(s), "%lu.%03lu", a->ms / 1000, a->ms % 1000);
	else
		snprintf(s, sizeof(s), "%lu", a->ms / 1000);
	return claim_text("%s %s s and %s%lu allocation%s ago", a->ms_most ? "less than" : "about",
		s, a->allocs_most ? "at most " : "", a->allocs, a->allocs == 1 ? "" : "s");
}

const char *stack_title(const struct stack *k)
{
	return claim_text("%s%s%s%s%s", k->title, *k->thread ? " " : "", k->thread,
		k->age.known ? ", " : "", k->age.known ? age_text(&k->age) : "");
}

static void write_stack(const struct pen *p, const struct stack *k)
{
	fputs("  ", p->out);
	color(p, "1;36");
	fprintf(p->out, "%s", k->title);
	color(p, "0");
	if (*k->thread)
		fprintf(p->out, " %s, tid %d%s%s:", k->thread, k->tid, k->age.known ? ", " : "",
			k->age.known ? age_text(&k->age) : "");
	fputc('\n', p->out);
	write_frames(p, k);
	if (!k->nframes && *k->thread)
		fputs("    (no stack recorded)\n", p->out);
}

void text_stack(FILE *out, const struct stack *k)
{
	write_stack(&(struct pen){.out = out}, k);
}

FILE *source_open(const char *path)
{
	struct stat st;

	path = name_real(path);
	if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX)
		return NULL;
	return fopen(path, "re");
}

/* One line of source, without control characters; tabs are eight blanks wide. */
static void write_source_line(const struct pen *p, const char *s, int line, bool here)
{
	size_t width = 0;

	color(p, here ? "1" : "2");
	fprintf(p->out, "      %c %5d | ", here ? '>' : ' ', line);
	for (; *s && *s != '\n' && width < SOURCE_WIDTH; s++) {
		if (*s == '\t') {
			do
				fputc(' ', p->out);
			while (++width % 8);
			continue;
		}
		fputc(iscntrl((unsigned char)*s) ? '?' : *s, p->out);
		width++;
	}
	color(p, "0");
	fputc('\n', p->out);
}

/* Of the program's own line; where there is no such file, of the innermost that can be read. */
static FILE *open_source(const struct stack *k, const struct line **l)
{
	const struct frame *at;
	FILE *in = NULL;

	*l = stack_line(k, &at);
	if (*l && (*l)->line > 0)
		in = source_open((*l)->file);
	for (size_t i = 0; i < k->nframes && !in; i++)
		for (size_t j = 0; j < k->frames[i].nlines && !in; j++) {
			*l = &k->frames[i].lines[j];
			if ((*l)->file && (*l)->line > 0)
				in = source_open((*l)->file);
		}
	return in;
}

static void write_source(const struct pen *p, const struct stack *k)
{
	const struct line *l;
	FILE *in = open_source(k, &l);
	char *s = NULL;
	size_t size = 0;

	if (!in)
		return;
	for (int n = 1; n <= l->line + AROUND && getline(&s, &size, in) > 0; n++)
		if (n >= l->line - AROUND)
			write_source_line(p, s, n, n == l->line);
	free(s);
	fclose(in);
}

/* The block as a row of cells, the access marked in it or behind it. */
static void write_block(const struct pen *p, const struct finding *f)
{
	uint64_t size = f->block_size, per = (size + CELLS - 1) / CELLS, cells;
	uint64_t base = f->addr - (uint64_t)f->offset, offset = (uint64_t)f->offset, first, last;
	const char *from = claim_text("      0x%lx |", base);

	if (!f->in_block || !size)
		return;
	cells = (size + per - 1) / per;
	/* before the block: no cell at all */
	first = offset / per;
	last = (offset + (f->size ? f->size : 1) - 1) / per;
	fprintf(p->out, "  block: %lu bytes", size);
	if (per > 1)
		fprintf(p->out, ", each character is %lu bytes", per);
	fprintf(p->out, "\n%s", from);
	for (uint64_t i = 0; i < cells; i++) {
		bool used = f->access && i >= first && i <= last;

		if (used)
			color(p, "1;31");
		fputc(used ? '#' : '.', p->out);
		if (used)
			color(p, "0");
	}
	fprintf(p->out, "| 0x%lx\n", base + size);
	if (offset < size)
		fprintf(p->out, "%*s^ 0x%lx\n", (int)(strlen(from) + first), "", f->addr);
}

const char *finding_hint(const struct finding *f)
{
	static const char raw[] =
		"undangle symbolize [--debug-dir=DIR] REPORT names the source lines; ";
	const char *hint = f->hint, *at;
	const struct stack *use = finding_place(f);
	const struct frame *top = use && use->nframes ? &use->frames[0] : NULL;
	bool lines = false;

	if (!hint)
		return NULL;
	if (!strncmp(hint, NO_LINE, strlen(NO_LINE)) && (at = strstr(hint, "; ")))
		hint = at + 2; /* it was written here before */
	for (size_t i = 0; use && i < use->nframes; i++)
		lines = lines || use->frames[i].nlines;
	if (top && !top->nlines && top->path && top->lacks && !(lines && path_is_system(top->path)))
		return claim_text(NO_LINE "%s: %s; %s", top->path, top->lacks, hint);
	at = strstr(hint, raw);
	if (!at || !lines)
		return hint;
	return claim_text("%.*s%s", (int)(at - hint), hint, at + strlen(raw));
}

void text_write(FILE *out, const struct finding *f, const struct look *look)
{
	struct pen p = {out, look->color};

	if (!look->rest) {
		color(&p, "1;31");
		fprintf(out, "undangle: ERROR: %s", f->message);
		color(&p, "0");
		fputc('\n', out);
	}
	if (f->comm)
		fprintf(out, "  process %d (%s)\n", f->pid, f->comm);
	for (size_t i = 0; i < f->nstacks; i++) {
		write_stack(&p, &f->stacks[i]);
		if (&f->stacks[i] == finding_place(f))
			write_source(&p, &f->stacks[i]);
	}
	write_block(&p, f);
	if (f->registers)
		fprintf(out, "  registers:\n%s", f->registers);
	if (f->signature)
		fprintf(out, "  signature: %s\n", f->signature);
	if (f->hint)
		fprintf(out, "undangle: hint: %s\n", finding_hint(f));
}
