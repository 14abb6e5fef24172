/*
 * run.c - undangle [options] [--] PROG [ARGS...]: checks everything that can be checked first,
 * then sets LD_PRELOAD and UNDANGLE_OPTIONS and becomes the program.
 */
#include "cli.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define RULES_BYTES (1 << 20)

void library_find(const char *name, char path[PATH_MAX])
{
	static const char *const places[] = {"", "/../lib/undangle"};
	char self[PATH_MAX], place[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		refuse("cannot read /proc/self/exe (%s): mount /proc", strerror(errno));
	self[n] = 0;
	*strrchr(self, '/') = 0;
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if ((size_t)snprintf(place, sizeof(place), "%s%s/%s", self, places[i], name) >=
			sizeof(place))
			continue;
		if (!realpath(place, path) || access(path, R_OK))
			continue;
		if (strpbrk(path, " :\n"))
			refuse("%s: its path may hold no blank, colon or line's end: install "
			       "undangle elsewhere",
				path);
		return;
	}
	refuse("%s is neither in %s nor in %s/../lib/undangle: run make, or make install", name,
		self, self);
}

int options_take(struct options *o, int argc, char **argv)
{
	static const char *const ours[] = {"help", "version", "probe", NULL};
	char why[OPTION_STR_SIZE * 2];
	const char *near;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--"))
			return i + 1;
		if (strncmp(argv[i], "--", 2))
			refuse("unknown option '%s': options begin with two dashes (see undangle "
			       "--help)",
				argv[i]);
		near = options_nearest(argv[i] + 2, ours);
		for (size_t j = 0; ours[j]; j++)
			if (near == ours[j] && !strcmp(argv[i] + 2, near))
				refuse("'%s' stands alone, before all others", argv[i]);
			else if (near == ours[j])
				refuse("unknown option '%s': did you mean '--%s'?", argv[i], near);
		if (option_set(o, argv[i] + 2, "--", why, sizeof(why)))
			refuse("%s", why);
	}
	return i;
}

/* Absolute, because the program may change its directory. */
static void make_absolute(const char *option, char value[OPTION_STR_SIZE], char path[PATH_MAX])
{
	char cwd[PATH_MAX];

	if (value[0] == '/')
		snprintf(path, PATH_MAX, "%s", value);
	else if (!getcwd(cwd, sizeof(cwd)))
		refuse("--%s=%s: no current directory: give an absolute path", option, value);
	else if (snprintf(path, PATH_MAX, "%s/%s", cwd, value) >= OPTION_STR_SIZE)
		refuse("--%s=%s: its absolute path is longer than %d bytes: give a shorter one",
			option, value, OPTION_STR_SIZE - 1);
	memcpy(value, path, strlen(path) + 1);
}

/* The rules of a file, all of them good. */
const char *rules_read(const char *path)
{
	static char text[RULES_BYTES];
	struct suppress_rule r;
	const char *at = text;
	unsigned number = 0;
	struct stat st;
	FILE *in;
	size_t n;

	if (!stat(path, &st) && S_ISFIFO(st.st_mode))
		refuse("--suppress=%s: is a pipe: each process reads it again, name a file", path);
	in = fopen(path, "re");
	n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;
	if (!in || ferror(in))
		refuse("--suppress=%s: %s", path, strerror(errno));
	if (n == sizeof(text) - 1)
		refuse("--suppress=%s: is larger than 1 MB", path);
	if (memchr(text, 0, n))
		refuse("--suppress=%s: is no text", path);
	fclose(in);
	while (suppress_next(&at, &number, &r))
		if (r.what == SUPPRESS_BAD)
			refuse("--suppress=%s: line %u: '%.*s': rules are fun:GLOB, module:GLOB "
			       "and "
			       "src:GLOB",
				path, r.number, (int)MIN(r.line_len, 60UL), r.line);
	return text;
}

static void suppress_check(struct options *o)
{
	char path[PATH_MAX];

	if (!o->suppress[0])
		return;
	make_absolute("suppress", o->suppress, path);
	rules_read(path);
}

/* Writable, as far as one can know without making it: the name may hold a %p. replaced: by another file, each time. */
static void file_check(const char *option, char value[OPTION_STR_SIZE], bool replaced)
{
	char path[PATH_MAX], *slash;
	struct stat st;

	if (!value[0])
		return;
	make_absolute(option, value, path);
	if (!stat(path, &st)) {
		if (S_ISDIR(st.st_mode))
			refuse("--%s=%s: is a directory: name a file", option, path);
		if (replaced && (lstat(path, &st) || !S_ISREG(st.st_mode)))
			refuse("--%s=%s: is no file that another can take the place of", option,
				path);
		if (!replaced && access(path, W_OK))
			refuse("--%s=%s: cannot be written: %s", option, path, strerror(errno));
		if (!replaced)
			return;
	}
	slash = strrchr(path, '/');
	*slash = 0;
	if (access(slash == path ? "/" : path, W_OK | X_OK))
		refuse("--%s=%s: cannot be made in %s: %s", option, value,
			slash == path ? "/" : path, strerror(errno));
}

static void bad_environment(const char *why)
{
	out_line(2, "undangle: warning: UNDANGLE_OPTIONS: %s (ignored)", why);
}

/*
 * The library's name for LD_PRELOAD. musl's loader obeys that, too, and would end the program for
 * want of glibc's symbols; but it leaves out what is not there, and only glibc's puts a folder for
 * $LIB (ld.so(8)). That folder is /lib/x86_64-linux-gnu, /lib64 or the like, unless glibc lives in
 * a place of its own; from there it is up to the root and down again.
 */
static void preload_name(const char *lib, char name[PATH_MAX])
{
	Dl_info libc;
	bool usual = dladdr((void *)gnu_get_libc_version, &libc) &&
		     (!strncmp(libc.dli_fname, "/lib", 4) ||
			     !strncmp(libc.dli_fname, "/usr/lib", 8));

	if (snprintf(name, PATH_MAX, "%s%s", usual ? "/$LIB/../../../.." : "", lib) >= PATH_MAX)
		refuse("%s: its path is too long: install undangle elsewhere", lib);
}

/* Those of runs that were killed a day ago or earlier, which nobody else would remove. */
static void summaries_forget(void)
{
	time_t old = time(NULL) - 24 * 60 * 60;
	struct stat st;
	glob_t g;

	if (glob(SUMMARY_FILE "*", GLOB_NOSORT, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		int pid = atoi(g.gl_pathv[i] + strlen(SUMMARY_FILE));

		if (pid > 0 && !lstat(g.gl_pathv[i], &st) && st.st_mtime < old && kill(pid, 0) &&
			errno == ESRCH)
			unlink(g.gl_pathv[i]);
	}
	globfree(&g);
}

/* A file of its own for this run: its number says who tells what is in it. */
static void summary_name(struct options *o)
{
	if (o->summary[0])
		return;
	summaries_forget();
	snprintf(o->summary, sizeof(o->summary), SUMMARY_FILE "%d.%llx", getpid(), __rdtsc());
	o->explicit |= 1UL << OPTION_NTH_summary;
}

void preload_set(const char *lib)
{
	const char *old = getenv("LD_PRELOAD");
	size_t n = strlen(lib);

	if (old && !strncmp(old, lib, n)) /* undangle run by undangle */
		old += n + (old[n] == ':' || old[n] == ' ');
	if (setenv("LD_PRELOAD", claim_text("%s%s%s", lib, old && *old ? ":" : "", old ? old : ""),
		    1))
		refuse("out of memory");
}

static void environment_set(const struct options *o, const char *path)
{
	char text[4096], lib[PATH_MAX];

	preload_name(path, lib);
	preload_set(lib);
	options_format(o, text, sizeof(text));
	if (setenv("UNDANGLE_OPTIONS", text, 1))
		refuse("out of memory");
}

char **program_without_env(char *path, char **argv)
{
	const char *target = program_env_target(path);
	size_t n = 0;
	char **to;

	if (!target)
		return argv;
	while (argv[n])
		n++;
	to = claim((n + 2) * sizeof(*to));
	to[0] = claim_text("%s", target);
	to[1] = claim_text("%s", path);
	memcpy(to + 2, argv + 1, n * sizeof(*to));
	program_check(to[0], path);
	return to;
}

int run(int argc, char **argv)
{
	char lib[PATH_MAX], path[PATH_MAX];
	struct options o;
	char **args;
	int at;

	options_default(&o);
	if (getenv("UNDANGLE_OPTIONS"))
		options_parse(&o, getenv("UNDANGLE_OPTIONS"), bad_environment);
	at = options_take(&o, argc, argv);
	if (at >= argc)
		refuse("no program given: undangle [options] [--] PROG [ARGS...] (see undangle "
		       "--help)");
	library_find(LIBRARY, lib);
	file_check("log", o.log, false);
	file_check("heap-profile", o.heap_profile, false);
	file_check("metrics", o.metrics, true);
	suppress_check(&o);
	program_check(argv[at], path);
	if (o.backend == BACKEND_KVM && o.on_error == ON_ERROR_CONTINUE)
		refuse("--on-error=continue needs --backend=host: on kvm a finding always stops "
		       "the "
		       "program");
	if (o.backend == BACKEND_KVM && o.suppress[0])
		refuse("--suppress needs --backend=host: on kvm a finding always stops the "
		       "program");
	if (o.backend == BACKEND_KVM)
		kvm_check("--backend=kvm cannot run here");
	else
		machine_check();
	summary_name(&o);
	environment_set(&o, lib);
	args = o.follow ? argv + at : program_without_env(path, argv + at);
	execv(path, args);
	if (errno == ENOEXEC) { /* no #! line: the shell runs it, as execvp would have it;
				   argv[at-1] is ours */
		argv[at] = path;
		argv[at - 1] = claim_text("/bin/sh");
		execv(argv[at - 1], argv + at - 1);
	}
	refuse("%s: cannot be run: %s", argv[at], strerror(errno));
}
