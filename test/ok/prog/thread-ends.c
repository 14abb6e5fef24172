// What a thread held goes back when it ends, whatever its destructors still do; and many threads
// that did little leave little to a fork.
// native: no
// host-only: counts what the host maps
#include "ok.h"

static pthread_key_t key;
static __thread void *volatile block; /* else the compiler leaves malloc and free out */

static void still_busy(void *p)
{
	static __thread int rounds;

	free(block = malloc(50));
	free(p);
	if (rounds++ < 3)
		pthread_setspecific(key, malloc(20));
}

static void *little(void *arg)
{
	pthread_setspecific(key, malloc(10));
	for (int i = 0; i < 100; i++)
		free(block = malloc((size_t)i * 10));
	return NULL;
}

static void *waits(void *arg)
{
	void *p[16];

	for (int i = 0; i < 16; i++)
		p[i] = malloc((size_t)(i + 1) * 100);
	pthread_barrier_wait(arg);
	for (int i = 0; i < 16; i++)
		free(p[i]);
	return NULL;
}

/* Of memory that blocks may be in. */
static int mappings(void)
{
	char line[1000];
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, " rw") != NULL;
	if (f)
		fclose(f);
	return n;
}

/* What a fork has to make again. */
static int mappings_of_child(void)
{
	int *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();

	if (!pid) {
		*n = mappings();
		_exit(0);
	}
	check(wait_for(pid) == 0);
	return *n;
}

static void many_at_once(int n)
{
	pthread_barrier_t all;
	pthread_t t[n];

	pthread_barrier_init(&all, NULL, n);
	for (int i = 0; i < n; i++)
		check(!pthread_create(&t[i], NULL, waits, &all));
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

int main(void)
{
	pthread_t t[10];
	int first = mappings_of_child(), before = 0, after;

	pthread_key_create(&key, still_busy);
	for (int round = 0; round < 150; round++) {
		if (round == 50)
			before = mappings();
		for (int i = 0; i < 10; i++)
			check(!pthread_create(&t[i], NULL, little, NULL));
		for (int i = 0; i < 10; i++)
			pthread_join(t[i], NULL);
	}
	after = mappings();
	if (after > before + 200) {
		say("1000 threads: %d mappings, then %d", before, after);
		check(!"what they held went back");
	}
	many_at_once(300);
	after = mappings_of_child();
	if (after > first + 300) {
		say("mappings in a child: %d at first, then %d", first, after);
		check(!"a fork costs what it did");
	}
	return done();
}
