/*
 * family.c - the exported malloc family: sizes, alignments, errno. Nothing clever.
 *
 * app context. Each function names itself and its frame to the engine, for reports. errno is
 * ENOMEM or EINVAL on failure and untouched otherwise, by free too: nothing below uses libc's
 * system call wrappers.
 */
#include "malloc.h"
#include "bypass.h"
#include "last.h"
#include "otherlibc.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME __builtin_frame_address(0)

void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);
void cfree(void *p);

static inline void *or_enomem(void *p)
{
	if (unlikely(!p))
		errno = ENOMEM;
	return p;
}

/*
 * malloc and free save nothing, and end in jumps; what they jump to has the frame of the program's
 * call. The kvm backend is asked for here, too: it saves that one two calls.
 */
UD_EXPORT void *malloc(size_t size)
{
	return likely(!kvm_heap) ? short_malloc(size) : kvm_heap->malloc(size);
}

UD_EXPORT void free(void *p)
{
	if (unlikely(!p))
		return;
	if (likely(!kvm_heap))
		short_free(p);
	else
		kvm_heap->free(p);
}

static inline void free_named(void *p, const char *call, void *frame)
{
	if (p)
		free_as(p, call, frame);
	frame_kept(NULL);
}

UD_EXPORT void cfree(void *p)
{
	free_named(p, "cfree", FRAME);
}

UD_EXPORT void free_sized(void *p, size_t size)
{
	free_named(p, "free_sized", FRAME);
}

UD_EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	free_named(p, "free_aligned_sized", FRAME);
}

UD_EXPORT void *calloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return or_enomem(NULL);
	return frame_kept(short_alloc(all, true, FRAME));
}

static bool usable_of(void *p, size_t *size)
{
	if (unlikely(last_has(p)))
		return last_usable(p, size);
	*size = engine_usable(p);
	return *size != 0 || otherlibc_has(p, size);
}

/* To the last heap or from it, and from other libcs'; and what is wrong. */
static void *realloc_over(void *p, size_t size, const char *call, void *frame)
{
	size_t was;
	void *q;

	if (!usable_of(p, &was)) {
		report_bad_free(p, call, frame);
		return frame_kept(short_alloc(size, true, frame));
	}
	q = short_alloc(size, false, frame);
	if (q) {
		memcpy(q, p, MIN(was, size));
		free_as(p, call, frame);
	}
	return q;
}

static inline void *realloc_any(void *p, size_t size, const char *call, void *frame)
{
	void *q;

	if (!p)
		return frame_kept(short_alloc(size, false, frame));
	if (!size) { /* as glibc does */
		free_named(p, call, frame);
		return NULL;
	}
	if (kvm_heap)
		return or_enomem(kvm_heap->realloc(p, size, frame));
	if (unlikely(last_on || last_has(p)) || !engine_realloc(p, size, frame, &q))
		return realloc_over(p, size, call, frame);
	return or_enomem(q);
}

UD_EXPORT void *realloc(void *p, size_t size)
{
	return realloc_any(p, size, "realloc", FRAME);
}

/* Of a program with a realloc of its own, which libc's reallocarray would find. */
static void *(*their_realloc)(void *, size_t);

void family_init(void)
{
	*(void **)&their_realloc = bypass_of("realloc");
}

UD_EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return or_enomem(NULL);
	if (unlikely(their_realloc != NULL))
		return their_realloc(p, all);
	return realloc_any(p, all, "reallocarray", FRAME);
}

static inline bool is_power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

static inline void *aligned(size_t align, size_t size, void *frame)
{
	return size > PTRDIFF_MAX - align ? NULL : alloc_aligned(size, align, frame);
}

UD_EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	void *p;

	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	p = aligned(align, size, FRAME);
	if (!p)
		return ENOMEM;
	*out = p;
	return 0;
}

static void *invalid(void)
{
	errno = EINVAL;
	return NULL;
}

/* glibc's memalign rounds the alignment up instead of refusing it. */
static inline void *aligned_up(size_t align, size_t size, void *frame)
{
	size_t a = BLOCK_ALIGN;

	if (align > SIZE_MAX / 2 + 1)
		return invalid();
	while (a < align)
		a *= 2;
	return or_enomem(aligned(a, size, frame));
}

/* Until glibc 2.38 it is memalign; then ISO C17's, which refuses what is no power of two. */
static bool aligned_alloc_refuses(void)
{
	const char *minor = text_after(gnu_get_libc_version(), "2.");

	return !minor || text_number(minor) >= 38;
}

UD_EXPORT void *aligned_alloc(size_t align, size_t size)
{
	if (unlikely(!is_power_of_two(align)) && aligned_alloc_refuses())
		return invalid();
	return aligned_up(align, size, FRAME);
}

UD_EXPORT void *memalign(size_t align, size_t size)
{
	return aligned_up(align, size, FRAME);
}

UD_EXPORT void *valloc(size_t size)
{
	return or_enomem(aligned(PAGE_SIZE, size, FRAME));
}

UD_EXPORT void *pvalloc(size_t size)
{
	if (size > PTRDIFF_MAX - PAGE_SIZE)
		return or_enomem(NULL);
	return or_enomem(aligned(PAGE_SIZE, ALIGN_UP(size, PAGE_SIZE), FRAME));
}

UD_EXPORT size_t malloc_usable_size(void *p)
{
	size_t size;

	if (!p)
		return 0;
	if (kvm_heap)
		return kvm_heap->usable(p);
	if (!usable_of(p, &size)) {
		report_bad_free(p, "malloc_usable_size", FRAME);
		return 0;
	}
	return size;
}

/* Pages of the process that are in memory; 0 if that cannot be read. */
static size_t resident(void)
{
	char line[128];
	const char *pages;

	file_line("/proc/self/statm", line, sizeof(line));
	pages = __builtin_strchr(line, ' ');
	return pages ? text_number(pages) : 0;
}

UD_EXPORT int malloc_trim(size_t pad)
{
	struct lock_section s;
	size_t before;

	start();
	if (kvm_heap)
		return 0;
	before = resident();
	lock_section_enter(&s);
	engine_kill_dead(true);
	lock_section_leave(&s);
	return resident() < before;
}

/* libc exports them by these names, too, and its own would be found. */
/* With all that its declaration promises, where the compiler can say that. */
#if __has_attribute(copy)
#define LIKE(of) copy(of)
#else
#define LIKE(of)
#endif
#define ALSO(name, of) UD_EXPORT __typeof__(of) name __attribute__((alias(#of), LIKE(of)))
ALSO(__libc_malloc, malloc);
ALSO(__libc_free, free);
ALSO(__libc_calloc, calloc);
ALSO(__libc_realloc, realloc);
ALSO(__libc_memalign, memalign);
ALSO(__libc_valloc, valloc);
ALSO(__libc_pvalloc, pvalloc);

#define MXFAST_MOST (80 * sizeof(size_t) / 4) /* glibc's */

/* Nothing of glibc's can be tuned here; accepted if glibc would. */
UD_EXPORT int mallopt(int param, int value)
{
	return param != M_MXFAST || (size_t)value <= MXFAST_MOST;
}

/*
 * As glibc counts: what is free or in use of the heap, and beside it what has pages of its own. Over
 * another malloc it is that one which knows.
 */
UD_EXPORT struct mallinfo2 mallinfo2(void)
{
	struct mallinfo2 m = {0};
	struct engine_bytes b;

	start();
	if (kvm_heap) {
		struct mallinfo2 (*next)(void) = (struct mallinfo2(*)(void))dlsym(
			RTLD_NEXT, "mallinfo2");

		return next ? next() : m;
	}
	m.uordblks = engine_live_bytes(false);
	engine_bytes(&b);
	m.arena = MAX(b.heap, m.uordblks);
	m.fordblks = m.arena - m.uordblks;
	m.hblks = b.large_live;
	m.hblkhd = b.large;
	return m;
}

UD_EXPORT struct mallinfo mallinfo(void)
{
	struct mallinfo2 m = mallinfo2();

	return (struct mallinfo){.arena = (int)m.arena,
		.hblks = (int)m.hblks,
		.hblkhd = (int)m.hblkhd,
		.uordblks = (int)m.uordblks,
		.fordblks = (int)m.fordblks};
}

UD_EXPORT void malloc_stats(void)
{
	struct out o;

	start();
	out_init(&o, 2);
	stats_print(&o);
	out_flush(&o);
}

UD_EXPORT int malloc_info(int how, FILE *f)
{
	struct mallinfo2 m;

	if (how)
		return EINVAL; /* as glibc does, whatever its manual says */
	m = mallinfo2();
	fprintf(f,
		"<malloc version=\"1\">\n<heap nr=\"0\">\n"
		"<total type=\"rest\" count=\"1\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n</heap>\n"
		"<total type=\"fast\" count=\"0\" size=\"0\"/>\n"
		"<total type=\"rest\" count=\"1\" size=\"%zu\"/>\n"
		"<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n</malloc>\n",
		m.fordblks, m.arena, m.fordblks, m.hblks, m.hblkhd, m.arena);
	return 0;
}
