/*
 * core.c - undangle core CORE [ADDRESS...]: what a process knew of its blocks when it ended.
 *
 * share/gdb/undangle.py asks through this, too, for living processes as for cores: with --gdb=LOOK:LIBRARY
 * (LOOK: where ud_look is) in the place of the core each page is asked of gdb, by a line "?ADDRESS" on standard output, and
 * where an address is in the code is left to it. What breaks it: a library of another build than that of the process.
 */
#include "corefile.h"
#include "dwarf.h"
#include "foreign.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct foreign from = {.verb = "core"};
static bool by_gdb, blocks;

/* "y" and the page, or "n". */
static bool page_of_gdb(vaddr_t at, void *dst)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "?%lx\n", at);
	char *p = dst, known;

	if (write(1, line, (size_t)n) != n || read(0, &known, 1) != 1)
		_exit(2);
	if (known != 'y')
		return false;
	for (size_t left = PAGE_SIZE; left;) {
		ssize_t r = read(0, p, left);

		if (r <= 0)
			_exit(2);
		p += r;
		left -= (size_t)r;
	}
	return true;
}

static void from_gdb(char *text)
{
	char *end;

	by_gdb = true;
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* no page is asked for in the middle of a line */
	from.page = page_of_gdb;
	from.look = strtoull(text, &end, 16);
	if (*end != ':' || !from.look)
		refuse("core: --gdb=%s: is for share/gdb/undangle.py", text);
	from.library = end + 1;
}

static void from_core(const char *path)
{
	static char ours[PATH_MAX];
	const char *theirs = NULL;

	core_open(path);
	from.page = core_page;
	from.base = core_mapped(LIBRARY, &theirs);
	if (!from.base)
		refuse("core: %s: the process ran without undangle", path);
	if (from.library && !foreign_is(&from, from.library))
		refuse("core: --library=%s: is another one than the one that ran", from.library);
	if (from.library)
		return;
	library_find(LIBRARY, ours);
	from.library = foreign_is(&from, ours) ? ours : theirs;
	if (!foreign_is(&from, from.library))
		refuse("core: %s: %s that ran is not here any more: --library=FILE tells where it "
		       "is",
			path, theirs);
}

static void print_stack(const char *how, int tid, const uintptr_t *pc, size_t n)
{
	struct stack *k = claim(sizeof(*k));

	if (!tid)
		return;
	*k = (struct stack){
		.title = claim_text("%s thread %d:", how, tid), .thread = "", .nframes = n};
	for (size_t i = 0; i < n; i++) {
		k->frames[i].pc = pc[i];
		if (by_gdb)
			continue;
		core_locate(&k->frames[i]);
	}
	if (!by_gdb)
		dwarf_stack(k, TOP_CALLS, NULL);
	text_stack(stdout, k);
	if (!n)
		fputs("    (no stack recorded)\n", stdout);
}

/* "32 bytes inside a live 40-byte block" */
static const char *where(vaddr_t addr, const struct block *b)
{
	vaddr_t off = addr - b->base;
	const char *live = b->state == BLOCK_LIVE ? "live" : "dead";
	const char *block = claim_text(b->of_class ? "a %s block of the %zu-byte class at %p"
						   : "a %s %zu-byte block at %p",
		live, b->size, vaddr_ptr(b->base));

	if (b->state == BLOCK_NONE)
		return "not of malloc";
	if (b->state == BLOCK_NEVER)
		return "in malloc's range, where no block ever was";
	if (b->forgotten)
		return "in a block that is dead for long, of which nothing else is known";
	if (addr < b->base)
		return claim_text("%lu bytes before %s", b->base - addr, block);
	if (!off)
		return claim_text("the start of %s", block);
	if (off >= b->size)
		return claim_text("%lu bytes past the end of %s", off - b->size, block);
	return claim_text("%lu bytes inside %s", off, block);
}

static void print_address(const char *text)
{
	struct lookup l;
	char *end;
	vaddr_t addr = strtoull(text, &end, 0);

	if (!*text || *end)
		refuse("core: '%s' is no address", text);
	if (!foreign_look(&from, addr, &l, NULL))
		refuse("core: what is known of %s was not written to the core", text);
	printf("%p: %s\n", vaddr_ptr(addr), where(addr, &l.block));
	if (l.block.state == BLOCK_DEAD)
		print_stack(l.block.moved ? "moved by realloc in" : "freed by", l.block.free_tid,
			l.free, l.nfree);
	if (l.block.state == BLOCK_LIVE || l.block.state == BLOCK_DEAD)
		print_stack("allocated by", l.block.alloc_tid, l.alloc, l.nalloc);
}

/* Where it was allocated, on the line of a block. */
static void print_site(const struct lookup *l)
{
	struct frame f = {.pc = l->alloc[0]};

	if (!l->nalloc)
		return;
	if (by_gdb) {
		printf(" 0x%016lx", f.pc);
		return;
	}
	core_locate(&f);
	dwarf_complete(&f);
	if (f.nlines && f.lines[0].file)
		printf(" %s %s:%d", f.lines[0].function, f.lines[0].file, f.lines[0].line);
	else
		printf(" %s (%s+0x%lx)", f.symbol ? demangle(f.symbol) : "??",
			f.path ? f.path : "?", f.offset);
}

static void print_blocks(void)
{
	unsigned long n = 0, bytes = 0;
	struct lookup l, here;

	if (!foreign_look(&from, 0, &l, NULL))
		refuse("core: what is known of blocks was not written to the core");
	for (; l.next; l.next = here.next) {
		if (!foreign_look(&from, l.next, &here, NULL))
			refuse("core: what is known of %p was not written to the core",
				vaddr_ptr(l.next));
		if (here.next && here.next <= l.next)
			refuse("core: what is known of blocks leads in circles");
		if (here.block.state != BLOCK_LIVE || here.block.base != l.next)
			continue;
		printf("%p %9zu", vaddr_ptr(l.next), here.block.size);
		print_site(&here);
		putchar('\n');
		n++;
		bytes += here.block.size;
	}
	printf("%lu live blocks, %lu bytes\n", n, bytes);
}

static void on_finding(struct finding *f, void *arg)
{
	dwarf_finding(f);
	text_write(stdout, f, &(struct look){.color = false});
}

/* The report again; 1: there is none. */
static int print_report(const char *name)
{
	static char text[FOREIGN_REPORT];
	struct lookup l;
	FILE *in;

	if (!foreign_look(&from, 0, &l, text))
		refuse("core: what is known of findings was not written to the core");
	if (!*text) {
		printf("undangle: no finding in %s\n", name);
		return 1;
	}
	in = fmemopen(text, strlen(text), "r");
	if (!in)
		refuse("out of memory");
	findings_read(in, on_finding, NULL, NULL);
	return 0;
}

static int arguments_take(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (debug_dir_take("core", argv[i]))
			continue;
		if (!strncmp(argv[i], "--gdb=", 6))
			from_gdb(argv[i] + 6);
		else if (!strncmp(argv[i], "--library=", 10))
			from.library = argv[i] + 10;
		else if (!strcmp(argv[i], "--blocks"))
			blocks = true;
		else
			refuse("core: unknown option '%s'; there are --blocks, --library=FILE and "
			       "--debug-dir=DIR",
				argv[i]);
	}
	return i;
}

int verb_core(int argc, char **argv)
{
	int at = arguments_take(argc, argv);
	const char *name = "this process";

	if (!by_gdb) {
		if (at == argc)
			refuse("core: no core given: undangle core CORE [ADDRESS...]");
		name = argv[at++];
		from_core(name);
	}
	if (!foreign_start(&from))
		foreign_elsewhere(&from, argv - 1);
	if (!by_gdb && dwarf_missing())
		fprintf(stderr, "undangle: warning: %s\n", dwarf_missing());
	if (blocks)
		print_blocks();
	else if (at == argc)
		return print_report(name);
	for (; at < argc; at++)
		print_address(argv[at]);
	return 0;
}
