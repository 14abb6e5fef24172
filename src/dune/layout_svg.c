/*
 * layout_svg.c - the address space drawn (layout.h): bands of one linear scale each.
 *
 * Before dune_enter, or app context. First all of user space, then guest-physical memory under
 * it, with a line from each window to its place; then one band per window in use, stretched to
 * what is mapped in it. Units are tenths of a pixel: everything is done in integers.
 */
#include "layout.h"

#include "page.h"
#include "procmap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define LEFT	   400
#define WIDTH	   11200 /* of every band; times 2^47 still fits in 64 bits */
#define BAR	   360
#define BAND_TOP   330 /* caption above the bar                           */
#define LANES	   6   /* of labels below the bar                         */
#define LANE	   150
#define BAND_GAP   260
#define CHAR_WIDTH 66
#define SPACE_Y	   900 /* top of the bar of virtual, of physical memory    */
#define PHYS_Y	   2900
#define BANDS_Y	   4300
#define MAX_BANDS  24

struct band {
	struct out *o;
	const struct mappings *m;
	vaddr_t lo, hi;	  /* window                                           */
	vaddr_t from, to; /* what is mapped in it                             */
	int y;		  /* top of the bar                                   */
	int lane_end[LANES];
	char label[64]; /* of the group of rows that is open                */
	vaddr_t start, end;
	unsigned hidden;
};

static int scale(vaddr_t a, vaddr_t lo, vaddr_t hi)
{
	return LEFT + (int)((a - lo) * WIDTH / (hi - lo));
}

static void text(struct out *o, int x, int y, int size, const char *anchor, const char *s)
{
	out_fmt(o, "<text x='%d' y='%d' font-size='%d' text-anchor='%s'>", x, y, size, anchor);
	for (; *s; s++) {
		if (*s == '<')
			out_str(o, "&lt;");
		else if (*s == '&')
			out_str(o, "&amp;");
		else
			out_char(o, *s);
	}
	out_str(o, "</text>\n");
}

/* At least 12 units wide: a mapping of 4 KB must not vanish. */
static void rect(struct out *o, int x0, int x1, int y, int h, const char *class)
{
	out_fmt(o, "<rect class='%s' x='%d' y='%d' width='%d' height='%d'/>\n", class, x0, y,
		MAX(x1 - x0, 12), h);
}

static void size_text(char *to, size_t n, uint64_t bytes)
{
	static const char *const unit[] = {"bytes", "KB", "MB", "GB", "TB"};
	size_t u = 0;

	for (; bytes >= 10240 && u + 1 < ARRAY_LEN(unit); bytes >>= 10)
		u++;
	out_snprintf(to, n, "%lu %s", bytes, unit[u]);
}

/* What a window is, by its place. */
static const char *window_class(const struct windows *w, const struct window *win)
{
	if (!window_is_classical(w, win))
		return "spill";
	if (win->hva == w->stack_base)
		return "stack";
	return win->hva == win->gpa ? "low" : "mmap";
}

static const char *class_title(const char *class)
{
	switch (*class) {
	case 'l':
		return "low memory";
	case 'm':
		return "mmap window";
	default:
		return class[1] == 't' ? "stack" : "spilled";
	}
}

static void draw_space(struct out *o, const struct mappings *m)
{
	vaddr_t top = 1UL << 47, at;
	char note[24];
	unsigned i;
	int x;

	text(o, LEFT, SPACE_Y - 120, 140, "start",
		"virtual addresses: 128 TB of user space, PML4 entries in use marked (512 GB "
		"each)");
	rect(o, LEFT, LEFT + WIDTH, SPACE_Y, BAR, "none");
	for (i = 0; i < PT_FANOUT / 2; i++) {
		if (!pt_pml4e(&m->pt, i))
			continue;
		at = (vaddr_t)i << 39;
		x = scale(at, 0, top);
		rect(o, x, scale(at + (1UL << 39), 0, top), SPACE_Y, BAR, "pml4");
		out_snprintf(note, sizeof(note), "PML4[%u]", i);
		/* The last two are neighbours: one name above the other. */
		text(o, i < 254 ? x : LEFT + WIDTH, SPACE_Y + BAR + (i == 254 ? 280 : 140), 110,
			i < 254 ? "start" : "end", note);
	}
}

/* The classical layout of guest-physical memory, then the windows in use on top of it. */
static void draw_phys(struct out *o, const struct mappings *m)
{
	const struct windows *w = &m->windows;
	paddr_t top = w->phys_limit, map = top - GPA_STACK_SIZE - GPA_MAP_SIZE;
	struct window win;
	const char *class;
	char note[120];
	unsigned i;
	int x0, x1, x;

	out_snprintf(note, sizeof(note),
		"guest-physical addresses: %lu GB; dark: windows in use (1 GB, one KVM slot each)",
		top >> GIGA_SHIFT);
	text(o, LEFT, PHYS_Y + BAR + 360, 140, "start", note);
	rect(o, LEFT, scale(map, 0, top), PHYS_Y, BAR, "low pale");
	rect(o, scale(PAGEBASE, 0, top), scale(page_pool_end(), 0, top), PHYS_Y, BAR, "pool pale");
	rect(o, scale(map, 0, top), scale(top - GPA_STACK_SIZE, 0, top), PHYS_Y, BAR, "mmap pale");
	rect(o, scale(top - GPA_STACK_SIZE, 0, top), scale(top, 0, top), PHYS_Y, BAR, "stack pale");
	text(o, scale(PAGEBASE, 0, top), PHYS_Y + BAR + 140, 110, "start", "PAGEBASE: page pool");
	text(o, scale(map / 2, 0, top), PHYS_Y + BAR + 140, 110, "middle",
		"low memory: GPA = VA; spills from the right");
	text(o, LEFT + WIDTH, PHYS_Y + BAR + 140, 110, "end", "mmap window 63 GB | stack 1 GB");
	for (i = 0; i < WINDOW_GPAS; i++) {
		if (!window_at(w, i, &win))
			continue;
		class = window_class(w, &win);
		x0 = scale(win.gpa, 0, top);
		x1 = scale(win.gpa + GIGA_SIZE, 0, top);
		x = scale(win.hva, 0, 1UL << 47);
		rect(o, x0, x1, PHYS_Y, BAR, class);
		rect(o, x - 6, x + 6, SPACE_Y, BAR, class);
		out_fmt(o, "<path class='%s line' d='M%d %d L%d %d'/>\n", class, x, SPACE_Y + BAR,
			(x0 + x1) / 2, PHYS_Y);
	}
}

static const char *row_class(const struct procmap_row *row)
{
	if (!row->prot)
		return "none";
	if (row->prot & PROT_EXEC)
		return row->prot & PROT_WRITE ? "rwx" : "rx";
	return row->prot & PROT_WRITE ? "rw" : "r";
}

/* The label of the open group: in the first lane that is free there, with a line to it. */
static void label_close(struct band *b)
{
	int x, at, half, lane, y;
	char size[24], s[96];

	if (!b->label[0])
		return;
	size_text(size, sizeof(size), b->end - b->start);
	out_snprintf(s, sizeof(s), "%s %s", b->label, size);
	b->label[0] = 0;
	x = (scale(b->start, b->from, b->to) + scale(b->end, b->from, b->to)) / 2;
	half = (int)strlen(s) * CHAR_WIDTH / 2;
	at = MIN(MAX(x, LEFT + half), LEFT + WIDTH - half);
	for (lane = 0; lane < LANES; lane++)
		if (b->lane_end[lane] < at - half)
			break;
	if (lane == LANES) {
		b->hidden++;
		return;
	}
	y = b->y + BAR + 140 + lane * LANE;
	out_fmt(b->o, "<path class='lead' d='M%d %d L%d %d'/>\n", x, b->y + BAR, x, y - 100);
	text(b->o, at, y, 110, "middle", s);
	b->lane_end[lane] = at + half + CHAR_WIDTH;
}

static const char *row_label(const struct procmap_row *row)
{
	const char *base = row->name, *s;

	if (page_owns(row->start))
		return row->prot ? "page pool" : "page pool, reserved";
	if (!*row->name)
		return "anonymous";
	for (s = row->name; *s && row->name[0] == '/'; s++)
		if (*s == '/')
			base = s + 1;
	return base;
}

static int span_row(const struct procmap_row *row, void *arg)
{
	struct band *b = arg;

	if (row->start >= b->hi)
		return 1;
	if (row->end > b->lo) {
		if (!b->to)
			b->from = MAX(row->start, b->lo);
		b->to = MIN(row->end, b->hi);
	}
	return 0;
}

static int draw_row(const struct procmap_row *row, void *arg)
{
	vaddr_t lo = row->start, hi = row->end;
	const char *label = row_label(row);
	struct band *b = arg;
	size_t n = strnlen(label, sizeof(b->label) - 1);

	if (lo >= b->hi)
		return 1;
	if (hi <= b->lo)
		return 0;
	lo = MAX(lo, b->lo);
	hi = MIN(hi, b->hi);
	rect(b->o, scale(lo, b->from, b->to), scale(hi, b->from, b->to), b->y, BAR, row_class(row));
	if (strlen(b->label) != n || memcmp(b->label, label, n)) {
		label_close(b);
		out_snprintf(b->label, sizeof(b->label), "%s", label);
		b->start = lo;
	}
	b->end = hi;
	return 0;
}

/* One window, from its first mapping to its last, if there is any. Returns the y below it. */
static int draw_band(struct out *o, const struct mappings *m, const struct window *win, int y)
{
	struct band b = {.o = o, .m = m, .lo = win->hva, .hi = win->hva + win->len};
	char s[160], size[24], px[24];
	const char *class = window_class(&m->windows, win);
	int lanes;

	procmap_each(span_row, &b);
	if (!b.to)
		return y;
	b.y = y + BAND_TOP;
	size_text(size, sizeof(size), b.to - b.from);
	size_text(px, sizeof(px), (b.to - b.from) / (WIDTH / 10));
	out_snprintf(s, sizeof(s),
		"%s: window 0x%lx at GPA 0x%lx; shown 0x%lx - 0x%lx, %s, 1 pixel = %s",
		class_title(class), win->hva, win->gpa, b.from, b.to, size, px);
	rect(o, LEFT - 160, LEFT - 60, b.y, BAR, class);
	text(o, LEFT, b.y - 100, 140, "start", s);
	rect(o, LEFT, LEFT + WIDTH, b.y, BAR, "gap");
	procmap_each(draw_row, &b);
	label_close(&b);
	if (b.hidden) {
		out_snprintf(s, sizeof(s), "(%u more names)", b.hidden);
		text(o, LEFT + WIDTH, b.y + BAR + 140 + LANES * LANE, 110, "end", s);
	}
	for (lanes = LANES; lanes > 0 && !b.lane_end[lanes - 1]; lanes--)
		;
	return b.y + BAR + 140 + (lanes + (b.hidden > 0)) * LANE + BAND_GAP;
}

static void draw_head(struct out *o, int height)
{
	static const char *const legend[][2] = {{"r", "read"}, {"rx", "execute"}, {"rw", "write"},
		{"rwx", "both"}, {"none", "reserved"}};
	unsigned i;

	out_fmt(o,
		"<svg xmlns='http://www.w3.org/2000/svg' width='1200' height='%d' "
		"viewBox='0 0 12000 %d' font-family='DejaVu Sans Mono, monospace'>\n",
		height / 10, height);
	out_str(o, "<style>text{paint-order:stroke;stroke:#fff;stroke-width:30}rect{stroke:#555;"
		   "stroke-width:4}.none{fill:#f4f4f4}.gap{fill:#fff}"
		   ".pml4{fill:#d8d8d8}.low{fill:#3b6fb6}.mmap{fill:#3a8f4d}.stack{fill:#d07b1f}"
		   ".spill{fill:#8a4fae}.pool{fill:#1b9aaa}.pale{opacity:.35}"
		   ".r{fill:#b9c4cf}.rx{fill:#d9534f}.rw{fill:#5b8fd9}.rwx{fill:#222}"
		   ".line{fill:none;stroke-width:14;opacity:.7}"
		   ".low.line{stroke:#3b6fb6}.mmap.line{stroke:#3a8f4d}.stack.line{stroke:#d07b1f}"
		   ".spill.line{stroke:#8a4fae}.lead{stroke:#999;stroke-width:5}</style>\n"
		   "<rect width='12000' height='100%' fill='#fff' stroke='none'/>\n");
	text(o, LEFT, 400, 200, "start", "Address space in the Dune layer");
	for (i = 0; i < ARRAY_LEN(legend); i++) {
		rect(o, 5200 + (int)i * 1200, 5320 + (int)i * 1200, 280, 120, legend[i][0]);
		text(o, 5380 + (int)i * 1200, 390, 110, "start", legend[i][1]);
	}
}

/* Windows in use, in order of HVA: the next one from `from` on. */
static bool window_next(const struct mappings *m, vaddr_t from, struct window *win)
{
	vaddr_t hva;

	for (hva = ALIGN_UP(from, GIGA_SIZE); hva < WINDOW_TASK_SIZE; hva += GIGA_SIZE)
		if (window_find(&m->windows, hva, win))
			return true;
	return false;
}

/* The bands from y on; returns the y below the last. */
static int draw_bands(struct out *o, const struct mappings *m, int y)
{
	struct window win = {0};
	char s[64];
	int i;

	for (i = 0; i < MAX_BANDS && window_next(m, win.hva + (i > 0), &win); i++)
		y = draw_band(o, m, &win, y);
	if (m->windows.claimed > MAX_BANDS) {
		out_snprintf(s, sizeof(s), "(%u more windows)", m->windows.claimed - MAX_BANDS);
		text(o, LEFT, y, 140, "start", s);
		y += BAND_GAP;
	}
	return y;
}

int layout_svg(const char *path, const struct mappings *m)
{
	long fd = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	struct out o, nowhere;

	if (fd < 0)
		return (int)fd;
	out_init(&o, (int)fd);
	/* The height comes first in the file: found by drawing once to nowhere. */
	out_init(&nowhere, -1);
	draw_head(&o, draw_bands(&nowhere, m, BANDS_Y));
	draw_space(&o, m);
	draw_phys(&o, m);
	draw_bands(&o, m, BANDS_Y);
	out_str(&o, "</svg>\n");
	out_flush(&o);
	if (o.lost) /* half a drawing is none */
		sys_call3(__NR_ftruncate, fd, 0, 0);
	sys_close((int)fd);
	return -o.lost;
}
