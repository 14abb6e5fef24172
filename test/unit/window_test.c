// sources: src/dune/window.c
/* Windows: the seed layout's own numbers, spills, bounds, and threads that claim at once. */
#include "unit.h"
#include "dune/window.h"

#include <errno.h>
#include <pthread.h>

#define G GIGA_SIZE

static struct windows w;

/* The process in the notes: libraries up to 0x7f6bd289e000, stack at 0x7ffcde341000. */
static void start(void)
{
	memset(&w, 0, sizeof(w));
	CHECK_EQ(window_init(&w, 48, 0x7f6bd289e000, 0x7ffcde341000, 40 * G), 0);
}

static void seed_layout(void)
{
	start();
	CHECK_EQ(w.phys_limit, 0x8000000000);
	CHECK_EQ(w.mmap_base, 0x7f5c40000000);
	CHECK_EQ(w.mmap_base + GPA_MAP_SIZE, 0x7f6c00000000);
	CHECK_EQ(w.stack_base, 0x7ffcc0000000);
	CHECK_EQ(w.stack_base + GPA_STACK_SIZE, 0x7ffd00000000);
	CHECK_EQ(window_va_to_pa(&w, 0x400000), 0x400000);
	CHECK_EQ(window_va_to_pa(&w, 0x2001ff000), 0x2001ff000);
	CHECK_EQ(window_va_to_pa(&w, w.mmap_base), 448 * G);
	CHECK_EQ(window_va_to_pa(&w, 0x7f6bd12ac000), 0x7f6bd12ac000 - 0x7f5c40000000 + 448 * G);
	CHECK_EQ(window_va_to_pa(&w, 0x7ffcde341000), 511 * G + 0x1e341000);
	CHECK_EQ(window_mmap_addr_to_pa(&w, w.mmap_base + 5), 448 * G + 5);
	CHECK_EQ(window_stack_addr_to_pa(&w, w.stack_base + 5), 511 * G + 5);
	CHECK_EQ(window_pa_to_mmap_addr(&w, 448 * G + 5), w.mmap_base + 5);
	CHECK_EQ(window_pa_to_stack_addr(&w, 511 * G + 5), w.stack_base + 5);
	CHECK_EQ(window_pa_to_va(&w, 511 * G - 1), w.mmap_base + GPA_MAP_SIZE - 1);
	CHECK_EQ(window_pa_to_va(&w, 511 * G), w.stack_base);
	CHECK_EQ(window_pa_to_va(&w, 448 * G - 1), 448 * G - 1);
	CHECK_EQ(window_pa_to_va(&w, 512 * G), VADDR_NONE);
}

static void claims_follow_policy(void)
{
	static const vaddr_t va[] = {0x400000, 0x200000000, 0x7f5c40000000, 0x7f6bd12ac000,
		0x7f6bffffffff, 0x7ffcde341000};
	struct window win, again;

	start();
	for (size_t i = 0; i < ARRAY_LEN(va); i++) {
		paddr_t pa = window_va_to_pa(&w, va[i]);

		CHECK(!window_find(&w, va[i], &win) || i == 4);
		CHECK_EQ(window_claim(&w, va[i], &win), 0);
		CHECK_EQ(win.hva, ALIGN_DOWN(va[i], G));
		CHECK_EQ(win.gpa, ALIGN_DOWN(pa, G));
		CHECK_EQ(win.index, win.gpa >> 30);
		CHECK(window_is_classical(&w, &win));
		CHECK_EQ(win.len, G);
		CHECK_EQ(window_va_to_pa(&w, va[i]), pa);
		CHECK_EQ(window_pa_to_va(&w, pa), va[i]);
		CHECK_EQ(window_claim(&w, va[i], &again), 0);
		CHECK_EQ(again.hva, win.hva);
		CHECK_EQ(again.gpa, win.gpa);
		CHECK_EQ(again.len, win.len);
		CHECK_EQ(again.index, win.index);
		CHECK(window_at(&w, win.index, &again) && again.hva == win.hva);
	}
	CHECK_EQ(w.claimed, 5); /* 0x7f6bd... and 0x7f6bffffffff share one */
}

static void spills(void)
{
	vaddr_t pie = 0x555555554000, far = 0x2aaaaaaab000, above = 0x7f6c00000000;
	struct window a, b, c, low;

	start();
	CHECK_EQ(window_va_to_pa(&w, pie), PADDR_NONE);
	CHECK_EQ(window_claim(&w, pie, &a), 0);
	CHECK_EQ(a.gpa, 447 * G);
	CHECK_EQ(window_claim(&w, far, &b), 0);
	CHECK_EQ(b.gpa, 446 * G);
	CHECK_EQ(window_claim(&w, above, &c), 0);
	CHECK_EQ(c.gpa, 445 * G);
	CHECK_EQ(window_va_to_pa(&w, pie), 447 * G + (pie & (G - 1)));
	CHECK_EQ(window_pa_to_va(&w, 447 * G + 7), ALIGN_DOWN(pie, G) + 7);
	/* Low memory whose place was taken spills too, and both ways stay consistent. */
	CHECK_EQ(window_va_to_pa(&w, 447 * G), PADDR_NONE);
	CHECK_EQ(window_claim(&w, 447 * G + 5, &low), 0);
	CHECK_EQ(low.gpa, 444 * G);
	CHECK(!window_is_classical(&w, &a) && !window_is_classical(&w, &low));
	CHECK_EQ(window_pa_to_va(&w, 444 * G + 5), 447 * G + 5);
	CHECK_EQ(window_pa_to_va(&w, 447 * G + 5), ALIGN_DOWN(pie, G) + 5);
	CHECK_EQ(window_va_to_pa(&w, 444 * G), PADDR_NONE);
}

static void task_size(void)
{
	struct window win;

	memset(&w, 0, sizeof(w)); /* no randomisation: libraries and stack in the last window */
	CHECK_EQ(window_init(&w, 39, 0x7ffff7fff000, 0x7ffffffde000, 40 * G), 0);
	CHECK_EQ(w.stack_base, 0x7fffc0000000);
	CHECK_EQ(w.mmap_base, 0x7fffc0000000 - GPA_MAP_SIZE);
	CHECK_EQ(window_claim(&w, 0x7ffff7fff000, &win), 0);
	CHECK_EQ(win.gpa, 511 * G);
	CHECK_EQ(win.len, G - PAGE_SIZE);
	CHECK_EQ(window_claim(&w, 0x7ffffffff000, &win), -EFAULT);
	CHECK_EQ(window_claim(&w, 0xffffffffff600000, &win), -EFAULT);
	CHECK_EQ(window_va_to_pa(&w, 0x7ffffffff000), PADDR_NONE);
	CHECK_EQ(window_pa_to_va(&w, 512 * G - 1), VADDR_NONE);
	CHECK(!window_find(&w, ~0UL, &win));
}

static void odd_machines(void)
{
	struct window win;

	memset(&w, 0, sizeof(w));
	CHECK_EQ(window_init(&w, 36, 0x7f6bd289e000, 0x7ffcde341000, 40 * G), -EINVAL);
	CHECK_EQ(window_init(&w, 37, 0x7f6bd289e000, 0x7ffcde341000, 40 * G), 0);
	CHECK_EQ(w.phys_limit, 128 * G);
	CHECK_EQ(window_va_to_pa(&w, w.mmap_base), 64 * G);
	CHECK_EQ(window_claim(&w, 0x555555554000, &win), 0);
	CHECK_EQ(win.gpa, 63 * G);
	CHECK_EQ(window_init(&w, 37, 0x7f6bd289e000, 0x7ffcde341000, 65 * G), -EINVAL);
	/* Everything low down: identity simply goes on. */
	memset(&w, 0, sizeof(w));
	CHECK_EQ(window_init(&w, 39, 0x2000000000, 0x7ffcde341000, 40 * G), 0);
	CHECK_EQ(w.mmap_base, 448 * G);
	CHECK_EQ(window_va_to_pa(&w, 470 * G), 470 * G);
}

static void full(void)
{
	struct window win;
	vaddr_t va;
	unsigned n = 0;

	start();
	CHECK_EQ(window_reserve(&w, 447 * G + 5), 0);
	CHECK_EQ(window_reserve(&w, 447 * G), 0);
	CHECK(!window_at(&w, 447, &win));
	CHECK_EQ(window_pa_to_va(&w, 447 * G), VADDR_NONE);
	for (va = 0x100000000000; !window_claim(&w, va, &win); va += G)
		n++;
	/* All below 448 GB but the reserved one and the page pool's. */
	CHECK_EQ(n, 448 - 1 - 40);
	CHECK_EQ(window_claim(&w, va, &win), -ENOSPC);
	CHECK_EQ(window_reserve(&w, 446 * G), -EBUSY);
	CHECK_EQ(window_claim(&w, 0x200000000, &win), 0); /* the pool's place was kept */
	CHECK_EQ(win.gpa, 0x200000000);
	CHECK_EQ(window_claim(&w, 0x7f6bd12ac000, &win), 0);
	CHECK_EQ(window_claim(&w, 0x7ffcde341000, &win), 0);
	CHECK_EQ(win.gpa, 511 * G);
}

#define THREADS 4
#define CLAIMS	200
static paddr_t got[THREADS][CLAIMS];
static pthread_barrier_t barrier;

static void *claimer(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	struct window win;

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < CLAIMS; i++) {
		int n = (int)((i + me * 3) % CLAIMS); /* nearly the same order */
		/* Spills and the low windows they collide with. */
		vaddr_t va = n & 1 ? (447 - (vaddr_t)n / 2) * G : 0x300000000000 + (vaddr_t)n * G;

		got[me][n] = window_claim(&w, va, &win) ? PADDR_NONE : win.gpa;
	}
	return NULL;
}

static void threads_claim_at_once(void)
{
	pthread_t t[THREADS];
	struct window win;

	for (int round = 0; round < 200; round++) {
		unsigned n = 0;

		start();
		pthread_barrier_init(&barrier, NULL, THREADS);
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&t[i], NULL, claimer, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < CLAIMS; i++) {
			CHECK(got[0][i] != PADDR_NONE);
			for (int j = 1; j < THREADS; j++)
				CHECK_EQ(got[j][i], got[0][i]);
		}
		CHECK_EQ(w.claimed, CLAIMS);
		/* No index leaked, none given twice. */
		for (unsigned i = 0; i < WINDOW_GPAS; i++) {
			CHECK_EQ(window_at(&w, i, &win), w.hva_of[i] != 0);
			n += w.hva_of[i] != 0;
		}
		CHECK_EQ(n, CLAIMS);
		pthread_barrier_destroy(&barrier);
		if (unit_failed_checks)
			break;
	}
}

static uint64_t rnd_state;

static uint64_t rnd(void)
{
	rnd_state = rnd_state * 6364136223846793005UL + 1442695040888963407UL;
	return rnd_state >> 16;
}

/* An address as programs have them: low, a PIE image, libraries, the stack, far ones. */
static vaddr_t somewhere(void)
{
	static const struct {
		vaddr_t lo, span;
	} area[] = {{0, 64 * G}, {0x550000000000, 8 * G}, {0x7f5c40000000, GPA_MAP_SIZE},
		{0x7ffcc0000000, G}, {0x100000000000, 64 * G}, {0x7ffd00000000, 11 * G}};
	unsigned i = (unsigned)(rnd() % ARRAY_LEN(area));

	return area[i].lo + rnd() % area[i].span;
}

/*
 * What must hold for every processor, whatever its address width: all is below what it can address
 * and below the cap; one window has one place; the conversions are each other's inverses, before
 * and after a claim; and what the policy promised for a window is what a claim of it gives.
 */
static void width_holds(unsigned bits)
{
	paddr_t limit = 1UL << MIN(bits, WINDOW_PHYS_BITS), promised;
	struct window win, at;

	memset(&w, 0, sizeof(w));
	rnd_state = bits;
	CHECK_EQ(window_init(&w, bits, 0x7f6bd289e000, 0x7ffcde341000, 40 * G), 0);
	CHECK_EQ(w.phys_limit, limit);
	for (int i = 0; i < 4000; i++) {
		vaddr_t va = somewhere();
		int r;

		promised = window_va_to_pa(&w, va);
		if (promised != PADDR_NONE)
			CHECK_EQ(window_pa_to_va(&w, promised), va);
		r = window_claim(&w, va, &win);
		CHECK(!r || r == -ENOSPC);
		if (r)
			continue;
		CHECK(win.gpa + win.len <= limit && win.hva <= va && va - win.hva < win.len);
		CHECK_EQ(win.index, win.gpa / G);
		CHECK(window_at(&w, win.index, &at) && at.hva == win.hva);
		CHECK_EQ(window_va_to_pa(&w, va), win.gpa + (va - win.hva));
		CHECK_EQ(window_pa_to_va(&w, win.gpa + (va - win.hva)), va);
		if (promised != PADDR_NONE)
			CHECK_EQ(window_va_to_pa(&w, va), promised);
		CHECK(win.gpa >= 40 * G || win.gpa == win.hva); /* the page pool's place */
	}
	for (unsigned i = 0; i < WINDOW_GPAS; i++)
		CHECK(!w.hva_of[i] || (paddr_t)i * G < limit);
	CHECK_EQ(window_va_to_pa(&w, 0x7ffcde341000), limit - G + 0x1e341000);
	CHECK_EQ(window_va_to_pa(&w, w.mmap_base), limit - 64 * G);
	CHECK_EQ(window_pa_to_va(&w, limit), VADDR_NONE);
}

static void every_width(void)
{
	static const unsigned bits[] = {37, 38, 39, 40, 42, 43, 45, 46, 48, 51, 52, 57, 64};

	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		width_holds(bits[i]);
	for (unsigned few = 0; few < WINDOW_PHYS_LEAST; few++) {
		memset(&w, 0, sizeof(w));
		CHECK_EQ(window_init(&w, few, 0x7f6bd289e000, 0x7ffcde341000, 40 * G), -EINVAL);
	}
}

int main(void)
{
	RUN(seed_layout);
	RUN(claims_follow_policy);
	RUN(spills);
	RUN(task_size);
	RUN(odd_machines);
	RUN(full);
	RUN(every_width);
	RUN(threads_claim_at_once);
	return UNIT_END();
}
