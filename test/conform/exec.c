/* exec.c - conformance: what exec takes, refuses and keeps. */
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "conform.h"

static void exec_shown(void)
{
	char link[4096] = "", *name;
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);

	must(n > 0);
	name = strrchr(link, '/') + 1;
	say("argc %d: %s %s", conform_argc, conform_argv[1], conform_argv[2]);
	say("env %s, exe %s, page size %lu, execfn %d, random %d", getenv("CONFORM"), name,
		getauxval(AT_PAGESZ), !!getauxval(AT_EXECFN), !!getauxval(AT_RANDOM));
}

static void exec_self(void *unused)
{
	setenv("CONFORM", "set before", 1);
	conform_exec(".exec_shown", "one word", "");
}

static void exec_not_run(int sig)
{
	say("the handler ran");
}

static void exec_script(void *path)
{
	execl(path, path, "arg", NULL);
	_exit(errno);
}

static void exec_fd(void *unused)
{
	int fd = open("/bin/echo", O_RDONLY | O_CLOEXEC);
	char **argv = block(3 * sizeof(*argv)), **envp = block(sizeof(*envp));

	argv[0] = strcpy(block(5), "echo");
	argv[1] = strcpy(block(14), "by descriptor");
	fexecve(fd, argv, envp);
	_exit(errno);
}

static void exec_big(void *unused)
{
	static char word[100001];

	memset(word, 'x', sizeof(word) - 1);
	execl("/bin/sh", "sh", "-c", "echo ${#1} ${#2}", "sh", word, word, NULL);
	_exit(errno);
}

/* What was ignored stays ignored, what was caught does not; a failed exec changes nothing. */
static void exec_ignoring(void *which)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGQUIT, SIGUSR1};
	int caught = (int)(intptr_t)which;

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], SIG_IGN);
	if (caught)
		signal(caught, exec_not_run);
	execl("/nonexistent", "x", NULL);
	if (!caught)
		raise(SIGSEGV);
	execl("/bin/sh", "sh", "-c",
		"for s in BUS FPE ILL TRAP QUIT USR1 SEGV; do kill -$s $$ && echo $s; done; echo "
		"survived",
		NULL);
	_exit(9);
}

static void proc_exec(void)
{
	char path[] = "/tmp/conform-script.XXXXXX";
	int fd = mkstemp(path);

	must(write(fd, "#!/bin/sh\necho script $1 $#\nexit 4\n", 35) == 35);
	say_wait("not executable", child_start(exec_script, path));
	must(!fchmod(fd, 0700));
	close(fd);
	say_wait("self", child_start(exec_self, NULL));
	say_wait("script", child_start(exec_script, path));
	unlink(path);
	say_wait("missing", child_start(exec_script, "/nonexistent"));
	say_wait("directory", child_start(exec_script, "/tmp"));
	say_wait("descriptor", child_start(exec_fd, NULL));
	say_wait("long words", child_start(exec_big, NULL));
	say_wait("ignoring", child_start(exec_ignoring, NULL));
	say_wait("ignoring all but one", child_start(exec_ignoring, (void *)SIGSEGV));
}
const struct conform_case exec_cases[] = {
	{"proc_exec", proc_exec},
	{".exec_shown", exec_shown},
	{NULL, NULL},
};
