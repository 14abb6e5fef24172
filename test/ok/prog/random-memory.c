// 10,000 random system calls on whole pages of blocks (protections, advices, locks, other
// mappings), blocks made and freed between them, and forks whose children go on in the same way:
// every result, what can be read and written, and every byte are as without us. After MADV_FREE a
// page has its old bytes or none. Every line names the seed: `random-memory SEED` does it again.
// timeout: 120
// not-tiny: minutes in an emulator
#include "ok.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdbool.h>

#define PAGE	4096UL
#define BLOCKS	36
#define STEPS	10000
#define SMALL	64
#define PAGES	400
#define LARGEST (100UL << 10) /* that a child makes: it may have holes where the kernel maps */

struct block {
	char *p;
	size_t size;
	char *first; /* whole page of it */
	unsigned n;
	struct {
		char *old; /* after MADV_FREE: the bytes that may still be there */
		bool touched, shared;
	} page[PAGES];
};

static struct block block[BLOCKS];
static struct {
	unsigned char *p;
	size_t size;
	unsigned char byte;
} small[SMALL];
static uint64_t seed, hash = 14695981039346656037UL;
static unsigned long begun_with = 1;
static int depth;
static sigjmp_buf back;

static uint32_t draw(uint32_t n)
{
	return random_next(&seed) % n;
}

static void note(uint64_t x)
{
	hash = (hash ^ x) * 1099511628211UL;
}

static void on_fault(int sig)
{
	siglongjmp(back, sig);
}

static void fill(char *p, size_t n, uint32_t with)
{
	for (size_t i = 0; i + 4 <= n; i += 4)
		memcpy(p + i, &(uint32_t){with + i}, 4);
}

static bool is_zero(const char *p)
{
	static const char zero[PAGE];

	return !memcmp(p, zero, PAGE);
}

/* What is to be seen of page i, by loads and stores. */
static void look(struct block *b, unsigned i)
{
	volatile char *p = b->first + i * PAGE;
	volatile int can = 0;

	if (sigsetjmp(back, 1)) {
		note(can);
		return;
	}
	(void)*p;
	can = 1;
	if (!b->page[i].old)
		for (unsigned k = 0; k < PAGE; k += 8)
			note(*(volatile uint64_t *)(p + k));
	else
		check(is_zero((char *)p) || !memcmp((char *)p, b->page[i].old, PAGE));
	can = 2;
	p[PAGE - 1] = p[PAGE - 1];
	can = 3;
	note(can);
}

static void look_all(void)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		for (unsigned k = 0; k < block[i].n; k++)
			look(&block[i], k);
	for (unsigned i = 0; i < SMALL; i++)
		for (size_t k = 0; k < small[i].size; k++)
			check(small[i].p[k] == small[i].byte);
}

static void forget_old(struct block *b, unsigned i, unsigned n)
{
	for (; n--; i++) {
		free(b->page[i].old);
		b->page[i].old = NULL;
	}
}

static void replaced(struct block *b, unsigned i, unsigned n, bool shared)
{
	forget_old(b, i, n);
	for (; n--; i++)
		b->page[i].shared = shared;
}

static int anonymous(char *at, size_t n, int flags)
{
	char *p = mmap(at, n, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0);

	return p == at ? 0 : -1;
}

/* Who frees a block leaves its pages as they came. */
static void as_it_was(struct block *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		char *p = b->first + i * PAGE;

		if (!b->page[i].touched)
			continue;
		munlock(p, PAGE);
		check(anonymous(p, PAGE, MAP_PRIVATE) == 0);
		replaced(b, i, 1, false);
		b->page[i].touched = false;
	}
}

static void block_free(struct block *b)
{
	as_it_was(b);
	free(b->p);
	b->p = NULL;
	b->n = 0;
}

static void block_make(struct block *b)
{
	static const size_t sizes[] = {1, 1, 2, 3, 5, 8, 17, 24, 60, 75, 300, PAGES};
	unsigned n = sizes[draw(ARRAY_N(sizes) - (depth ? 3 : draw(8) ? 2 : 0))];
	uint32_t with = draw(1U << 30);

	b->size = n * PAGE + draw(PAGE);
	if (n <= 4 || draw(3)) {
		b->size = n * PAGE;
		b->p = aligned_alloc(PAGE, b->size);
		b->first = b->p;
		b->n = n;
	} else {
		b->p = malloc(b->size);
		b->first = (char *)(((uintptr_t)b->p + PAGE - 1) & ~(PAGE - 1));
		b->n = n - 1;
	}
	check(b->p && b->n <= PAGES);
	fill(b->p, b->size, 0);
	fill(b->first, b->n * PAGE, with);
}

static void small_again(unsigned i)
{
	free(small[i].p);
	small[i].size = 1 + draw(2000);
	small[i].byte = draw(256);
	small[i].p = malloc(small[i].size);
	check(small[i].p != NULL);
	memset(small[i].p, small[i].byte, small[i].size);
}

static void advise(struct block *b, unsigned i, unsigned n)
{
	static const int advices[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_FREE,
		MADV_FREE, MADV_WIPEONFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTFORK,
		MADV_DONTFORK, MADV_DOFORK, MADV_DOFORK, MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_REMOVE, MADV_WILLNEED, MADV_RANDOM, 22, 23,
		102, 103};
	int advice = advices[draw(ARRAY_N(advices))], r;
	char *p = b->first + i * PAGE, *old[PAGES] = {0};

	if (advice == MADV_FREE) {
		if (sigsetjmp(back, 1))
			return;
		for (unsigned k = 0; k < n; k++) {
			if (b->page[i + k].old || b->page[i + k].shared)
				continue;
			old[k] = malloc(PAGE);
			memcpy(old[k], p + k * PAGE, PAGE);
		}
	}
	errno = 0;
	r = madvise(p, n * PAGE, advice);
	note(advice);
	note(r);
	note(errno);
	for (unsigned k = 0; k < n; k++)
		if (old[k])
			b->page[i + k].old = old[k];
	if (advice == MADV_DONTNEED && !r)
		forget_old(b, i, n);
}

static void protect(char *p, size_t n)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};

	note(mprotect(p, n, prots[draw(ARRAY_N(prots))]));
}

static void lock(char *p, size_t n)
{
	errno = 0;
	note(draw(2) ? mlock(p, n) : munlock(p, n));
	note(errno);
}

/* Out of the block, and back. */
static void move(char *p, size_t n)
{
	char *away;

	if (depth)
		return;
	away = mremap(p, n, n, MREMAP_MAYMOVE);
	note(away != MAP_FAILED);
	if (away == MAP_FAILED)
		return;
	if (away != p)
		check(mremap(away, n, n, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
}

static void store(struct block *b, unsigned i, unsigned n)
{
	uint32_t with = draw(1U << 30);

	if (!sigsetjmp(back, 1))
		for (; n--; i++) {
			fill(b->first + i * PAGE, PAGE, with + i);
			forget_old(b, i, 1);
		}
	else
		note(77);
}

static void on_pages(struct block *b)
{
	unsigned i = draw(b->n), n = 1 + draw(draw(4) ? 2 : 20);
	uint32_t what = draw(20);
	char *p = b->first + i * PAGE;
	bool shared;

	if (n > b->n - i)
		n = b->n - i;
	for (unsigned k = i; k < i + n; k++)
		b->page[k].touched |= what > 4;
	if (what < 5) {
		store(b, i, n);
	} else if (what < 9) {
		protect(p, n * PAGE);
	} else if (what < 16) {
		advise(b, i, n);
	} else if (what == 16) {
		lock(p, n * PAGE);
	} else if (what == 17) {
		shared = !draw(4);
		check(anonymous(p, n * PAGE, shared ? MAP_SHARED : MAP_PRIVATE) == 0);
		replaced(b, i, n, shared);
	} else if (what == 18) {
		check(munmap(p, n * PAGE) == 0 && anonymous(p, n * PAGE, MAP_PRIVATE) == 0);
		replaced(b, i, n, false);
	} else {
		move(p, n * PAGE);
	}
	for (unsigned k = i; k < i + n; k++)
		look(b, k);
}

static void step(void);

static void child(void)
{
	pid_t pid = fork();
	uint64_t told = hash;

	if (!pid) {
		depth++;
		look_all();
		for (unsigned i = draw(30); i--;)
			step();
		look_all();
		say("seed %lu: %*schild %016lx", begun_with, 2 * depth, "", (unsigned long)hash);
		_exit(failures != 0);
	}
	check(pid > 0 && wait_for(pid) == 0);
	for (unsigned i = 0; i < 30; i++)
		draw(2);
	look_all(); /* what it did to memory of its own is not to be seen */
	note(told);
}

static void step(void)
{
	struct block *b = &block[draw(BLOCKS)];
	uint32_t what = draw(100);

	if (what == 0 && depth < 3 && !draw(2)) {
		child();
	} else if (what < 8) {
		small_again(draw(SMALL));
	} else if (what < 15 && !(depth && b->size > LARGEST)) {
		block_free(b);
		block_make(b);
	} else {
		on_pages(b);
	}
}

int main(int argc, char **argv)
{
	struct sigaction a = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};

	if (argc > 1)
		begun_with = strtoul(argv[1], NULL, 0);
	seed = begun_with;
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGBUS, &a, NULL);
	for (unsigned i = 0; i < SMALL; i++)
		small_again(i);
	for (unsigned i = 0; i < BLOCKS; i++)
		block_make(&block[i]);
	for (unsigned i = 1; i <= STEPS; i++) {
		step();
		if (i % 250 == 0) {
			look_all();
			say("seed %lu: %u steps %016lx", begun_with, i, (unsigned long)hash);
		}
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		block_free(&block[i]);
	return done();
}
