/*
 * finding.c - reads reports (finding.h): the text of print.c, raw or with lines put in, and json.
 *
 * The input is a log that anybody may have written to: lines of others stand between ours, a
 * report may end anywhere, numbers may be nonsense.
 */
#include "finding_in.h"

#include "cli.h"
#include "dwarf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEAD	  "undangle: ERROR: "
#define HINT	  "undangle: hint: "
#define SIGNATURE "  signature: "

const struct stack *finding_stack(const struct finding *f, const char *role)
{
	for (size_t i = 0; i < f->nstacks; i++)
		if (!strcmp(f->stacks[i].role, role))
			return &f->stacks[i];
	return NULL;
}

const struct stack *finding_place(const struct finding *f)
{
	const struct stack *use = finding_stack(f, "use");

	return use ? use : finding_stack(f, "free");
}

bool path_is_system(const char *path)
{
	static const char *const system[] = {
		"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/include/", "/rustc/"};

	for (size_t i = 0; path && i < ARRAY_LEN(system); i++)
		if (!strncmp(path, system[i], strlen(system[i])))
			return true;
	return path && strstr(path, "/include/c++/"); /* clang has them by /usr/bin/../lib */
}

const struct line *stack_line(const struct stack *k, const struct frame **at)
{
	const struct line *known = NULL;

	*at = k && k->nframes ? &k->frames[0] : NULL;
	for (size_t i = 0; k && i < k->nframes; i++)
		for (size_t j = 0; j < k->frames[i].nlines; j++) {
			const struct line *l = &k->frames[i].lines[j];
			bool own = !path_is_system(k->frames[i].path) && !path_is_system(l->file);

			if (!l->file || (known && !own))
				continue;
			known = l;
			*at = &k->frames[i];
			if (own)
				return l;
		}
	return known;
}

void dwarf_finding(struct finding *f)
{
	for (size_t i = 0; i < f->nstacks; i++) {
		struct stack *k = &f->stacks[i];
		bool use = !strcmp(k->role, "use");

		dwarf_stack(k, use && f->access ? TOP_EXACT : TOP_CALLS, use ? f->call : NULL);
	}
}

/* from becomes to, wherever it stands. */
static const char *replaced(const char *s, const char *from, const char *to)
{
	const char *at = s ? strstr(s, from) : NULL;

	return at ? claim_text(
			    "%.*s%s%s", (int)(at - s), s, to, replaced(at + strlen(from), from, to))
		  : s;
}

const char *name_shown(const char *name)
{
	return replaced(name, "\n", "\\012");
}

const char *name_real(const char *shown)
{
	return replaced(shown, "\\012", "\n");
}

bool scan(const char **s, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*s, word, n))
		return false;
	*s += n;
	return true;
}

bool scan_number(const char **s, int base, uint64_t *v)
{
	char *end;

	if (base == 16 ? **s != '0' : **s < '0' || **s > '9')
		return false;
	*v = strtoull(*s, &end, base);
	if (end == *s)
		return false;
	*s = end;
	return true;
}

/* Up to the mark, or NULL; *s then stands behind the mark. */
static const char *scan_word(const char **s, const char *mark)
{
	const char *end = strstr(*s, mark), *w;

	if (!end)
		return NULL;
	w = claim_text("%.*s", (int)(end - *s), *s);
	*s = end + strlen(mark);
	return w;
}

/*
 * "32 bytes inside a live 40-byte block", "the start of an 8-byte block", "4 bytes before a block
 * of the 48-byte class": where in which block.
 */
static void read_block(struct finding *f, const char *s)
{
	uint64_t n = 0;
	bool past = false, before = false;

	if (!scan(&s, "the start of a")) {
		if (!scan_number(&s, 10, &n) || !(scan(&s, " bytes ") || scan(&s, " byte ")))
			return;
		past = scan(&s, "past the end of a");
		before = scan(&s, "before a");
		if (!past && !before && !scan(&s, "inside a"))
			return;
	}
	scan(&s, "n");
	f->live = scan(&s, " live");
	scan(&s, " block of the");
	if (!scan(&s, " ") || !scan_number(&s, 10, &f->block_size) ||
		!(scan(&s, "-byte block") || scan(&s, "-byte class")))
		return;
	f->offset = before ? -(int64_t)n : (int64_t)(n + (past ? f->block_size : 0));
	f->moved = scan(&s, " moved by realloc");
	f->in_block = true;
}

void finding_message(struct finding *f, const char *s)
{
	static const char *const access[] = {"READ", "WRITE", "EXEC"};
	uint64_t n = 0;

	f->message = claim_text("%s", s);
	f->access = NULL;
	f->size = 0;
	f->kind = scan_word(&s, ": ");
	if (!f->kind) {
		f->kind = f->message;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(access); i++)
		if (scan(&s, access[i]))
			f->access = access[i];
	if (f->access) {
		if (scan(&s, " of size "))
			scan_number(&s, 10, &f->size);
		if (!scan(&s, " through a pointer loaded from "))
			scan(&s, " at ");
	} else {
		f->call = scan_word(&s, "() ");
		if (scan(&s, "argument "))
			scan_number(&s, 10, &n);
		f->arg = (int)n;
		if (!scan(&s, " at ") && !scan(&s, " through a pointer loaded from ")) {
			scan(&s, "of ");
			scan(&s, "a pointer loaded from ");
		}
	}
	if (scan_number(&s, 16, &f->addr) && scan(&s, ", "))
		read_block(f, s);
}

/* "  or 4 bytes past the end of a live 40-byte block[ allocated by thread THREAD, tid TID:]" */
static bool read_near(struct finding *f, const char *s)
{
	struct stack *k = &f->stacks[f->nstacks];
	const char *by = strstr(s, " allocated by thread "),
		   *tid = by ? strstr(by, ", tid ") : NULL;

	if (strncmp(s, "  or ", 5) || f->nstacks == STACKS_MAX)
		return false;
	k->role = "near";
	k->title = claim_text("%s", s + 2);
	k->thread = "";
	if (tid) {
		k->title = claim_text("%.*s", (int)(by + 20 - s - 2), s + 2);
		k->thread = claim_text("%.*s", (int)(tid - by - 21), by + 21);
		k->tid = atoi(tid + 6);
	}
	f->nstacks++;
	return true;
}

void finding_age(struct age *a, const char *s)
{
	uint64_t whole, part = 0;
	const char *dot;

	a->ms_most = scan(&s, "less than ");
	if (!(a->ms_most || scan(&s, "about ")) || !scan_number(&s, 10, &whole))
		return;
	dot = s + 1;
	if (scan(&s, ".") && !(scan_number(&s, 10, &part) && s == dot + 3))
		return;
	if (!scan(&s, " s and ") || whole > UINT64_MAX / 2000)
		return;
	a->allocs_most = scan(&s, "at most ");
	a->ms = whole * 1000 + part;
	a->known = scan_number(&s, 10, &a->allocs) &&
		   !strcmp(s, a->allocs == 1 ? " allocation ago" : " allocations ago");
}

static bool read_section(struct finding *f, const char *s)
{
	static const struct {
		const char *begin, *role;
	} known[] = {{"  used by thread ", "use"}, {"  called by thread ", "use"},
		{"  freed by thread ", "free"}, {"  moved by realloc in thread ", "free"},
		{"  allocated by thread ", "alloc"}};
	struct stack *k = &f->stacks[f->nstacks];
	const char *title = s + 2, *last = NULL;

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!scan(&s, known[i].begin))
			continue;
		for (const char *p = s; (p = strstr(p, ", tid ")); p++)
			last = p;
		if (!last || f->nstacks == STACKS_MAX)
			return false;
		k->role = known[i].role;
		k->title = claim_text("%.*s", (int)strlen(known[i].begin) - 3, title);
		k->thread = claim_text("%.*s", (int)(last - s), s);
		k->tid = atoi(last + 6);
		last += 6 + strspn(last + 6, "-0123456789");
		if (scan(&last, ", "))
			finding_age(&k->age, claim_text("%.*s", (int)strcspn(last, ":"), last));
		f->nstacks++;
		return true;
	}
	return false;
}

/* Is it at the end of s? Then it goes. */
static bool cut(char *s, const char *mark)
{
	size_t n = strlen(s), k = strlen(mark);

	if (n <= k || strcmp(s + n - k, mark))
		return false;
	s[n - k] = 0;
	return true;
}

/*
 * "FUNCTION FILE:LINE[:COLUMN][ (inlined)| (tail call, guessed)]", as text.c writes it: read from
 * its end.
 */
bool frame_line(struct frame *f, struct line *l, const char *s)
{
	char *t = claim_text("%s", s), *at;
	int n[2] = {0, 0};
	size_t k = 0;

	l->inlined = cut(t, " (inlined)");
	f->guessed = cut(t, GUESSED);
	while (k < 2 && (at = strrchr(t, ':')) && at[1] >= '0' && at[1] <= '9') {
		n[k++] = atoi(at + 1);
		*at = 0;
	}
	at = strstr(t, " /");
	if (!at)
		at = strrchr(t, ' ');
	if (!k || !at)
		return false;
	*at = 0;
	l->function = t;
	l->file = at + 1;
	l->line = k == 2 ? n[1] : n[0];
	l->column = k == 2 ? n[0] : 0;
	return true;
}

/* "(PATH+0xOFF)[ (BuildId: HEX)]": the last parentheses that say so. */
bool frame_module(struct frame *f, const char *s)
{
	const char *at = NULL, *id;

	if (!scan(&s, "("))
		return false;
	for (const char *p = s; (p = strstr(p, "+0x")); p++)
		at = p;
	if (!at)
		return !strcmp(s, "<unknown module>)");
	f->path = claim_text("%.*s", (int)(at - s), s);
	at++;
	if (!scan_number(&at, 16, &f->offset))
		return false;
	id = at;
	if (scan(&id, ") (BuildId: "))
		f->id = scan_word(&id, ")");
	return true;
}

/* A frame of text with lines goes on with the same pc while functions are inlined. */
void frame_add(struct stack *k, const struct frame *f, const struct line *l)
{
	struct frame *to = k->nframes ? &k->frames[k->nframes - 1] : NULL;
	struct line *more;

	if (to && to->pc == f->pc && to->nlines && to->lines[to->nlines - 1].inlined)
		to->guessed = f->guessed;
	if (!to || to->pc != f->pc || !to->nlines || !to->lines[to->nlines - 1].inlined) {
		if (k->nframes == FRAMES_MAX)
			return;
		to = &k->frames[k->nframes++];
		*to = *f;
	}
	more = claim((to->nlines + 1) * sizeof(*more));
	if (to->nlines)
		memcpy(more, to->lines, to->nlines * sizeof(*more));
	more[to->nlines++] = *l;
	to->lines = more;
}

bool frame_read(struct stack *k, const char *s)
{
	struct frame f = {0};
	struct line l = {0};
	uint64_t n;
	const char *at;

	if (!scan(&s, "    #") || !scan_number(&s, 10, &n) || !scan(&s, " ") ||
		!scan_number(&s, 16, &f.pc) || !scan(&s, " "))
		return false;
	if (scan(&s, "in ")) {
		at = strstr(s, "+0x");
		if (at && strstr(at, " (")) {
			f.symbol = scan_word(&s, "+0x");
			f.delta = strtoull(s, NULL, 16);
			s = strstr(s, " (") + 1;
		} else if (frame_line(&f, &l, s)) {
			frame_add(k, &f, &l);
			return true;
		} else {
			return false;
		}
	}
	if (!frame_module(&f, s))
		return false;
	if (k->nframes < FRAMES_MAX)
		k->frames[k->nframes++] = f;
	return true;
}

/* What text.c puts in, and is made anew from the rest. */
static bool is_decoration(const char *s)
{
	const char *at = s + strspn(s, " >");

	if (!strncmp(s, "  block: ", 9) || !strcmp(s, "    (no stack recorded)"))
		return true;
	if (strncmp(s, "      ", 6))
		return false;
	return !strncmp(at, "0x", 2) || !strncmp(at, "^ 0x", 4) ||
	       !strncmp(at + strspn(at, "0123456789"), " | ", 3);
}

/* One more line of f; false if it does not belong there. */
static bool read_more(struct finding *f, const char *s)
{
	const char *at = s;
	uint64_t pid;

	if (scan(&at, "  process ") && scan_number(&at, 10, &pid) && scan(&at, " (")) {
		f->pid = (int)pid;
		f->comm = claim_text("%.*s", (int)strcspn(at, "\n") - 1, at);
		return true;
	}
	if (scan(&at, SIGNATURE)) {
		f->signature = claim_text("%s", at);
		return true;
	}
	if (!strcmp(s, "  registers:")) {
		f->registers = "";
		return true;
	}
	if (f->registers && !strncmp(s, "    r", 5)) {
		f->registers = claim_text("%s%s\n", f->registers, s);
		return true;
	}
	if (f->nstacks && frame_read(&f->stacks[f->nstacks - 1], s))
		return true;
	return read_section(f, s) || read_near(f, s) || is_decoration(s);
}

void findings_read(FILE *in, void (*found)(struct finding *f, void *arg),
	void (*other)(const char *line, size_t n, void *arg), void *arg)
{
	struct finding *f = NULL, *asan = NULL, *whole;
	char *s = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&s, &size, in)) > 0) {
		bool ended = s[n - 1] == '\n';

		s[n - ended] = 0;
		/* Whoever wrote it was killed in the middle of a line: what it says there is not known. */
		if (!ended && (f || asan || !strncmp(s, "undangle: ", 10))) {
			if (f || asan)
				found(f ? f : asan, arg);
			f = asan = NULL;
			if (other)
				other(s, (size_t)n, arg);
		} else if (!strncmp(s, HEAD, strlen(HEAD))) {
			if (f || asan)
				found(f ? f : asan, arg);
			asan = NULL;
			f = claim(sizeof(*f));
			finding_message(f, s + strlen(HEAD));
		} else if (f && !strncmp(s, HINT, strlen(HINT))) {
			f->hint = claim_text("%s", s + strlen(HINT));
			found(f, arg);
			f = NULL;
		} else if (asan) {
			whole = asan_begin(s);
			if (whole || !asan_more(asan, s)) {
				found(asan, arg);
				asan = whole;
			}
		} else if (!other && !f && (asan = asan_begin(s))) {
			continue;
		} else if ((whole = json_read(s))) {
			found(whole, arg);
		} else if (!(f && read_more(f, s)) && other) {
			s[n - ended] = ended ? '\n' : 0;
			other(s, (size_t)n, arg);
		}
	}
	if (f || asan)
		found(f ? f : asan, arg);
	free(s);
}

void findings_of(const char *verb, const char *name, void (*found)(struct finding *f, void *arg),
	void (*other)(const char *line, size_t n, void *arg), void *arg)
{
	FILE *in = strcmp(name, "-") ? fopen(name, "re") : stdin;

	if (in)
		findings_read(in, found, other, arg);
	if (!in || ferror(in))
		refuse("%s: %s: %s", verb, name, strerror(errno));
}
