/*
 * dlsym.c - whoever asks libc itself for its malloc gets ours.
 *
 * app context. A foreign function interface (Python's ctypes, JNA, LuaJIT) asks the handle of libc
 * for "free" and gives it a block of ours. So what dlsym and dlvsym find in libc under a name of
 * the family is answered with ours. libc's dlsym looks at its return address to learn whose
 * RTLD_NEXT is meant, so that these are jumps to it, too.
 */
#include "malloc.h"
#include "otherlibc.h"
#include "names.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

static struct {
	uintptr_t lo, hi;
} libc;

__attribute__((used)) static void *(*dlsym_real)(void *, const char *);
__attribute__((used)) static void *(*dlvsym_real)(void *, const char *, const char *);

static void *instead(void *found, const char *name);

static bool module_holds(const struct dl_phdr_info *m, uintptr_t addr)
{
	for (int i = 0; i < m->dlpi_phnum; i++) {
		const Elf64_Phdr *p = &m->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && addr - m->dlpi_addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

/* How far a look through the modules has come, in the order in which names are looked up. */
struct look {
	bool behind; /* ours was met */
	uintptr_t caller;
};

static int look_for_libc(struct dl_phdr_info *m, size_t size, void *its)
{
	if (!module_holds(m, (uintptr_t)its))
		return 0;
	for (int i = 0; i < m->dlpi_phnum; i++)
		if (m->dlpi_phdr[i].p_type == PT_LOAD) {
			uintptr_t at = m->dlpi_addr + m->dlpi_phdr[i].p_vaddr;

			libc.lo = libc.lo ? libc.lo : at;
			libc.hi = at + m->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static int look_for_caller(struct dl_phdr_info *m, size_t size, void *arg)
{
	struct look *l = arg;

	if (module_holds(m, l->caller))
		return 1;
	l->behind |= module_holds(m, (uintptr_t)instead);
	return 0;
}

/* Would it find libc's where we are not asked? Only what stands behind us in the order. */
static bool is_behind(uintptr_t caller)
{
	struct look l = {.caller = caller};

	return dl_iterate_phdr(look_for_caller, &l) && l.behind;
}

static bool in_libc(const void *p)
{
	return (uintptr_t)p - libc.lo < libc.hi - libc.lo;
}

/* Are ours built over another malloc, which may ask so for the one that it is built over? */
static bool is_stacked(void)
{
	return kvm_heap && !in_libc(dlsym_real(RTLD_NEXT, "malloc"));
}

static void *instead(void *found, const char *name)
{
	void *ours = in_libc(found) ? family_find(name) : NULL;

	return ours && !is_stacked() ? ours : found;
}

static void *of_handle(void *handle, const char *name)
{
	otherlibc_join(handle);
	return instead(dlsym_real(handle, name), name);
}

static void *of_handle_version(void *handle, const char *name, const char *version)
{
	otherlibc_join(handle);
	return instead(dlvsym_real(handle, name, version), name);
}

static void *of_next(void *handle, const char *name)
{
	return family_find(name);
}

/* Where the call of dlsym or dlvsym goes on. */
__attribute__((used)) static void *dlsym_way(
	void *handle, const char *name, uintptr_t caller, bool version)
{
	void *real;

	if (unlikely(!dlsym_real)) {
		void *its = symtab_next("dlsym");

		*(void **)&dlvsym_real = symtab_next("dlvsym");
		panic_if(!its || !dlvsym_real, "no dlsym behind us");
		dl_iterate_phdr(look_for_libc, symtab_next("__libc_start_main"));
		*(void **)&dlsym_real = its;
	}
	real = version ? (void *)dlvsym_real : (void *)dlsym_real;
	if (handle == RTLD_DEFAULT)
		return real;
	if (handle == RTLD_NEXT)
		return family_find(name) && is_behind(caller) && !is_stacked() ? (void *)of_next
									       : real;
	return version ? (void *)of_handle_version : (void *)of_handle;
}

#define JUMP_BY_WAY(name, version)                        \
	__asm__(".pushsection .text, \"ax\", @progbits\n" \
		".globl " name "\n"                       \
		".type " name ", @function\n" name ":\n"  \
		"	.cfi_startproc\n"                       \
		"	endbr64\n"                              \
		"	pushq	%rdx\n"                           \
		"	.cfi_adjust_cfa_offset 8\n"             \
		"	pushq	%rsi\n"                           \
		"	.cfi_adjust_cfa_offset 8\n"             \
		"	pushq	%rdi\n"                           \
		"	.cfi_adjust_cfa_offset 8\n"             \
		"	movq	24(%rsp), %rdx\n"                  \
		"	movl	$" version ", %ecx\n"     \
		"	call	dlsym_way\n"                       \
		"	popq	%rdi\n"                            \
		"	.cfi_adjust_cfa_offset -8\n"            \
		"	popq	%rsi\n"                            \
		"	.cfi_adjust_cfa_offset -8\n"            \
		"	popq	%rdx\n"                            \
		"	.cfi_adjust_cfa_offset -8\n"            \
		"	jmp	*%rax\n"                            \
		"	.cfi_endproc\n"                         \
		"	.size " name ", . - " name "\n"   \
		".popsection\n")

JUMP_BY_WAY("dlsym", "0");
JUMP_BY_WAY("dlvsym", "1");
