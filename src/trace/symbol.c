/*
 * symbol.c - a small ELF reader (symbol.h). app context, fault path but for symbol_remember.
 *
 * Trusts no byte of the file: everything is checked against its size, and a file of another build id
 * than what is, or was, loaded has no names to give. A deleted one is read through /proc/self/exe
 * (program); of a library that cannot be read what it exports is named by its tables in memory. What is loaded where is the dynamic linker's to say; where
 * nothing is now, what was there last when a stack was walked through it.
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
#define SEEN_MAX  512

/* An ELF file, or what was loaded of one. */
struct origin {
	char path[sizeof(((struct symbol *)NULL)->path)];
	uint8_t id[SYMBOL_ID_MAX];
	size_t id_len;
};

struct image { /* an ELF file in memory */
	struct origin of;
	const char *at; /* NULL: cannot be read */
	size_t size;
};

/* A module that stacks went through; it may be gone. The newest of an address is the one that counts. */
struct seen {
	uintptr_t start, end, base;
	struct origin of;
};

static struct image images[16] UD_TABLE;
static size_t nimages;

static struct seen seen[SEEN_MAX] UD_TABLE;
static size_t nseen; /* ever; the last SEEN_MAX of them are there */

static bool same_origin(const struct origin *a, const struct origin *b)
{
	return a->id_len == b->id_len && !__builtin_memcmp(a->id, b->id, a->id_len) &&
	       !__builtin_strcmp(a->path, b->path);
}

static void map_file(struct image *im, const char *path)
{
	int fd = file_open(path);
	struct stat st;
	long p;

	if (fd < 0)
		return;
	if (sys_call3(__NR_fstat, fd, (long)&st, 0) == 0 && S_ISREG(st.st_mode) &&
		st.st_size >= (long)sizeof(Elf64_Ehdr)) {
		p = sys_mmap(0, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd);
		if (!sys_is_err(p)) {
			im->at = (const char *)p;
			im->size = (size_t)st.st_size;
		}
	}
	sys_close(fd);
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

/* The one that covers it, a global one before a local one. str ends where it ends. */
static bool pick(const Elf64_Sym *sym, size_t nsym, const char *str, size_t size, struct symbol *s)
{
	const Elf64_Sym *best = NULL;
	const char *name;
	size_t n, i;

	for (i = 0; i < nsym; i++)
		if (named(&sym[i]) && s->offset - sym[i].st_value < MAX(sym[i].st_size, 1UL) &&
			(!best || ELF64_ST_BIND(best->st_info) == STB_LOCAL))
			best = &sym[i];
	if (!best || best->st_name >= size)
		return false;
	name = str + best->st_name;
	n = MIN(sizeof(s->name) - 1, size - best->st_name);
	for (i = 0; i < n && name[i]; i++)
		s->name[i] = name[i];
	s->name[i] = 0;
	s->delta = s->offset - best->st_value;
	return i > 0;
}

static bool look_up(const struct image *im, unsigned type, struct symbol *s)
{
	const Elf64_Shdr *sh = table(im, type), *str;

	if (!sh || !(str = section(im, sh->sh_link)))
		return false;
	return pick((const void *)(im->at + sh->sh_offset), sh->sh_size / sizeof(Elf64_Sym),
		im->at + str->sh_offset, str->sh_size, s);
}

/*
 * Notes are words: name size, data size, type, name, data, each padded to four bytes. What lies
 * between at and end is mapped and readable.
 */
static bool note_id(uintptr_t at, uintptr_t end, struct origin *of)
{
	while (end - at >= sizeof(Elf64_Nhdr)) {
		const Elf64_Nhdr *n = (const void *)at;
		uintptr_t name = at + sizeof(*n), data = name + (((size_t)n->n_namesz + 3) & ~3UL);

		if (n->n_namesz > end - name || data > end || n->n_descsz > end - data)
			return false;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 &&
			!__builtin_memcmp((const void *)name, "GNU", 4) && n->n_descsz) {
			of->id_len = MIN(n->n_descsz, sizeof(of->id));
			__builtin_memcpy(of->id, (const void *)data, of->id_len);
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

/* How many symbols a table has that ld --hash-style=gnu wrote: the last one ends the last chain. */
static size_t hashed(const struct module *m, const uint32_t *hash)
{
	const uint32_t *buckets, *chain;
	size_t n = 0;

	if (!readable(m, (uintptr_t)hash, 4 * sizeof(*hash)))
		return 0;
	buckets = hash + 4 + 2UL * hash[2];
	chain = buckets + hash[0];
	if (!readable(m, (uintptr_t)buckets, hash[0] * sizeof(*buckets)))
		return 0;
	for (size_t i = 0; i < hash[0]; i++)
		n = MAX(n, buckets[i]);
	for (; n >= hash[1] && readable(m, (uintptr_t)&chain[n - hash[1]], sizeof(*chain)); n++)
		if (chain[n - hash[1]] & 1)
			return n + 1;
	return 0;
}

/* By what the dynamic linker uses of it: no file is asked. */
static void look_up_loaded(const struct module *m, struct symbol *s)
{
	const Elf64_Dyn *d = ((const struct link_map *)m->map)->l_ld;
	uintptr_t at[DT_NUM] = {0}, hash = 0;
	size_t n;

	for (; readable(m, (uintptr_t)d, sizeof(*d)) && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_GNU_HASH)
			hash = d->d_un.d_ptr;
		else if (d->d_tag > 0 && d->d_tag < DT_NUM)
			at[d->d_tag] = d->d_un.d_ptr;
	n = hashed(m, (const void *)hash);
	if (readable(m, at[DT_SYMTAB], n * sizeof(Elf64_Sym)) &&
		readable(m, at[DT_STRTAB], at[DT_STRSZ]))
		pick((const void *)at[DT_SYMTAB], n, (const void *)at[DT_STRTAB], at[DT_STRSZ], s);
}

/*
 * By the program headers: of what is loaded, for the file may be another one by now, or gone; or of
 * a file that is mapped as it is.
 */
static void build_id(const struct module *m, bool file, struct origin *of)
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
		uintptr_t at = m->base + (file ? ph[i].p_offset : ph[i].p_vaddr);

		if (ph[i].p_type == PT_NOTE && at % 4 == 0 && ph[i].p_filesz < NOTES_MAX &&
			readable(m, at, ph[i].p_filesz) && note_id(at, at + ph[i].p_filesz, of))
			return;
	}
}

static char program[sizeof(((struct origin *)NULL)->path)]; /* as it was called at start */

/* The kernel takes 8 us to make a name of a file: it is asked where nobody has told it a whole one. */
void symbol_start(const char *called)
{
	if (called && called[0] == '/')
		out_snprintf(program, sizeof(program), "%s", called);
	else
		file_link("/proc/self/exe", program, sizeof(program));
}

static void find_origin(const struct module *m, struct origin *of)
{
	const struct link_map *l = m->map;

	*of = (struct origin){0};
	if (l->l_name && l->l_name[0])
		__builtin_memcpy(of->path, l->l_name, strnlen(l->l_name, sizeof(of->path) - 1));
	else if (!file_link("/proc/self/exe", of->path, sizeof(of->path)))
		__builtin_memcpy(of->path, program, sizeof(program));
	build_id(m, false, of);
}

/* Names come from the file that it was. */
static void check_file(struct image *im)
{
	const struct module file = {.start = (uintptr_t)im->at,
		.end = (uintptr_t)im->at + im->size,
		.base = (uintptr_t)im->at};
	struct origin of = {0};

	build_id(&file, true, &of);
	if (of.id_len == im->of.id_len && !__builtin_memcmp(of.id, im->of.id, of.id_len))
		return;
	sys_munmap(vaddr_of(im->at), im->size);
	im->at = NULL;
}

/* now: where it is loaded; NULL: it is gone. */
static const struct image *image_of(const struct origin *of, const struct module *now)
{
	const struct link_map *l = now ? now->map : NULL;
	struct image *im;

	for (size_t i = 0; i < nimages; i++)
		if (same_origin(&images[i].of, of))
			return &images[i];
	if (nimages == ARRAY_LEN(images)) {
		im = &images[--nimages];
		if (im->at && im->size)
			sys_munmap(vaddr_of(im->at), im->size);
	}
	im = &images[nimages++];
	*im = (struct image){.of = *of};
	if (now && !__builtin_memcmp(of->path, "linux-vdso", 10)) {
		im->at = (const char *)now->base;
		im->size = now->end - now->start;
		return im;
	}
	map_file(im, l && !(l->l_name && l->l_name[0]) ? "/proc/self/exe" : of->path);
	if (im->at)
		check_file(im);
	return im;
}

static const struct seen *seen_at(uintptr_t addr)
{
	for (size_t i = nseen; i > 0 && nseen - i < SEEN_MAX; i--) {
		const struct seen *k = &seen[(i - 1) % SEEN_MAX];

		if (addr >= k->start && addr < k->end)
			return k;
	}
	return NULL;
}

void symbol_remember(const struct module *m)
{
	const struct link_map *l = m->map;
	const struct seen *last = seen_at(m->start);
	struct seen *k = &seen[nseen % SEEN_MAX];
	struct origin of;

	if (!l->l_name || !l->l_name[0]) /* the program itself stays */
		return;
	find_origin(m, &of);
	if (last && last->start == m->start && last->end == m->end && same_origin(&last->of, &of))
		return;
	*k = (struct seen){.start = m->start, .end = m->end, .base = m->base, .of = of};
	nseen++;
}

/* Reports are read by lines: a line's end in it is shown as /proc/PID/maps does. */
static void show_path(char *dst, size_t size, const char *path)
{
	static const char end[] = "\\012";

	for (; *path; path++) {
		size_t n = *path == '\n' ? sizeof(end) - 1 : 1;

		if (n >= size)
			break;
		__builtin_memcpy(dst, n > 1 ? end : path, n);
		dst += n;
		size -= n;
	}
	*dst = 0;
}

static void name_module(struct symbol *s, const struct origin *of)
{
	const char *base = s->path;
	size_t n;

	show_path(s->path, sizeof(s->path), of->path);
	__builtin_memcpy(s->id, of->id, sizeof(s->id));
	s->id_len = of->id_len;
	for (const char *p = base; *p; p++)
		if (*p == '/')
			base = p + 1;
	for (n = 0; n < sizeof(s->module) - 1 && base[n] && base[n] != ' '; n++)
		s->module[n] = base[n];
	s->module[n] = 0;
}

bool symbol_find(uintptr_t addr, struct symbol *s)
{
	const struct seen *gone = NULL;
	const struct image *im;
	struct origin of;
	struct module m;
	bool now = module_find(addr, &m);

	s->module[0] = s->path[0] = s->name[0] = 0;
	s->offset = s->delta = s->id_len = 0;
	if (now)
		find_origin(&m, &of);
	else if (!(gone = seen_at(addr)))
		return false;
	else
		of = gone->of;
	s->offset = addr - (now ? m.base : gone->base);
	name_module(s, &of);
	im = image_of(&of, now ? &m : NULL);
	if (!im->at && now)
		look_up_loaded(&m, s);
	else if (im->at && !look_up(im, SHT_SYMTAB, s))
		look_up(im, SHT_DYNSYM, s);
	return true;
}
