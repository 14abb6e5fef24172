/*
 * symbol.c - a small ELF reader (symbol.h). app context, fault path.
 *
 * Trusts no byte of the file: everything is checked against its size. The file may be another one
 * than what was loaded (replaced by an upgrade): then names are wrong, offsets stay right; a
 * deleted one is read through /proc/self/exe (program) or not at all (library).
 */
#include "symbol.h"
#include "base/base.h"
#include "cfi.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct image {		 /* an ELF file in memory */
	const void *map; /* struct link_map it belongs to */
	const char *at;	 /* NULL: cannot be read          */
	size_t size;
};

static struct image images[16];
static size_t nimages;

static const char *path_of(const struct link_map *l)
{
	return l->l_name && l->l_name[0] ? l->l_name : "/proc/self/exe";
}

static void map_file(struct image *im, const char *path)
{
	long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), p;
	struct stat st;

	if (fd < 0)
		return;
	if (sys_call3(__NR_fstat, fd, (long)&st, 0) == 0 && S_ISREG(st.st_mode) &&
		st.st_size >= (long)sizeof(Elf64_Ehdr)) {
		p = sys_mmap(0, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, (int)fd, 0);
		if (!sys_is_err(p)) {
			im->at = (const char *)p;
			im->size = (size_t)st.st_size;
		}
	}
	sys_close((int)fd);
}

static const struct image *image_of(const struct module *m)
{
	const struct link_map *l = m->map;
	struct image *im;

	for (size_t i = 0; i < nimages; i++)
		if (images[i].map == l)
			return &images[i];
	if (nimages == ARRAY_LEN(images)) {
		im = &images[--nimages];
		if (im->at && im->at != (const char *)m->base)
			sys_munmap(vaddr_of(im->at), im->size);
	}
	im = &images[nimages++];
	*im = (struct image){.map = l};
	map_file(im, path_of(l));
	if (!im->at && l->l_name && !__builtin_memcmp(l->l_name, "linux-vdso", 10)) {
		im->at = (const char *)m->base;
		im->size = m->end - m->start;
	}
	return im;
}

static const Elf64_Shdr *section(const struct image *im, size_t i)
{
	const Elf64_Ehdr *eh = (const void *)im->at;
	const Elf64_Shdr *sh;

	if (eh->e_shoff % 8 || eh->e_shoff > im->size || i >= eh->e_shnum ||
		(im->size - eh->e_shoff) / sizeof(*sh) <= i)
		return NULL;
	sh = (const Elf64_Shdr *)(const void *)(im->at + eh->e_shoff) + i;
	if (sh->sh_offset > im->size || sh->sh_size > im->size - sh->sh_offset)
		return NULL;
	return sh;
}

/* The symbol table of the wanted type, or NULL. */
static const Elf64_Shdr *table(const struct image *im, unsigned type)
{
	const Elf64_Ehdr *eh = (const void *)im->at;

	if (__builtin_memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
		eh->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	for (size_t i = 0; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section(im, i);

		if (sh && sh->sh_type == type && sh->sh_entsize == sizeof(Elf64_Sym) &&
			sh->sh_offset % 8 == 0)
			return sh;
	}
	return NULL;
}

static bool named(const Elf64_Sym *y)
{
	unsigned type = ELF64_ST_TYPE(y->st_info);

	return y->st_shndx != SHN_UNDEF &&
	       (type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC);
}

static bool look_up(const struct image *im, unsigned type, struct symbol *s)
{
	const Elf64_Shdr *sh = table(im, type), *str;
	const Elf64_Sym *sym, *best = NULL;
	const char *name;
	size_t n, i;

	if (!sh || !(str = section(im, sh->sh_link)))
		return false;
	sym = (const void *)(im->at + sh->sh_offset);
	n = sh->sh_size / sizeof(*sym);
	for (i = 0; i < n; i++)
		if (named(&sym[i]) && s->offset - sym[i].st_value < MAX(sym[i].st_size, 1UL) &&
			(!best || ELF64_ST_BIND(best->st_info) == STB_LOCAL))
			best = &sym[i];
	if (!best || best->st_name >= str->sh_size)
		return false;
	name = im->at + str->sh_offset + best->st_name;
	n = MIN(sizeof(s->name) - 1, str->sh_size - best->st_name);
	for (i = 0; i < n && name[i]; i++)
		s->name[i] = name[i];
	s->name[i] = 0;
	s->delta = s->offset - best->st_value;
	return i > 0;
}

static void module_name(const struct link_map *l, struct symbol *s)
{
	const char *path = l->l_name, *base;
	char exe[256];
	size_t i;

	if (!path || !*path) {
		long n = sys_call4(__NR_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)exe,
			sizeof(exe) - 1);

		exe[n > 0 ? n : 0] = 0;
		path = exe;
	}
	base = path;
	for (const char *p = path; *p; p++)
		if (*p == '/')
			base = p + 1;
	for (i = 0; i < sizeof(s->module) - 1 && base[i] && base[i] != ' '; i++)
		s->module[i] = base[i];
	s->module[i] = 0;
}

bool symbol_find(uintptr_t addr, struct symbol *s)
{
	const struct image *im;
	struct module m;

	s->module[0] = s->name[0] = 0;
	s->offset = s->delta = 0;
	if (!module_find(addr, &m))
		return false;
	s->offset = addr - m.base;
	module_name(m.map, s);
	im = image_of(&m);
	if (im->at && !look_up(im, SHT_SYMTAB, s))
		look_up(im, SHT_DYNSYM, s);
	return true;
}
