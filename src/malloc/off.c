/*
 * off.c - see off.h. app context.
 *
 * In the place of a backend (kvm/kvm.h) stands a table of the next malloc's functions (no stats: stats.c knows); what else the
 * library interposes does nothing where no handler is installed. What breaks it: a block of ours that
 * is freed here; there is none, for the first malloc decides.
 */
#include "off.h"
#include "malloc.h"

#include <dlfcn.h>

static struct {
	void *(*calloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*realloc)(void *, size_t);
} next;

static struct kvm_heap off_heap;
static const char *off_reason;

static void *off_alloc(size_t size, size_t align, bool zero, void *frame)
{
	if (zero)
		return next.calloc(1, size);
	return align > BLOCK_ALIGN ? next.memalign(align, size) : off_heap.malloc(size);
}

static void off_free_as(void *p, const char *call, void *frame)
{
	off_heap.free(p);
}

static void *off_realloc(void *p, size_t size, void *frame)
{
	return next.realloc(p, size);
}

static void off_dump(struct out *o, vaddr_t lo, vaddr_t hi)
{
}

static void find(void *where, const char *name)
{
	*(void **)where = dlsym(RTLD_NEXT, name);
	panic_if(!*(void **)where, "no %s behind us", name);
}

void off_start(const char *why)
{
	off_reason = why;
	off_heap = (struct kvm_heap){.alloc = off_alloc,
		.free_as = off_free_as,
		.realloc = off_realloc,
		.dump = off_dump};
	find(&off_heap.malloc, "malloc");
	find(&off_heap.free, "free");
	find(&off_heap.usable, "malloc_usable_size");
	find(&next.calloc, "calloc");
	find(&next.memalign, "memalign");
	find(&next.realloc, "realloc");
	kvm_heap = &off_heap;
}

bool off_is(void)
{
	return kvm_heap == &off_heap;
}

const char *off_why(void)
{
	return off_reason;
}

bool off_is_ours(void)
{
	static const char name[] = "/undangle";
	char path[1024];
	size_t n = file_link("/proc/self/exe", path, sizeof(path)), len = sizeof(name) - 1;

	return n >= len && !__builtin_memcmp(path + n - len, name, len);
}
