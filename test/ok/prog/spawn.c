// New programs: vfork, posix_spawn with actions and attributes, system, popen, exec with a changed
// environment, from threads as well; what the child sees must be what it would see without us.
// not-tiny: each process makes a virtual machine of its own there, half a second in an emulator: 65
// s
#include "ok.h"
#include <spawn.h>
#include <sys/syscall.h>

extern char **environ;

static int vfork_exec(void)
{
	char *args[] = {"sh", "-c", "exit 21", NULL};
	char *live = strdup("the parent's"), *p;
	pid_t pid = vfork();

	if (!pid) {
		p = malloc(50); /* not allowed, but done by programs, as in the parent */
		free(p);
		execv("/bin/sh", args);
		_exit(9);
	}
	say_end("vfork", wait_for(pid));
	check(!strcmp(live, "the parent's"));
	free(live);
	pid = vfork();
	if (!pid) {
		execv("/does/not/exist", args);
		_exit(errno == ENOENT ? 22 : 9);
	}
	say_end("vfork failing", wait_for(pid));
	return 0;
}

static void spawn_all(void)
{
	char *args[] = {"sh", "-c", "read x; echo got $x; exit 5", NULL};
	char *bad[] = {"x", NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int in[2], i;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		check(pipe(in) == 0);
		posix_spawn_file_actions_init(&fa);
		posix_spawn_file_actions_adddup2(&fa, in[0], 0);
		posix_spawn_file_actions_addclose(&fa, in[1]);
		posix_spawnattr_init(&at);
		posix_spawnattr_setflags(&at, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
		check(posix_spawnp(&pid, "sh", &fa, &at, args, environ) == 0);
		dprintf(in[1], "line%d\n", i);
		close(in[0]);
		close(in[1]);
		say_end("spawn", wait_for(pid));
		posix_spawn_file_actions_destroy(&fa);
		posix_spawnattr_destroy(&at);
	}
	say("spawn of nothing: %s", strerror(posix_spawn(&pid, "/nope", NULL, NULL, bad, environ)));
}

static void *in_thread(void *arg)
{
	char line[64], answer[64] = "";
	FILE *f;
	int i;

	for (i = 0; i < 15; i++) {
		snprintf(line, sizeof(line), "echo $((%ld * %d))", (long)arg, i);
		f = popen(line, "r");
		check(f && fgets(answer, sizeof(answer), f));
		check(atoi(answer) == (long)arg * i);
		check(pclose(f) == 0);
		check(WEXITSTATUS(system("exit 3")) == 3);
	}
	return NULL;
}

static int exec_environment(void)
{
	char *args[] = {"sh", "-c", "env | grep -c '^A='; echo $0 $#", "name", NULL};
	char *env[] = {"A=1", "PATH=/usr/bin:/bin", NULL};

	execve("/bin/sh", args, env);
	return 9;
}

static int exec_cleared(void)
{
	clearenv();
	setenv("PATH", "/usr/bin:/bin", 1);
	execlp("sh", "sh", "-c", "echo cleared; exit 2", (char *)NULL);
	return 9;
}

static int exec_in_thread_program(void)
{
	pthread_t t;

	pthread_create(&t, NULL, in_thread, (void *)1);
	usleep(3000);
	execl("/bin/sh", "sh", "-c", "echo alone; exit 1", (char *)NULL);
	return 9;
}

static int fexec(void)
{
	char *args[] = {"sh", "-c", "echo by descriptor", NULL};
	int fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);

	fexecve(fd, args, environ);
	return 9;
}

static int raw_clone_vm(void)
{
	/* What Go, Rust and CPython do: vfork by the raw system call with file actions. */
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (!pid) {
		syscall(SYS_close, 0);
		syscall(SYS_exit_group, 12);
	}
	say_end("raw clone", wait_for(pid));
	return 0;
}

int main(void)
{
	pthread_t t[4];
	long i;

	vfork_exec();
	spawn_all();
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, in_thread, (void *)i);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	in_child("environment", exec_environment);
	in_child("cleared", exec_cleared);
	in_child("threaded exec", exec_in_thread_program);
	in_child("fexecve", fexec);
	raw_clone_vm();
	return done();
}
