/*
 * otherlibc.c - see otherlibc.h. app context.
 *
 * What dlmopen opens has a libc of its own, and so a heap of its own; blocks cross over, and glibc
 * bears that. Nothing that is preloaded gets there. So when the program first asks for a symbol
 * there, the functions of that libc's family begin with a jump to ours: whoever calls them, by
 * whatever name, now and later, has our heap. Its _Fork too, for a child must have its heap.
 *
 * What that libc handed out before (to constructors), or one of LD_AUDIT, is none of our blocks:
 * its free does nothing, and realloc copies. What breaks it: a libc whose blocks do not have their
 * size before them, as glibc's have.
 *
 * And the keys that see a thread's end: a thread that it makes would leave what it hands out from behind.
 */
#include "otherlibc.h"
#include "names.h"
#include "trace/trace.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <unistd.h>

/* jmp *0(%rip), and where to */
struct jump {
	uint8_t op[6];
	void *to;
} __attribute__((packed));

static struct lock join_lock = LOCK(START);

static struct symtab symtab_of_map(const struct link_map *m)
{
	return symtab_of(m->l_addr, m->l_ld);
}

/* The libc among the modules of a namespace. */
static const struct link_map *libc_among(const struct link_map *m)
{
	while (m && m->l_prev)
		m = m->l_prev;
	for (; m; m = m->l_next) {
		struct symtab s = symtab_of_map(m);

		if (symtab_find(&s, "__libc_start_main", 0) && symtab_find(&s, "malloc", 0))
			return m;
	}
	return NULL;
}

/* False: it is so already. Others may be at work in the same page: it stays executable. */
static bool overwrite(const struct symtab *s, const char *name, void *to)
{
	struct jump *at = symtab_find(s, name, sizeof(*at));
	const struct jump j = {{0xff, 0x25}, to};
	vaddr_t lo = vaddr_of(at) & PAGE_MASK;
	vaddr_t hi = ALIGN_UP(vaddr_of(at) + sizeof(*at), PAGE_SIZE);

	if (!at || !__builtin_memcmp(at, &j, sizeof(j)) ||
		sys_mprotect(lo, hi - lo, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return false;
	at->to = j.to;
	__builtin_memcpy(at->op, j.op, sizeof(j.op));
	sys_mprotect(lo, hi - lo, PROT_READ | PROT_EXEC);
	return true;
}

static void join_ends(const struct symtab *s)
{
	int (*create)(pthread_key_t *, void (*)(void *));
	int (*drop)(pthread_key_t);

	*(void **)&create = symtab_find(s, "pthread_key_create", 0);
	*(void **)&drop = symtab_find(s, "pthread_key_delete", 0);
	if (create && drop)
		threadend_join(create, drop);
}

static void join(const struct link_map *m)
{
	struct symtab s = symtab_of_map(m);
	bool fresh = false;

	/* Threads that it makes, our libc does not count. */
	__libc_single_threaded = 0;
	for (size_t i = 0; i < family_n; i++)
		fresh |= overwrite(&s, family[i].name, family[i].ours);
	overwrite(&s, "_Fork", (void *)_Fork);
	if (fresh)
		join_ends(&s);
}

void otherlibc_join(void *handle)
{
	const struct link_map *m = NULL;
	struct lock_section s;
	Lmid_t space;

	if (dlinfo(handle, RTLD_DI_LMID, &space) || space == LM_ID_BASE ||
		dlinfo(handle, RTLD_DI_LINKMAP, &m))
		return;
	m = libc_among(m);
	if (!m)
		return;
	lock_section_enter(&s);
	lock_take(&join_lock);
	join(m);
	lock_drop(&join_lock);
	lock_section_leave(&s);
}

/* glibc 2.35's: the namespaces in a row; before, the base one only. */
struct spaces {
	struct r_debug r;
	const struct spaces *next;
};

static bool is_alone(void)
{
	const struct spaces *s = (const struct spaces *)(const void *)&_r_debug;

	__asm__("" : "+r"(s)); /* it is declared without what version 2 adds */
	if (s->r.r_version < 2)
		return true;
	for (s = s->next; s; s = s->next)
		if (libc_among(s->r.r_map))
			return false;
	return true;
}

/* A chunk of glibc's, by the words before it: what the one before has, and its size with flags. */
static bool is_chunk(const size_t *p, size_t *size)
{
	size_t has = p[-1] & ~7UL;
	bool mapped = p[-1] & 2;

	if (has < 32 || (mapped ? p[-2] + has : has) & (mapped ? PAGE_SIZE - 1 : 15))
		return false;
	*size = has - (mapped ? 16 : 8);
	return stack_probe(vaddr_of(p) + *size - 1);
}

bool otherlibc_has(const void *p, size_t *size)
{
	static _Atomic bool met;
	char name[64];

	if (space_has(vaddr_of(p)) || vaddr_of(p) & 15 || (!met && is_alone()))
		return false;
	met = true;
	return place_find(vaddr_of(p), vaddr_of(__builtin_frame_address(0)), name, sizeof(name)) ==
		       PLACE_MAPPED &&
	       !name[0] && stack_probe(vaddr_of(p) - 16) && is_chunk(p, size);
}
