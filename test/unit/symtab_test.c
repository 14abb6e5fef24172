// sources: src/base/symtab.c
/* What symtab_next finds is what dlsym finds; tables without DT_GNU_HASH, names of old versions only. */
#include "base/symtab.h"
#include "unit.h"

#include <dlfcn.h>
#include <sys/auxv.h>

static const char *const names[] = {
#define EFAULT_CALL(name, shown, fail, moves, args)  #name,
#define EFAULT_CALL7(name, shown, fail, moves, args) #name,
#include "findings/efault.def"
#undef EFAULT_CALL
#undef EFAULT_CALL7
	/* Of two versions and more, and one that is found when it is asked for. */
	"memcpy", "regexec", "posix_spawn", "glob", "nftw", "fmemopen", "pthread_cond_wait",
	"realpath", "strlen", "_Fork", "__register_atfork", "quick_exit", "sigsuspend", "dlopen",
	"dlsym", "dlvsym", "dlclose", "__libc_start_main", "no_such_function"};

/* The vDSO stands behind the program; behind the library it does not. */
static bool in_vdso(const void *p)
{
	return (uintptr_t)p - getauxval(AT_SYSINFO_EHDR) < 4 * PAGE_SIZE;
}

static void as_dlsym(void)
{
	unsigned found = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		void *p = dlsym(RTLD_NEXT, names[i]);

		if (in_vdso(symtab_next(names[i])))
			continue;
		if (symtab_next(names[i]) != p)
			printf("# %s: %p, not %p\n", names[i], symtab_next(names[i]), p);
		CHECK(symtab_next(names[i]) == p);
		found += p != NULL;
	}
	CHECK(found > 150);
}

static int one, two;

static void tables_made_here(void)
{
	static const char str[] = "\0here\0gone\0old";
	uintptr_t base = (uintptr_t)&one & ~4095UL;
	const Elf64_Sym sym[] = {{0}, {.st_name = 6, .st_shndx = SHN_UNDEF},
		{.st_name = 11, .st_shndx = 1, .st_value = (uintptr_t)&two - base, .st_size = 4},
		{.st_name = 1, .st_shndx = 1, .st_value = (uintptr_t)&one - base, .st_size = 4}};
	const uint32_t plain[] = {1, ARRAY_LEN(sym)};
	const Elf64_Half versym[] = {0, 1, 0x8002, 2};
	const Elf64_Dyn dyn[] = {{.d_tag = DT_SYMTAB, .d_un.d_ptr = (uintptr_t)sym},
		{.d_tag = DT_STRTAB, .d_un.d_ptr = (uintptr_t)str},
		{.d_tag = DT_HASH, .d_un.d_ptr = (uintptr_t)plain},
		{.d_tag = DT_VERSYM, .d_un.d_ptr = (uintptr_t)versym}, {.d_tag = DT_NULL}};
	struct symtab s = symtab_of(0, dyn), none = symtab_of(0, NULL);

	s.base = base;
	CHECK(symtab_find(&s, "here", 0) == &one);
	CHECK(symtab_find(&s, "here", 4) == &one);
	CHECK(!symtab_find(&s, "here", 5)); /* it has not so many bytes */
	CHECK(!symtab_find(&s, "gone", 0)); /* not defined there */
	CHECK(!symtab_find(&s, "old", 0));  /* nobody gets it who does not ask for that version */
	s.versym = NULL;
	CHECK(symtab_find(&s, "old", 0) == &two);
	CHECK(!symtab_find(&none, "here", 0));
}

int main(void)
{
	RUN(as_dlsym);
	RUN(tables_made_here);
	return UNIT_END();
}
