/*
 * off.c - see off.h. app context.
 *
 * In the place of a backend (kvm/kvm.h) stands a table of the next malloc's functions; what else the
 * library interposes does nothing where no handler is installed. What breaks it: a block of ours that
 * is freed here; there is none, for the first malloc decides.
 */
#include "off.h"
#include "malloc.h"

#include <dlfcn.h>

static struct {
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);
	size_t (*usable)(void *);
} next;

static void *off_alloc(size_t size, size_t align, bool zero, void *frame)
{
	if (zero)
		return next.calloc(1, size);
	return align > HEAP_ALIGN ? next.memalign(align, size) : next.malloc(size);
}

static void *off_malloc(size_t size)
{
	return next.malloc(size);
}

static void off_free(void *p)
{
	next.free(p);
}

static void off_free_as(void *p, const char *call, void *frame)
{
	next.free(p);
}

static void *off_realloc(void *p, size_t size, void *frame)
{
	return next.realloc(p, size);
}

static size_t off_usable(void *p)
{
	return next.usable(p);
}

static void off_tell(struct out *o)
{
}

static void off_dump(struct out *o, vaddr_t lo, vaddr_t hi)
{
}

static const struct kvm_heap off_heap = {.malloc = off_malloc,
	.free = off_free,
	.alloc = off_alloc,
	.free_as = off_free_as,
	.realloc = off_realloc,
	.usable = off_usable,
	.stats = off_tell,
	.dump = off_dump};

static void find(void *where, const char *name)
{
	*(void **)where = dlsym(RTLD_NEXT, name);
	panic_if(!*(void **)where, "no %s behind us", name);
}

void off_start(void)
{
	find(&next.malloc, "malloc");
	find(&next.calloc, "calloc");
	find(&next.memalign, "memalign");
	find(&next.realloc, "realloc");
	find(&next.free, "free");
	find(&next.usable, "malloc_usable_size");
	kvm_heap = &off_heap;
}

bool off_is(void)
{
	return kvm_heap == &off_heap;
}

bool off_is_ours(void)
{
	static const char name[] = "/undangle";
	char path[1024];
	size_t n = file_link("/proc/self/exe", path, sizeof(path)), len = sizeof(name) - 1;

	return n >= len && !__builtin_memcmp(path + n - len, name, len);
}
