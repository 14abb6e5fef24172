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

#define MODULES_MAX 512

struct rules_slot rules_cache[1 << RULES_BITS] __attribute__((aligned(64)));

static struct {
	atomic_flag busy; /* whoever finds it set does without the cache */
	size_t n;
	struct module m[MODULES_MAX];
} known;

static void forget_all(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rules_cache); i++)
		atomic_store_explicit(&rules_cache[i].key, 0, memory_order_relaxed);
	known.n = 0;
}

/* Rules cached for m's addresses are m's own: false if that cannot be said now. */
static bool module_known(const struct module *m)
{
	bool same = false, stale = false;

	if (atomic_flag_test_and_set_explicit(&known.busy, memory_order_acquire))
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
	atomic_flag_clear_explicit(&known.busy, memory_order_release);
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
	for (int i = 0; atomic_flag_test_and_set_explicit(&known.busy, memory_order_acquire); i++) {
		if (i == 1000)
			return;
		sys_call3(__NR_sched_yield, 0, 0, 0);
	}
	for (size_t i = 0; i < known.n; i++)
		if (!is_loaded(&known.m[i]))
			forget_all();
	atomic_flag_clear_explicit(&known.busy, memory_order_release);
}

UD_EXPORT int dlclose(void *handle)
{
	static int (*next)(void *);
	int r;

	if (!next)
		next = (int (*)(void *))dlsym(RTLD_NEXT, "dlclose");
	r = next(handle);
	modules_recheck();
	return r;
}

uint64_t rules_compute(uintptr_t pc, struct rules_slot *s)
{
	struct rule r = {.kind = RULE_NOCFI};
	struct module m;
	bool keep = true;
	uint64_t v;

	if (module_find(pc, &m)) {
		keep = module_known(&m);
		r = cfi_rule(&m, pc);
	}
	v = rule_pack(r);
	if (keep) {
		atomic_store_explicit(&s->rule, v, memory_order_relaxed);
		atomic_store_explicit(&s->key, pc ^ v, memory_order_relaxed);
	}
	return v;
}

void rules_forked(void)
{
	atomic_flag_clear(&known.busy); /* its holder may not be in this process */
}
