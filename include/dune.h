/*
 * dune.h - a Linux process in ring 0 of its own virtual machine, on stock KVM.
 *
 * dune_init builds the machine in plain Linux; dune_enter returns in ring 0, in the same
 * program, at the same addresses, with the same threads and files: system calls go to the host
 * kernel (one exit each), everything else stays inside. From then on the program may edit its
 * page tables (dune_map...) and take its own exceptions (dune_handler_set) without an exit.
 * Threads, forks and signals work as before. Functions return 0 or -errno.
 */
#ifndef DUNE_H
#define DUNE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUNE_API __attribute__((visibility("default")))

/* Registers at an exception. A handler may change any of them but cr2, vector, error, cs, ss. */
struct dune_tf {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx;
	uint64_t cr2, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
	uint64_t reserved;
};

#define DUNE_FULL    0u /* whole windows of 1 GB, added at their first fault (the default) */
#define DUNE_PRECISE 1u /* what /proc/self/maps lists, with its permissions                 */
#define DUNE_STATS   2u /* print the exits by kind on stderr when the process ends          */

/* Can this process enter? 0, or -errno and *why = one line: what is wrong, what to do. */
DUNE_API int dune_probe(const char **why);

/* Page pool, page tables, VM. In plain Linux, once, before any other thread exists. */
DUNE_API int dune_init(unsigned flags);

/* Moves the calling thread into ring 0. Threads it creates, and forks, are there from birth. */
DUNE_API int dune_enter(void);

/* Moves the calling thread back to plain Linux. Ending the process needs no call. */
DUNE_API int dune_leave(void);

/* Is the caller in ring 0? */
static inline int dune_inside(void)
{
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) == 0;
}

static inline uint64_t dune_cr3(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3;
}

static inline void dune_invlpg(const void *va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/*
 * Handler for an exception vector (0..31), in ring 0, on a stack of its own, with no exit.
 * Returns 0: run on with *tf; other: not mine, as if there were no handler. NULL takes it off.
 * It must not make system calls while it may have interrupted one of its own locks' owners.
 */
DUNE_API int dune_handler_set(unsigned vector, int (*fn)(struct dune_tf *tf));

/* Pages of the pool: VA = guest-physical = host address, zeroed, with a reference count. */
DUNE_API void *dune_page_alloc(void);
DUNE_API void dune_page_free(void *page);
DUNE_API void dune_page_ref(void *page);
DUNE_API int dune_page_unref(void *page); /* 1 if that was the last reference */

#define DUNE_READ  1u
#define DUNE_WRITE 2u
#define DUNE_EXEC  4u

/* Whole pages. The caller flushes (dune_invlpg) what it takes away or changes. */
DUNE_API int dune_map(void *va, uint64_t pa, size_t len, unsigned prot);
DUNE_API int dune_unmap(void *va, size_t len);
DUNE_API int dune_protect(void *va, size_t len, unsigned prot);

/* The entry that maps va (0: none), and where it stands; level 1 = 4 KB, 2 = 2 MB, 3 = 1 GB. */
DUNE_API uint64_t dune_walk(const void *va, int *level, uint64_t **entry);

/* Calls fn for every mapped entry in [lo, hi); non-zero ends the visit and is returned. */
DUNE_API int dune_visit(uintptr_t lo, uintptr_t hi,
	int (*fn)(uintptr_t va, uint64_t entry, int level, void *arg), void *arg);

/* Host address <-> guest-physical address, by the fixed layout of the windows. ~0: none. */
DUNE_API uint64_t dune_va_to_pa(const void *va);
DUNE_API void *dune_pa_to_va(uint64_t pa);
DUNE_API uint64_t dune_mmap_addr_to_pa(const void *va);
DUNE_API void *dune_pa_to_mmap_addr(uint64_t pa);
DUNE_API uint64_t dune_stack_addr_to_pa(const void *va);
DUNE_API void *dune_pa_to_stack_addr(uint64_t pa);

/* Exits since dune_init, all threads. */
struct dune_counts {
	uint64_t runs;	      /* KVM_RUN calls: every exit is in here                  */
	uint64_t syscalls;    /* forwarded or answered system calls                    */
	uint64_t faults;      /* page faults that completed the tables (new windows)   */
	uint64_t exceptions;  /* other exceptions that reached the vmm                 */
	uint64_t replays;     /* instructions run natively (guard pages, stack growth) */
	uint64_t signals;     /* signal frames built                                   */
	uint64_t interrupted; /* exits because a signal was pending                    */
	uint64_t steps;	      /* single steps out of the monitor                       */
	uint64_t vcpus;	      /* made                                                  */
	uint64_t slots;	      /* windows shown to KVM                                  */
};
DUNE_API void dune_counts(struct dune_counts *c);

#ifdef __cplusplus
}
#endif

#endif
