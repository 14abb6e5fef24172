/*
 * cores.c - what of the views a core dump has: the pages of what lives, and nothing else.
 *
 * app context; rows_dying also in a handler on a small stack, of a thread that dies. A page of memory
 * shows in as many views as it has rows, so a core is to have the pages of living units only: each is
 * a page of the file. That is seen to when the process dies. A process of which somebody else takes
 * a core (gcore) cannot do anything then: so its first views are in cores as long as they live.
 *
 * Private views are in every core, for each page of theirs is one block's.
 *
 * What breaks it: a view whose pages the program itself keeps out of cores (own.c).
 */
#include "cores.h"
#include "find.h"
#include "own.h"
#include "super.h"
#include "base/base.h"
#include "host/host.h"

#include <sys/mman.h>
#include <sys/resource.h>

#define KEPT_MAPS   8 /* pages of views in every core: so many of all mappings */
#define DYING_PAGES (2UL << 30 >> PAGE_SHIFT) /* of what is alive when it dies: the newest */
#define GAP	    16			      /* so few pages without anything alive come along */

static size_t kept; /* pages so far; under views_lock */

void core_keep(struct view *v)
{
	v->kept = !v->super && !view_is_private(v) && kept + v->pages <= maps_share(KEPT_MAPS);
	kept += v->kept ? v->pages : 0;
}

void core_fork_child(void)
{
	kept = 0;
}

void core_show(const struct view *v)
{
	if (v->kept)
		host_core(v->base, (size_t)v->pages << PAGE_SHIFT, true);
}

/* A block that was handed out, or one of several, is alive there; and the page is the view's. */
static bool page_counts(struct view *v, uint32_t page)
{
	uint32_t idx = view_unit_with(v, page) << v->geom->group_shift;

	return view_page_lives(v, page) && !view_owns(v, page) &&
	       !slot_ahead(v, idx, view_slot_at(v, idx));
}

static void pages_show(const struct view *v, uint32_t from, uint32_t end)
{
	vaddr_t at = v->base + ((vaddr_t)from << PAGE_SHIFT);

	host_core(at, (size_t)(end - from) << PAGE_SHIFT, true);
}

/* Its living pages are in the core, with short gaps between them; how many that is. */
static size_t view_show(struct view *v)
{
	uint32_t from = 0, end = 0; /* of the living that are not shown yet */
	size_t all = 0;

	if (v->kept)
		host_core(v->base, (size_t)v->pages << PAGE_SHIFT, false);
	for (uint32_t p = 0; p <= v->pages; p++) {
		bool lives = p < v->pages && page_counts(v, p);

		if (end > from && (p == v->pages || p - end >= GAP || view_owns(v, p))) {
			pages_show(v, from, end);
			all += end - from;
			from = end = 0;
		}
		if (lives) {
			from = end > from ? from : p;
			end = p + 1;
		}
	}
	return all;
}

/* Will there be a core? */
static bool is_wanted(void)
{
	struct rlimit l = {.rlim_cur = RLIM_INFINITY};
	char pattern[128];

	sys_call4(__NR_prlimit64, 0, RLIMIT_CORE, 0, (long)&l);
	return l.rlim_cur > 1 ||
	       (file_text("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)) &&
		       pattern[0] == '|');
}

void rows_dying(void)
{
	struct lock_section s;
	size_t pages = 0;

	if (!is_wanted())
		return;
	lock_section_enter(&s);
	/* Who dies inside the engine has it perhaps, and will not give it back. */
	for (unsigned tries = 0; !lock_try(&views_lock); tries++) {
		if (tries == 1000)
			goto out;
		sys_call3(__NR_sched_yield, 0, 0, 0);
	}
	for (struct view *v = views_live; v && pages < DYING_PAGES; v = v->next)
		pages += view_is_private(v) ? 0 : view_show(v);
	lock_drop(&views_lock);
out:
	lock_section_leave(&s);
}
