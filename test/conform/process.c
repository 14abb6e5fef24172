/* process.c - conformance: fork, vfork, spawn, waiting, sessions, orphans, what children inherit. */
#include <sched.h>
#include <spawn.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "conform.h"

static int pipe_fd[2];

static void leave(void *status)
{
	_exit((int)(long)status);
}

static void proc_fork(void)
{
	for (long i = 0; i < 5; i++)
		say_wait("child", child_start(leave, (void *)(i * 60)));
	int v = 1;
	pid_t p = fork();

	if (p == 0) {
		v = 2;
		_exit(v);
	}
	say_wait("own copy", p);
	say("%d", v);
}

static void chain(void *depth)
{
	long d = (long)depth;

	if (d) {
		int status;

		waitpid(child_start(chain, (void *)(d - 1)), &status, 0);
		_exit(WEXITSTATUS(status) + 1);
	}
}

static void proc_chain(void)
{
	say_wait("eight deep", child_start(chain, (void *)8));
}

static void proc_many(void)
{
	int sum = 0, status;

	for (long i = 0; i < 50; i++)
		child_start(leave, (void *)i);
	for (int i = 0; i < 50; i++) {
		must(wait(&status) > 0);
		sum += WEXITSTATUS(status);
	}
	say("sum %d", sum);
	say("none left %s", result(wait(&status)));
}

static void proc_vfork(void)
{
	volatile int v = 1;
	pid_t p = vfork();

	if (p == 0) {
		v = 2;
		_exit(6);
	}
	say_wait("vfork", p);
	say("shared %d", v);
	for (volatile int i = 0; i < 20; i++) {
		p = vfork();
		if (p == 0) {
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		int status;

		must(waitpid(p, &status, 0) == p && status == 0);
	}
	p = vfork();
	if (p == 0) {
		execl("/nonexistent", "x", NULL);
		_exit(errno);
	}
	say_wait("no such program", p);
}

static void proc_spawn(void)
{
	extern char **environ;
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t s;
	pid_t p;
	char buf[64] = "";

	must(!pipe(pipe_fd));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, pipe_fd[1], 1);
	posix_spawn_file_actions_addclose(&fa, pipe_fd[0]);
	posix_spawnattr_init(&at);
	sigfillset(&s);
	posix_spawnattr_setsigdefault(&at, &s);
	sigemptyset(&s);
	posix_spawnattr_setsigmask(&at, &s);
	posix_spawnattr_setflags(
		&at, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	char **argv = block(3 * sizeof(*argv));

	argv[0] = strcpy(block(5), "echo");
	argv[1] = strcpy(block(8), "spawned");
	say("spawn %d", posix_spawnp(&p, "echo", &fa, &at, argv, environ));
	say_wait("echo", p);
	must(read(pipe_fd[0], buf, sizeof(buf) - 1) > 0);
	say("it said %s", strtok(buf, "\n"));
	say("missing %d", posix_spawn(&p, "/nonexistent", NULL, NULL, argv, environ));
}

static void proc_shell(void)
{
	char line[64] = "";

	say_status("system", system("exit 9"));
	say_status("killed", system("kill -TERM $$"));
	FILE *f = popen("echo one; echo two; exit 3", "r");

	while (fgets(line, sizeof(line), f))
		say("popen: %s", strtok(line, "\n"));
	say_status("pclose", pclose(f));
	f = popen("tr a-z A-Z", "w");
	fputs("to a filter\n", f);
	say_status("pclose", pclose(f));
}

static void proc_wait(void)
{
	struct rusage ru;
	siginfo_t si;
	int status;
	pid_t p = child_start(leave, (void *)33);

	must(!waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT));
	say("waitid signo %d code %d status %d pid %d", si.si_signo, si.si_code, si.si_status,
		si.si_pid == p);
	must(wait4(p, &status, 0, &ru) == p);
	say("status %d, usage sane %d", WEXITSTATUS(status),
		ru.ru_maxrss > 0 && ru.ru_utime.tv_sec < 100 && ru.ru_minflt > 0);
	say("again %s", result(waitpid(p, &status, 0)));
	must(!pipe(pipe_fd));
	p = fork();
	if (p == 0) {
		char c;

		_exit(read(pipe_fd[0], &c, 1) == 1);
	}
	say("not yet %d", waitpid(p, &status, WNOHANG));
	must(write(pipe_fd[1], "x", 1) == 1);
	say_wait("then", p);
	say("stranger %s", result(waitpid(1, &status, 0)));
}

static void proc_pipeline(void)
{
	int a[2], b[2];
	static char buf[65536];

	must(!pipe(a) && !pipe(b));
	pid_t p = fork();

	if (p == 0) {
		ssize_t n;

		close(a[1]);
		close(b[0]);
		while ((n = read(a[0], buf, 5000)) > 0) {
			for (ssize_t i = 0; i < n; i++)
				buf[i] ^= 0x20;
			must(write(b[1], buf, (size_t)n) == n);
		}
		_exit(0);
	}
	close(a[0]);
	close(b[1]);
	pid_t q = fork();

	if (q == 0) {
		memset(buf, 'a', sizeof(buf));
		for (int i = 0; i < 16; i++)
			must(write(a[1], buf, sizeof(buf)) == sizeof(buf));
		_exit(0);
	}
	close(a[1]);
	long total = 0, good = 0;
	ssize_t n;

	while ((n = read(b[0], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++, total++)
			good += buf[i] == 'A';
	say_wait("filter", p);
	say_wait("source", q);
	say("%ld of %ld", good, total);
}

static void proc_orphan(void)
{
	int status;

	must(!prctl(PR_SET_CHILD_SUBREAPER, 1) && !pipe(pipe_fd));
	pid_t me = getpid(), p = fork();

	if (p == 0) {
		if (fork() == 0) {
			char c;

			close(pipe_fd[1]);
			must(read(pipe_fd[0], &c, 1) == 0);
			_exit(getppid() == me ? 21 : 22);
		}
		_exit(1);
	}
	say_wait("parent", p);
	close(pipe_fd[1]);
	must(wait(&status) > 0);
	say_status("orphan, adopted", status);
}

static void proc_pdeath(void)
{
	char c = 0;

	must(!pipe(pipe_fd));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t p = fork();

	if (p == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			must(write(pipe_fd[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		must(read(pipe_fd[0], &c, 1) == 1);
		_exit(parent == getpid() ? 2 : 3);
	}
	say_wait("parent", p);
	int status;

	must(wait(&status) > 0);
	say_status("child", status);
}

static void session(void *unused)
{
	say("setsid %d", setsid() == getpid());
	say("sid %d pgrp %d again %s", getsid(0) == getpid(), getpgrp() == getpid(),
		result(setsid()));
	pid_t p = fork();

	if (p == 0) {
		say("child in session %d group %d", getsid(0) == getppid(), getpgrp() == getppid());
		say("own group %d", setpgid(0, 0) == 0 && getpgrp() == getpid());
		_exit(0);
	}
	say_wait("grandchild", p);
}

static void wait_to_die(void *unused)
{
	must(write(pipe_fd[1], "r", 1) == 1);
	for (;;)
		pause();
}

static void proc_groups(void)
{
	char c;

	signal(SIGINT, SIG_DFL); /* a shell's background jobs ignore it */
	say_wait("session", child_start(session, NULL));
	must(!pipe(pipe_fd));
	pid_t a = child_start(wait_to_die, NULL), b = child_start(wait_to_die, NULL);

	must(!setpgid(a, a) && !setpgid(b, a));
	must(read(pipe_fd[0], &c, 1) == 1 && read(pipe_fd[0], &c, 1) == 1);
	say("killpg %d", killpg(a, SIGINT));
	say_wait("a", a);
	say_wait("b", b);
}

static void inherited(void *unused)
{
	char name[16] = "", dir[64] = "";
	mode_t m = umask(0);
	struct rlimit r;

	prctl(PR_GET_NAME, name);
	must(getcwd(dir, sizeof(dir)));
	getrlimit(RLIMIT_NOFILE, &r);
	say("umask %o name %s dir %s nice %d files %d dumpable %d", m, name, dir,
		getpriority(PRIO_PROCESS, 0), (int)r.rlim_cur, prctl(PR_GET_DUMPABLE));
}

static void proc_inherit(void)
{
	umask(027);
	prctl(PR_SET_NAME, "a-name");
	must(!chdir("/proc"));
	must(setpriority(PRIO_PROCESS, 0, 5) == 0);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){77, 777});
	say_wait("child", child_start(inherited, NULL));
	say_wait("again", child_start(inherited, NULL));
}

static void at_exit_a(void)
{
	say("first registered");
}

static void at_exit_b(void)
{
	say("second registered");
}

static void exits(void *how)
{
	atexit(at_exit_a);
	atexit(at_exit_b);
	if ((long)how == 0)
		exit(3);
	if ((long)how == 1)
		_exit(4);
	if ((long)how == 2)
		quick_exit(5);
	syscall(SYS_exit, 6);
}

static void proc_exits(void)
{
	for (long how = 0; how < 4; how++)
		say_wait("exit", child_start(exits, (void *)how));
	say_wait("more than a byte", child_start(leave, (void *)0x1234));
}

static void proc_ids(void)
{
	struct utsname u;
	pid_t p, me = getpid();

	say("getppid %d", getppid() > 0);
	p = fork();
	if (p == 0) {
		say("parent %d, self differs %d, raw agrees %d", getppid() == me, getpid() != me,
			syscall(SYS_getpid) == getpid());
		_exit(0);
	}
	say_wait("child", p);
	say("pid returned to parent %d", p > 0 && p != me);
	say("uids %d %d", getuid() == geteuid(), getgid() == getegid());
	say("uname %d %s", uname(&u), u.sysname);
	say("no such call %s", result(syscall(999)));
	say("personality %d", personality(0xffffffff) & 0xff);
}

static void daemon_like(void)
{
	must(!pipe(pipe_fd));
	pid_t p = fork();
	char buf[32] = "";

	if (p == 0) {
		close(pipe_fd[0]);
		must(!daemon(1, 1));
		must(write(pipe_fd[1], "from the daemon", 15) == 15);
		_exit(0);
	}
	close(pipe_fd[1]);
	say_wait("starter", p);
	must(read(pipe_fd[0], buf, sizeof(buf)) == 15);
	say("%s", buf);
}

const struct conform_case process_cases[] = {
	{"proc_fork", proc_fork},
	{"proc_chain", proc_chain},
	{"proc_many", proc_many},
	{"proc_vfork", proc_vfork},
	{"proc_spawn", proc_spawn},
	{"proc_shell", proc_shell},
	{"proc_wait", proc_wait},
	{"proc_pipeline", proc_pipeline},
	{"proc_orphan", proc_orphan},
	{"proc_pdeath", proc_pdeath},
	{"proc_groups", proc_groups},
	{"proc_inherit", proc_inherit},
	{"proc_exits", proc_exits},
	{"proc_ids", proc_ids},
	{"proc_daemon", daemon_like},
	{NULL, NULL},
};
