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
#include "stack.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/stat.h>

#define NOTES_MAX 65536

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

/*
 * Notes are words: name size, data size, type, name, data, each padded to four bytes. What lies
 * between at and end is mapped and readable.
 */
static bool note_id(uintptr_t at, uintptr_t end, struct symbol *s)
{
	while (end - at >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = (const void *)at;
		uintptr_t name = at + sizeof(*n), data = name + (((size_t)n->n_namesz + 3) & ~3UL);

		if (n->n_namesz > end - name || data > end || n->n_descsz > end - data)
			return false;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
			!__builtin_memcmp((const void *)name, "GNU", 4) && n->n_descsz) {
			s->id_len = MIN(n->n_descsz, sizeof(s->id));
			__builtin_memcpy(s->id, (const void *)data, s->id_len);
			return true;
		}
		at = data + (((size_t)n->n_descsz + 3) & ~3UL);
		if (at > end)
			return false;
	}
	return false;
}

/* All of lo..hi lies in m and can be read now. */
static bool readable(const struct module *m, uintptr_t lo, size_t n)
{
	if (lo < m->start || lo > m->end || n > m->end - lo)
		return false;
	for (uintptr_t at = lo; at < lo + n; at = (at & PAGE_MASK) + PAGE_SIZE)
		if (!stack_probe(at))
			return false;
	return true;
}

/* By the program headers in memory: the file may be another one by now, or gone. */
static void build_id(const struct module *m, struct symbol *s)
{
	const Elf64_Ehdr *eh = (const void *)m->start;
	const Elf64_Phdr *ph;

	if (!readable(m, m->start, sizeof(*eh)) || __builtin_memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
		eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_phentsize != sizeof(*ph) ||
		eh->e_phoff % 8 || eh->e_phoff > m->end - m->start ||
		!readable(m, m->start + eh->e_phoff, eh->e_phnum * sizeof(*ph)))
		return;
	ph = (const void *)(m->start + eh->e_phoff);
	for (size_t i = 0; i < eh->e_phnum; i++) {
		uintptr_t at = m->base + ph[i].p_vaddr;

		if (ph[i].p_type == PT_NOTE && at % 4 == 0 && ph[i].p_filesz < NOTES_MAX &&
			readable(m, at, ph[i].p_filesz) && note_id(at, at + ph[i].p_filesz, s))
			return;
	}
}

static void module_name(const struct link_map *l, struct symbol *s)
{
	const char *base;
	size_t n;
	long r;

	if (l->l_name && l->l_name[0]) {
		n = strnlen(l->l_name, sizeof(s->path));
		__builtin_memcpy(s->path, l->l_name, MIN(n, sizeof(s->path) - 1));
	} else {
		r = sys_call4(__NR_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)s->path,
			sizeof(s->path));
		n = r > 0 ? (size_t)r : 0;
	}
	s->path[MIN(n, sizeof(s->path) - 1)] = 0;
	base = s->path;
	for (const char *p = base; *p; p++)
		if (*p == '/')
			base = p + 1;
	for (n = 0; n < sizeof(s->module) - 1 && base[n] && base[n] != ' '; n++)
		s->module[n] = base[n];
	s->module[n] = 0;
}

bool symbol_find(uintptr_t addr, struct symbol *s)
{
	const struct image *im;
	struct module m;

	s->module[0] = s->path[0] = s->name[0] = 0;
	s->offset = s->delta = s->id_len = 0;
	if (!module_find(addr, &m))
		return false;
	s->offset = addr - m.base;
	module_name(m.map, s);
	build_id(&m, s);
	im = image_of(&m);
	if (im->at && !look_up(im, SHT_SYMTAB, s))
		look_up(im, SHT_DYNSYM, s);
	return true;
}
