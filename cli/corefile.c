/*
 * corefile.c - see corefile.h. Source: elf(5), core(5); NT_FILE: fs/binfmt_elf.c (fill_files_note).
 */
#include "corefile.h"

#include "cli.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTES_MAX (64UL << 20)

struct mapped {			/* a file */
	uint64_t lo, hi, first; /* first: page of the file */
	const char *path;
};

static struct {
	const char *path;
	int fd;
	Elf64_Phdr *load;
	size_t nload;
	struct mapped *files;
	size_t nfiles;
} core;

static bool read_at(void *dst, size_t n, uint64_t at)
{
	return pread(core.fd, dst, n, (off_t)at) == (ssize_t)n;
}

__attribute__((noreturn)) static void refuse_core(void)
{
	refuse("core: %s: is no core of an x86-64 process, or cut off", core.path);
}

/* count, page size; count times lo, hi, first; count names. */
static void read_files(const char *d, size_t size)
{
	uint64_t head[2], n, size_of[3];
	const char *name, *end = d + size;

	if (size < sizeof(head))
		return;
	memcpy(head, d, sizeof(head));
	n = head[0];
	if (n > size / sizeof(size_of))
		return;
	core.files = claim(n * sizeof(*core.files));
	name = d + sizeof(head) + n * sizeof(size_of);
	for (uint64_t i = 0; i < n && name < end && memchr(name, 0, (size_t)(end - name)); i++) {
		memcpy(size_of, d + sizeof(head) + i * sizeof(size_of), sizeof(size_of));
		core.files[core.nfiles++] = (struct mapped){
			size_of[0], size_of[1], size_of[2], name};
		name += strlen(name) + 1;
	}
}

/* The descriptor of the first note of that type and owner, its size in *n; NULL: there is none. */
static const char *note_find(
	const char *p, size_t size, const char *owner, uint32_t type, size_t *n)
{
	Elf64_Nhdr h;

	while (size >= sizeof(h)) {
		size_t name, all;

		memcpy(&h, p, sizeof(h));
		name = ALIGN_UP((size_t)h.n_namesz, 4);
		all = sizeof(h) + name + ALIGN_UP((size_t)h.n_descsz, 4);
		if (all > size)
			return NULL;
		if (h.n_type == type && h.n_namesz == strlen(owner) + 1 &&
			!memcmp(p + sizeof(h), owner, h.n_namesz)) {
			*n = h.n_descsz;
			return p + sizeof(h) + name;
		}
		p += all;
		size -= all;
	}
	return NULL;
}

static void read_notes(const Elf64_Phdr *p)
{
	char *d;
	const char *files;
	size_t n;

	if (p->p_filesz > NOTES_MAX)
		return;
	d = claim(p->p_filesz + 1);
	if (!read_at(d, p->p_filesz, p->p_offset))
		return;
	files = note_find(d, p->p_filesz, "CORE", NT_FILE, &n);
	if (files)
		read_files(files, n);
}

void core_open(const char *path)
{
	Elf64_Ehdr e;
	Elf64_Shdr first;
	size_t n;

	core.path = path;
	core.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (core.fd < 0)
		refuse("core: %s: %s", path, strerror(errno));
	if (!read_at(&e, sizeof(e), 0) || memcmp(e.e_ident, ELFMAG, SELFMAG) ||
		e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != EM_X86_64 ||
		e.e_type != ET_CORE || e.e_phentsize != sizeof(Elf64_Phdr))
		refuse_core();
	n = e.e_phnum;
	if (n == PN_XNUM) {
		if (!read_at(&first, sizeof(first), e.e_shoff))
			refuse_core();
		n = first.sh_info;
	}
	core.load = claim(n * sizeof(*core.load));
	if (!read_at(core.load, n * sizeof(*core.load), e.e_phoff))
		refuse_core();
	for (size_t i = 0; i < n; i++) {
		if (core.load[i].p_type == PT_NOTE)
			read_notes(&core.load[i]);
		if (core.load[i].p_type == PT_LOAD)
			core.load[core.nload++] = core.load[i];
	}
}

bool core_page(vaddr_t at, void *dst)
{
	for (size_t i = 0; i < core.nload; i++) {
		const Elf64_Phdr *p = &core.load[i];
		uint64_t in = at - p->p_vaddr, there;

		if (at < p->p_vaddr || in >= p->p_memsz)
			continue;
		there = in < p->p_filesz ? MIN(p->p_filesz - in, PAGE_SIZE) : 0;
		memset(dst, 0, PAGE_SIZE);
		return read_at(dst, there, p->p_offset + in);
	}
	return false;
}

static const struct mapped *file_at(vaddr_t at)
{
	for (size_t i = 0; i < core.nfiles; i++)
		if (at >= core.files[i].lo && at < core.files[i].hi)
			return &core.files[i];
	return NULL;
}

/* Where the same file begins. */
static vaddr_t begin_of(const struct mapped *m)
{
	const struct mapped *at = m;

	while (at > core.files && at->first && !strcmp(at[-1].path, m->path))
		at--;
	return at->first ? 0 : at->lo;
}

vaddr_t core_mapped(const char *name, const char **path)
{
	size_t n = strlen(name), len;

	for (size_t i = 0; i < core.nfiles; i++) {
		const struct mapped *m = &core.files[i];

		len = strlen(m->path);
		if (m->first || len <= n || strcmp(m->path + len - n, name) ||
			m->path[len - n - 1] != '/')
			continue;
		/* Loaded, and not only read, as reports do for its symbols. */
		if (i + 1 == core.nfiles || !m[1].first || strcmp(m[1].path, m->path))
			continue;
		*path = m->path;
		return m->lo;
	}
	return 0;
}

static const char *build_id(const char *page)
{
	const Elf64_Ehdr *e = (const void *)page;
	const Elf64_Phdr *p = (const void *)(page + sizeof(*e));
	const char *id = NULL, *hex = "";
	size_t n = 0;

	if (e->e_phoff != sizeof(*e) || sizeof(*e) + e->e_phnum * sizeof(*p) > PAGE_SIZE)
		return NULL;
	for (size_t i = 0; i < e->e_phnum && !id; i++)
		if (p[i].p_type == PT_NOTE && p[i].p_offset < PAGE_SIZE &&
			p[i].p_filesz < PAGE_SIZE - p[i].p_offset)
			id = note_find(
				page + p[i].p_offset, p[i].p_filesz, "GNU", NT_GNU_BUILD_ID, &n);
	for (size_t i = 0; id && i < MIN(n, 20UL); i++)
		hex = claim_text("%s%02x", hex, (unsigned char)id[i]);
	return id ? hex : NULL;
}

void core_locate(struct frame *f)
{
	const struct mapped *m = file_at(f->pc - 1);
	vaddr_t begin = m ? begin_of(m) : 0;
	char page[PAGE_SIZE] __attribute__((aligned(8)));
	const Elf64_Ehdr *e = (const void *)page;

	if (!m)
		return;
	f->path = name_shown(m->path);
	f->offset = f->pc - 1 - begin;
	if (!begin || !core_page(begin, page) || memcmp(e->e_ident, ELFMAG, SELFMAG))
		return;
	if (e->e_type == ET_EXEC)
		f->offset = f->pc - 1;
	f->id = build_id(page);
}
