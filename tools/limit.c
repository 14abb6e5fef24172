/*
 * limit.c - limit [-t FILE] SECONDS COMMAND...: runs the command in a session of its own. When it has had SECONDS of
 * processor time, whatever is left of the session and of the command's descendants is described on stderr, killed, and
 * the status is 124; else it is the command's, and what it leaves behind in the session is killed. What sleeps for ever
 * has six times as long asleep: at looks that found no thread of it ready to run. So a hang is ended, a healthy run on
 * a busy machine is not, however little that lets it have.
 *
 * FILE is told both times at each look. In the QEMU machine no clock tells how busy its host is: there they are those
 * of the whole machine, in the file that its host's limit writes ($UNDANGLE_VM_CLOCK, test/vm/lib.sh).
 *
 * In C, for the machine starts it a thousand times: a shell takes as long to start as all that is done here.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVERY = 2, PATIENCE = 6, PROCESSES = 1 << 16, LINES = 6 };

struct process {
	pid_t pid, parent;
	long ticks; /* with those of the children that it has waited for */
	bool ours;
};

struct spent {
	long now, asleep; /* seconds */
};

static pid_t leader;
static struct process all[PROCESSES];
static size_t nall;
static const char *told;

/* What stands behind the name in a file stat (which may have blanks in it); false if the process has gone. */
static bool stat_read(const char *path, char *state, long field[14])
{
	char text[1024], *p;
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %c%n", state, &(int){0}) != 1)
		return false;
	p += 3;
	for (int i = 0; i < 14; i++)
		field[i] = strtol(p, &p, 10);
	return true;
}

/* The session, and everything below its leader, whoever has left the session too. */
static void tree_find(void)
{
	DIR *d = opendir("/proc");
	char path[300], state;
	long field[14];
	bool more = true;

	nall = 0;
	for (struct dirent *e; d && (e = readdir(d)) && nall < PROCESSES;) {
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !stat_read(path, &state, field))
			continue;
		pid_t pid = atoi(e->d_name);

		all[nall++] = (struct process){pid, (pid_t)field[0],
			field[10] + field[11] + field[12] + field[13],
			leader && field[2] == leader};
	}
	if (d)
		closedir(d);
	while (more) {
		more = false;
		for (size_t i = 0; i < nall; i++)
			for (size_t j = 0; j < nall && !all[i].ours; j++)
				if (all[j].ours && all[j].pid == all[i].parent)
					more = all[i].ours = true;
	}
}

/* Calls for each thread of the tree, until one says that it is enough: then true. */
static bool threads_each(bool (*each)(const char *thread))
{
	char path[300];
	bool enough = false;

	for (size_t i = 0; i < nall && !enough; i++) {
		if (!all[i].ours)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task", (int)all[i].pid);
		DIR *d = opendir(path);

		for (struct dirent *e; d && !enough && (e = readdir(d));) {
			snprintf(
				path, sizeof(path), "/proc/%d/task/%s", (int)all[i].pid, e->d_name);
			enough = e->d_name[0] != '.' && each(path);
		}
		if (d)
			closedir(d);
	}
	return enough;
}

static bool is_ready(const char *thread)
{
	char path[330], state;
	long field[14];

	snprintf(path, sizeof(path), "%s/stat", thread);
	return stat_read(path, &state, field) && state == 'R';
}

static void spent(struct spent *s)
{
	const char *clock = getenv("UNDANGLE_VM_CLOCK");
	FILE *f = clock && *clock ? fopen(clock, "re") : NULL;
	struct spent read;
	long ticks = 0;
	char new[300];
	int got = 0;

	if (f) {
		got = fscanf(f, "%ld %ld", &read.now, &read.asleep);
		fclose(f);
	}
	if (got == 2) {
		*s = read;
		return;
	}
	tree_find();
	for (size_t i = 0; i < nall; i++)
		ticks += all[i].ours ? all[i].ticks : 0;
	s->now = ticks / sysconf(_SC_CLK_TCK);
	if (!threads_each(is_ready))
		s->asleep += EVERY;
	if (!told)
		return;
	snprintf(new, sizeof(new), "%s.new", told);
	f = fopen(new, "we");
	if (!f)
		return;
	fprintf(f, "%ld %ld\n", s->now, s->asleep);
	if (!fclose(f))
		rename(new, told); /* in one step: it is read at any time */
}

/* The first lines of a thread's file. */
static void lines_show(const char *thread, const char *name, int lines)
{
	char path[330], line[120];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", thread, name);
	f = fopen(path, "re");
	for (int i = 0; f && i < lines && fgets(line, sizeof(line), f); i++)
		fprintf(stderr, "  %s %.*s\n", i ? "" : name, (int)strcspn(line, "\n"), line);
	if (f)
		fclose(f);
}

static bool describe(const char *thread)
{
	char path[330], state = '?', text[100] = "";
	long field[14];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/stat", thread);
	stat_read(path, &state, field);
	snprintf(path, sizeof(path), "%s/cmdline", thread);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text), f);
		fclose(f);
	}
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	fprintf(stderr, "-- %s %c %.*s\n", thread + sizeof("/proc"), state, (int)n, text);
	lines_show(thread, "syscall", 1);
	lines_show(thread, "stack", LINES);
	return false;
}

/* Twice, if there was anything: what was just being born. */
static void end(void)
{
	bool any = true;

	for (int i = 0; i < 2 && any; i++) {
		any = false;
		tree_find();
		for (size_t k = 0; k < nall; k++)
			if (all[k].ours)
				any |= !kill(all[k].pid, SIGKILL);
	}
}

static void begin(char **command, const sigset_t *before)
{
	leader = fork();
	if (leader)
		return;
	setsid();
	sigprocmask(SIG_SETMASK, before, NULL);
	execvp(*command, command);
	fprintf(stderr, "limit: %s: %s\n", *command, strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

int main(int argc, char **argv)
{
	struct timespec start, look = {EVERY, 0}, stop;
	struct spent ran = {0, 0}, now = {0, 0};
	sigset_t set, before;
	int sig, status;
	long limit;

	if (argc > 2 && !strcmp(argv[1], "-t")) {
		told = argv[2];
		argv += 2;
		argc -= 2;
	}
	limit = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	if (limit <= 0) {
		fprintf(stderr, "limit [-t FILE] SECONDS COMMAND...\n");
		return 125;
	}
	if (getenv("UNDANGLE_VM_CLOCK"))
		spent(&now); /* that clock did not begin with the command */
	ran = now;
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP},
		NULL);
	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		sigaddset(&set, (int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP}[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
	clock_gettime(CLOCK_MONOTONIC, &start);
	begin(argv + 2, &before);
	for (;;) {
		sig = sigtimedwait(&set, NULL, &look);
		if (leader < 0 || (sig > 0 && sig != SIGCHLD)) {
			end();
			return 130;
		}
		if (waitpid(leader, &status, WNOHANG) == leader) {
			end();
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		}
		spent(&now);
		if (now.now >= ran.now + limit || now.asleep - ran.asleep >= limit * PATIENCE)
			break;
	}
	clock_gettime(CLOCK_MONOTONIC, &stop);
	fprintf(stderr, "limit: threads when the time was up:\n");
	tree_find();
	threads_each(describe);
	fprintf(stderr,
		"limit: killed after %ld s of processor time and %ld s asleep, %ld s in all\n",
		now.now - ran.now, now.asleep - ran.asleep, (long)(stop.tv_sec - start.tv_sec));
	end();
	return 124;
}
