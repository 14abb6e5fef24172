/*
 * rules.c - see rules.h. app context, in any state of the program.
 *
 * Owns the cache and the list of modules that it holds rules of. A module may be unmapped and
 * another one mapped in its place: dlclose is interposed and forgets everything when a known
 * module is gone; what libc closes by itself (iconv, NSS) is noticed when the next rule of the
 * newcomer is computed.
 */
#include "rules.h"
#include "base/base.h"
#include "symbol.h"

#include <dlfcn.h>
#include <sys/mman.h>

#define MODULES_MAX 512
#define SLOTS_FIRST (1U << 9)
#define SLOTS_MOST  (1U << 15)

_Atomic(struct rules *) rules_cache;

/* Whoever finds it set does without the cache, or without a larger one. */
static atomic_flag known_busy UD_ALWAYS = ATOMIC_FLAG_INIT;
static struct {
	size_t n;
	struct module m[MODULES_MAX];
} known UD_TABLE;

static void forget_all(void)
{
	struct rules *t = rules_cache;

	for (size_t i = 0; t && i <= t->mask; i++)
		atomic_store_explicit(&t->slot[i].key, 0, memory_order_relaxed);
	known.n = 0;
}

static void slot_put(struct rules_slot *s, uint64_t key, uint64_t rule)
{
	atomic_store_explicit(&s->rule, rule, memory_order_relaxed);
	atomic_store_explicit(&s->key, key, memory_order_relaxed);
}

static struct rules *table_make(uint32_t slots)
{
	struct rules *t;
	long r = sys_mmap(0, sizeof(*t) + slots * sizeof(t->slot[0]), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (sys_is_err(r))
		return NULL;
	t = vaddr_ptr((vaddr_t)r);
	t->mask = slots - 1;
	return t;
}

static void table_fill(struct rules *t, struct rules *from)
{
	for (size_t i = 0; i <= from->mask; i++) {
		uint64_t rule = from->slot[i].rule, key = from->slot[i].key;

		if (key)
			slot_put(rules_slot(t, key ^ rule), key, rule);
	}
}

/* `busy` is held, so that nothing is forgotten meanwhile. */
static void grow(struct rules *old)
{
	struct rules *t = table_make(old ? (old->mask + 1) * 4 : SLOTS_FIRST);

	if (!t)
		return;
	if (old)
		table_fill(t, old);
	rules_cache = t;
}

/* A table that is half full: of what comes every second puts something out. */
static struct rules *table(void)
{
	struct rules *t = rules_cache;

	if (likely(t && (t->kept <= t->mask / 2 || t->mask >= SLOTS_MOST - 1)))
		return t;
	if (!atomic_flag_test_and_set_explicit(&known_busy, memory_order_acquire)) {
		if (t == rules_cache)
			grow(t);
		atomic_flag_clear_explicit(&known_busy, memory_order_release);
	}
	return rules_cache;
}

/* Rules cached for m's addresses are m's own: false if that cannot be said now. */
static bool module_known(const struct module *m)
{
	bool same = false, stale = false;

	if (atomic_flag_test_and_set_explicit(&known_busy, memory_order_acquire))
		return false;
	for (size_t i = 0; i < known.n; i++) {
		const struct module *k = &known.m[i];

		if (k->map == m->map && k->start == m->start && k->end == m->end)
			same = true;
		else if (k->start < m->end && m->start < k->end)
			stale = true;
	}
	if (stale || known.n == MODULES_MAX) {
		forget_all();
		same = false;
	}
	if (!same) {
		known.m[known.n++] = *m;
		symbol_remember(m);
	}
	atomic_flag_clear_explicit(&known_busy, memory_order_release);
	return true;
}

static bool is_loaded(const struct module *k)
{
	struct module now;

	return module_find(k->start, &now) && now.map == k->map;
}

/* If a module that rules were cached for is gone: forget them before another takes its place. */
static void modules_recheck(void)
{
	/* Who holds it is about to let go, unless it is below us on this stack. */
	for (int i = 0; atomic_flag_test_and_set_explicit(&known_busy, memory_order_acquire); i++) {
		if (i == 1000)
			return;
		sys_call3(__NR_sched_yield, 0, 0, 0);
	}
	for (size_t i = 0; i < known.n; i++)
		if (!is_loaded(&known.m[i]))
			forget_all();
	atomic_flag_clear_explicit(&known_busy, memory_order_release);
}

UD_EXPORT int dlclose(void *handle)
{
	static int (*next)(void *);
	int r;

	if (!next)
		next = (int (*)(void *))symtab_next("dlclose");
	r = next(handle);
	modules_recheck();
	return r;
}

uint64_t rules_compute(uintptr_t pc)
{
	struct rule r = {.kind = RULE_NOCFI};
	struct module m;
	struct rules *t;
	bool keep = true;
	uint64_t v;

	if (module_find(pc, &m)) {
		keep = module_known(&m);
		r = cfi_rule(&m, pc);
	}
	v = rule_pack(r);
	t = keep ? table() : NULL;
	if (t) {
		slot_put(rules_slot(t, pc), pc ^ v, v);
		t->kept++;
	}
	return v;
}

void rules_forked(void)
{
	atomic_flag_clear(&known_busy); /* its holder may not be in this process */
}
