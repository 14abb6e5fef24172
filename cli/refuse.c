/*
 * refuse.c - is PROG something that ld.so will preload us into? If not, say why, in one line.
 *
 * Follows what execve(2) follows: #! lines up to the kernel's depth, and one thing it does not:
 * `#!/usr/bin/env NAME`. Reads files, runs nothing.
 */
#include "cli.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_DEPTH 5	 /* the kernel follows so many interpreters (fs/exec.c), then ELOOP */
#define HEAD_SIZE    256 /* ... and reads so much of a #! line (BINPRM_BUF_SIZE) */

/* A program file; `who` is how messages call it: "PROG" or "PROG: its interpreter PATH". */
struct image {
	const char *who;
	const char *path;
	const unsigned char *bytes; /* the whole file, mapped */
	size_t size;
	struct stat st;
};

void refuse(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = strdup("out of memory");
	va_end(ap);
	for (char *at = text; at && *at; at++) /* names of the user's: one line whatever they are */
		if (iscntrl((unsigned char)*at))
			*at = '?';
	out_line(2, "undangle: %s", text);
	exit(2);
}

void written(struct out *o, const char *what)
{
	out_flush(o);
	if (o->lost)
		refuse("%s: cannot write: %s", what, strerror(o->lost));
}

void *claim(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		refuse("out of memory");
	return p;
}

char *claim_text(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		refuse("out of memory");
	return s;
}

/* The first item of $PATH with an executable regular file `name`; errno says why if there is none.
 */
static bool path_search(const char *name, char path[PATH_MAX])
{
	const char *dir = getenv("PATH");
	int err = ENOENT;

	if (!dir)
		dir = "/bin:/usr/bin";
	for (;;) {
		int n = (int)strcspn(dir, ":");
		struct stat st;

		int len = snprintf(path, PATH_MAX, "%.*s/%s", n ? n : 1, n ? dir : ".", name);

		if (len < PATH_MAX && !stat(path, &st) && S_ISREG(st.st_mode)) {
			if (!access(path, X_OK))
				return true;
			err = errno;
		}
		if (!dir[n])
			break;
		dir += n + 1;
	}
	errno = err;
	return false;
}

/*
 * Will the kernel set AT_SECURE, so that ld.so ignores LD_PRELOAD? Only where the ids really
 * change: a setuid-root program run by root is like any other.
 */
static void privileges_check(const struct image *im)
{
	struct statvfs vfs;
	const char *what = NULL;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
		(!statvfs(im->path, &vfs) && (vfs.f_flag & ST_NOSUID)))
		return;
	if ((im->st.st_mode & S_ISUID) && im->st.st_uid != getuid())
		what = "setuid";
	else if ((im->st.st_mode & S_ISGID) && (im->st.st_mode & S_IXGRP) &&
		 im->st.st_gid != getgid())
		what = "setgid";
	else if (getuid() != 0 && getxattr(im->path, "security.capability", NULL, 0) > 0)
		what = "a program with file capabilities";
	if (what)
		refuse("%s: is %s, so the dynamic linker ignores LD_PRELOAD: run undangle with the "
		       "program's own rights (sudo undangle ...)",
			im->who, what);
}

/* false: it may be run but not read, so nothing more can be said about it. */
static bool image_open(struct image *im, const char *who, const char *path)
{
	int fd;

	im->who = who;
	im->path = path;
	if (stat(path, &im->st))
		refuse("%s: %s: check the path", who, strerror(errno));
	if (S_ISDIR(im->st.st_mode))
		refuse("%s: is a directory: name a program", who);
	if (!S_ISREG(im->st.st_mode))
		refuse("%s: is not a regular file: name a program", who);
	if (access(path, X_OK))
		refuse("%s: is not executable: try chmod +x", who);
	privileges_check(im);
	im->size = (size_t)im->st.st_size;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	im->bytes = im->size ? mmap(NULL, im->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	close(fd);
	if (im->bytes == MAP_FAILED)
		refuse("%s: cannot be mapped: %s", who, strerror(errno));
	return true;
}

static void image_close(struct image *im)
{
	if (im->bytes)
		munmap((void *)(uintptr_t)im->bytes, im->size);
}

/* size bytes at file offset off, or NULL if the file ends before. */
static const void *image_at(const struct image *im, uint64_t off, uint64_t size)
{
	return off <= im->size && size <= im->size - off ? im->bytes + off : NULL;
}

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {
		{EM_AARCH64, "aarch64"},
		{EM_ARM, "arm"},
		{EM_RISCV, "riscv"},
		{EM_PPC64, "ppc64"},
		{EM_S390, "s390"},
		{EM_386, "i386"},
		{EM_MIPS, "mips"},
		{EM_LOONGARCH, "loongarch"},
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].machine == machine)
			return names[i].name;
	return "another architecture";
}

static const Elf64_Phdr *phdr_find(const struct image *im, uint32_t type)
{
	const Elf64_Ehdr *eh = image_at(im, 0, sizeof(*eh));
	const Elf64_Phdr *ph = image_at(im, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(*ph));

	for (unsigned i = 0; ph && i < eh->e_phnum; i++)
		if (ph[i].p_type == type)
			return &ph[i];
	return NULL;
}

/* File offset of a virtual address, or the file's size if it is not in the file. */
static uint64_t offset_of(const struct image *im, uint64_t addr)
{
	const Elf64_Ehdr *eh = image_at(im, 0, sizeof(*eh));
	const Elf64_Phdr *ph = image_at(im, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(*ph));

	for (unsigned i = 0; ph && i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && addr >= ph[i].p_vaddr &&
			addr - ph[i].p_vaddr < ph[i].p_filesz)
			return addr - ph[i].p_vaddr + ph[i].p_offset;
	return im->size;
}

static uint64_t dynamic_value(const struct image *im, int64_t tag)
{
	const Elf64_Phdr *ph = phdr_find(im, PT_DYNAMIC);
	const Elf64_Dyn *d = ph ? image_at(im, ph->p_offset, ph->p_filesz) : NULL;

	for (uint64_t i = 0; d && i < ph->p_filesz / sizeof(*d) && d[i].d_tag != DT_NULL; i++)
		if (d[i].d_tag == tag)
			return d[i].d_un.d_val;
	return 0;
}

/* Does it ask for a library whose name starts so? */
static bool library_needed(const struct image *im, const char *start)
{
	const Elf64_Phdr *ph = phdr_find(im, PT_DYNAMIC);
	const Elf64_Dyn *d = ph ? image_at(im, ph->p_offset, ph->p_filesz) : NULL;
	uint64_t strsz = dynamic_value(im, DT_STRSZ), n = strlen(start);
	const char *str = image_at(im, offset_of(im, dynamic_value(im, DT_STRTAB)), strsz);

	for (uint64_t i = 0; d && str && i < ph->p_filesz / sizeof(*d) && d[i].d_tag != DT_NULL;
		i++)
		if (d[i].d_tag == DT_NEEDED && d[i].d_un.d_val < strsz &&
			strsz - d[i].d_un.d_val > n && !memcmp(str + d[i].d_un.d_val, start, n))
			return true;
	return false;
}

/* Does the program's own dynamic symbol table define `name`? Walks up to the string table, which
 * every linker puts right behind the symbols. */
static bool symbol_defined(const struct image *im, const char *name)
{
	uint64_t symtab = dynamic_value(im, DT_SYMTAB), strtab = dynamic_value(im, DT_STRTAB);
	uint64_t strsz = dynamic_value(im, DT_STRSZ), n = strlen(name) + 1;
	const Elf64_Sym *sym;
	const char *str;

	if (!symtab || strtab <= symtab)
		return false;
	sym = image_at(im, offset_of(im, symtab), strtab - symtab);
	str = image_at(im, offset_of(im, strtab), strsz);
	for (uint64_t i = 0; sym && str && i < (strtab - symtab) / sizeof(*sym); i++)
		if (sym[i].st_shndx != SHN_UNDEF && sym[i].st_name < strsz &&
			strsz - sym[i].st_name >= n && !memcmp(str + sym[i].st_name, name, n))
			return true;
	return false;
}

/* A sanitizer's runtime, shared (gcc) or linked in (clang), wants to be the malloc itself. */
static void sanitizer_check(const struct image *im)
{
	static const struct {
		const char *library, *symbol, *flag;
	} sans[] = {
		{"libasan.so", "__asan_init", "address"},
		{"libhwasan.so", "__hwasan_init", "hwaddress"},
		{"libtsan.so", "__tsan_init", "thread"},
		{"liblsan.so", "__lsan_init", "leak"},
		{"libmsan.so", "__msan_init", "memory"},
	};

	for (size_t i = 0; i < ARRAY_LEN(sans); i++)
		if (library_needed(im, sans[i].library) || symbol_defined(im, sans[i].symbol))
			refuse("%s: is built with a sanitizer that is a malloc itself: build it "
			       "without "
			       "-fsanitize=%s",
				im->who, sans[i].flag);
}

static void elf_check(const struct image *im)
{
	const Elf64_Ehdr *eh = image_at(im, 0, sizeof(*eh));
	const Elf64_Phdr *interp;
	const char *ldso, *base = strrchr(im->path, '/');

	if (eh && eh->e_ident[EI_DATA] == ELFDATA2LSB &&
		(eh->e_machine == EM_386 || eh->e_ident[EI_CLASS] == ELFCLASS32))
		if (eh->e_machine == EM_386 || eh->e_machine == EM_X86_64)
			refuse("%s: is a 32-bit program: undangle protects 64-bit programs, build "
			       "it "
			       "without -m32",
				im->who);
	if (eh && (eh->e_machine != EM_X86_64 || eh->e_ident[EI_DATA] != ELFDATA2LSB))
		refuse("%s: is built for %s: undangle runs on x86-64, rebuild it for that", im->who,
			machine_name(eh->e_ident[EI_DATA] == ELFDATA2LSB
					     ? eh->e_machine
					     : __builtin_bswap16(eh->e_machine)));
	if (!eh || (eh->e_type != ET_EXEC && eh->e_type != ET_DYN) ||
		!image_at(im, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr)))
		refuse("%s: is a broken or unlinked ELF file: link it into a program", im->who);
	interp = phdr_find(im, PT_INTERP);
	/* ld.so run by hand honours LD_PRELOAD although it has no interpreter itself. */
	if (!interp && base && !strncmp(base, "/ld-linux", 9))
		return;
	if (!interp && eh->e_type == ET_DYN && !(dynamic_value(im, DT_FLAGS_1) & DF_1_PIE))
		refuse("%s: is a shared library, not a program: name a program that uses it",
			im->who);
	if (!interp)
		refuse("%s: is statically linked: undangle works through the dynamic linker, link "
		       "it "
		       "without -static",
			im->who);
	ldso = image_at(im, interp->p_offset, interp->p_filesz);
	if (!ldso || !interp->p_filesz || ldso[interp->p_filesz - 1])
		refuse("%s: is a broken ELF file (interpreter): build it again", im->who);
	if (strstr(ldso, "ld-musl"))
		refuse("%s: is linked with musl (%s): undangle needs glibc, rebuild it with that",
			im->who, ldso);
	if (access(ldso, X_OK))
		refuse("%s: its dynamic linker %s is missing: install it", im->who, ldso);
	sanitizer_check(im);
}

/* Splits a #! line into the interpreter and its one argument (which may hold blanks), as the kernel
 * does; false if there is none. line is overwritten. */
static bool script_parse(char *line, char **interp, char **arg)
{
	char *end;

	line[strcspn(line, "\n")] = 0;
	*interp = line + 2 + strspn(line + 2, " \t");
	end = line + strlen(line);
	while (end > *interp && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = 0;
	*arg = *interp + strcspn(*interp, " \t");
	if (**arg) {
		*(*arg)++ = 0;
		*arg += strspn(*arg, " \t");
	}
	return **interp != 0;
}

/* The program that env(1) with this argument would run; NULL if the argument does not say. */
static const char *env_target(char *arg)
{
	char *word = strtok(arg, " \t");

	while (word && (word[0] == '-' || strchr(word, '='))) {
		if (!strncmp(word, "-S", 2) && word[2])
			return word + 2;
		word = strtok(NULL, " \t");
	}
	return word;
}

static bool is_env(const char *path)
{
	const char *base = strrchr(path, '/');

	return !strcmp(base ? base + 1 : path, "env");
}

static void file_check(const char *prog, const char *who, const char *path, int depth);

static void script_check(const char *prog, const struct image *im, int depth)
{
	char line[HEAD_SIZE + 1], who[PATH_MAX * 2], found[PATH_MAX], *interp, *arg;
	const char *target;
	size_t n = MIN(im->size, (size_t)HEAD_SIZE);

	memcpy(line, im->bytes, n);
	line[n] = 0;
	if (!script_parse(line, &interp, &arg))
		refuse("%s: its #! line names no interpreter: add one", im->who);
	snprintf(who, sizeof(who), "%s: its interpreter %s", prog, interp);
	file_check(prog, who, interp, depth + 1);
	target = is_env(interp) ? env_target(arg) : NULL;
	if (!target)
		return;
	snprintf(who, sizeof(who), "%s: its interpreter %s", prog, target);
	if (strchr(target, '/'))
		snprintf(found, sizeof(found), "%s", target);
	else if (!path_search(target, found))
		refuse("%s: is not in $PATH: install it", who);
	file_check(prog, who, found, depth + 1);
}

static void file_check(const char *prog, const char *who, const char *path, int depth)
{
	struct image im;

	if (depth > SCRIPT_DEPTH)
		refuse("%s: more than %d interpreters in a row: name a program", prog,
			SCRIPT_DEPTH);
	if (!image_open(&im, who, path))
		return;
	if (im.size >= 4 && !memcmp(im.bytes, ELFMAG, SELFMAG)) {
		elf_check(&im);
	} else if (im.size >= 2 && !memcmp(im.bytes, "#!", 2)) {
		script_check(prog, &im, depth);
	} else if (im.size && memchr(im.bytes, 0, MIN(im.size, (size_t)HEAD_SIZE))) {
		refuse("%s: is neither an ELF program nor a script: name a program", who);
	} else {
		file_check(prog, who, "/bin/sh", depth + 1); /* what execvp does with it */
	}
	image_close(&im);
}

void program_check(const char *prog, char path[PATH_MAX])
{
	if (!*prog)
		refuse("the program's name is empty: name a program");
	if (strlen(prog) >= PATH_MAX)
		refuse("%.60s...: %s: check the path", prog, strerror(ENAMETOOLONG));
	if (strchr(prog, '/'))
		snprintf(path, PATH_MAX, "%s", prog);
	else if (!path_search(prog, path)) {
		if (errno == EACCES)
			refuse("%s: is in $PATH but not executable: try chmod +x", prog);
		refuse("%s: not found in $PATH: check the name, or give a path", prog);
	}
	file_check(prog, prog, path, 0);
}

const char *program_env_target(const char *path)
{
	static char line[HEAD_SIZE + 1];
	char *interp, *arg;
	FILE *f = fopen(path, "re");

	if (!f)
		return NULL;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	if (strncmp(line, "#!", 2) || !script_parse(line, &interp, &arg) || !is_env(interp))
		return NULL;
	return *arg && *arg != '-' && !strpbrk(arg, " \t=") ? arg : NULL;
}
