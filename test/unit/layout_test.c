// sources: src/dune/layout.c src/dune/layout_svg.c src/dune/mappings.c src/dune/pagetable.c
// sources: src/dune/window.c src/dune/procmap.c src/dune/page.c src/base/panic.c src/base/out.c
/* The dumps, letter by letter: the very process of the notes that Dune was described with. */
#include "unit.h"
#include "dune/layout.h"
#include "dune/page.h"
#include "dune/procmap.h"

#include <stdarg.h>
#include <sys/mman.h>

static struct mappings m;
static pte_t pml4[512];

/* Libraries up to 0x7f6bd289e000, stack at 0x7ffcde341000; its PML4 as it was dumped. */
static void start(void)
{
	struct window win;

	memset(&m, 0, sizeof(m));
	CHECK_EQ(page_init(), 0); /* the chart names the pool's end */
	CHECK_EQ(window_init(&m.windows, 39, 0x7f6bd289e000, 0x7ffcde341000, page_pool_end()), 0);
	CHECK_EQ(window_claim(&m.windows, 0x400000, &win), 0);
	CHECK_EQ(window_claim(&m.windows, 0x7f6bd12ac000, &win), 0);
	CHECK_EQ(window_claim(&m.windows, 0x7ffcde341000, &win), 0);
	m.pt.root = 0x2001fe000;
	m.pt.bias = vaddr_of(pml4) - m.pt.root;
	memset(pml4, 0, sizeof(pml4));
	pml4[0] = 0x2001ff027;
	pml4[254] = 0x2009f6027;
	pml4[255] = 0x2087b6027;
	pml4[511] = 0x2089b4027;
}

static void equal(const struct out *o, const char *want)
{
	if (o->n != strlen(want) || memcmp(o->buf, want, o->n)) {
		printf("# got:\n%.*s# want:\n%s", (int)o->n, o->buf, want);
		unit_failed_checks++;
	}
}

static void pml4_dump(void)
{
	struct out o;

	start();
	out_init(&o, -1);
	layout_pml4(&o, &m.pt);
	equal(&o, "--- PML4 ---\n"
		  "[0] 0x0 - 0x8000000000 by PTE addr = 0x2001ff000 PTE_V PTE_W PTE_U (raw: "
		  "0x2001ff027)\n"
		  "[254] 0x7f0000000000 - 0x7f8000000000 by PTE addr = 0x2009f6000 PTE_V PTE_W "
		  "PTE_U (raw: 0x2009f6027)\n"
		  "[255] 0x7f8000000000 - 0x800000000000 by PTE addr = 0x2087b6000 PTE_V PTE_W "
		  "PTE_U (raw: 0x2087b6027)\n"
		  "[511] 0xff8000000000 - 0x1000000000000 by PTE addr = 0x2089b4000 PTE_V PTE_W "
		  "PTE_U (raw: 0x2089b4027)\n");
}

/* Each flag stands for itself; the tables of our own have no PTE_U. */
static void flags(void)
{
	struct out o;

	start();
	memset(pml4, 0, sizeof(pml4));
	pml4[1] = 0x204001023;
	pml4[2] = 0x8000000204002005;
	pml4[3] = 0x4d2;
	out_init(&o, -1);
	layout_pml4(&o, &m.pt);
	equal(&o, "--- PML4 ---\n"
		  "[1] 0x8000000000 - 0x10000000000 by PTE addr = 0x204001000 PTE_V PTE_W (raw: "
		  "0x204001023)\n"
		  "[2] 0x10000000000 - 0x18000000000 by PTE addr = 0x204002000 PTE_V PTE_U "
		  "PTE_NX (raw: 0x8000000204002005)\n"
		  "[3] 0x18000000000 - 0x20000000000 by tombstone (raw: 0x4d2)\n");
}

static void row_format(void)
{
	static const struct procmap_row rows[] = {
		{0x400000, 0x409000, PROT_READ | PROT_EXEC, false, 0, "/home/u/test-dune"},
		{0x200000000, 0x208a00000, PROT_READ | PROT_WRITE | PROT_EXEC, false, 0, ""},
		{0x7f6bd246c000, 0x7f6bd266c000, 0, false, 0x1bf000, "/lib/libc-2.23.so"},
		{0xffffffffff600000, 0xffffffffff601000, PROT_READ, true, 0, "[vsyscall]"},
	};
	struct out o;

	out_init(&o, -1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		procmap_print(&o, &rows[i]);
	equal(&o, "0x0000000000400000-0x0000000000409000 R-XP 00000000 /home/u/test-dune\n"
		  "0x0000000200000000-0x0000000208a00000 RWXP 00000000 \n"
		  "0x00007f6bd246c000-0x00007f6bd266c000 ---P 001bf000 /lib/libc-2.23.so\n"
		  "0xffffffffff600000-0xffffffffff601000 R--S 00000000 [vsyscall]\n");
}

static void chart(void)
{
	struct window win;
	struct out o;

	start();
	out_init(&o, -1);
	layout_chart(&o, &m);
	equal(&o, "--- Memory layout ---\n"
		  "PAGEBASE   = 0x000200000000\n"
		  "             0x000a00000000 PAGEBASE + page pool (32 GB)\n"
		  "             0x008000000000 PML4[1]\n"
		  "phys_limit = 0x008000000000 (512 GB)\n"
		  "             0x7f0000000000 PML4[254]\n"
		  "mmap_base  = 0x7f5c40000000\n"
		  "             0x7f6c00000000 mmap_base + GPA_MAP_SIZE\n"
		  "             0x7f8000000000 PML4[255]\n"
		  "stack_base = 0x7ffcc0000000\n"
		  "             0x7ffd00000000 stack_base + GPA_STACK_SIZE\n"
		  "             0xff8000000000 PML4[511]\n"
		  "\n"
		  "GPA_STACK_SIZE = 1 GB\n"
		  "GPA_MAP_SIZE   = 63 GB\n"
		  "(from src/dune/window.h)\n");
	/* What the old layout had no place for. */
	CHECK_EQ(window_claim(&m.windows, 0x555555554000, &win), 0);
	out_init(&o, -1);
	layout_chart(&o, &m);
	out_char(&o, 0);
	CHECK(strstr(o.buf, "(512 GB)\n             0x555540000000 window spilled to GPA "
			    "0x6fc0000000\n             0x7f0000000000 PML4[254]\n"));
	/* More than a chart can hold: it says so. */
	for (int i = 0; i < 200; i++)
		CHECK_EQ(window_claim(&m.windows, 0x100000000000 + i * GIGA_SIZE, &win), 0);
	memset(pml4, 0, sizeof(pml4));
	static char big[20000];
	FILE *f = tmpfile();

	out_init(&o, fileno(f));
	layout_chart(&o, &m);
	out_flush(&o);
	rewind(f);
	big[fread(big, 1, sizeof(big) - 1, f)] = 0;
	CHECK(strstr(big, "\n(81 more spilled windows)\n"));
	fclose(f);
}

int main(void)
{
	RUN(pml4_dump);
	RUN(flags);
	RUN(row_format);
	RUN(chart);
	return UNIT_END();
}
