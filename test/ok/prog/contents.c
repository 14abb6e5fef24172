// Every live block keeps its bytes: random allocation, realloc and free, locally and by other
// threads; in the end everything is freed.
// also: strict
#include "ok.h"

#define SLOTS	4000
#define THREADS 6

struct block {
	unsigned char *p;
	size_t n;
	unsigned char seed;
};

static struct {
	pthread_mutex_t lock;
	struct block b[64];
} exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};
static int steps = 60000;

static size_t size_of(uint32_t r)
{
	switch (r % 16) {
	case 0:
		return r / 16 % 20000;
	case 1:
		return r / 16 % 5 == 0 ? r / 16 % 700000 : r / 16 % 3000;
	default:
		return r / 16 % 300;
	}
}

static void fill(struct block *b, uint32_t r)
{
	size_t i;

	b->seed = r;
	for (i = 0; i<b->n; i += b->n> 4096 ? 509 : 1)
		b->p[i] = b->seed + i;
	if (b->n)
		b->p[b->n - 1] = b->seed;
}

static int intact(const struct block *b, size_t upto)
{
	size_t i;

	for (i = 0; i + 1 < upto; i += b->n > 4096 ? 509 : 1)
		if (b->p[i] != (unsigned char)(b->seed + i) && i != b->n - 1)
			return 0;
	return b->n == 0 || upto < b->n || b->p[b->n - 1] == b->seed;
}

static void step(struct block *b, uint32_t r, uint32_t r2)
{
	size_t n = size_of(r2);

	if (!b->p) {
		b->n = n;
		b->p = r % 8 == 0 ? calloc(1, n) : r % 8 == 1 ? aligned_alloc(64, n) : malloc(n);
		check(b->p);
		fill(b, r);
	} else if (r % 8 == 2) {
		check(intact(b, b->n));
		b->p = realloc(b->p, n + 1);
		check(b->p);
		if (n + 1 < b->n)
			check(intact(b, n + 1));
		else
			check(intact(b, b->n));
		b->n = n + 1;
		fill(b, r);
	} else {
		check(intact(b, b->n));
		free(b->p);
		b->p = NULL;
	}
}

static void *worker(void *arg)
{
	struct block *slot = calloc(SLOTS, sizeof(*slot)), t;
	uint64_t s = (long)arg * 977 + 5;
	int i;

	for (i = 0; i < steps; i++) {
		uint32_t r = random_next(&s), r2 = random_next(&s), at = random_next(&s) % SLOTS;

		step(&slot[at], r, r2);
		if (r % 32 == 31) {
			pthread_mutex_lock(&exchange.lock);
			t = exchange.b[r2 % 64];
			exchange.b[r2 % 64] = slot[at];
			slot[at] = t;
			pthread_mutex_unlock(&exchange.lock);
			check(!t.p || intact(&t, t.n));
		}
	}
	for (i = 0; i < SLOTS; i++) {
		if (slot[i].p)
			check(intact(&slot[i], slot[i].n));
		free(slot[i].p);
	}
	free(slot);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];
	const char *size = getenv("SIZE");
	long i;

	(void)argc;
	(void)argv;
	if (size && !strcmp(size, "tiny"))
		steps = 2000;
	if (size && !strcmp(size, "full"))
		steps = 2000000;
	worker((void *)99);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, (void *)i);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < 64; i++)
		free(exchange.b[i].p);
	return done();
}
