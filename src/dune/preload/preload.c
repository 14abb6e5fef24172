/*
 * preload.c - app context: the constructor of libdune.so, which any program can be given by
 * LD_PRELOAD. Enters ring 0 before main; what the program executes later enters likewise.
 *
 * DUNE_OPTIONS in the environment: words separated by commas: stats, precise.
 */
#include <dune.h>
#include "base/base.h"

#include <string.h>

static bool option(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (list && *list) {
		if (!strncmp(list, word, n) && (list[n] == ',' || !list[n]))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

static const char *environment(char **envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

__attribute__((constructor)) static void preload(int argc, char **argv, char **envp)
{
	const char *opt = environment(envp, "DUNE_OPTIONS"), *why;
	unsigned flags = (option(opt, "stats") ? DUNE_STATS : 0) |
			 (option(opt, "precise") ? DUNE_PRECISE : DUNE_FULL);
	int err = dune_probe(&why);

	if (err) {
		out_line(2, "undangle: cannot enter ring 0: %s", why);
		sys_exit_group(2);
	}
	err = dune_init(flags);
	if (!err)
		err = dune_enter();
	if (err) {
		out_line(2, "undangle: cannot enter ring 0: error %d", -err);
		sys_exit_group(2);
	}
}
