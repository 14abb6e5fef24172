/*
 * tail.c - stacks completed (dwarf.h), and the frames that tail calls took out of them.
 *
 * Where a function ends by jumping to another its frame is gone. The compiler says which function each
 * call is to (DW_TAG_call_site): if the caller's call was to one that is not the next frame, that one
 * was there, and left by a tail call. If exactly one chain of such calls leads to the next frame, the
 * functions on it are put in, marked as guessed. Of a module only, never through a pointer.
 */
#include "dwarf_in.h"

#include <string.h>

#define CHAIN_MAX 6
#define VISIT_MAX 20000 /* call sites looked at for a frame */

/* A way from the function that was called to the one that is there. */
struct chain {
	struct image *im;
	const char *to;		      /* its name; NULL: any of malloc's family */
	Dwarf_Addr at[CHAIN_MAX];     /* the jumps on the way, as addresses of the module */
	const char *name[CHAIN_MAX];  /* who jumps */
	Dwarf_Addr found[CHAIN_MAX];  /* of the one that was found */
	size_t n, nfound, ways, seen; /* the first is too long where it is > CHAIN_MAX */
};

static bool is_ours(const char *name)
{
	static const char *const family[] = {
#define FAMILY(name, ours) #name,
#include "malloc/family.def"
#undef FAMILY
	};

	for (size_t i = 0; i < ARRAY_LEN(family); i++)
		if (!strcmp(family[i], name))
			return true;
	return !strncmp(name, "_Zn", 3) || !strncmp(name, "_Zd", 3);
}

static bool is_site(Dwarf_Die *die)
{
	int tag = dw.dwarf_tag(die);

	return tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site;
}

static bool address(Dwarf_Die *die, unsigned kind, Dwarf_Addr *at)
{
	Dwarf_Attribute attr;

	return dw.dwarf_formaddr(dw.dwarf_attr(die, kind, &attr), at) == 0;
}

/* Where a call of it returns to, or would. */
static bool returns_to(Dwarf_Die *site, Dwarf_Addr *at)
{
	return address(site, DW_AT_call_return_pc, at) || address(site, DW_AT_low_pc, at);
}

static bool is_tail(Dwarf_Die *site)
{
	return dw.dwarf_hasattr_integrate(site, DW_AT_call_tail_call) ||
	       dw.dwarf_hasattr_integrate(site, DW_AT_GNU_tail_call);
}

static Dwarf_Die *callee(Dwarf_Die *site, Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Die *to = dw.dwarf_formref_die(dw.dwarf_attr(site, DW_AT_call_origin, &attr), die);

	return to ? to
		  : dw.dwarf_formref_die(dw.dwarf_attr(site, DW_AT_abstract_origin, &attr), die);
}

/* Calls visit with each call of the function; false ends it. */
static bool each_site(Dwarf_Die *die, bool (*visit)(Dwarf_Die *, void *), void *arg, int depth)
{
	Dwarf_Die child;

	if (depth == NESTED_MAX || dw.dwarf_child(die, &child))
		return true;
	do {
		int tag = dw.dwarf_tag(&child);

		if (is_site(&child) && !visit(&child, arg))
			return false;
		if ((tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) &&
			!each_site(&child, visit, arg, depth + 1))
			return false;
	} while (dw.dwarf_siblingof(&child, &child) == 0);
	return true;
}

/* The function of that name below die that has code. */
static bool defined_in(Dwarf_Die *die, const char *name, Dwarf_Die *fn, int depth)
{
	Dwarf_Die child;
	Dwarf_Addr at;

	if (depth == NESTED_MAX || dw.dwarf_child(die, &child))
		return false;
	do {
		const char *is = dw.dwarf_tag(&child) == DW_TAG_subprogram &&
						 dw.dwarf_entrypc(&child, &at) == 0
					 ? raw_name(&child)
					 : NULL;

		if (is && !strcmp(is, name)) {
			*fn = child;
			return true;
		}
		if (is_container(&child) && defined_in(&child, name, fn, depth + 1))
			return true;
	} while (dw.dwarf_siblingof(&child, &child) == 0);
	return false;
}

/* Its physical function at an address of the module, and what is to be added to addresses there. */
static bool function_at(struct image *im, Dwarf_Addr addr, Dwarf_Die *fn, Dwarf_Addr *bias)
{
	Dwarf_Die split, path[INLINED_MAX], *cu = unit_of(im, addr, bias);

	if (!cu || !functions_at(unit_body(cu, &split), addr - *bias, path, 0, 0))
		return false;
	*fn = path[0];
	return true;
}

static bool exported_at(struct image *im, const char *name, Dwarf_Addr *addr)
{
	int n = dw.dwfl_module_getsymtab(im->mod);
	GElf_Sym sym;

	for (int i = 0; i < n; i++) {
		const char *is = dw.dwfl_module_getsym_info(
			im->mod, i, &sym, addr, NULL, NULL, NULL);

		if (is && sym.st_shndx != SHN_UNDEF && GELF_ST_TYPE(sym.st_info) == STT_FUNC &&
			!strcmp(is, name))
			return true;
	}
	return false;
}

/* The code of a function that is called by that name in the unit of die. */
static bool definition(struct image *im, Dwarf_Die *die, const char *name, Dwarf_Die *fn)
{
	Dwarf_Addr addr, bias;
	Dwarf_Die unit;

	if (dw.dwarf_diecu(die, &unit, NULL, NULL) && defined_in(&unit, name, fn, 0))
		return true;
	return exported_at(im, name, &addr) && function_at(im, addr, fn, &bias);
}

static bool follow(Dwarf_Die *fn, struct chain *c);

static bool on_tail(Dwarf_Die *site, void *arg)
{
	struct chain *c = arg;
	Dwarf_Die to, fn;
	const char *name;
	Dwarf_Addr at;

	if (c->seen++ > VISIT_MAX)
		return false;
	if (!is_tail(site) || !callee(site, &to) || !(name = raw_name(&to)))
		return true;
	if (returns_to(site, &at))
		at--;
	else if (!address(site, DW_AT_call_pc, &at))
		return true;
	c->at[c->n - 1] = at;
	if (c->to ? !strcmp(name, c->to) : is_ours(name)) {
		if (!c->ways++)
			memcpy(c->found, c->at, sizeof(c->found));
		c->nfound = c->n;
		return c->ways == 1;
	}
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->name[i], name)) /* round and round: nobody knows how often */
			return true;
	return c->n == CHAIN_MAX || !definition(c->im, &to, name, &fn) || follow(&fn, c);
}

/* All ways on from fn; false: it is known that there is more than one, or too much to look at. */
static bool follow(Dwarf_Die *fn, struct chain *c)
{
	bool more;

	c->name[c->n] = raw_name(fn);
	if (!c->name[c->n])
		return true;
	c->n++;
	more = each_site(fn, on_tail, c, 0);
	c->n--;
	return more;
}

struct wanted {
	Dwarf_Addr at;
	Dwarf_Die site;
	bool found;
};

static bool on_call(Dwarf_Die *site, void *arg)
{
	struct wanted *w = arg;
	Dwarf_Addr at;

	if (!returns_to(site, &at) || at != w->at)
		return true;
	w->site = *site;
	w->found = true;
	return false;
}

/* What is between outer, whose frame holds a return address, and the function c->to. */
static bool find_chain(const struct frame *outer, struct chain *c, Dwarf_Addr *bias)
{
	struct wanted w = {0};
	Dwarf_Die fn, to;
	const char *name;

	if (!function_at(c->im, outer->offset + c->im->bias, &fn, bias))
		return false;
	w.at = outer->offset + 1 + c->im->bias - *bias;
	each_site(&fn, on_call, &w, 0);
	if (!w.found || is_tail(&w.site) || !callee(&w.site, &to) || !(name = raw_name(&to)) ||
		(c->to ? !strcmp(name, c->to) : is_ours(name)))
		return false;
	return definition(c->im, &to, name, &fn) && follow(&fn, c) && c->ways == 1;
}

/* The name of the function that f is of; NULL: not known. */
static const char *function_of(struct image *im, const struct frame *f)
{
	Dwarf_Addr bias;
	Dwarf_Die fn;

	return function_at(im, f->offset + im->bias, &fn, &bias) ? raw_name(&fn) : NULL;
}

/* Puts what is missing before frame i; how many frames that is. */
static size_t put_missing(struct stack *k, size_t i, const char *to)
{
	struct frame *outer = &k->frames[i];
	struct chain c = {.im = image_of(outer), .to = to};
	Dwarf_Addr bias;

	if (!find_chain(outer, &c, &bias) || k->nframes + c.nfound > FRAMES_MAX)
		return 0;
	memmove(outer + c.nfound, outer, (k->nframes - i) * sizeof(*outer));
	k->nframes += c.nfound;
	for (size_t j = 0; j < c.nfound; j++) {
		struct frame *f = &k->frames[i + j];
		const struct frame *from = &k->frames[i + c.nfound];

		*f = (struct frame){.path = from->path, .id = from->id, .guessed = true};
		f->offset = c.found[c.nfound - 1 - j] + bias - c.im->bias;
		f->pc = from->pc - 1 - from->offset + f->offset;
		dwarf_complete(f);
	}
	return c.nfound;
}

static bool is_known(const struct frame *f)
{
	return f->path && f->nlines && image_of(f)->mod;
}

void dwarf_stack(struct stack *k, enum dwarf_top top, const char *call)
{
	for (size_t i = 0; i < k->nframes; i++)
		dwarf_complete(&k->frames[i]);
	for (size_t i = 0; i < k->nframes && !dwarf_missing(); i++) {
		const struct frame *f = &k->frames[i], *inner = i ? f - 1 : NULL;
		const char *to = call;

		if (f->guessed || !is_known(f) || (!inner && top == TOP_EXACT))
			continue;
		if (inner && (inner->guessed || !is_known(inner) || image_of(inner) != image_of(f)))
			continue;
		if (inner && !(to = function_of(image_of(f), inner)))
			continue;
		i += put_missing(k, i, to);
	}
}
