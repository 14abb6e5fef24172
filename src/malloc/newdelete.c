/*
 * newdelete.c - operator new and delete. app context.
 *
 * libstdc++'s own end in malloc and free, and would do. But another malloc that is preloaded behind
 * us, or linked to the program, brings operators that go straight to its own blocks: they have to
 * be found here first. Where there is no memory libstdc++'s is asked, which knows the new-handler
 * and throws; the exception passes through these functions, which hold nothing. And where the
 * program has replaced some, it is asked for all: it defines the others by those (new[] by new, the
 * sized delete by the plain one). What breaks it: to look for it at the call, which may be made
 * under a lock that a constructor in dlopen waits for.
 */
#include "malloc.h"
#include "bypass.h"

#include <dlfcn.h>
#include <stddef.h>

#define FRAME	__builtin_frame_address(0)
#define NOTHROW "RKSt9nothrow_t"
#define ALIGNED "St11align_val_t"

#define OPERATORS(NEW, NEW_ALIGNED, DELETE)                             \
	NEW(new_one, "_Znwm")                                           \
	NEW(new_array, "_Znam")                                         \
	NEW(new_one_nothrow, "_Znwm" NOTHROW)                           \
	NEW(new_array_nothrow, "_Znam" NOTHROW)                         \
	NEW_ALIGNED(new_one_aligned, "_Znwm" ALIGNED)                   \
	NEW_ALIGNED(new_array_aligned, "_Znam" ALIGNED)                 \
	NEW_ALIGNED(new_one_aligned_nothrow, "_Znwm" ALIGNED NOTHROW)   \
	NEW_ALIGNED(new_array_aligned_nothrow, "_Znam" ALIGNED NOTHROW) \
	DELETE(delete_one, "_ZdlPv")                                    \
	DELETE(delete_array, "_ZdaPv")                                  \
	DELETE(delete_one_sized, "_ZdlPvm")                             \
	DELETE(delete_array_sized, "_ZdaPvm")                           \
	DELETE(delete_one_nothrow, "_ZdlPv" NOTHROW)                    \
	DELETE(delete_array_nothrow, "_ZdaPv" NOTHROW)                  \
	DELETE(delete_one_aligned, "_ZdlPv" ALIGNED)                    \
	DELETE(delete_array_aligned, "_ZdaPv" ALIGNED)                  \
	DELETE(delete_one_sized_aligned, "_ZdlPvm" ALIGNED)             \
	DELETE(delete_array_sized_aligned, "_ZdaPvm" ALIGNED)           \
	DELETE(delete_one_aligned_nothrow, "_ZdlPv" ALIGNED NOTHROW)    \
	DELETE(delete_array_aligned_nothrow, "_ZdaPv" ALIGNED NOTHROW)

#define NUMBER(id, symbol) NR_##id,
enum { OPERATORS(NUMBER, NUMBER, NUMBER) NR_ALL };

#define NAME(id, symbol) symbol,
static const char *const names[] = {OPERATORS(NAME, NAME, NAME)};

/* With the arguments as they came. */
static void *(*asked[NR_ALL])(size_t, size_t, size_t);

/* The C++ library's operator of that name, if it is there. */
static void *library_operator(const char *name)
{
	static const char *const libraries[] = {"libstdc++.so.6", "libc++.so.1"};
	void *h, *is = NULL;

	for (size_t i = 0; !is && i < ARRAY_LEN(libraries); i++) {
		h = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
		is = h ? dlsym(h, name) : NULL;
	}
	return is;
}

/*
 * The next one is the library's. By no dlopen: before libc has begun that would run constructors without
 * arguments and environment, libc's own as well.
 */
void operators_init(void)
{
	bool replaced[NR_ALL], any = false;

	for (int i = 0; i < NR_ALL; i++)
		any |= replaced[i] = bypass_of(names[i]);
	for (int i = 0; any && i < NR_ALL; i++)
		if (!replaced[i])
			*(void **)&asked[i] = dlsym(RTLD_NEXT, names[i]);
}

static __attribute__((noinline, cold)) void *no_memory(
	const char *name, size_t a, size_t b, size_t c)
{
	void *(*real)(size_t, size_t, size_t);

	*(void **)&real = library_operator(name);
	return real ? real(a, b, c) : NULL;
}

#define NEW(id, symbol)                                               \
	UD_EXPORT void *id(size_t size, size_t b) __asm__(symbol);    \
	UD_EXPORT void *id(size_t size, size_t b)                     \
	{                                                             \
		void *p;                                              \
                                                                      \
		if (unlikely(asked[NR_##id] != NULL))                 \
			return asked[NR_##id](size, b, 0);            \
		p = short_alloc(size ? size : 1, false, FRAME);       \
		return likely(p) ? p : no_memory(symbol, size, b, 0); \
	}

static void *aligned(size_t size, size_t align, void *frame)
{
	size_t n = size ? size : 1;

	return n > PTRDIFF_MAX - align ? NULL : alloc_aligned(n, align, frame);
}

#define NEW_ALIGNED(id, symbol)                                                  \
	UD_EXPORT void *id(size_t size, size_t align, size_t c) __asm__(symbol); \
	UD_EXPORT void *id(size_t size, size_t align, size_t c)                  \
	{                                                                        \
		void *p;                                                         \
                                                                                 \
		if (unlikely(asked[NR_##id] != NULL))                            \
			return asked[NR_##id](size, align, c);                   \
		p = aligned(size, align, FRAME);                                 \
		return likely(p) ? p : no_memory(symbol, size, align, c);        \
	}

/* Sizes and alignments are not needed: the block knows. A jump, as in family.c. */
#define DELETE(id, symbol)                                              \
	UD_EXPORT void id(void *p, size_t b, size_t c) __asm__(symbol); \
	UD_EXPORT void id(void *p, size_t b, size_t c)                  \
	{                                                               \
		if (unlikely(asked[NR_##id] != NULL))                   \
			asked[NR_##id]((size_t)p, b, c);                \
		else if (p)                                             \
			short_free(p);                                  \
	}

OPERATORS(NEW, NEW_ALIGNED, DELETE)
