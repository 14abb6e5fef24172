// Threads: 64 live ones that allocate for each other, storms of short ones, detached ones,
// cancelled ones, thread-specific data whose destructors allocate, exit with threads running.
// not-tiny: 75 s in an emulator, most of it for 64 threads that allocate for each other on two
// processors
// also: strict
#include "ok.h"

static pthread_barrier_t all;
static void *mailbox[64];
static pthread_key_t key;
static int destroyed;

static void *live(void *arg)
{
	long i = (long)arg, n;
	char *p;

	pthread_barrier_wait(&all);
	for (n = 0; n < 300; n++) {
		p = malloc(n + i);
		memset(p, i, n + i);
		p = __atomic_exchange_n(&mailbox[(i + n) % 64], p, __ATOMIC_ACQ_REL);
		free(p);
	}
	pthread_barrier_wait(&all);
	return malloc(i + 1);
}

static void sixty_four(void)
{
	pthread_t t[64];
	void *ret;
	long i;

	pthread_barrier_init(&all, NULL, 64);
	for (i = 0; i < 64; i++)
		check(pthread_create(&t[i], NULL, live, (void *)i) == 0);
	for (i = 0; i < 64; i++) {
		pthread_join(t[i], &ret);
		free(ret);
		free(mailbox[i]);
	}
}

static void *brief(void *arg)
{
	char *p = malloc(100 + (long)arg % 3000), *q = malloc(50);

	strcpy(q, "from a thread that is gone");
	free(p);
	return q;
}

static void storm(void)
{
	pthread_t t[20];
	void *q;
	long round, i;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 20; i++)
			check(pthread_create(&t[i], NULL, brief, (void *)(i * round)) == 0);
		for (i = 0; i < 20; i++) {
			pthread_join(t[i], &q);
			check(!strcmp(q, "from a thread that is gone"));
			free(q);
		}
	}
}

static void *detached(void *arg)
{
	free(arg);
	free(malloc(1000));
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void detach(void)
{
	pthread_attr_t a;
	pthread_t t;
	int i;

	destroyed = 0;
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, 65536);
	for (i = 0; i < 200; i++)
		while (pthread_create(&t, &a, detached, malloc(i)) == EAGAIN)
			usleep(1000);
	while (__atomic_load_n(&destroyed, __ATOMIC_SEQ_CST) < 200)
		usleep(1000);
}

static void destroy(void *p)
{
	static __thread int rounds;

	free(p);
	if (rounds++ < 2)
		pthread_setspecific(key, malloc(300));
	else
		__atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

static void *with_key(void *arg)
{
	pthread_setspecific(key, malloc(100));
	return arg;
}

static void keys(void)
{
	pthread_t t[30];
	int i;

	destroyed = 0;
	pthread_key_create(&key, destroy);
	for (i = 0; i < 30; i++)
		pthread_create(&t[i], NULL, with_key, NULL);
	for (i = 0; i < 30; i++)
		pthread_join(t[i], NULL);
	check(destroyed == 30);
}

static void *endless(void *arg)
{
	uint64_t s = (long)arg;
	char *p[50] = {NULL};

	for (;;) {
		uint32_t r = random_next(&s);

		free(p[r % 50]);
		p[r % 50] = malloc(r / 50 % 2000);
		if (r % 64 == 0)
			pthread_testcancel();
	}
	return NULL;
}

static void cancelled(void)
{
	pthread_t t[8];
	void *ret;
	long i;

	for (i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, endless, (void *)i);
	usleep(20000);
	for (i = 0; i < 8; i++)
		pthread_cancel(t[i]);
	for (i = 0; i < 8; i++) {
		pthread_join(t[i], &ret);
		check(ret == PTHREAD_CANCELED);
	}
}

static int exit_while_running(void)
{
	pthread_t t;
	long i;

	for (i = 0; i < 8; i++)
		pthread_create(&t, NULL, endless, (void *)i);
	usleep(5000);
	exit(6);
}

static void *exit_main_first(void *arg)
{
	usleep(10000);
	free(arg);
	exit(8);
}

static int main_exits_first(void)
{
	pthread_t t;

	pthread_create(&t, NULL, exit_main_first, malloc(100));
	pthread_exit(NULL);
}

int main(void)
{
	sixty_four();
	storm();
	detach();
	keys();
	cancelled();
	in_child("exit while running", exit_while_running);
	in_child("main exits first", main_exits_first);
	return done();
}
