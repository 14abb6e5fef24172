/*
 * cfrac.c - factors numbers with heap-allocated big integers: the pattern of the classic cfrac
 * benchmark (short-lived blocks of 8-64 bytes, last in first out), written anew.
 * Usage: cfrac ROUNDS
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct big { /* little-endian limbs, no leading zero limb */
	unsigned n;
	uint32_t limb[];
};

static struct big *big_new(unsigned n)
{
	struct big *b = malloc(sizeof(*b) + n * sizeof(b->limb[0]));

	if (!b)
		abort();
	b->n = n;
	memset(b->limb, 0, n * sizeof(b->limb[0]));
	return b;
}

static struct big *big_trim(struct big *b)
{
	while (b->n > 1 && !b->limb[b->n - 1])
		b->n--;
	return b;
}

static struct big *big_from(uint64_t v)
{
	struct big *b = big_new(2);

	b->limb[0] = (uint32_t)v;
	b->limb[1] = (uint32_t)(v >> 32);
	return big_trim(b);
}

static struct big *big_mul(const struct big *x, const struct big *y)
{
	struct big *r = big_new(x->n + y->n);

	for (unsigned i = 0; i < x->n; i++) {
		uint64_t carry = 0;

		for (unsigned j = 0; j < y->n; j++) {
			carry += r->limb[i + j] + (uint64_t)x->limb[i] * y->limb[j];
			r->limb[i + j] = (uint32_t)carry;
			carry >>= 32;
		}
		r->limb[i + y->n] = (uint32_t)carry;
	}
	return big_trim(r);
}

static struct big *big_add_small(const struct big *x, uint32_t v)
{
	struct big *r = big_new(x->n + 1);
	uint64_t carry = v;

	for (unsigned i = 0; i < x->n; i++) {
		carry += x->limb[i];
		r->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	r->limb[x->n] = (uint32_t)carry;
	return big_trim(r);
}

static uint64_t big_mod(const struct big *x, uint64_t m)
{
	unsigned __int128 rem = 0;

	for (unsigned i = x->n; i-- > 0;)
		rem = ((rem << 32) | x->limb[i]) % m;
	return (uint64_t)rem;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b;
		b = t;
	}
	return a;
}

/* Pollard's rho, each step a few fresh big integers. */
static uint64_t factor(uint64_t n, uint32_t c)
{
	uint64_t x = 2, y = 2, d = 1;

	while (d == 1) {
		for (int k = 0; k < 3; k++) {
			uint64_t *v = k ? &y : &x;
			struct big *a = big_from(*v);
			struct big *sq = big_mul(a, a);
			struct big *s = big_add_small(sq, c);

			*v = big_mod(s, n);
			free(a);
			free(sq);
			free(s);
		}
		d = gcd(x > y ? x - y : y - x, n);
		if (d == n)
			return 0;
	}
	return d;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	uint64_t sum = 0;

	for (int i = 0; i < rounds; i++) {
		uint64_t n = 4294967291ULL * 4294967279ULL; /* the two largest 32-bit primes */
		uint64_t d = 0;

		for (uint32_t c = 1 + (unsigned)i; !d; c += 7)
			d = factor(n, c);
		sum += d;
	}
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
