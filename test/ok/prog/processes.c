// timeout: 90
// fork in all its uses: 200 children at once, chains, from threads, while another thread is inside
// malloc, with live data on both sides; atfork handlers that allocate; daemon; setuid.
// not-tiny: each process makes a virtual machine of its own there, half a second in an emulator: 90
// s for 200 of them
#include "ok.h"
#include <malloc.h>
#include <sys/prctl.h>

static char *data[1000];

static void data_make(void)
{
	int i;

	for (i = 0; i < 1000; i++) {
		data[i] = malloc(i * 37 % 6000 + 1);
		memset(data[i], i, i * 37 % 6000 + 1);
	}
}

static int data_intact(void)
{
	int i, j;

	for (i = 0; i < 1000; i++)
		for (j = 0; j <= i * 37 % 6000; j++)
			if (data[i][j] != (char)i)
				return 0;
	return 1;
}

static int child_work(int i)
{
	int j;

	if (!data_intact())
		return 1;
	for (j = i % 7; j < 1000; j += 7) {
		free(data[j]);
		data[j] = malloc(500);
		memset(data[j], i, 500);
	}
	for (j = i % 7; j < 1000; j += 7)
		if (data[j][0] != (char)i || data[j][499] != (char)i)
			return 2;
	return 0;
}

static void bomb(void)
{
	pid_t pid[200];
	int i, st;

	for (i = 0; i < 200; i++) {
		pid[i] = fork();
		if (!pid[i])
			_exit(child_work(i));
		check(pid[i] > 0);
	}
	for (i = 0; i < 200; i++) {
		st = wait_for(pid[i]);
		if (st)
			say_end("child of the bomb", st);
		check(st == 0);
	}
	check(data_intact());
}

/* Each generation changes something and forks the next: ten deep. */
static int chain(int depth)
{
	char *mine = malloc(1000 * depth + 1);
	pid_t pid;
	int st;

	memset(mine, depth, 1000 * depth + 1);
	if (depth == 0)
		return 0;
	pid = fork();
	if (!pid)
		_exit(chain(depth - 1));
	st = wait_for(pid);
	return st || mine[1000 * depth] != depth || mine[0] != depth;
}

static volatile int stop;

static void *busy(void *arg)
{
	uint64_t s = (long)arg;
	char *p[100] = {NULL};
	int i;

	while (!stop) {
		uint32_t r = random_next(&s);

		i = r % 100;
		if (p[i] && p[i][0] != (char)i)
			check(!"another thread's data changed");
		if (r % 3 == 0) {
			p[i] = realloc(p[i], r / 128 % 9000 + 1);
		} else {
			free(p[i]);
			p[i] = malloc(r / 128 % 900 + 1);
		}
		p[i][0] = i;
	}
	for (i = 0; i < 100; i++)
		free(p[i]);
	return NULL;
}

static void *forker(void *arg)
{
	int i, st;

	for (i = 0; i < 25; i++) {
		pid_t pid = fork();

		if (!pid) {
			char *p = malloc(i * 1000 + 10);

			memset(p, 1, i * 1000 + 10);
			free(p);
			_exit(data_intact() ? 0 : 5);
		}
		st = wait_for(pid);
		if (st)
			say_end("child of a thread", st);
		check(st == 0);
	}
	return arg;
}

static void fork_while_busy(void)
{
	pthread_t b[3], f[2];
	long i;

	stop = 0;
	for (i = 0; i < 3; i++)
		pthread_create(&b[i], NULL, busy, (void *)i);
	for (i = 0; i < 2; i++)
		pthread_create(&f[i], NULL, forker, NULL);
	for (i = 0; i < 2; i++)
		pthread_join(f[i], NULL);
	stop = 1;
	for (i = 0; i < 3; i++)
		pthread_join(b[i], NULL);
	check(data_intact());
	/* What waits to die grew with what waits to die. */
	check(mallinfo2().arena < 1UL << 28);
}

static char *fork_note[3];

static void before(void)
{
	fork_note[0] = strdup("before");
}

static void parent(void)
{
	fork_note[1] = strdup("parent");
	free(fork_note[0]);
}

static void child(void)
{
	fork_note[2] = strdup("child");
	free(fork_note[0]);
}

static int atfork(void)
{
	pid_t pid;
	int st;

	pthread_atfork(before, parent, child);
	pid = fork();
	if (!pid)
		_exit(strcmp(fork_note[2], "child") || fork_note[1]);
	st = wait_for(pid);
	return st || strcmp(fork_note[1], "parent") || fork_note[2];
}

static void *child_thread(void *arg)
{
	free(arg);
	return malloc(77);
}

static int threads_in_child(void)
{
	pthread_t t[10];
	void *p;
	int i;

	for (i = 0; i < 10; i++)
		pthread_create(&t[i], NULL, child_thread, malloc(i * 100));
	for (i = 0; i < 10; i++) {
		pthread_join(t[i], &p);
		free(p);
	}
	return data_intact() ? 0 : 1;
}

static int daemonise(void)
{
	int fds[2];
	char c = 0;
	pid_t pid;

	if (pipe(fds))
		return 9;
	pid = fork();
	if (!pid) {
		if (daemon(0, 0))
			_exit(9);
		c = data_intact() ? 'g' : 'b';
		free(malloc(1000));
		if (write(fds[1], &c, 1) != 1)
			_exit(8);
		_exit(0);
	}
	wait_for(pid);
	close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		return 7;
	return c == 'g' ? 0 : 6;
}

static int setuid_after(void)
{
	char *p = malloc(100);

	if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
		return 9;
	free(p);
	p = malloc(5000000);
	memset(p, 1, 5000000);
	free(p);
	return !data_intact();
}

static int orphan_pipe(void)
{
	FILE *f = popen("cat | tr a-z A-Z; exit 4", "w");
	int st;

	fprintf(f, "through popen\n");
	st = pclose(f);
	return WEXITSTATUS(st);
}

int main(void)
{
	crowd();
	data_make();
	bomb();
	check(chain(10) == 0);
	fork_while_busy();
	in_child("atfork", atfork);
	in_child("threads in child", threads_in_child);
	in_child("daemon", daemonise);
	in_child("setuid", setuid_after);
	in_child("popen", orphan_pipe);
	check(data_intact());
	return done();
}
