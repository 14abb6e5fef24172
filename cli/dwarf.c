/*
 * dwarf.c - frames to functions and lines (dwarf.h), by elfutils' libdwfl and libdw.
 *
 * A module is identified by its build id, as the dying process had it mapped. A file of another
 * build id is never asked: better no line than a wrong one. Debug information is looked for in the
 * module, by .gnu_debuglink and build id as gdb does, in directories that were named, and in
 * debuginfod's cache (the servers are asked only if DEBUGINFOD_URLS is set).
 */
#include "cli.h"
#include "dwarf_in.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dwarf_calls dw;

static const char *dirs[16];
static size_t ndirs;
static char *debug_path;

const char *dwarf_missing(void)
{
	static const char *why;
	static bool tried;
	void *lib;

	if (tried)
		return why;
	tried = true;
	lib = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return why = "libdw.so.1 is not installed (Debian: libdw1): frames stay as they "
			     "are";
#define DW(name)                                       \
	if (!(*(void **)&dw.name = dlsym(lib, #name))) \
		why = "libdw.so.1 has no " #name ": frames stay as they are";
#include "dwarf.def"
#undef DW
	return why;
}

void dwarf_search(const char *dir)
{
	if (ndirs < ARRAY_LEN(dirs))
		dirs[ndirs++] = dir;
}

/* The n-th place where debuginfod's client keeps files, or NULL. */
static const char *cache_dir(int n)
{
	static const char *const home[] = {"XDG_CACHE_HOME", "HOME", "HOME"};
	static const char *const under[] = {
		"debuginfod_client", ".cache/debuginfod_client", ".debuginfod_client_cache"};
	const char *at;

	if (n == 0)
		return getenv("DEBUGINFOD_CACHE_PATH");
	at = getenv(home[n - 1]);
	return at ? claim_text("%s/%s", at, under[n - 1]) : NULL;
}

/* The n-th file that may hold what the module of that path and build id was; NULL at the end. */
static const char *candidate(const char *shown, const char *id, size_t n)
{
	const char *path = name_real(shown),
		   *base = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dir;

	if (n == 0)
		return path ? path : "";
	n--;
	for (size_t i = 0; i < ndirs; i++, n -= 4) {
		if (n == 0)
			return claim_text("%s/%s", dirs[i], base ? base : "");
		if (n == 1)
			return claim_text("%s%s", dirs[i], path ? path : "");
		if (n == 2)
			return base ? claim_text("%s/%s.debug", dirs[i], base) : "";
		if (n == 3)
			return id ? claim_text("%s/.build-id/%.2s/%s.debug", dirs[i], id, id + 2)
				  : "";
	}
	if (n == 0)
		return id ? claim_text("/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2) : "";
	n--;
	if (n >= 8)
		return NULL;
	dir = cache_dir((int)n / 2);
	return dir && id ? claim_text("%s/%s/%s", dir, id, n % 2 ? "debuginfo" : "executable") : "";
}

static bool same_id(Dwfl_Module *mod, const char *id)
{
	const unsigned char *bits;
	GElf_Addr at;
	int n = dw.dwfl_module_build_id(mod, &bits, &at);
	char hex[129] = "";

	if (!id)
		return true;
	for (int i = 0; i < n && i < 64; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", bits[i]);
	/* What the process tells is cut at 20 bytes. */
	return !strncmp(hex, id, strlen(id)) && (strlen(id) == strlen(hex) || strlen(id) == 40);
}

/* As libdwfl does it, then debuginfod's cache. */
static int find_debuginfo(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
	const char *file, const char *link, GElf_Word crc, char **found)
{
	struct image *im = *data;
	int fd = dw.dwfl_standard_find_debuginfo(mod, data, name, base, file, link, crc, found);
	const char *path;

	if (!im || !im->id)
		return fd;
	for (size_t n = 1; fd < 0 && (path = candidate(im->path, im->id, n)); n++) {
		size_t len = strlen(path);

		if (len < 9 ||
			(strcmp(path + len - 9, "debuginfo") && strcmp(path + len - 6, ".debug")))
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			*found = strdup(path);
	}
	return fd;
}

static bool open_image(struct image *im, const char *file)
{
	static const Dwfl_Callbacks none;
	static Dwfl_Callbacks calls;
	Dwfl *dwfl;
	void **data;

	calls = none;
	calls.find_elf = dw.dwfl_build_id_find_elf;
	calls.find_debuginfo = find_debuginfo;
	calls.section_address = dw.dwfl_offline_section_address;
	calls.debuginfo_path = &debug_path;
	dwfl = dw.dwfl_begin(&calls);
	im->mod = dwfl ? dw.dwfl_report_offline(dwfl, file, file, -1) : NULL;
	if (!im->mod)
		return false;
	dw.dwfl_report_end(dwfl, NULL, NULL);
	if (!dw.dwfl_module_getelf(im->mod, &im->bias) || !same_id(im->mod, im->id)) {
		im->lacks = "the file is another one than the one that ran";
		im->mod = NULL;
		return false;
	}
	data = NULL;
	dw.dwfl_module_info(im->mod, &data, NULL, NULL, NULL, NULL, NULL, NULL);
	if (data)
		*data = im;
	return true;
}

/* The file that ran, with debug information: a stripped one only where there is no other. */
static void find_image(struct image *im)
{
	struct image first = *im;
	Dwarf_Addr bias;
	const char *file;

	for (size_t n = 0; (file = candidate(im->path, im->id, n)); n++) {
		if (!*file || access(file, R_OK) || !open_image(im, file))
			continue;
		if (dw.dwfl_module_getdwarf(im->mod, &bias))
			return;
		if (!first.mod)
			first = *im;
		im->mod = NULL;
	}
	if (first.mod)
		*im = first;
	else if (!im->lacks)
		im->lacks = "the file is not here";
}

struct image *image_of(const struct frame *f)
{
	static struct image *images;
	struct image *im;

	for (im = images; im; im = im->next)
		if (!strcmp(im->path, f->path) && !strcmp(im->id ? im->id : "", f->id ? f->id : ""))
			return im;
	im = claim(sizeof(*im));
	*im = (struct image){.path = f->path, .id = f->id, .next = images};
	images = im;
	find_image(im);
	return im;
}

const char *raw_name(Dwarf_Die *die)
{
	static const unsigned kinds[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name};
	Dwarf_Attribute attr;
	const char *s;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		s = dw.dwarf_formstring(dw.dwarf_attr_integrate(die, kinds[i], &attr));
		if (s && (i == 2 || mangled(s)))
			return s;
	}
	return NULL;
}

static const char *full_path(Dwarf_Die *cu, const char *file)
{
	Dwarf_Attribute attr;
	const char *dir;

	if (!file || file[0] == '/')
		return name_shown(file);
	dir = dw.dwarf_formstring(dw.dwarf_attr(cu, DW_AT_comp_dir, &attr));
	while (!strncmp(file, "./", 2))
		file += 2;
	return name_shown(dir ? claim_text("%s/%s", dir, file) : file);
}

/* Not all compilers write a table of addresses, and libdwfl's ranges go on to the next: then each is asked. */
Dwarf_Die *unit_of(struct image *im, Dwarf_Addr addr, Dwarf_Addr *bias)
{
	Dwarf_Die *cu = dw.dwfl_module_addrdie(im->mod, addr, bias);

	if (cu && dw.dwarf_haspc(cu, addr - *bias) > 0)
		return cu;
	cu = dw.dwfl_module_nextcu(im->mod, NULL, bias);
	while (cu && dw.dwarf_haspc(cu, addr - *bias) <= 0)
		cu = dw.dwfl_module_nextcu(im->mod, cu, bias);
	return cu;
}

static bool is_function(Dwarf_Die *die)
{
	int tag = dw.dwarf_tag(die);

	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

bool is_container(Dwarf_Die *die)
{
	int tag = dw.dwarf_tag(die);

	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

size_t functions_at(Dwarf_Die *die, Dwarf_Addr addr, Dwarf_Die *path, size_t n, int depth)
{
	Dwarf_Die child;
	size_t more;

	if (depth == NESTED_MAX || n == INLINED_MAX || dw.dwarf_child(die, &child))
		return n;
	do {
		bool holds = dw.dwarf_haspc(&child, addr) > 0;

		if (!holds && !is_container(&child))
			continue;
		if (holds && is_function(&child))
			path[n] = child;
		more = n + (holds && is_function(&child));
		more = functions_at(&child, addr, path, more, depth + 1);
		if (holds || more > n)
			return more;
	} while (dw.dwarf_siblingof(&child, &child) == 0);
	return n;
}

static int number_of(Dwarf_Die *die, unsigned kind)
{
	Dwarf_Attribute attr;
	Dwarf_Word v = 0;

	return dw.dwarf_formudata(dw.dwarf_attr(die, kind, &attr), &v) == 0 && v < INT_MAX ? (int)v
											   : 0;
}

/* Where an inlined function was called from: what its caller's line is. */
static void call_site(Dwarf_Die *die, Dwarf_Die *cu, struct line *l)
{
	Dwarf_Die own;
	Dwarf_Files *files;
	size_t n;
	int file = number_of(die, DW_AT_call_file);

	l->line = number_of(die, DW_AT_call_line);
	l->column = number_of(die, DW_AT_call_column);
	if (dw.dwarf_diecu(die, &own, NULL, NULL) && dw.dwarf_getsrcfiles(&own, &files, &n) == 0 &&
		(size_t)file < n)
		l->file = full_path(cu, dw.dwarf_filesrc(files, (size_t)file, NULL, NULL));
}

Dwarf_Die *unit_body(Dwarf_Die *cu, Dwarf_Die *split)
{
	uint8_t type = 0;

	if (dw.dwarf_cu_info(cu->cu, NULL, &type, NULL, split, NULL, NULL, NULL) == 0 &&
		type == DW_UT_skeleton && split->addr)
		return split;
	return cu;
}

/* The functions around addr, innermost first. */
static size_t add_functions(struct frame *f, Dwarf_Die *cu, Dwarf_Addr addr, struct line here)
{
	Dwarf_Die split, path[INLINED_MAX];
	size_t n = functions_at(unit_body(cu, &split), addr, path, 0, 0);

	f->lines = claim(n * sizeof(*f->lines));
	while (n-- > 0) {
		struct line *l = &f->lines[f->nlines++];

		*l = here;
		l->function = raw_name(&path[n]);
		l->inlined = dw.dwarf_tag(&path[n]) == DW_TAG_inlined_subroutine;
		here = (struct line){0};
		if (!l->inlined)
			break;
		call_site(&path[n], cu, &here);
	}
	return f->nlines;
}

static void complete_lines(struct frame *f, struct image *im, Dwarf_Addr addr)
{
	struct line here = {0};
	Dwarf_Addr bias = 0;
	Dwarf_Die *cu = unit_of(im, addr, &bias);
	Dwarf_Line *at = cu ? dw.dwarf_getsrc_die(cu, addr - bias) : NULL;

	if (!cu) {
		f->lacks = dw.dwfl_module_getdwarf(im->mod, &bias) ? "no line is known there"
								   : "no debug information";
		return;
	}
	if (at) {
		here.file = full_path(cu, dw.dwarf_linesrc(at, NULL, NULL));
		dw.dwarf_lineno(at, &here.line);
		dw.dwarf_linecol(at, &here.column);
	}
	if (add_functions(f, cu, addr - bias, here) || !at)
		return;
	f->lines = claim(sizeof(*f->lines));
	f->lines[0] = here;
	f->lines[0].function = f->symbol;
	f->nlines = 1;
}

/*
 * Names for people. A function that is local to its file has none for the linker in DWARF (gcc), but in the table of
 * symbols; there a part of it or a clone has a name of its own, which ends in .cold or the like.
 */
static void name_lines(struct frame *f, const char *symbol, bool inside)
{
	struct line *outer = f->lines + f->nlines - 1;

	if (!outer->inlined && !mangled(outer->function) && mangled(symbol) && inside)
		outer->function = claim_text("%.*s", (int)strcspn(symbol, "."), symbol);
	for (size_t i = 0; i < f->nlines; i++) {
		if (!f->lines[i].function)
			f->lines[i].function = f->symbol ? f->symbol : "??";
		f->lines[i].function = demangle(f->lines[i].function);
	}
}

void dwarf_complete(struct frame *f)
{
	struct image *im;
	GElf_Off delta;
	GElf_Sym sym;
	const char *name;

	f->lacks = dwarf_missing();
	if (f->nlines || !f->path || f->lacks)
		return;
	im = image_of(f);
	f->lacks = im->lacks;
	if (!im->mod)
		return;
	complete_lines(f, im, f->offset + im->bias);
	name = dw.dwfl_module_addrinfo(
		im->mod, f->offset + im->bias, &delta, &sym, NULL, NULL, NULL);
	if (name && *name && !f->symbol) {
		f->symbol = name;
		f->delta = delta;
	}
	if (f->nlines)
		name_lines(f, name, name && delta < sym.st_size);
}
