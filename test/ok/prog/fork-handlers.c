// Forks by handlers of signals that come in the middle of malloc, of free and of another fork: by fork where there
// is one thread, by _Fork beside others. The blocks keep what is in them, and the children end as they should.
// Then forks beside threads whose FILEs grow their lines and are flushed, all of them at once.
// also: strict
// not-tiny: where forks meet signals that other threads send, ring 0 loses a processor now and then
#include "ok.h"

enum { BLOCKS = 300, MOST = 6000 };

static unsigned char *block[BLOCKS];
static size_t size[BLOCKS];
static pid_t (*forks)(void);
static volatile sig_atomic_t handled, bad;
static int stop, rounds;
static int *turns; /* of churn; the senders may be processes */

static void on_usr1(int sig)
{
	int was = errno;
	pid_t pid = forks();

	handled++;
	if (!pid)
		_exit(sig);
	if (pid < 0 || wait_for(pid) != sig << 8)
		bad++;
	errno = was;
}

static void fill(int i, size_t n)
{
	block[i] = malloc(n);
	size[i] = n;
	check(block[i]);
	memset(block[i], i, n);
}

static void churn(int i, size_t n)
{
	__atomic_fetch_add(turns, 1, __ATOMIC_SEQ_CST);
	check(!block[i] ||
		(block[i][0] == (unsigned char)i && block[i][size[i] - 1] == (unsigned char)i));
	free(block[i]);
	fill(i, n);
	if (n % 7 == 0) {
		pid_t pid = forks();

		if (!pid)
			_exit(block[i][0] != (unsigned char)i);
		check(wait_for(pid) == 0);
	}
}

/* Until so many signals came, wherever they came. */
static int disturbed(void)
{
	uint64_t s = 5;

	while (handled < rounds)
		churn((int)(random_next(&s) % BLOCKS), random_next(&s) % MOST + 1);
	check(!bad);
	for (int i = 0; i < BLOCKS; i++)
		free(block[i]);
	return failures;
}

/* The next signal may come when some turns were made since the last: a slow machine is not drowned. */
static int may_disturb(int *seen)
{
	int now = __atomic_load_n(turns, __ATOMIC_SEQ_CST);

	if (now - *seen < 3)
		return 0;
	*seen = now;
	return 1;
}

static int by_a_process(void)
{
	pid_t parent = getpid(), pid;
	int seen = 0;

	signal(SIGUSR1, on_usr1);
	forks = fork;
	pid = fork();
	if (!pid)
		for (;;) {
			usleep(500);
			if (may_disturb(&seen))
				kill(parent, SIGUSR1);
		}
	disturbed();
	kill(pid, SIGKILL);
	wait_for(pid);
	return failures;
}

static void *sends(void *thread)
{
	int seen = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		usleep(700);
		if (may_disturb(&seen))
			pthread_kill(*(pthread_t *)thread, SIGUSR1);
	}
	return NULL;
}

static int by_threads(void)
{
	pthread_t me = pthread_self(), t[3];

	signal(SIGUSR1, on_usr1);
	forks = _Fork;
	for (size_t i = 0; i < ARRAY_N(t); i++)
		check(!pthread_create(&t[i], NULL, sends, &me));
	disturbed();
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_N(t); i++)
		pthread_join(t[i], NULL);
	return failures;
}

static char *path;

static void *reads(void *arg)
{
	FILE *f = fopen(path, "r");

	check(f);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		char *line = NULL;
		size_t n = 0;

		rewind(f);
		check(getline(&line, &n, f) == 8001 && line[7999] == 'x');
		free(line);
	}
	fclose(f);
	return arg;
}

static void *flushes(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		check(fflush(NULL) == 0 &&
			usleep(100) == 0); /* fork waits for the list of FILEs, too */
	return arg;
}

static int beside_files(void)
{
	char name[] = "/tmp/fork-handlers.XXXXXX";
	FILE *f = fdopen(mkstemp(name), "w");
	pthread_t t[4];

	for (int i = 0; i < 8000; i++)
		putc('x', f);
	putc('\n', f);
	fclose(f);
	path = name;
	for (size_t i = 0; i < ARRAY_N(t); i++)
		check(!pthread_create(&t[i], NULL, i ? reads : flushes, NULL));
	for (int i = 0; i < rounds / 2; i++) {
		pid_t pid = fork();

		if (!pid)
			_exit(17);
		check(wait_for(pid) == 17 << 8);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_N(t); i++)
		pthread_join(t[i], NULL);
	unlink(name);
	return failures;
}

int main(void)
{
	const char *much = getenv("SIZE");

	turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rounds = much && !strcmp(much, "full") ? 3000 : much && !strcmp(much, "tiny") ? 60 : 100;
	in_child("by a process", by_a_process);
	in_child("by threads", by_threads);
	in_child("beside FILEs", beside_files);
	return done();
}
