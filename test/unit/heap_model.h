// sources: src/rows/class.c src/base/sizes.c src/rows/chunk.c src/rows/trim.c src/rows/row.c src/base/meta.c
// sources: src/base/lock.c src/base/panic.c src/base/out.c
// flags: -DUD_DEBUG
/*
 * heap_model.h - what the heap is held against: a host that only counts chunks, and a bit for
 * every 16 bytes of memory that says whose they are. Included once, by a test of the heap.
 */
#ifndef HEAP_MODEL_H
#define HEAP_MODEL_H

#include "rows/heap.h"
#include "host/host.h"
#include "unit.h"

static uint8_t chunk_out[1024]; /* what the model of the host handed out */
static unsigned chunks_out, chunk_limit = ARRAY_LEN(chunk_out), made_huge;

/* A bit per 16 bytes of memory: not zero any more; belongs to a claim now. */
static uint64_t written[ARRAY_LEN(chunk_out)][CHUNK_PAGES][4];
static uint64_t owned[ARRAY_LEN(chunk_out)][CHUNK_PAGES][4];

int host_chunk_take(uint32_t n, uint32_t *id)
{
	for (*id = 0; *id + n <= chunk_limit; *id += n) {
		bool out = false;

		for (uint32_t i = 0; i < n; i++)
			out |= chunk_out[*id + i];
		if (out)
			continue;
		memset(&chunk_out[*id], 1, n);
		chunks_out += n;
		return 0;
	}
	return -12;
}

void host_chunk_give(uint32_t id)
{
	CHECK_EQ(chunk_out[id], 1);
	chunk_out[id] = 0;
	chunks_out--;
	memset(written[id], 0, sizeof(written[id]));
}

static unsigned huge_fails; /* so many times */

bool host_chunk_huge(uint32_t id)
{
	CHECK_EQ(chunk_out[id] & 1, 1);
	made_huge++;
	return !huge_fails || !huge_fails--;
}

void host_chunk_trim(uint32_t id, unsigned first, unsigned pages)
{
	CHECK_EQ(chunk_out[id], 1);
	CHECK(pages && first + pages <= CHUNK_PAGES);
	memset(written[id][first], 0, pages * sizeof(written[id][0]));
}

static unsigned long seed = 88172645463325252UL;

static unsigned long rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* A taken unit belongs to nobody else until it is given back. */
struct claim {
	struct row *row;
	uint64_t mask[EXTENT_PAGES_MAX / 64];
};

static unsigned bits(const uint64_t *mask)
{
	unsigned n = 0;

	for (unsigned w = 0; w < EXTENT_PAGES_MAX / 64; w++)
		n += (unsigned)__builtin_popcountl(mask[w]);
	return n;
}

/* Of n granules from `at` on in memory: those in the word that has `at`, and how many. */
static uint64_t granules(uint32_t at, uint32_t n, uint32_t *done)
{
	*done = MIN(n, 64 - at % 64);
	return ~0UL >> (64 - *done) << (at % 64);
}

static size_t claimed; /* bytes */

/*
 * Who takes a claim writes all of it: nobody else's, and zero before if that was said. Who gives
 * units back does not own them any more.
 */
static void claim_mark(const struct row *r, const uint64_t *mask, bool take, bool zeroed)
{
	const struct extent *e = r->ext;
	const struct geom *g = e->geom;
	uint32_t left, done;

	for (uint32_t u = 0; u < e->units; u++) {
		uint32_t page = e->first + u * g->unit_pages;
		uint32_t chunk = e->chunk + page / CHUNK_PAGES;
		uint32_t at = page % CHUNK_PAGES * 256 + geom_band_at(g, r->place, u) / 16;

		for (left = mask[u / 64] >> (u % 64) & 1 ? g->band / 16 : 0; left; left -= done) {
			uint64_t m = granules(at, left, &done);
			uint64_t *own = &owned[chunk][at / 256][at / 64 % 4];
			uint64_t *is = &written[chunk][at / 256][at / 64 % 4];

			CHECK_EQ(*own & m, take ? 0 : m);
			CHECK(!zeroed || !(*is & m));
			*own ^= m;
			*is |= m;
			claimed += (take ? 16UL : -16UL) * done;
			at += done;
		}
	}
}

static void claim_check(struct claim *all, unsigned n, const struct claim *c)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned w = 0; w < ARRAY_LEN(c->mask) && all[i].row == c->row; w++)
			CHECK_EQ(all[i].mask[w] & c->mask[w], 0);
}

static void give_some(struct class *c, struct claim *k)
{
	uint64_t back[ARRAY_LEN(k->mask)] = {0}, rest = 0;
	struct row *r = k->row;

	for (unsigned w = 0; w < row_words(r->ext); w++) {
		back[w] = k->mask[w] & (rnd() % 4 ? ~0UL : rnd());
		k->mask[w] &= ~back[w];
		rest |= k->mask[w];
	}
	claim_mark(r, back, false, false);
	heap_row_give(c, r, back);
	if (!rest)
		k->row = NULL;
}

static void give_all(struct class *c, struct claim *k)
{
	while (k->row)
		give_some(c, k);
}

static struct claim claim_take(struct class *c, uint32_t most)
{
	struct claim n = {0};
	uint32_t there;
	bool zeroed;

	n.row = heap_row_take(c, most, n.mask, &zeroed, &there);
	CHECK(n.row);
	CHECK(bits(n.mask) && bits(n.mask) <= most);
	claim_mark(n.row, n.mask, true, zeroed);
	return n;
}

/* Of one class after the other, all kinds of claims; in the end nearly all went back. */
static void rows_come_and_go(void)
{
	enum { CLAIMS = 300 };
	static struct claim claim[CLAIMS];
	size_t before = heap_used_bytes() - claimed;

	for (unsigned cls = 0; cls < heap_class_count(); cls += 5) {
		struct class *c = &heap_class[cls];

		for (int i = 0; i < 20000; i++) {
			struct claim *k = &claim[rnd() % CLAIMS], n;

			if (k->row) {
				give_some(c, k);
				continue;
			}
			n = claim_take(
				c, rnd() % 2 ? EXTENT_PAGES_MAX : 1 + (uint32_t)(rnd() % 70));
			claim_check(claim, CLAIMS, &n);
			CHECK_EQ(heap_used_bytes(), before + claimed);
			*k = n;
		}
		for (unsigned i = 0; i < CLAIMS; i++)
			give_all(c, &claim[i]);
		/* Nothing is in use: nearly everything went back. */
		CHECK(c->bytes <= 2 * HUGE_SIZE);
	}
	CHECK_EQ(heap_bytes(), (size_t)chunks_out << HUGE_SHIFT);
	heap_trim();
	CHECK_EQ(heap_bytes(), (size_t)chunks_out << HUGE_SHIFT);
}

#endif
