/*
 * main.c - conform NAME runs one case; conform -l [GROUP] lists them; and the helpers of conform.h.
 */
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>
#include <ucontext.h>

#include "conform.h"

static const struct {
	const char *name;
	const struct conform_case *cases;
} groups[] = {
	{"signal", signal_cases},
	{"signal", restart_cases},
	{"siginfo", siginfo_cases},
	{"context", context_cases},
	{"fault", fault_cases},
	{"memory", memory_cases},
	{"memory", code_cases},
	{"thread", thread_cases},
	{"thread", ends_cases},
	{"process", process_cases},
	{"process", exec_cases},
	{"fd", fd_cases},
	{"time", time_cases},
	{"arch", arch_cases},
	{"entry", entry_cases},
	{"refused", refused_cases},
	{"blocks", blocks_cases},
	{"ipc", ipc_cases},
	{"tasks", tasks_cases},
	{"watched", watched_cases},
};

enum { GROUPS = sizeof(groups) / sizeof(groups[0]) };

int conform_argc;
char **conform_argv;
static char self[PATH_MAX];
static sigjmp_buf fault_env;
static struct fault fault_seen;

void say(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(1, line, (size_t)n) != n)
		_exit(98);
}

void die(const char *what)
{
	say("cannot go on: %s (errno %d)", what, errno);
	_exit(99);
}

const char *result(long rc)
{
	static char text[4][32];
	static unsigned turn;
	char *t = text[turn++ % 4];

	if (rc < 0)
		snprintf(t, sizeof(text[0]), "%ld %s", rc, strerrorname_np(errno));
	else
		snprintf(t, sizeof(text[0]), "%ld", rc);
	return t;
}

void say_status(const char *what, int status)
{
	if (WIFEXITED(status))
		say("%s: exit %d", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		say("%s: killed by %s", what, sigabbrev_np(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		say("%s: stopped by %s", what, sigabbrev_np(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		say("%s: continued", what);
	else
		say("%s: status 0x%x", what, status);
}

void say_wait(const char *what, pid_t pid)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid)
		die(what);
	say_status(what, status);
}

pthread_t thread_start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	must(!pthread_create(&t, NULL, fn, arg));
	return t;
}

pid_t child_start(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	return pid;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 4000000}, NULL);
}

void wait_asleep(pid_t pid, pid_t tid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	for (int row = 0; row < 6;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (n <= 0)
			return;
		close(fd);
		text[n] = 0;
		const char *state = strrchr(text, ')');

		row = state && state[2] == 'S' ? row + 1 : 0;
		nap();
	}
}

pid_t poke_asleep(int sig, int n)
{
	pid_t target = getpid(), tid = gettid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	for (int i = 0; i < n; i++) {
		wait_asleep(target, tid);
		kill(target, sig);
	}
	_exit(0);
}

void conform_exec(const char *name, const char *a, const char *b)
{
	const char *words[] = {self, name, a, a ? b : NULL};
	char **argv = block(5 * sizeof(*argv));

	for (int i = 0; i < 4 && words[i]; i++)
		argv[i] = strcpy(block(strlen(words[i]) + 1), words[i]);
	execv(argv[0], argv);
}

void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags};

	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL))
		die("sigaction");
}

static void fault_handler(int sig, siginfo_t *si, void *ucontext)
{
	const greg_t *g = ((ucontext_t *)ucontext)->uc_mcontext.gregs;

	fault_seen = (struct fault){.sig = sig,
		.code = si->si_code,
		.addr = (uintptr_t)si->si_addr,
		.rip = (uintptr_t)g[REG_RIP],
		.cr2 = (uintptr_t)g[REG_CR2],
		.trapno = (long)g[REG_TRAPNO],
		.err = (long)g[REG_ERR]};
	siglongjmp(fault_env, 1);
}

void load(void *p)
{
	(void)*(volatile char *)p;
}

void store(void *p)
{
	*(volatile char *)p = 1;
}

int fault_try(void (*fn)(void *), void *arg, struct fault *f)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

	memset(f, 0, sizeof(*f));
	for (int i = 0; i < 5; i++)
		handle(sigs[i], fault_handler, SA_ONSTACK);
	if (sigsetjmp(fault_env, 1)) {
		*f = fault_seen;
		return 1;
	}
	fn(arg);
	return 0;
}

void say_fault(const char *what, void (*fn)(void *), void *arg, const void *base)
{
	struct fault f;

	if (fault_try(fn, arg, &f))
		say("%s: %s code %d at %+ld", what, sigabbrev_np(f.sig), f.code,
			(long)(f.addr - (uintptr_t)base));
	else
		say("%s: no fault", what);
}

char *pages(size_t bytes, int prot)
{
	char *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

int temp_file(size_t bytes)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/conform.XXXXXX", dir ? dir : "/tmp");
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0 || unlink(path) || ftruncate(fd, (off_t)bytes))
		die("temporary file");
	return fd;
}

void *nowhere(void)
{
	return (void *)8;
}

static sem_t noted;

static void note(union sigval v)
{
	int *count = v.sival_ptr;

	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST); /* each note has a thread of its own */
	sem_post(&noted);
}

void notes_to(struct sigevent *e, int *count)
{
	*e = (struct sigevent){.sigev_notify = SIGEV_THREAD,
		.sigev_value.sival_ptr = count,
		.sigev_notify_function = note};
}

void notes_wait(int n)
{
	while (n--)
		while (sem_wait(&noted))
			;
}

void temp_dir(char *path)
{
	const char *dir = getenv("TMPDIR");
	char made[PATH_MAX];

	snprintf(made, sizeof(made), "%s/conform.XXXXXX", dir ? dir : "/tmp");
	if (!mkdtemp(made) || !realpath(made, path))
		die("temporary folder");
}

void *block(size_t bytes)
{
	static atomic_uint turn;
	void *before = malloc(bytes), *after, *p = NULL;

	switch (turn++ % 4) {
	case 0:
		p = malloc(bytes);
		break;
	case 1:
		p = calloc(1, bytes);
		break;
	case 2:
		if (posix_memalign(&p, 64, bytes))
			p = NULL;
		break;
	default:
		p = malloc(bytes / 2 + 1);
		p = realloc(p, bytes);
	}
	after = malloc(bytes);
	if (!before || !p || !after)
		die("block");
	free(before);
	free(after);
	return memset(p, 0, bytes);
}

static void list(const char *group)
{
	for (int g = 0; g < GROUPS; g++)
		for (const struct conform_case *c = groups[g].cases; c->name; c++)
			if (c->name[0] != '.' && (!group || !strcmp(group, groups[g].name)))
				say("%s", c->name);
}

int main(int argc, char **argv)
{
	struct rlimit none = {0, 0};

	if (argc > 1 && !strcmp(argv[1], "-l")) {
		list(argv[2]);
		return 0;
	}
	if (argc < 2 || !realpath(argv[0], self)) {
		say("usage: path/to/conform NAME | -l [GROUP]");
		return 2;
	}
	setrlimit(RLIMIT_CORE, &none);
	conform_argc = argc - 1;
	conform_argv = argv + 1;
	for (int g = 0; g < GROUPS; g++)
		for (const struct conform_case *c = groups[g].cases; c->name; c++)
			if (!strcmp(c->name, argv[1])) {
				c->fn();
				return 0;
			}
	say("no such case: %s", argv[1]);
	return 2;
}
