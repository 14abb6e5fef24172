// malloc and free in signal handlers, at 1 kHz, while the program itself is inside malloc; and
// signals that end or stop it there. glibc's malloc would deadlock in a handler that interrupts
// malloc itself, so the native run takes the handler's memory from a pool made before.
// native: no
// host-only: the next malloc, glibc's, would deadlock in a handler
#include "ok.h"
#include <setjmp.h>
#include <sys/time.h>

static void *held[16];
static volatile int ticks;
static sigjmp_buf out;

static void tick(int sig)
{
	int now = __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED), i = now % 16, saved = errno;
	size_t n = now * 37 % 3000 + 1;
	char *p;

	(void)sig;
	/* Another thread may be in here too, and, where it had to wait, at the same one. */
	free(__atomic_exchange_n(&held[i], NULL, __ATOMIC_SEQ_CST));
	p = malloc(n);
	if (p)
		memset(p, i, n);
	free(__atomic_exchange_n(&held[i], p, __ATOMIC_SEQ_CST));
	errno = saved;
}

static void timer_start(int us)
{
	struct itimerval t = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

static void churn(int steps)
{
	unsigned char *p[200] = {NULL};
	uint64_t s = 7;
	int i;

	while (steps--) {
		uint32_t r = random_next(&s);

		i = r % 200;
		if (p[i])
			check(p[i][0] == (unsigned char)i);
		if (r % 5 == 0) {
			p[i] = realloc(p[i], r / 256 % 20000 + 1);
		} else {
			free(p[i]);
			p[i] = malloc(r / 256 % 600 + 1);
		}
		p[i][0] = i;
	}
	for (i = 0; i < 200; i++)
		free(p[i]);
}

static void *churn_thread(void *arg)
{
	churn((long)arg);
	return NULL;
}

static volatile char *guard;

static void fault_tick(int sig)
{
	(void)sig;
	ticks++;
	if (!sigsetjmp(out, 1))
		*guard = 1;
}

static void segv(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

int main(void)
{
	struct sigaction sa = {.sa_handler = tick, .sa_flags = SA_RESTART};
	pthread_t t[3];
	pid_t pid;
	long i;

	sigaction(SIGALRM, &sa, NULL);
	timer_start(1000);
	churn(150000);
	for (i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, churn_thread, (void *)60000);
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	check(ticks > 5);
	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid) {
			timer_start(1000);
			churn(3000);
			_exit(failures != 0);
		}
		check(wait_for(pid) == 0);
	}
	/* A fault of the program's own inside a handler that interrupted malloc. */
	guard = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	signal(SIGSEGV, segv);
	signal(SIGALRM, fault_tick);
	timer_start(1000);
	churn(100000);
	/* Ended by a signal in the middle of it. */
	for (i = 0; i < 10; i++) {
		pid = fork();
		if (!pid) {
			timer_start(0);
			for (;;)
				churn(1000);
		}
		usleep(2000 + i * 700);
		kill(pid, i % 2 ? SIGTERM : SIGKILL);
		check(WIFSIGNALED(wait_for(pid)));
	}
	timer_start(0);
	return done();
}
