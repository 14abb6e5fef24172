/* symtab.c - see symtab.h. app context. */
#include "symtab.h"

#include <string.h>

/* Their addresses, whatever their types. */
#define FAMILY(name, ours) extern char family_##name[] __asm__(#ours);
#include "family.def"
#undef FAMILY

const struct family family[] = {
#define FAMILY(name, ours) {#name, family_##name},
#include "family.def"
#undef FAMILY
};
const size_t family_n = ARRAY_LEN(family);

void *family_find(const char *name)
{
	for (size_t i = 0; i < family_n; i++)
		if (!strcmp(family[i].name, name))
			return family[i].ours;
	return NULL;
}

struct symtab symtab_of(uintptr_t base, const Elf64_Dyn *d)
{
	struct symtab s = {.base = base};

	for (; d && d->d_tag != DT_NULL; d++) {
		/* ld.so has made addresses of them. */
		if (d->d_tag == DT_SYMTAB)
			s.sym = (const Elf64_Sym *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			s.str = (const char *)d->d_un.d_ptr;
		else if (d->d_tag == DT_GNU_HASH)
			s.hash = (const uint32_t *)d->d_un.d_ptr;
	}
	return s;
}

/* Source: the table that ld --hash-style=gnu writes: four words, Bloom filter, buckets, chains. */
void *symtab_find(const struct symtab *s, const char *name, size_t bytes)
{
	uint32_t h = 5381, nbuckets, first, i;
	const uint32_t *buckets, *chain;

	if (!s->sym || !s->str || !s->hash || !s->hash[0])
		return NULL;
	for (const char *c = name; *c; c++)
		h = h * 33 + (unsigned char)*c;
	nbuckets = s->hash[0];
	first = s->hash[1];
	buckets = s->hash + 4 + 2 * s->hash[2];
	chain = buckets + nbuckets;
	i = buckets[h % nbuckets];
	if (i < first)
		return NULL;
	for (;; i++) {
		const Elf64_Sym *y = &s->sym[i];

		if ((chain[i - first] | 1) == (h | 1) && y->st_shndx != SHN_UNDEF &&
			!strcmp(s->str + y->st_name, name))
			return y->st_size < bytes ? NULL : (void *)(s->base + y->st_value);
		if (chain[i - first] & 1)
			return NULL;
	}
}
