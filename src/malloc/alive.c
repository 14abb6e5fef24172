/*
 * alive.c - --leaks and --heap-profile. At the end of the process; raw system calls, memory of its own, no malloc.
 *
 * Two walks over the addresses that were handed out, by block_find: the first counts, the second
 * fills a table in the order of addresses. What the program can still reach: from every word of its
 * written private memory (registers and the stack below us are not looked at), and of blocks that
 * are reached, a pointer to the begin of a block or into it.
 *
 * What breaks it: our own structures among the roots, for they know every block.
 */
#include "malloc.h"
#include "trace/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define SITES	   (1U << 17)
#define PLACES_MAX 20	/* stacks that are printed of each kind */
#define LOOK_PAGES 256U /* asked about at once */

struct alive {
	vaddr_t base;
	size_t size;
	uint32_t stack, next; /* next: in the list of those to look into, + 1 */
	bool reached;
};

/* By allocation stack, and by whether it is lost. */
struct site {
	uint32_t stack;
	bool used, lost, told;
	size_t blocks, bytes;
};

static struct {
	struct alive *block;
	size_t n, room;
	uint32_t unread; /* list of those that are reached and were not looked into, + 1 */
	struct site *site;
	bool blind;    /* roots may be there that could not be looked at */
	vaddr_t frame; /* of the destructor: what is below is ours */
} all;

static void add(const struct block *b)
{
	if (all.n < all.room)
		all.block[all.n] = (struct alive){b->base, b->size, b->alloc_stack, 0, false};
	all.n++;
}

/* How far it is at most from a byte of no block to the next block. */
static size_t step_of(uintptr_t e)
{
	bool pages = (e & SPACE_WHAT) == SPACE_LARGE ||
		     ((e & SPACE_WHAT) == SPACE_VIEW &&
			     !((const struct view *)e)->geom->group_shift);

	return pages ? PAGE_SIZE : BLOCK_ALIGN;
}

/* Of a part of VSPACE_LEAST bytes; `last`: the block before it, which may reach into it. */
static vaddr_t walk_part(vaddr_t at, vaddr_t end, size_t step, vaddr_t last)
{
	while (at < end) {
		struct block b;

		block_find(at, &b);
		if (b.state == BLOCK_LIVE && b.base != last) {
			add(&b);
			last = b.base;
		}
		at = ALIGN_UP(at + 1, step);
		if (b.base && !b.forgotten)
			at = MAX(at, ALIGN_UP(b.base + b.size, step));
	}
	return last;
}

static void walk_all(void)
{
	vaddr_t end = space.next, last = 0;

	all.n = 0;
	for (vaddr_t at = space.base; at < end; at += VSPACE_LEAST) {
		uintptr_t e = space_entry(at);

		if (e && e != SPACE_FORGOTTEN)
			last = walk_part(at, at + VSPACE_LEAST, step_of(e), last);
	}
}

/* The block that has the byte at `at`; NULL: none. */
static struct alive *alive_at(vaddr_t at)
{
	size_t lo = 0, hi = all.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (all.block[mid].base <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || at - all.block[lo - 1].base >= MAX(all.block[lo - 1].size, 1UL))
		return NULL;
	return &all.block[lo - 1];
}

static void word(vaddr_t value)
{
	struct alive *a = space_has(value) ? alive_at(value) : NULL;

	if (!a || a->reached)
		return;
	a->reached = true;
	a->next = all.unread;
	all.unread = (uint32_t)(a - all.block) + 1;
}

/* What can be read of it, a page at a time. */
static void words(vaddr_t lo, vaddr_t hi)
{
	for (vaddr_t end; lo < hi; lo = end) {
		end = MIN(hi, ALIGN_DOWN(lo, PAGE_SIZE) + PAGE_SIZE);
		if (stack_probe(lo))
			for (vaddr_t at = ALIGN_UP(lo, 8UL); at + 8 <= end; at += 8)
				word(*(const vaddr_t *)vaddr_ptr(at));
	}
}

static bool is_ours(vaddr_t page)
{
	vaddr_t table = vaddr_of(all.block), sites = vaddr_of(all.site);

	return space_has(page) || meta_has(page) || page - table < all.room * sizeof(*all.block) ||
	       page - sites < SITES * sizeof(*all.site);
}

/* A writable mapping: the pages of it that were ever touched. */
static void root(vaddr_t lo, vaddr_t hi)
{
	uint8_t there[LOOK_PAGES];

	if (all.frame >= lo && all.frame < hi)
		lo = all.frame;
	for (vaddr_t at = lo & PAGE_MASK; at < hi; at += LOOK_PAGES * PAGE_SIZE) {
		size_t n = MIN(LOOK_PAGES, (hi - at) >> PAGE_SHIFT);
		long err = sys_call3(__NR_mincore, (long)at, (long)(n << PAGE_SHIFT), (long)there);

		all.blind = all.blind || (err && err != -ENOMEM); /* ENOMEM: unmapped since */
		if (err)
			continue;
		for (size_t i = 0; i < n; i++) {
			vaddr_t page = at + (i << PAGE_SHIFT);

			if (there[i] & 1 && !is_ours(page))
				words(MAX(page, lo), page + PAGE_SIZE);
		}
	}
}

static void reach(void)
{
	all.blind = !place_each_written(root) || all.blind;
	while (all.unread) {
		struct alive *a = &all.block[all.unread - 1];

		all.unread = a->next;
		words(a->base, a->base + a->size);
	}
}

static struct site *site_of(uint32_t stack, bool lost)
{
	uint32_t i = (uint32_t)((stack * 2UL + lost) * GOLDEN >> 47);

	for (uint32_t n = 0; n < SITES; n++, i = (i + 1) % SITES) {
		struct site *s = &all.site[i];

		if (!s->used)
			*s = (struct site){.stack = stack, .used = true, .lost = lost};
		if (s->stack == stack && s->lost == lost)
			return s;
	}
	return &all.site[0];
}

/* False: no memory for it. */
static bool gather(bool scan)
{
	walk_all();
	all.room = all.n;
	all.block = meta_table(MAX(all.room, 1UL) * sizeof(*all.block));
	all.site = meta_table(SITES * sizeof(*all.site));
	if (!all.block || !all.site)
		return false;
	walk_all();
	all.n = MIN(all.n, all.room); /* others may go on */
	if (scan)
		reach();
	for (size_t i = 0; i < all.n; i++) {
		struct site *s = site_of(all.block[i].stack, scan && !all.block[i].reached);

		s->blocks++;
		s->bytes += all.block[i].size;
	}
	return true;
}

static void totals(bool lost, size_t *blocks, size_t *bytes, size_t *places)
{
	*blocks = *bytes = *places = 0;
	for (uint32_t i = 0; i < SITES; i++)
		if (all.site[i].used && all.site[i].lost == lost) {
			*blocks += all.site[i].blocks;
			*bytes += all.site[i].bytes;
			++*places;
		}
}

/* The largest that was not told yet. */
static struct site *largest(bool lost)
{
	struct site *most = NULL;

	for (uint32_t i = 0; i < SITES; i++) {
		struct site *s = &all.site[i];

		if (s->used && !s->told && s->lost == lost && (!most || s->bytes > most->bytes))
			most = s;
	}
	return most;
}

static void print_kind(struct out *o, bool lost, size_t places)
{
	struct site *s;

	for (unsigned i = 0; i < PLACES_MAX && (s = largest(lost)); i++) {
		s->told = true;
		out_fmt(o, "  %s: %zu byte%s in %zu block%s, allocated at:\n",
			lost ? "lost" : "reachable", s->bytes, s->bytes == 1 ? "" : "s", s->blocks,
			s->blocks == 1 ? "" : "s");
		report_stack(o, s->stack);
	}
	if (places > PLACES_MAX)
		out_fmt(o, "  and %zu places more\n", places - PLACES_MAX);
	out_flush(o);
}

static void print_leaks(struct out *o)
{
	size_t lost[3], kept[3];

	for (uint32_t i = 0; i < SITES; i++)
		all.site[i].told = false;

	totals(true, &lost[0], &lost[1], &lost[2]);
	totals(false, &kept[0], &kept[1], &kept[2]);
	log_stat(o,
		"leaks          %zu bytes in %zu blocks are lost; %zu bytes in %zu can be reached",
		lost[1], lost[0], kept[1], kept[0]);
	print_kind(o, true, lost[2]);
	print_kind(o, false, kept[2]);
}

/* One of the names between semicolons: what is of no symbol has its place in the module. */
static void print_name(struct out *o, uintptr_t pc)
{
	struct symbol s;

	symbol_find(pc - 1, &s);
	if (s.name[0])
		out_str(o, s.name);
	else if (s.module[0])
		out_fmt(o, "%s+0x%lx", s.module, s.offset);
	else
		out_str(o, "?");
}

static void write_profile(void)
{
	int fd = log_create(options.heap_profile);
	uintptr_t pc[STACK_MAX];
	struct out o;

	if (fd < 0) {
		log_line("undangle: --heap-profile: %s cannot be written (error %d)",
			options.heap_profile, -fd);
		return;
	}
	out_init(&o, fd);
	for (uint32_t i = 0; i < SITES; i++) {
		const struct site *s = &all.site[i];
		size_t n = s->used ? depot_get(s->stack, pc, STACK_MAX) : 0;

		if (!s->used)
			continue;
		if (!n)
			out_str(&o, "(no stack recorded)");
		while (n-- > 0) {
			print_name(&o, pc[n]);
			if (n)
				out_char(&o, ';');
		}
		out_fmt(&o, " %zu\n", s->bytes);
	}
	out_flush(&o);
	sys_close(fd);
	if (o.lost)
		log_line("undangle: --heap-profile: %s could not be written whole",
			options.heap_profile);
}

static void tell(void)
{
	if (!gather(options.leaks)) {
		log_line("undangle: no memory to look at what is still allocated");
		return;
	}
	if (options.heap_profile[0])
		write_profile();
	if (options.leaks && all.blind)
		log_line("undangle: --leaks: the process's memory cannot be looked at (no /proc, "
			 "or a "
			 "seccomp filter): what is lost is not known");
	else if (options.leaks)
		report_completed(print_leaks);
}

void alive_tell(void *frame)
{
	struct log_hold hold;

	if (!options.leaks && !options.heap_profile[0])
		return;
	if (kvm_heap) {
		log_line("undangle: --leaks and --heap-profile need --backend=host");
		return;
	}
	all.frame = vaddr_of(frame);
	log_hold(&hold);
	tell();
	log_release(&hold);
}
