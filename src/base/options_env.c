/*
 * options_env.c - the library's one struct options, read from the initial environment.
 *
 * app context, before any constructor. libc's environ is not set yet when the first malloc
 * comes (from ld.so), so the environment is found where the kernel put it: behind argv on the
 * initial stack, whose start ld.so exports as __libc_stack_end.
 */
#include "options.h"
#include "sys.h"

#include <elf.h>

struct options options;

extern void *__libc_stack_end;

static char **initial_envp(void)
{
	long *argc = __libc_stack_end;

	return (char **)(argc + 1 + *argc + 1);
}

/* A setuid program: who sets the environment must not choose where it writes its log. */
static bool is_secure(char **envp)
{
	Elf64_auxv_t *av;

	while (*envp)
		envp++;
	for (av = (Elf64_auxv_t *)(void *)(envp + 1); av->a_type != AT_NULL; av++)
		if (av->a_type == AT_SECURE)
			return av->a_un.a_val != 0;
	return false;
}

static void warn(const char *why)
{
	out_line(2, "undangle: warning: UNDANGLE_OPTIONS: %s (ignored)", why);
}

static bool names_us(const char *s, size_t n)
{
	static const char lib[] = "libundangle.so";
	size_t len = sizeof(lib) - 1;

	return n >= len && !__builtin_memcmp(s + n - len, lib, len) &&
	       (n == len || s[n - len - 1] == '/');
}

/* Takes us out of the list in place; false if nothing is left of it. */
static bool preload_strip(char *list)
{
	char *to = list, *from = list;

	while (*from) {
		size_t n = 0;

		while (*from == ':' || *from == ' ')
			from++;
		while (from[n] && from[n] != ':' && from[n] != ' ')
			n++;
		if (n && !names_us(from, n)) {
			if (to != list)
				*to++ = ':';
			for (size_t i = 0; i < n; i++)
				*to++ = from[i];
		}
		from += n;
	}
	*to = 0;
	return to != list;
}

void options_unfollow(char **envp)
{
	static const char var[] = "LD_PRELOAD=";
	size_t len = sizeof(var) - 1;
	char **to = envp;

	for (; *envp; envp++) {
		size_t i = 0;

		while (i < len && (*envp)[i] == var[i])
			i++;
		if (i < len || preload_strip(*envp + len))
			*to++ = *envp;
	}
	*to = NULL;
}

/* The first malloc calls it earlier, if there is one before the constructors. */
__attribute__((constructor)) void options_init(void)
{
	static const char var[] = "UNDANGLE_OPTIONS=";
	static bool done;
	char **envp = initial_envp();

	if (done)
		return;
	done = true;
	options_default(&options);
	if (!is_secure(envp))
		for (char **e = envp; *e; e++) {
			size_t i = 0;

			while (var[i] && (*e)[i] == var[i])
				i++;
			if (!var[i])
				options_parse(&options, *e + i, warn);
		}
	options_finish(&options);
	if (!options.follow)
		options_unfollow(envp);
}
