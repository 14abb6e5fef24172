/*
 * sarif.c - undangle sarif FILES: findings as SARIF 2.1.0 on standard output, or in -o FILE; what
 * code hosts and editors take to show them beside the source.
 *
 * A result per signature, how often it was told as its occurrenceCount. What the format does not
 * know is not said; test/report/sarif.schema.json holds what is written to its names.
 */
#include "cli.h"
#include "dwarf.h"
#include "groups.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const struct rule {
	const char *id, *name, *help;
} rules[] = {
	{"use-after-free", "UseAfterFree", "A block was used after it was freed."},
	{"double-free", "DoubleFree", "A block was freed that is already dead."},
	{"invalid-free", "InvalidFree", "Something was freed that malloc did not return."},
	{"out-of-bounds", "OutOfBounds", "Memory was used where no block ever was."},
};

/* An absolute path as a URI; another one is relative, as SARIF has it. */
static void write_uri(FILE *out, const char *path)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-._~";

	fputs(*path == '/' ? "\"file://" : "\"", out);
	for (; *path; path++)
		fprintf(out, strchr(plain, *path) ? "%c" : "%%%02X", (unsigned char)*path);
	fputc('"', out);
}

/* Without the brackets of the location. */
static void write_place(FILE *out, const struct frame *f, const struct line *l)
{
	fputs("\"physicalLocation\":{", out);
	if (l && l->file) {
		fputs("\"artifactLocation\":{\"uri\":", out);
		write_uri(out, l->file);
		fputc('}', out);
		if (l->line > 0)
			fprintf(out, ",\"region\":{\"startLine\":%d", l->line);
		if (l->line > 0 && l->column > 0)
			fprintf(out, ",\"startColumn\":%d", l->column);
		fputs(l->line > 0 ? "}}" : "}", out);
	} else {
		if (f->path) {
			fputs("\"artifactLocation\":{\"uri\":", out);
			write_uri(out, f->path);
			fputs("},", out);
		}
		fprintf(out, "\"address\":{\"relativeAddress\":%lu,\"kind\":\"instruction\"}}",
			f->offset & INT64_MAX);
	}
	if (l || f->symbol) {
		fputs(",\"logicalLocations\":[{\"fullyQualifiedName\":", out);
		json_string(out, l ? l->function : demangle(f->symbol));
		fputs(",\"kind\":\"function\"}]", out);
	}
}

static void write_frame(FILE *out, const struct frame *f, const struct line *l)
{
	fputs("{\"location\":{", out);
	write_place(out, f, l);
	fputc('}', out);
	if (f->path) {
		fputs(",\"module\":", out);
		json_string(out, f->path);
	}
	fprintf(out, ",\"properties\":{\"pc\":\"0x%lx\",\"offset\":\"0x%lx\",\"buildId\":", f->pc,
		f->offset);
	json_string(out, f->id);
	fputs(f->guessed ? ",\"guessed\":true}}" : "}}", out);
}

static void write_stack(FILE *out, const struct stack *k)
{
	const char *comma = "";

	fputs("{\"message\":{\"text\":", out);
	json_string(out, stack_title(k));
	fputs("},\"frames\":[", out);
	for (size_t i = 0; i < k->nframes; i++) {
		const struct frame *f = &k->frames[i];

		for (size_t j = 0; j < MAX(f->nlines, 1UL); j++, comma = ",") {
			fputs(comma, out);
			write_frame(out, f, f->nlines ? &f->lines[j] : NULL);
		}
	}
	fputs("]}", out);
}

static void write_related(FILE *out, const struct finding *f)
{
	const char *comma = "";

	fputs(",\"relatedLocations\":[", out);
	for (size_t i = 0; i < f->nstacks; i++) {
		const struct stack *k = &f->stacks[i];
		const struct frame *top;
		const struct line *l = stack_line(k, &top);

		if (!top || k == finding_place(f))
			continue;
		fprintf(out, "%s{\"id\":%zu,\"message\":{\"text\":", comma, i);
		json_string(out, stack_title(k));
		fputs("},", out);
		write_place(out, top, l);
		fputc('}', out);
		comma = ",";
	}
	fputc(']', out);
}

static void write_result(FILE *out, const struct group *g)
{
	const struct finding *f = g->first;
	const struct frame *top;
	const struct line *l = stack_line(finding_place(f), &top);

	fputs("{\"ruleId\":", out);
	json_string(out, f->kind);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (!strcmp(f->kind, rules[i].id))
			fprintf(out, ",\"ruleIndex\":%zu", i);
	fputs(",\"level\":\"error\",\"message\":{\"text\":", out);
	json_string(out, f->message);
	fputs("},\"locations\":[", out);
	if (top) {
		fputc('{', out);
		write_place(out, top, l);
		fputc('}', out);
	}
	fputs("],\"stacks\":[", out);
	for (size_t i = 0; i < f->nstacks; i++) {
		fputs(i ? "," : "", out);
		write_stack(out, &f->stacks[i]);
	}
	fputc(']', out);
	write_related(out, f);
	fprintf(out, ",\"occurrenceCount\":%zu,\"partialFingerprints\":{\"undangleSignature/v1\":",
		g->times);
	json_string(out, g->key);
	fputs("},\"properties\":{\"process\":", out);
	json_string(out, f->comm);
	fprintf(out, ",\"pid\":%d}}", f->pid);
}

int verb_sarif(int argc, char **argv)
{
	struct groups g;

	groups_read(&g, argc, argv);
	fputs("{\"$schema\":\"https://json.schemastore.org/"
	      "sarif-2.1.0.json\",\"version\":\"2.1.0\","
	      "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"undangle\",\"semanticVersion\":"
	      "\"" UD_VERSION "\",\"rules\":[",
		g.out);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		fprintf(g.out,
			"%s{\"id\":\"%s\",\"name\":\"%s\",\"shortDescription\":{\"text\":\"%s\"}}",
			i ? "," : "", rules[i].id, rules[i].name, rules[i].help);
	fputs("]}},\"columnKind\":\"utf16CodeUnits\",\"results\":[", g.out);
	for (const struct group *at = g.first; at; at = at->next) {
		fputs(at == g.first ? "\n" : ",\n", g.out);
		write_result(g.out, at);
	}
	fputs("\n]}]}\n", g.out);
	return groups_done(&g);
}
