/*
 * json.c - findings as JSON, one object a line (docs/report.schema.json), and read again.
 *
 * The reader takes any JSON text and keeps it as a tree; numbers stay text. Depth and size are
 * bounded by the line; what is not JSON, or no finding of ours, is no finding.
 */
#include "cli.h"
#include "finding.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

#define DEPTH_MAX 32

void json_string(FILE *out, const char *s)
{
	if (!s) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (size_t n; *s; s += n ? n : 1) {
		unsigned char c = (unsigned char)*s;

		n = utf8_length(s);
		if (!n)
			fputs("\\ufffd", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fwrite(s, 1, n, out);
	}
	fputc('"', out);
}

static void write_line(FILE *out, const struct line *l)
{
	fputs("{\"function\":", out);
	json_string(out, l->function);
	fputs(",\"file\":", out);
	json_string(out, l->file);
	fprintf(out, ",\"line\":%d,\"column\":%d,\"inlined\":%s}", l->line, l->column,
		l->inlined ? "true" : "false");
}

static void write_frame(FILE *out, const struct frame *f)
{
	fprintf(out, "{\"pc\":\"0x%lx\",\"module\":", f->pc);
	json_string(out, f->path);
	fprintf(out, ",\"offset\":\"0x%lx\",\"build_id\":", f->offset);
	json_string(out, f->id);
	fputs(",\"symbol\":", out);
	json_string(out, f->symbol);
	fprintf(out, ",\"delta\":%lu,\"lines\":[", f->delta);
	for (size_t i = 0; i < f->nlines; i++) {
		fputs(i ? "," : "", out);
		write_line(out, &f->lines[i]);
	}
	fprintf(out, "],\"guessed\":%s}", f->guessed ? "true" : "false");
}

static void write_stack(FILE *out, const struct stack *k)
{
	fprintf(out, "{\"role\":\"%s\",\"title\":", k->role);
	json_string(out, k->title);
	fputs(",\"thread\":", out);
	json_string(out, k->thread);
	fprintf(out, ",\"tid\":%d", k->tid);
	if (k->age.known)
		fprintf(out,
			",\"age\":{\"ms\":%lu,\"ms_at_most\":%s,\"allocations\":%lu,"
			"\"allocations_at_most\":%s}",
			k->age.ms, k->age.ms_most ? "true" : "false", k->age.allocs,
			k->age.allocs_most ? "true" : "false");
	fputs(",\"frames\":[", out);
	for (size_t i = 0; i < k->nframes; i++) {
		fputs(i ? "," : "", out);
		write_frame(out, &k->frames[i]);
	}
	fputs("]}", out);
}

void json_write(FILE *out, const struct finding *f)
{
	fputs("{\"undangle\":1,\"kind\":", out);
	json_string(out, f->kind);
	fputs(",\"message\":", out);
	json_string(out, f->message);
	fputs(",\"access\":", out);
	json_string(out, f->access);
	fprintf(out, ",\"size\":%lu,\"call\":", f->size);
	json_string(out, f->call);
	fprintf(out, ",\"argument\":%d,\"address\":\"0x%lx\",\"block\":", f->arg, f->addr);
	if (f->in_block)
		fprintf(out, "{\"size\":%lu,\"offset\":%ld,\"live\":%s,\"moved\":%s}",
			f->block_size, f->offset, f->live ? "true" : "false",
			f->moved ? "true" : "false");
	else
		fputs("null", out);
	fprintf(out, ",\"process\":{\"pid\":%d,\"name\":", f->pid);
	json_string(out, f->comm);
	fputs("},\"signature\":", out);
	json_string(out, f->signature);
	fputs(",\"stacks\":[", out);
	for (size_t i = 0; i < f->nstacks; i++) {
		fputs(i ? "," : "", out);
		write_stack(out, &f->stacks[i]);
	}
	fputs("],\"registers\":", out);
	json_string(out, f->registers);
	fputs(",\"hint\":", out);
	json_string(out, finding_hint(f));
	fputs("}\n", out);
}

/* The tree: a value, and if it stands in an object its name. */
struct value {
	char kind;	  /* one of { [ " 0 (a number) t f n */
	const char *name; /* in an object                    */
	const char *text; /* of a string or number           */
	struct value *first, *next;
};

static void blanks(const char **s)
{
	*s += strspn(*s, " \t\r\n");
}

static void put_utf8(char **to, unsigned c)
{
	if (c < 0x80) {
		*(*to)++ = (char)c;
		return;
	}
	if (c < 0x800) {
		*(*to)++ = (char)(0xc0 | c >> 6);
	} else {
		*(*to)++ = (char)(0xe0 | c >> 12);
		*(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*(*to)++ = (char)(0x80 | (c & 0x3f));
}

/* Behind the opening quote; NULL if it does not end. */
static const char *read_string(const char **s)
{
	static const char from[] = "bfnrt", is[] = "\b\f\n\r\t";
	char *text = claim(strlen(*s) + 1), *to = text, hex[5] = "";
	const char *known;

	for (; **s && **s != '"'; (*s)++) {
		if (**s != '\\') {
			*to++ = **s;
			continue;
		}
		(*s)++;
		known = **s ? strchr(from, **s) : NULL;
		if (!**s)
			return NULL;
		if (known) {
			*to++ = is[known - from];
		} else if (**s == 'u') {
			memcpy(hex, *s + 1, strnlen(*s + 1, 4));
			if (strspn(hex, "0123456789abcdefABCDEF") != 4)
				return NULL;
			put_utf8(&to, (unsigned)strtoul(hex, NULL, 16));
			*s += 4;
		} else {
			*to++ = **s;
		}
	}
	if (**s != '"')
		return NULL;
	(*s)++;
	return text;
}

static struct value *read_value(const char **s, int depth);

/* Members up to the closing bracket. */
static bool read_members(struct value *v, const char **s, int depth)
{
	char close = v->kind == '{' ? '}' : ']';
	struct value **end = &v->first;
	const char *name = NULL;

	blanks(s);
	if (**s == close) {
		(*s)++;
		return true;
	}
	for (;;) {
		blanks(s);
		if (v->kind == '{') {
			if (*(*s)++ != '"' || !(name = read_string(s)))
				return false;
			blanks(s);
			if (*(*s)++ != ':')
				return false;
		}
		*end = read_value(s, depth + 1);
		if (!*end)
			return false;
		(*end)->name = name;
		end = &(*end)->next;
		blanks(s);
		if (**s == close)
			break;
		if (*(*s)++ != ',')
			return false;
	}
	(*s)++;
	return true;
}

static struct value *read_value(const char **s, int depth)
{
	static const char *const words[] = {"true", "false", "null"};
	struct value *v = claim(sizeof(*v));
	size_t n;

	blanks(s);
	v->kind = **s;
	if (depth > DEPTH_MAX)
		return NULL;
	if (v->kind == '{' || v->kind == '[') {
		(*s)++;
		return read_members(v, s, depth) ? v : NULL;
	}
	if (v->kind == '"') {
		(*s)++;
		v->text = read_string(s);
		return v->text ? v : NULL;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		n = strlen(words[i]);
		if (!strncmp(*s, words[i], n)) {
			*s += n;
			return v;
		}
	}
	n = strspn(*s, "+-.0123456789eE");
	if (!n)
		return NULL;
	v->kind = '0';
	v->text = claim_text("%.*s", (int)n, *s);
	*s += n;
	return v;
}

static const struct value *member(const struct value *v, const char *name)
{
	for (const struct value *m = v ? v->first : NULL; m; m = m->next)
		if (m->name && !strcmp(m->name, name))
			return m;
	return NULL;
}

static const char *text_of(const struct value *v, const char *name)
{
	const struct value *m = member(v, name);

	return m && m->kind == '"' ? m->text : NULL;
}

static uint64_t number_of(const struct value *v, const char *name)
{
	const struct value *m = member(v, name);

	return m && m->text ? strtoull(m->text, NULL, m->kind == '"' ? 16 : 10) : 0;
}

static bool truth_of(const struct value *v, const char *name)
{
	const struct value *m = member(v, name);

	return m && m->kind == 't';
}

static size_t count(const struct value *v)
{
	size_t n = 0;

	for (const struct value *m = v ? v->first : NULL; m; m = m->next)
		n++;
	return n;
}

static void take_frame(struct frame *f, const struct value *v)
{
	const struct value *lines = member(v, "lines");
	size_t n = count(lines);

	f->pc = number_of(v, "pc");
	f->path = text_of(v, "module");
	f->offset = number_of(v, "offset");
	f->id = text_of(v, "build_id");
	f->symbol = text_of(v, "symbol");
	f->delta = number_of(v, "delta");
	f->guessed = truth_of(v, "guessed");
	f->lines = claim(n * sizeof(*f->lines));
	for (const struct value *l = n ? lines->first : NULL; l; l = l->next) {
		struct line *to = &f->lines[f->nlines++];

		to->function = text_of(l, "function");
		to->function = to->function ? to->function : "??";
		to->file = text_of(l, "file");
		to->line = (int)number_of(l, "line");
		to->column = (int)number_of(l, "column");
		to->inlined = truth_of(l, "inlined");
	}
}

static void take_age(struct age *a, const struct value *v)
{
	a->known = v && v->kind == '{';
	a->ms = number_of(v, "ms");
	a->ms_most = truth_of(v, "ms_at_most");
	a->allocs = number_of(v, "allocations");
	a->allocs_most = truth_of(v, "allocations_at_most");
}

static bool take_stack(struct stack *k, const struct value *v)
{
	static const char *const roles[] = {"use", "free", "alloc", "near"};
	const struct value *frames = member(v, "frames");
	const char *role = text_of(v, "role");

	for (size_t i = 0; role && i < ARRAY_LEN(roles); i++)
		if (!strcmp(role, roles[i]))
			k->role = roles[i];
	k->title = text_of(v, "title");
	k->thread = text_of(v, "thread");
	k->tid = (int)number_of(v, "tid");
	take_age(&k->age, member(v, "age"));
	for (const struct value *f = frames ? frames->first : NULL; f; f = f->next)
		if (k->nframes < FRAMES_MAX)
			take_frame(&k->frames[k->nframes++], f);
	return k->role && k->title && k->thread;
}

static struct finding *take_finding(const struct value *v)
{
	const struct value *block = member(v, "block"), *process = member(v, "process");
	const struct value *stacks = member(v, "stacks");
	struct finding *f = claim(sizeof(*f));

	f->kind = text_of(v, "kind");
	f->message = text_of(v, "message");
	f->access = text_of(v, "access");
	f->call = text_of(v, "call");
	f->size = number_of(v, "size");
	f->addr = number_of(v, "address");
	f->arg = (int)number_of(v, "argument");
	f->in_block = block && block->kind == '{';
	f->block_size = number_of(block, "size");
	f->offset = (int64_t)number_of(block, "offset");
	f->live = truth_of(block, "live");
	f->moved = truth_of(block, "moved");
	f->pid = (int)number_of(process, "pid");
	f->comm = text_of(process, "name");
	f->signature = text_of(v, "signature");
	f->registers = text_of(v, "registers");
	f->hint = text_of(v, "hint");
	for (const struct value *k = stacks ? stacks->first : NULL; k; k = k->next)
		if (f->nstacks < STACKS_MAX && take_stack(&f->stacks[f->nstacks], k))
			f->nstacks++;
	return f->kind && f->message ? f : NULL;
}

struct finding *json_read(const char *text)
{
	const char *s = text;
	struct value *v;

	if (strncmp(s, "{\"undangle\":", 12))
		return NULL;
	v = read_value(&s, 0);
	blanks(&s);
	return v && !*s ? take_finding(v) : NULL;
}
