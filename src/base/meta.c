/* meta.c - see meta.h. app context. Maps memory (one of the few files that do). */
#include "meta.h"

#include <sys/mman.h>

#define META_MIN_SHIFT 6
#define META_MAX_SHIFT 21
#define META_LEAST     (128UL << 10) /* mapped at once: as much as there is, between these */
#define META_MOST      (1UL << 20)

struct lock meta_lock = LOCK(META);
bool (*meta_spare)(void);

struct piece {
	struct piece *next;
};

/* At the beginning of what was mapped at once. */
struct region {
	struct region *next;
	size_t size;
};
_Static_assert(sizeof(struct region) <= 1UL << META_MIN_SHIFT, "the first piece of each");

static struct region *meta_regions;
static struct piece *meta_list[META_MAX_SHIFT + 1];
static char *meta_at, *meta_end;
static size_t meta_mapped, meta_used;

void *meta_table(size_t size)
{
	long r = sys_mmap(
		0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (sys_is_err(r))
		return NULL;
	sys_madvise((vaddr_t)r, size, MADV_NOHUGEPAGE); /* sparse: 4 KB at a time */
	sys_madvise((vaddr_t)r, size, MADV_DONTDUMP);	/* a core in a pipe has no holes */
	return (void *)r;
}

void meta_table_drop(void *page)
{
	sys_madvise((vaddr_t)page, PAGE_SIZE, MADV_DONTNEED);
}

static unsigned meta_shift(size_t size)
{
	return size <= 1UL << META_MIN_SHIFT ? META_MIN_SHIFT
					     : 64 - (unsigned)__builtin_clzl(size - 1);
}

/* Fresh memory for one piece; zero because the kernel's is. meta_lock held. */
static void *meta_carve(size_t size)
{
	void *p;

	if ((size_t)(meta_end - meta_at) < size) {
		size_t step = MAX(MIN(MAX(META_LEAST, meta_mapped), META_MOST),
			ALIGN_UP(size + (1UL << META_MIN_SHIFT), PAGE_SIZE));
		struct region *region;
		long r;

		do
			r = sys_mmap(0, step, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS |
					(meta_mapped >= META_MOST ? MAP_POPULATE : 0),
				-1);
		while (sys_is_err(r) && meta_spare && meta_spare());
		if (sys_is_err(r))
			return NULL;
		region = (struct region *)r;
		*region = (struct region){meta_regions, step};
		meta_regions = region;
		meta_mapped += step;
		meta_at = (char *)r + (1UL << META_MIN_SHIFT);
		meta_end = (char *)r + step;
	}
	p = meta_at;
	meta_at += size;
	return p;
}

void *meta_alloc(size_t size)
{
	unsigned shift = meta_shift(size);
	struct piece *p;

	if (shift > META_MAX_SHIFT)
		return NULL;
	lock_take(&meta_lock);
	p = meta_list[shift];
	if (p)
		meta_list[shift] = p->next;
	else
		p = meta_carve(1UL << shift);
	if (p)
		meta_used += 1UL << shift;
	lock_drop(&meta_lock);
	if (p)
		__builtin_memset(p, 0, size);
	return p;
}

void meta_free(void *ptr, size_t size)
{
	unsigned shift = meta_shift(size);
	struct piece *p = ptr;

	lock_take(&meta_lock);
	p->next = meta_list[shift];
	meta_list[shift] = p;
	meta_used -= 1UL << shift;
	lock_drop(&meta_lock);
}

bool meta_has(vaddr_t at)
{
	bool has = false;

	lock_take(&meta_lock);
	for (const struct region *r = meta_regions; r && !has; r = r->next)
		has = at - vaddr_of((void *)r) < r->size;
	lock_drop(&meta_lock);
	return has;
}

size_t meta_bytes(void)
{
	return meta_used;
}
