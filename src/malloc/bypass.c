/*
 * bypass.c - see bypass.h. app context, from the constructor.
 *
 * Browsers and compilers are linked with a malloc, and so are found only here: the command sees the
 * shell or the wrapper script that starts them.
 */
#include "bypass.h"
#include "off.h"
#include "findings/findings.h"

#include <dlfcn.h>
#include <link.h>

#define ANCESTORS_MAX 32 /* then it is said once too often */

/* The linker's: where this library begins and ends. */
extern const char __ehdr_start[] __attribute__((visibility("hidden"))),
	_end[] __attribute__((visibility("hidden")));

/*
 * A program at a fixed address that takes malloc's is where the pointer goes, by a jump to ours: it
 * has the symbol, but undefined (Debian's python).
 */
void *bypass_of(const char *name)
{
	void *theirs = dlsym(RTLD_DEFAULT, name);
	const ElfW(Sym) *sym = NULL;
	Dl_info at;

	/* Ours, as nearly always: to look a name up by its address is dear. */
	if (vaddr_of(theirs) >= vaddr_of(__ehdr_start) && vaddr_of(theirs) < vaddr_of(_end))
		return NULL;
	return theirs && dladdr1(theirs, &at, (void **)&sym, RTLD_DL_SYMENT) &&
			       !(sym && sym->st_shndx == SHN_UNDEF)
		       ? theirs
		       : NULL;
}

bool bypass_is(void)
{
	return bypass_of("malloc") != NULL;
}

/* The parent of process pid; 0: it has none that can be seen. */
static size_t parent_of(size_t pid)
{
	char path[64], text[256];
	const char *is;

	out_snprintf(path, sizeof(path), "/proc/%zu/stat", pid);
	is = file_stat(path, text, sizeof(text));
	return is[0] ? text_number(is + 1) : 0;
}

static void file_of(size_t pid, char *dst, size_t size)
{
	char path[64];

	out_snprintf(path, sizeof(path), "/proc/%zu/exe", pid);
	file_link(path, dst, size);
}

static bool ancestor_has_said(const char *file)
{
	size_t pid = parent_of((size_t)sys_getpid());
	char its[1024];

	for (int i = 0; pid && i < ANCESTORS_MAX; i++) {
		file_of(pid, its, sizeof(its));
		if (!__builtin_strcmp(its, file))
			return true;
		pid = parent_of(pid);
	}
	return false;
}

void bypass_warn(void)
{
	char file[1024];

	if (off_is() ? !off_why() || !options.asked || options.quiet : !bypass_is())
		return;
	file_of((size_t)sys_getpid(), file, sizeof(file));
	if (file[0] && !ancestor_has_said(file) && summary_warns(file))
		log_line("undangle: warning: %s %s%s", file,
			off_is() ? "is not protected: "
				 : "brings its own malloc: blocks from it are not protected",
			off_is() ? off_why() : "");
}
