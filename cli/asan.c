/*
 * asan.c - a finding as AddressSanitizer would print it (finding.h), for what reads those: CASR,
 * ClusterFuzz, the log matchers of CI systems; and read from there again.
 *
 * Only what such readers look at is theirs: the ERROR line, the access line, the stacks with their
 * titles, the SUMMARY. The kinds get the names that AddressSanitizer has for them.
 */
#include "finding_in.h"

#include "cli.h"
#include "dwarf.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *ours, *theirs, *more;
} kinds[] = {{"use-after-free", "heap-use-after-free", ""},
	{"out-of-bounds", "heap-buffer-overflow", ""},
	{"double-free", "attempting double-free", ""},
	{"invalid-free", "attempting free on", " address which was not malloc()-ed"}};

static const char *kind_of(const struct finding *f)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(f->kind, kinds[i].ours))
			return claim_text("%s%s", kinds[i].theirs, kinds[i].more);
	return f->kind;
}

/* All else is an access there, also by a function that a dead block was given to. */
static bool is_free(const struct finding *f)
{
	return !strcmp(f->kind, "double-free") || !strcmp(f->kind, "invalid-free");
}

static uint64_t reg(const struct finding *f, const char *name)
{
	const char *at = f->registers ? strstr(f->registers, name) : NULL;

	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static const char *place_of(const struct line *l)
{
	return l->column ? claim_text("%s:%d:%d", l->file, l->line, l->column)
			 : claim_text("%s:%d", l->file, l->line);
}

static bool has_line(const struct frame *f)
{
	return f->nlines && f->lines[0].file;
}

static void write_frame(FILE *out, const struct frame *f, size_t *n)
{
	if (f->guessed) /* the form has no mark for it */
		return;
	for (size_t i = 0; i < f->nlines && f->lines[i].file; i++) {
		const struct line *l = &f->lines[i];

		fprintf(out, "    #%zu 0x%lx in %s %s\n", (*n)++, f->pc, l->function, place_of(l));
		if (i + 1 == f->nlines)
			return;
	}
	fprintf(out, "    #%zu 0x%lx ", (*n)++, f->pc);
	if (f->symbol)
		fprintf(out, "in %s ", demangle(f->symbol));
	if (f->path)
		fprintf(out, "(%s+0x%lx)", f->path, f->offset);
	else
		fputs(" (<unknown module>)", out);
	if (f->id)
		fprintf(out, " (BuildId: %s)", f->id);
	fputc('\n', out);
}

/* "T0 (main)" is T0; a thread that was not recorded counts as the first. */
static const char *thread_of(const struct stack *k)
{
	if (!k || strncmp(k->thread, "T", 1) || k->thread[1] == '?')
		return "T0";
	return claim_text("%.*s", (int)strcspn(k->thread, " "), k->thread);
}

/* Of no stack (NULL) as well: readers look for a first frame, and CASR gives up without one. */
static void write_stack(FILE *out, const struct stack *k)
{
	size_t n = 0;

	for (size_t i = 0; k && i < k->nframes; i++)
		write_frame(out, &k->frames[i], &n);
	if (!n)
		fputs("    #0 0x0  (<unknown module>)\n", out);
	fputc('\n', out);
}

/* The innermost frame that is known: a jump into a dead block has none there. */
static void write_summary(FILE *out, const struct finding *f, const struct stack *use)
{
	const struct frame *top = NULL;

	for (size_t i = 0; use && !top && i < use->nframes; i++)
		if (!use->frames[i].guessed && (use->frames[i].path || has_line(&use->frames[i])))
			top = &use->frames[i];
	fprintf(out, "SUMMARY: AddressSanitizer: %s ",
		!is_free(f)			   ? kind_of(f)
		: !strcmp(f->kind, "invalid-free") ? "bad-free"
						   : f->kind);
	if (!top)
		fputs("(<unknown module>)", out);
	else if (has_line(top))
		fprintf(out, "%s in %s", place_of(&top->lines[0]), top->lines[0].function);
	else
		fprintf(out, "(%s+0x%lx)%s%s", top->path, top->offset, top->symbol ? " in " : "",
			top->symbol ? demangle(top->symbol) : "");
	fputc('\n', out);
}

static void write_region(FILE *out, const struct finding *f)
{
	uint64_t base = f->addr - (uint64_t)f->offset;
	int64_t size = (int64_t)f->block_size, far = f->offset;
	const char *where = "inside of";

	if (f->offset < 0) {
		far = -f->offset;
		where = "before";
	} else if (size && f->offset >= size) {
		far = f->offset - size;
		where = "after";
	}
	fprintf(out, "0x%lx is located %ld bytes %s %lu-byte region [0x%lx,0x%lx)\n", f->addr, far,
		where, f->block_size, base, base + f->block_size);
}

void asan_write(FILE *out, const struct finding *f)
{
	const struct stack *use = finding_place(f), *freed = finding_stack(f, "free");
	const struct stack *alloc = finding_stack(f, "alloc");
	uint64_t pc = use && use->nframes ? use->frames[0].pc : 0;

	fputs("=================================================================\n", out);
	if (!is_free(f))
		fprintf(out,
			"==%d==ERROR: AddressSanitizer: %s on address 0x%lx at pc 0x%lx bp 0x%lx "
			"sp "
			"0x%lx\n%s of size %lu at 0x%lx thread %s\n",
			f->pid, kind_of(f), f->addr, pc, reg(f, "rbp 0x"), reg(f, "rsp 0x"),
			f->access && strcmp(f->access, "EXEC") ? f->access : "READ",
			f->size ? f->size : 1, f->addr, thread_of(use));
	else
		fprintf(out, "==%d==ERROR: AddressSanitizer: %s%s 0x%lx in thread %s:\n", f->pid,
			kind_of(f), !strcmp(f->kind, "double-free") ? " on" : ":", f->addr,
			thread_of(use));
	write_stack(out, use);
	if (f->in_block)
		write_region(out, f);
	if (freed) {
		fprintf(out, "freed by thread %s here:\n", thread_of(freed));
		write_stack(out, freed);
	}
	if (alloc) {
		fprintf(out, "%sallocated by thread %s here:\n", freed ? "previously " : "",
			thread_of(alloc));
		write_stack(out, alloc);
	}
	write_summary(out, f, use);
	fprintf(out, "undangle: %s\n", f->message);
	if (freed && freed->age.known)
		fprintf(out, "undangle: freed %s\n", age_text(&freed->age));
	if (f->signature)
		fprintf(out, "undangle: signature: %s\n", f->signature);
	fprintf(out, "==%d==ABORTING\n", f->pid);
}

/* The stack of that role, whose thread's name is behind the last "thread " of s. */
static void asan_stack(struct finding *f, const char *role, const char *title, const char *s)
{
	struct stack *k = f->nstacks ? &f->stacks[f->nstacks - 1] : NULL;

	if ((!k || strcmp(k->role, role)) && f->nstacks < STACKS_MAX)
		k = &f->stacks[f->nstacks++];
	if (!k)
		return;
	k->role = role;
	k->title = title;
	s = s ? strstr(s, "thread ") : NULL;
	k->thread = s ? claim_text("%.*s", (int)strcspn(s + 7, " :"), s + 7) : "";
}

/*
 * "#N 0xPC in FUNCTION FILE:LINE[:COLUMN]" or "#N 0xPC [in FUNCTION ](MODULE+0xOFF)[ (BuildId: HEX)]";
 * functions that are inlined come first, with the same pc.
 */
static void asan_frame(struct stack *k, const char *s)
{
	struct frame f = {0}, *last = k->nframes ? &k->frames[k->nframes - 1] : NULL;
	const char *module = strstr(s, "+0x"), *id = strstr(s, " (BuildId: ");
	struct line l = {0};
	uint64_t n;

	if (!scan(&s, "    #") || !scan_number(&s, 10, &n) || !scan(&s, " ") ||
		!scan_number(&s, 16, &f.pc))
		return;
	s += strspn(s, " ");
	for (const char *p = module; p && (!id || p < id); p = strstr(p + 1, "+0x"))
		module = p;
	while (module && module > s && *module != '(')
		module--;
	if (scan(&s, "in ") && !module && frame_line(&f, &l, s)) {
		if (last && last->pc == f.pc && last->nlines)
			last->lines[last->nlines - 1].inlined = true;
		frame_add(k, &f, &l);
		return;
	}
	if (module && module > s && *module == '(' && frame_module(&f, module))
		f.symbol = claim_text("%.*s", (int)(module - s - 1), s);
	else if (module)
		frame_module(&f, module);
	if (k->nframes < FRAMES_MAX)
		k->frames[k->nframes++] = f;
}

/*
 * AddressSanitizer's form, as asan.c writes it and as its own run time does. Of ours the message
 * comes at the end.
 */
struct finding *asan_begin(const char *s)
{
	struct finding *f;
	const char *addr;
	uint64_t pid;

	if (!scan(&s, "==") || !scan_number(&s, 10, &pid) ||
		!scan(&s, "==ERROR: AddressSanitizer: "))
		return NULL;
	f = claim(sizeof(*f));
	f->pid = (int)pid;
	f->message = claim_text("%s", s);
	f->kind = claim_text("%.*s", (int)strcspn(s, " :"), s);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strncmp(s, kinds[i].theirs, strlen(kinds[i].theirs)))
			f->kind = kinds[i].ours;
	addr = strstr(s, "0x");
	if (addr)
		scan_number(&addr, 16, &f->addr);
	asan_stack(f, "use", "used by thread", strstr(s, "in thread "));
	return f;
}

static void asan_age(struct finding *f, const char *s)
{
	for (size_t i = 0; i < f->nstacks; i++)
		if (!strcmp(f->stacks[i].role, "free"))
			finding_age(&f->stacks[i].age, s);
}

/* Ours, which says more: of a write that was found later nobody knows the place, and what stands there is the free's. */
static void asan_message(struct finding *f, const char *s)
{
	finding_message(f, s);
	if (!f->nstacks || strcmp(f->stacks[0].role, "use"))
		return;
	if (f->call && !f->arg)
		f->stacks[0].title = "called by thread";
	if (strstr(f->message, ", found "))
		memmove(f->stacks, f->stacks + 1, --f->nstacks * sizeof(f->stacks[0]));
}

/* A line more of it; false: it ends there. */
bool asan_more(struct finding *f, const char *s)
{
	static const char *const access[] = {"READ", "WRITE"};
	const char *at = s;

	if (scan(&at, "==") && strstr(at, "==ABORTING"))
		return false;
	if (!strncmp(s, "    #", 5) && f->nstacks) {
		asan_frame(&f->stacks[f->nstacks - 1], s);
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(access); i++) {
		if (!scan(&at, access[i]) || !scan(&at, " of size "))
			continue;
		f->access = access[i];
		scan_number(&at, 10, &f->size);
		asan_stack(f, "use", "used by thread", strstr(at, "thread "));
	}
	if (!strncmp(s, "freed by thread ", 16))
		asan_stack(f, "free", "freed by thread", s);
	else if (!strncmp(s, "previously allocated by thread ", 31) ||
		 !strncmp(s, "allocated by thread ", 20))
		asan_stack(f, "alloc", "allocated by thread", s);
	else if (scan(&at, "undangle: signature: "))
		f->signature = claim_text("%s", at);
	else if (scan(&at, "undangle: freed "))
		asan_age(f, at);
	else if (scan(&at, "undangle: "))
		asan_message(f, at);
	return true;
}
