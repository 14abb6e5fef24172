// sources: src/base/poison.c src/base/extable.c
/* The filling: every byte of it is looked at, and what cannot be written or read is left. */
#include "unit.h"
#include "base/extable.h"
#include "base/late.h"
#include "base/mode.h"
#include "base/poison.h"

#include <sys/mman.h>
#include <ucontext.h>

struct mode mode;
static vaddr_t told, value;

void late_note(enum late_what what, vaddr_t at, uint64_t is)
{
	CHECK_EQ(what, LATE_WRITE);
	told = at;
	value = is;
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	greg_t *regs = ((ucontext_t *)uc)->uc_mcontext.gregs;
	uintptr_t ip = (uintptr_t)regs[REG_RIP];

	if (!extable_find(&ip))
		abort();
	regs[REG_RIP] = (greg_t)ip;
}

static char *pages; /* three, and the program's own bytes are 0x55 */

static void fresh(void)
{
	mprotect(pages, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE);
	memset(pages, 0x55, 3 * PAGE_SIZE);
	poison_broken = false;
}

/* Looks at a block; where was it written to? 0: nowhere. */
static vaddr_t looked(const char *p, size_t size)
{
	struct differs d;

	told = 0;
	if (poison_differs(vaddr_of(p), size, &d))
		poison_note(&d);
	return told;
}

static const size_t sizes[] = {16, 32, 48, 64, 80, 112, 128, 144, 320, 4096, 5120, 8192};

static void each_word_is_filled(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = pages + 48;
		size_t n = MIN(sizes[i], POISON_MOST);
		vaddr_t at;

		fresh();
		poison_fill(vaddr_of(p), sizes[i]);
		for (size_t k = 0; k < n; k += 8) {
			CHECK(poison_read(*(uint64_t *)(p + k), &at));
			CHECK_EQ(at, vaddr_of(p + k));
		}
		CHECK_EQ(p[-1], 0x55);
		CHECK_EQ(p[n], 0x55);
		CHECK_EQ(looked(p, sizes[i]), 0);
	}
}

static void each_byte_is_looked_at(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = pages + 48;

		fresh();
		poison_fill(vaddr_of(p), sizes[i]);
		for (size_t k = 0; k < MIN(sizes[i], POISON_MOST); k++) {
			p[k] ^= 1;
			CHECK_EQ(looked(p, sizes[i]), vaddr_of(p + k));
			CHECK_EQ(value, *(uint64_t *)(p + k / 8 * 8));
			p[k] ^= 1;
		}
	}
}

/* Of eight slots, side by side and with room between them. */
static void one_of_many_is_seen(void)
{
	for (size_t step = 48; step <= 64; step += 16) {
		vaddr_t at[8];

		fresh();
		for (size_t i = 0; i < ARRAY_LEN(at); i++) {
			at[i] = vaddr_of(pages + i * step);
			poison_fill(at[i], 48);
		}
		CHECK(poison_whole(at, ARRAY_LEN(at), 48));
		for (size_t i = 0; i < ARRAY_LEN(at); i++) {
			pages[i * step + 47] ^= 1;
			CHECK(!poison_whole(at, ARRAY_LEN(at), 48));
			CHECK(poison_whole(at, (unsigned)i, 48));
			pages[i * step + 47] ^= 1;
		}
		mprotect(pages, PAGE_SIZE, PROT_NONE);
		CHECK(!poison_whole(at, ARRAY_LEN(at), 48));
	}
}

/* From its second page on a block is the program's own: what can be read is looked at. */
static void what_cannot_be_read_is_left(void)
{
	for (size_t before = 16; before <= 160; before += 16) {
		char *p = pages + PAGE_SIZE - before;

		fresh();
		poison_fill(vaddr_of(p), 320);
		mprotect(pages + PAGE_SIZE, PAGE_SIZE, PROT_NONE);
		CHECK_EQ(looked(p, 320), 0);
		p[before - 1] ^= 1;
		CHECK_EQ(looked(p, 320), vaddr_of(p + before - 1));
		CHECK(!poison_broken);
	}
}

static void what_cannot_be_written_is_left(void)
{
	char *p = pages + PAGE_SIZE - 32;

	fresh();
	mprotect(pages + PAGE_SIZE, PAGE_SIZE, PROT_READ);
	poison_fill(vaddr_of(p), 320);
	CHECK(poison_broken);
	CHECK_EQ(p[32], 0x55);
	CHECK_EQ(looked(p, 320), 0); /* nothing is told any more */
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	pages = mmap(
		NULL, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	RUN(each_word_is_filled);
	RUN(each_byte_is_looked_at);
	RUN(one_of_many_is_seen);
	RUN(what_cannot_be_read_is_left);
	RUN(what_cannot_be_written_is_left);
	return UNIT_END();
}
