// sources: src/findings/fault.c src/findings/signals*.c src/findings/report.c src/findings/others.c src/findings/survive.c src/findings/summary.c src/findings/suppressed.c src/base/suppress.c src/base/glob.c src/findings/print.c src/findings/hint.c src/base/stamp.c src/findings/helper.c src/base/options.c src/trace/place.c src/trace/symbol.c src/trace/decode.c src/base/log.c src/base/file.c src/findings/near.c src/findings/judge.c src/base/calls.c src/base/mode.c src/base/memlimit.c src/base/poison.c src/base/late.c src/base/extable.c
// sources: src/findings/sandbox.c src/findings/maps.c src/findings/efault.c src/base/altstack.c src/base/ownlimit.c src/base/threadend.c src/trace/stack.c src/trace/capture.c src/trace/depot.c src/trace/rules.c src/base/symtab.c src/trace/cfi.c src/base/out.c
/*
 * Findings in child processes, over a fake engine: one page is the dead block. Which access and which bad
 * free is what, by the report's text and the exit status.
 */
#include "finding.h"
#include "findings/survive.h"

static void do_read(void)
{
	*(volatile long *)(dead + 32);
}

static void do_write(void)
{
	*(volatile short *)(dead + 16) = 1;
}

static void do_jump(void)
{
	((void (*)(void))(void *)(dead + 48))();
	hits++; /* no tail call */
}

/* How far before its address frame n is shown to be; modules begin at pages. */
static unsigned long shown_before(int n)
{
	char mark[16];
	const char *line, *off = NULL;

	snprintf(mark, sizeof(mark), "    #%d ", n);
	line = strstr(text, mark);
	for (const char *p = line ? strchr(line, '(') : NULL; p && *p != ')'; p++)
		off = strncmp(p, "+0x", 3) ? off : p + 1;
	return off ? (strtoul(line + strlen(mark), NULL, 16) - strtoul(off, NULL, 16)) & 4095 : 99;
}

static void accesses(void)
{
	char want[200];

	in_child(do_read);
	CHECK(killed_by(SIGSEGV));
	snprintf(want, sizeof(want),
		"undangle: ERROR: use-after-free: READ of size 8 at %p, 16 bytes inside a 40-byte "
		"block freed by thread T0 (main, before fork)\n",
		dead + 32);
	CHECK(has(want));
	CHECK(has("  used by thread T0 (main), tid "));
	CHECK(has("/access_test+0x"));
	CHECK(has(" (BuildId: ")); /* gcc and clang of Debian ask ld for one */
	CHECK(has(" do_read+0x"));
	CHECK_EQ(shown_before(0), 0);
	CHECK_EQ(shown_before(1), 1);
	CHECK(has("  allocated by thread T0 (main"));
	CHECK(has(" s and at most 7 allocations ago:\n"));
	CHECK_EQ(count(" ago:\n"), 1);
	CHECK(has("  registers:\n    rax 0x"));
	CHECK_EQ(count("ERROR"), 1);
	in_child(do_write);
	CHECK(killed_by(SIGSEGV));
	CHECK(has("WRITE of size 2 at "));
	CHECK(has("the start of a 40-byte block"));
	in_child(do_jump);
	CHECK(killed_by(SIGSEGV));
	CHECK(has("EXEC at "));
	CHECK(has(" do_jump+0x"));
}

static size_t read_at;

static void do_read_at(void)
{
	*(volatile char *)(ours + read_at);
}

/* By page of `ours`, see finding.h. */
static void beside_blocks(void)
{
	static const struct {
		size_t at;
		const char *kind, *where, * or ;
	} cases[] = {
		{4096 + 4, "out-of-bounds", "1100 bytes past the end of a live 100-byte block\n",
			0},
		{8191, "out-of-bounds", "5191 bytes past the end of a live 100-byte block\n", 0},
		{8192 + 15, "use-after-free", "1 byte before a 40-byte block freed by", 0},
		{8192 + 4095, "use-after-free", "4039 bytes past the end of a 40-byte block freed",
			0},
		{16384, "use-after-free", "the start of an 80-byte block freed by",
			"  or 0 bytes past the end of a live 11-byte block allocated by thread T"},
		{16384 + 8, "use-after-free", "8 bytes inside an 80-byte block freed by",
			"  or 8 bytes past the end of a live 11-byte block allocated by thread T"},
		{16384 + 79, "use-after-free", "79 bytes inside an 80-byte block freed by", 0},
		{16384 + 80, "use-after-free", "0 bytes past the end of an 80-byte block freed by",
			"  or 80 bytes past the end of a live 11-byte block allocated by thread T"},
		{6 * 4096 + 4000, "use-after-free",
			"3960 bytes past the end of a 40-byte block freed by", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[200];

		read_at = cases[i].at;
		in_child(do_read_at);
		CHECK(killed_by(SIGSEGV));
		snprintf(want, sizeof(want), "ERROR: %s: READ of size 1 at %p, %s", cases[i].kind,
			ours + read_at, cases[i].where);
		CHECK(has(want));
		CHECK_EQ(count("\n  or "), cases[i].or != NULL);
		CHECK(!cases[i].or || has(cases[i].or));
		CHECK_EQ(count("ERROR"), 1);
	}
	/* A live block's own pages are the program's to protect. */
	read_at = 2950;
	in_child(do_read_at);
	CHECK(killed_by(SIGSEGV));
	CHECK_EQ(count("ERROR"), 0);
}

static void bad_free_at(void *p)
{
	report_bad_free(p, "free", __builtin_frame_address(0));
}

static void do_usable_dead(void)
{
	report_bad_free(dead + 16, "malloc_usable_size", __builtin_frame_address(0));
}

/* The compiler must not see that it never returns: it would jump there instead of calling. */
static void (*volatile bad_free_ptr)(void *) = bad_free_at;
#define bad_free(p) (bad_free_ptr(p), (void)hits++)

static void do_double(void)
{
	bad_free(dead + 16);
}

static void do_before_live(void)
{
	bad_free(ours + 2884);
}

static void do_interior(void)
{
	bad_free(dead + 24);
}

static void do_stack(void)
{
	long x = 0;

	bad_free(&x);
}

static void do_static(void)
{
	bad_free(text);
}

static void do_wild(void)
{
	bad_free((void *)0x123456);
}

static void on_abort_exit(int sig)
{
	_exit(7);
}

static void do_caught(void)
{
	signal(SIGABRT, on_abort_exit);
	bad_free(dead + 16);
}

static void bad_frees(void)
{
	in_child(do_double);
	CHECK(killed_by(SIGABRT));
	CHECK(has("undangle: ERROR: double-free: free() of 0x"));
	CHECK(has(", the start of a 40-byte block freed by thread T0"));
	CHECK(has("  called by thread T0 (main), tid "));
	CHECK(has(" do_double+0x"));
	in_child(do_interior);
	CHECK(killed_by(SIGABRT));
	CHECK(has("invalid-free: free() of 0x"));
	CHECK(has(", 8 bytes inside a 40-byte block freed by thread T0"));
	CHECK(has(", misaligned\n"));
	in_child(do_before_live);
	CHECK(killed_by(SIGABRT));
	CHECK(has("invalid-free: free() of 0x"));
	CHECK(has(", 16 bytes before a live 100-byte block"));
	in_child(do_usable_dead);
	CHECK(killed_by(SIGABRT));
	CHECK(has("use-after-free: malloc_usable_size() of 0x"));
	CHECK(has(", the start of a 40-byte block freed by"));
	in_child(do_stack);
	CHECK(has(", on the stack of thread T0 (main)"));
	in_child(do_static);
	CHECK(has(", in access_test+0x"));
	CHECK(has(" text+0x0"));
	CHECK_EQ(count("misaligned"), 0);
	in_child(do_wild);
	CHECK(has("free() of 0x123456, not mapped, misaligned\n"));
	in_child(do_caught);
	CHECK(exited(7));
	CHECK_EQ(count("ERROR"), 1);
}

/* --on-error=continue: zeros where nothing is; what another thread put there in the meantime stays. */
static void dead_page_goes_on(void)
{
	struct report r = {
		.kind = FINDING_USE_AFTER_FREE, .access = ACCESS_READ, .addr = vaddr_of(dead) + 32};

	CHECK(survive_mend(&r));
	CHECK_EQ(dead[32], 0);
	dead[40] = 5;
	CHECK(survive_mend(&r));
	CHECK_EQ(dead[40], 5);
	CHECK(mmap(dead, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == dead);
	/* Of a call nothing is looked at. */
	r.access = ACCESS_NONE;
	CHECK(survive_mend(&r));
	in_child(do_read);
	CHECK(killed_by(SIGSEGV));
}

int main(void)
{
	finding_init();
	RUN(accesses);
	RUN(beside_blocks);
	RUN(bad_frees);
	RUN(dead_page_goes_on);
	return UNIT_END();
}
