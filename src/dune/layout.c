/*
 * layout.c - the address space in text (layout.h): PML4 dump, process-map dump, chart of bounds.
 *
 * Before dune_enter, or app context. Addresses are printed in 48 bits, as the processor indexes
 * them: the upper half begins at 0x800000000000.
 */
#include "layout.h"

#include "page.h"
#include "procmap.h"

#define PML4E_SHIFT 39

void layout_pml4(struct out *o, const struct pt *pt)
{
	uint64_t i;
	pte_t pte;

	out_str(o, "--- PML4 ---\n");
	for (i = 0; i < PT_FANOUT; i++) {
		pte = pt_pml4e(pt, (unsigned)i);
		if (!pte)
			continue;
		out_fmt(o, "[%lu] 0x%lx - 0x%lx by ", i, i << PML4E_SHIFT, (i + 1) << PML4E_SHIFT);
		if (!(pte & PTE_P)) {
			out_fmt(o, "tombstone (raw: 0x%lx)\n", pte);
			continue;
		}
		out_fmt(o, "PTE addr = 0x%lx PTE_V%s%s%s (raw: 0x%lx)\n", pte_addr(pte),
			pte & PTE_W ? " PTE_W" : "", pte & PTE_U ? " PTE_U" : "",
			pte & PTE_NX ? " PTE_NX" : "", pte);
	}
}

static int print_row(const struct procmap_row *row, void *arg)
{
	procmap_print(arg, row);
	return 0;
}

int layout_procmap(struct out *o)
{
	out_str(o, "--- Process Map Dump ---\n");
	return procmap_each(print_row, o);
}

#define NOTE_SIZE 56

/* One line of the chart: "name = address note", or the address and the note alone. */
struct mark {
	vaddr_t at;
	const char *name;
	char note[NOTE_SIZE];
};

struct chart {
	struct mark mark[128];
	unsigned n, more; /* more: did not fit */
	char scratch[NOTE_SIZE];
};

/* A new mark, in order of address, later ones behind earlier ones; returns its note, "". */
static char *chart_add(struct chart *c, vaddr_t at, const char *name)
{
	unsigned i;

	if (c->n == ARRAY_LEN(c->mark)) {
		c->more++;
		return c->scratch;
	}
	for (i = c->n++; i > 0 && c->mark[i - 1].at > at; i--)
		c->mark[i] = c->mark[i - 1];
	c->mark[i] = (struct mark){.at = at, .name = name};
	return c->mark[i].note;
}

static void chart_fill(struct chart *c, const struct mappings *m)
{
	const struct windows *w = &m->windows;
	struct window win;
	uint64_t i, pool = page_pool_end() - PAGEBASE;

	chart_add(c, PAGEBASE, "PAGEBASE");
	out_snprintf(chart_add(c, page_pool_end(), ""), NOTE_SIZE, " PAGEBASE + page pool (%lu %s)",
		pool >> (pool >= GIGA_SIZE ? GIGA_SHIFT : 20), pool >= GIGA_SIZE ? "GB" : "MB");
	/* The end of the low entry, and the starts of the others. */
	for (i = 1; i < PT_FANOUT; i++)
		if (i == 1 || pt_pml4e(&m->pt, (unsigned)i))
			out_snprintf(
				chart_add(c, i << PML4E_SHIFT, ""), NOTE_SIZE, " PML4[%lu]", i);
	out_snprintf(chart_add(c, w->phys_limit, "phys_limit"), NOTE_SIZE, " (%lu GB)",
		w->phys_limit >> GIGA_SHIFT);
	chart_add(c, w->mmap_base, "mmap_base");
	out_snprintf(chart_add(c, w->mmap_base + GPA_MAP_SIZE, ""), NOTE_SIZE,
		" mmap_base + GPA_MAP_SIZE");
	chart_add(c, w->stack_base, "stack_base");
	out_snprintf(chart_add(c, MIN(w->stack_base + GPA_STACK_SIZE, WINDOW_TASK_SIZE), ""),
		NOTE_SIZE, " stack_base + GPA_STACK_SIZE%s",
		w->stack_base + GPA_STACK_SIZE > WINDOW_TASK_SIZE ? " (TASK_SIZE)" : "");
	for (i = 0; i < WINDOW_GPAS; i++)
		if (window_at(w, (unsigned)i, &win) && !window_is_classical(w, &win))
			out_snprintf(chart_add(c, win.hva, ""), NOTE_SIZE,
				" window spilled to GPA 0x%lx", win.gpa);
}

void layout_chart(struct out *o, const struct mappings *m)
{
	struct chart c = {.n = 0};
	unsigned i;

	chart_fill(&c, m);
	out_str(o, "--- Memory layout ---\n");
	for (i = 0; i < c.n; i++)
		out_fmt(o, "%-10s %c 0x%012lx%s\n", c.mark[i].name, *c.mark[i].name ? '=' : ' ',
			c.mark[i].at, c.mark[i].note);
	if (c.more)
		out_fmt(o, "(%u more spilled windows)\n", c.more);
	out_fmt(o, "\nGPA_STACK_SIZE = %lu GB\nGPA_MAP_SIZE   = %lu GB\n",
		GPA_STACK_SIZE >> GIGA_SHIFT, GPA_MAP_SIZE >> GIGA_SHIFT);
	out_str(o, "(from src/dune/window.h)\n");
}

int layout_show(enum mappings_form form, const char *svg, const char **what)
{
	struct out o;
	int r = setup_mappings(&dune_mappings, form);

	*what = "the page tables cannot be made";
	if (r)
		return r;
	*what = svg;
	r = svg ? layout_svg(svg, &dune_mappings) : 0;
	if (r)
		return r;
	out_init(&o, 1);
	layout_pml4(&o, &dune_mappings.pt);
	out_char(&o, '\n');
	*what = "/proc/thread-self/maps";
	r = layout_procmap(&o);
	out_char(&o, '\n');
	layout_chart(&o, &dune_mappings);
	out_flush(&o);
	if (!r && o.lost)
		*what = "cannot write";
	return r ? r : -o.lost;
}
