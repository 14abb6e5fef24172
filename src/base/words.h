/*
 * words.h - the words every file may use: address kinds, page arithmetic, bits.
 *
 * pure: no state, no system call. The three address kinds are distinct names so that a
 * signature says which space it speaks of; one conversion function per pair lives with the
 * owner of the mapping (dune/window.h for GPA <-> HVA), never an ad-hoc cast.
 */
#ifndef UD_BASE_H
#define UD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t vaddr_t; /* virtual address, of the app (alias, or any mapping)   */
typedef uint64_t paddr_t; /* guest-physical address (kvm backend only)             */
typedef uint64_t pte_t;	  /* a page-table entry of any level                       */

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))
#define HUGE_SHIFT 21
#define HUGE_SIZE  (1UL << HUGE_SHIFT)
#define GIGA_SHIFT 30
#define GIGA_SIZE  (1UL << GIGA_SHIFT)
#define USER_END   0x7ffffffff000UL /* of the addresses that a program has without asking for more */

#define ARRAY_LEN(a)	 (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	 (((x) + ((a)-1)) & ~((__typeof__(x))(a)-1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define MIN(a, b)	 ((a) < (b) ? (a) : (b))
#define MAX(a, b)	 ((a) > (b) ? (a) : (b))

/* 2^64 by the golden ratio: what is multiplied by it has its bits spread over the high ones. */
#define GOLDEN 0x9e3779b97f4a7c15UL

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

/* Part of the ABI of libundangle.so; everything else is hidden. */
#define UD_EXPORT __attribute__((visibility("default")))

/*
 * A large static table. They lie behind all else that begins as zero: a page that is touched is a
 * fault, and another one in each fork, so what is small lies together.
 */
#define UD_TABLE  __attribute__((section(".bss.table")))
/* And this is in the page of the first of them: what is stored at each start, or around each fork. */
#define UD_ALWAYS __attribute__((section(".data")))

static inline vaddr_t vaddr_of(const void *p)
{
	return (vaddr_t)(uintptr_t)p;
}

/* The first set bit of bits[] in [from, n), or n. */
static inline uint32_t bits_next(const uint64_t *bits, uint32_t from, uint32_t n)
{
	while (from < n) {
		uint64_t m = bits[from / 64] >> (from % 64);

		if (m)
			return MIN(from + (uint32_t)__builtin_ctzl(m), n);
		from = (from / 64 + 1) * 64;
	}
	return n;
}

/* The first clear bit of bits[] in [from, n), or n. */
static inline uint32_t bits_end(const uint64_t *bits, uint32_t from, uint32_t n)
{
	while (from < n && (bits[from / 64] >> (from % 64) & 1))
		from++;
	return from;
}

static inline void *vaddr_ptr(vaddr_t a)
{
	return (void *)(uintptr_t)a;
}

/*
 * What a call returned that was given this function's frame. Without it the call may be a jump, if
 * it is the last thing that is done; then the frame is somebody else's already.
 */
static inline void *frame_kept(void *p)
{
	__asm__ volatile("" : "+r"(p));
	return p;
}

/* It will be written soon. __builtin_prefetch forgets that without -mprfchw; where there is none it
 * is a nop. */
static inline void fetch_to_write(vaddr_t a)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)vaddr_ptr(a)));
}

#endif
