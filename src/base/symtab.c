/* symtab.c - see symtab.h. app context. */
#include "symtab.h"

#include <link.h>
#include <string.h>

/* What was loaded at start stays, in the order in which names are looked up; later ones stand behind it. */
static const struct link_map *first, *last;

extern const Elf64_Dyn own[] __asm__("_DYNAMIC") __attribute__((visibility("hidden")));

struct symtab symtab_of(uintptr_t base, const Elf64_Dyn *d)
{
	struct symtab s = {.base = base};

	for (; d && d->d_tag != DT_NULL; d++) {
		/* ld.so has made addresses of them, but in the vDSO. */
		const void *at = vaddr_ptr(d->d_un.d_ptr + (d->d_un.d_ptr < base ? base : 0));

		if (d->d_tag == DT_SYMTAB)
			s.sym = at;
		else if (d->d_tag == DT_STRTAB)
			s.str = at;
		else if (d->d_tag == DT_GNU_HASH)
			s.hash = at;
		else if (d->d_tag == DT_HASH)
			s.plain = at;
		else if (d->d_tag == DT_VERSYM)
			s.versym = at;
	}
	return s;
}

static bool defines(const struct symtab *s, uint32_t i, const char *name)
{
	const Elf64_Sym *y = &s->sym[i];
	bool old = s->versym && s->versym[i] & 0x8000; /* only for who asks for that version */

	return y->st_shndx != SHN_UNDEF && !old && !strcmp(s->str + y->st_name, name);
}

/* Source: the table that ld --hash-style=gnu writes: four words, Bloom filter, buckets, chains. */
static uint32_t find_by_hash(const struct symtab *s, const char *name)
{
	uint32_t h = 5381, nbuckets = s->hash[0], first_hashed = s->hash[1], i;
	const uint32_t *buckets = s->hash + 4 + 2 * s->hash[2], *chain = buckets + nbuckets;

	if (!nbuckets)
		return 0;
	for (const char *c = name; *c; c++)
		h = h * 33 + (unsigned char)*c;
	i = buckets[h % nbuckets];
	if (i < first_hashed)
		return 0;
	for (;; i++) {
		uint32_t its = chain[i - first_hashed];

		if ((its | 1) == (h | 1) && defines(s, i, name))
			return i;
		if (its & 1)
			return 0;
	}
}

/* The table of --hash-style=sysv says how many there are. */
static uint32_t find_by_look(const struct symtab *s, const char *name)
{
	for (uint32_t i = 1; i < s->plain[1]; i++)
		if (defines(s, i, name))
			return i;
	return 0;
}

void *symtab_find(const struct symtab *s, const char *name, size_t bytes)
{
	const Elf64_Sym *y;
	uint32_t i = 0;
	vaddr_t at;

	if (s->sym && s->str)
		i = s->hash ? find_by_hash(s, name) : s->plain ? find_by_look(s, name) : 0;
	y = i ? &s->sym[i] : NULL;
	if (!y || y->st_size < bytes)
		return NULL;
	at = s->base + y->st_value;
	return ELF64_ST_TYPE(y->st_info) == STT_GNU_IFUNC ? ((void *(*)(void))at)() : vaddr_ptr(at);
}

void symtab_start(void)
{
	const struct link_map *m = _r_debug.r_map, *behind = NULL;

	for (; m; last = m, m = m->l_next)
		if (m->l_ld == own)
			behind = m->l_next;
	first = behind;
}

void *symtab_next(const char *name)
{
	if (unlikely(!first)) /* asked before the constructor */
		symtab_start();
	for (const struct link_map *m = first; m; m = m == last ? NULL : m->l_next) {
		struct symtab s = symtab_of(m->l_addr, m->l_ld);
		void *p = symtab_find(&s, name, 0);

		if (p)
			return p;
	}
	return NULL;
}
