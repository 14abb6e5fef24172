/*
 * options_env.c - the library's one struct options, read from the initial environment.
 *
 * app context, before any constructor. libc's environ is not set yet when the first malloc
 * comes (from ld.so), so the environment is found where the kernel put it: behind argv on the
 * initial stack, whose start ld.so exports as __libc_stack_end.
 */
#include "options.h"
#include "conf.h"
#include "file.h"
#include "sys.h"

#include <elf.h>

struct options options;

extern void *__libc_stack_end;

static char **initial_envp(void)
{
	long *argc = __libc_stack_end;

	return (char **)(argc + 1 + *argc + 1);
}

static uint64_t auxiliary(char **envp, uint64_t type)
{
	Elf64_auxv_t *av;

	while (*envp)
		envp++;
	for (av = (Elf64_auxv_t *)(void *)(envp + 1); av->a_type != AT_NULL; av++)
		if (av->a_type == type)
			return av->a_un.a_val;
	return 0;
}

const char *options_execfn(void)
{
	return vaddr_ptr(auxiliary(initial_envp(), AT_EXECFN));
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

/*
 * Removes every item of the LD_PRELOAD list that ends in /libundangle.so from envp, in place; the
 * whole variable if nothing remains.
 */
static void unfollow(char **envp)
{
	char **to = envp;

	for (; *envp; envp++) {
		char *list = text_after(*envp, "LD_PRELOAD=");

		if (!list || preload_strip(list))
			*to++ = *envp;
	}
	*to = NULL;
}

static bool preload_has(const char *list)
{
	for (; *list; list += *list != 0) {
		size_t n = __builtin_strcspn(list, ": ");

		if (names_us(list, n))
			return true;
		list += n;
	}
	return false;
}

static void environment_take(char **envp)
{
	for (char *s; *envp; envp++) {
		s = text_after(*envp, "UNDANGLE_OPTIONS=");
		if (s)
			options_parse(&options, s, warn);
		options.asked = options.asked || s;
		s = text_after(*envp, "LD_PRELOAD=");
		options.asked = options.asked || (s && preload_has(s));
	}
}

/* The first malloc calls it earlier, if there is one before the constructors. */
__attribute__((constructor)) void options_init(void)
{
	static bool done;
	char **envp = initial_envp();

	if (done)
		return;
	done = true;
	options_default(&options);
	conf_read(&options, options_execfn());
	/* A setuid program: who sets the environment must not choose where it writes its log. */
	if (!auxiliary(envp, AT_SECURE))
		environment_take(envp);
	options_finish(&options);
	if (!options.follow)
		unfollow(envp);
}
