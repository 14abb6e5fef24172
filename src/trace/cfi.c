/*
 * cfi.c - .eh_frame to rules (cfi.h). app context; async-signal-safe: reads the module's
 * own tables through _dl_find_object (lock-free, glibc >= 2.35) and keeps no state.
 *
 * Source: LSB core 10.6 (.eh_frame, .eh_frame_hdr), DWARF 5 section 6.4. A table that is not
 * exactly what ld and lld write (sorted, datarel sdata4) is treated as absent.
 */
#include "cfi.h"

#include <dlfcn.h>
#include <link.h>

#define REG_BP 6
#define REG_SP 7
#define REG_RA 16

enum { /* DW_EH_PE_* */
	PE_ABSPTR = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10,
	PE_OMIT = 0xff,
};

enum where { SAME, UNDEFINED, AT_CFA, AT_BP, OTHER };

struct saved { /* where a register of the caller is */
	enum where where;
	int64_t off;
};

struct row {	     /* one row of the DWARF table: the registers that matter here */
	int cfa_reg; /* < 0: by the expression */
	int64_t cfa_off;
	const uint8_t *cfa_expr;
	struct saved bp, ra;
};

struct cie {
	uint64_t code_align;
	int64_t data_align;
	uint8_t fde_enc;
	bool has_size, signal;
	const uint8_t *insn, *end;
};

struct run { /* the interpreter of call frame instructions */
	const struct cie *cie;
	uintptr_t loc, pc;
	struct row row, first;
	struct row kept[8];
	unsigned nkept;
};

/* Weak: on a glibc before 2.35 there is nothing to find, and frame pointers are followed. */
extern int _dl_find_object(void *, struct dl_find_object *) __attribute__((weak));

bool module_find(uintptr_t pc, struct module *m)
{
	struct dl_find_object o;

	if (!_dl_find_object || _dl_find_object((void *)pc, &o) != 0)
		return false;
	*m = (struct module){
		.start = (uintptr_t)o.dlfo_map_start,
		.end = (uintptr_t)o.dlfo_map_end,
		.base = o.dlfo_link_map->l_addr,
		.map = o.dlfo_link_map,
		.hdr = o.dlfo_eh_frame,
	};
	return true;
}

static uint64_t leb(const uint8_t **p, bool sign)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t b;

	do {
		b = *(*p)++;
		if (shift < 64)
			v |= (uint64_t)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80);
	return sign && shift < 64 && (b & 0x40) ? v | -1UL << shift : v;
}

static uint64_t uleb(const uint8_t **p)
{
	return leb(p, false);
}

static int64_t sleb(const uint8_t **p)
{
	return (int64_t)leb(p, true);
}

static uint64_t fixed(const uint8_t **p, unsigned bytes)
{
	uint64_t v = 0;

	__builtin_memcpy(&v, *p, bytes);
	*p += bytes;
	return v;
}

/* An encoded pointer; false for an encoding that no x86-64 linker writes here. */
static bool encoded(const uint8_t **p, uint8_t enc, uint64_t *out)
{
	uint64_t at = (uint64_t)*p;

	switch (enc & 0x0f) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		*out = fixed(p, 8);
		break;
	case PE_UDATA4:
		*out = fixed(p, 4);
		break;
	case PE_SDATA4:
		*out = (uint64_t)(int64_t)(int32_t)fixed(p, 4);
		break;
	case PE_UDATA2:
		*out = fixed(p, 2);
		break;
	case PE_SDATA2:
		*out = (uint64_t)(int64_t)(int16_t)fixed(p, 2);
		break;
	default:
		return false;
	}
	if ((enc & 0x70) == PE_PCREL)
		*out += at;
	return (enc & 0x70) == PE_PCREL || (enc & 0x70) == 0;
}

/* The FDE whose range begins last at or before pc, by binary search. */
static const uint8_t *fde_find(const uint8_t *hdr, uintptr_t pc)
{
	const int32_t(*table)[2] = (const void *)(hdr + 12);
	int64_t rel = (int64_t)(pc - (uintptr_t)hdr);
	uint32_t lo = 0, hi;

	if (hdr[0] != 1 || hdr[1] != 0x1b || hdr[2] != PE_UDATA4 || hdr[3] != 0x3b)
		return NULL;
	__builtin_memcpy(&hi, hdr + 8, 4);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (table[mid][0] <= rel)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? hdr + table[lo - 1][1] : NULL;
}

static bool cie_augmentation(const uint8_t *aug, const uint8_t *p, struct cie *c)
{
	uint64_t skip;

	for (; *aug; aug++) {
		switch (*aug) {
		case 'R':
			c->fde_enc = *p++;
			break;
		case 'P': {
			uint8_t enc = *p++;

			/* Only to be stepped over: the indirect bit does not matter. */
			if (!encoded(&p, enc & 0x7f, &skip))
				return false;
			break;
		}
		case 'L':
			p++;
			break;
		case 'S':
			c->signal = true;
			break;
		case 'B':
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool cie_parse(const uint8_t *p, struct cie *c)
{
	uint32_t len = (uint32_t)fixed(&p, 4);
	const uint8_t *aug;
	uint8_t version;

	*c = (struct cie){.end = p + len, .fde_enc = PE_ABSPTR};
	if (len == 0xffffffff || fixed(&p, 4) != 0)
		return false;
	version = *p++;
	if (version != 1 && version != 3)
		return false;
	aug = p;
	p += __builtin_strlen((const char *)p) + 1;
	c->code_align = uleb(&p);
	c->data_align = sleb(&p);
	if ((version == 1 ? *p++ : uleb(&p)) != REG_RA)
		return false;
	if (*aug == 'z') {
		uint64_t n = uleb(&p);

		c->has_size = true;
		if (!cie_augmentation(aug + 1, p, c))
			return false;
		p += n;
	} else if (*aug) {
		return false;
	}
	c->insn = p;
	return true;
}

static struct saved *column(struct run *r, uint64_t reg)
{
	return reg == REG_BP ? &r->row.bp : reg == REG_RA ? &r->row.ra : NULL;
}

static void set(struct run *r, uint64_t reg, enum where where, int64_t off)
{
	struct saved *s = column(r, reg);

	if (s)
		*s = (struct saved){where, off};
}

/* DW_CFA_expression: only "at rbp + n" is understood, as a realigning prologue writes it. */
static void set_expression(struct run *r, uint64_t reg, const uint8_t *e, uint64_t len)
{
	const uint8_t *p = e + 1;
	int64_t off;

	if (len < 2 || e[0] != 0x70 + REG_BP) {
		set(r, reg, OTHER, 0);
		return;
	}
	off = sleb(&p);
	set(r, reg, p == e + len ? AT_BP : OTHER, off);
}

static void restore(struct run *r, uint64_t reg)
{
	if (reg == REG_BP)
		r->row.bp = r->first.bp;
	else if (reg == REG_RA)
		r->row.ra = r->first.ra;
}

/* Instructions that say where one register is; false if op is none of them. */
static bool step_register(struct run *r, uint8_t op, const uint8_t **p)
{
	int64_t da = r->cie->data_align;
	uint64_t reg, n;

	if (op < 0x05 || (op > 0x09 && op < 0x10) || op == 0x12 || op == 0x13 || op > 0x16)
		return false;
	reg = uleb(p);
	switch (op) {
	case 0x05: /* offset_extended */
		set(r, reg, AT_CFA, (int64_t)uleb(p) * da);
		break;
	case 0x06: /* restore_extended */
		restore(r, reg);
		break;
	case 0x07: /* undefined */
		set(r, reg, UNDEFINED, 0);
		break;
	case 0x08: /* same_value */
		set(r, reg, SAME, 0);
		break;
	case 0x10: /* expression */
		n = uleb(p);
		set_expression(r, reg, *p, n);
		*p += n;
		break;
	case 0x11: /* offset_extended_sf */
		set(r, reg, AT_CFA, sleb(p) * da);
		break;
	case 0x16: /* val_expression */
		n = uleb(p);
		*p += n;
		set(r, reg, OTHER, 0);
		break;
	default: /* register, val_offset, val_offset_sf: one more number each */
		uleb(p);
		set(r, reg, OTHER, 0);
	}
	return true;
}

/* Instructions that say where the frame is; false if op is none of them. */
static bool step_cfa(struct run *r, uint8_t op, const uint8_t **p)
{
	struct row *row = &r->row;
	uint64_t n;

	switch (op) {
	case 0x0c: /* def_cfa */
		row->cfa_reg = (int)uleb(p);
		row->cfa_off = (int64_t)uleb(p);
		return true;
	case 0x0d: /* def_cfa_register */
		row->cfa_reg = (int)uleb(p);
		return true;
	case 0x0e: /* def_cfa_offset */
		row->cfa_off = (int64_t)uleb(p);
		return true;
	case 0x0f: /* def_cfa_expression */
		row->cfa_reg = -1;
		row->cfa_expr = *p;
		n = uleb(p);
		*p += n;
		return true;
	case 0x12: /* def_cfa_sf */
		row->cfa_reg = (int)uleb(p);
		row->cfa_off = sleb(p) * r->cie->data_align;
		return true;
	case 0x13: /* def_cfa_offset_sf */
		row->cfa_off = sleb(p) * r->cie->data_align;
		return true;
	}
	return false;
}

/* One instruction of the 0x00..0x3f group; false if unknown. */
static bool step_extended(struct run *r, uint8_t op, const uint8_t **p)
{
	uint64_t n;

	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x01: /* set_loc */
		if (!encoded(p, r->cie->fde_enc, &n))
			return false;
		r->loc = n;
		return true;
	case 0x02: /* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		r->loc += fixed(p, 1u << (op - 2)) * r->cie->code_align;
		return true;
	case 0x0a: /* remember_state */
		if (r->nkept == ARRAY_LEN(r->kept))
			return false;
		r->kept[r->nkept++] = r->row;
		return true;
	case 0x0b: /* restore_state */
		if (!r->nkept)
			return false;
		r->row = r->kept[--r->nkept];
		return true;
	case 0x2e: /* GNU_args_size */
		uleb(p);
		return true;
	}
	return step_cfa(r, op, p) || step_register(r, op, p);
}

/* Runs instructions until the row that holds at r->pc. */
static bool run(struct run *r, const uint8_t *p, const uint8_t *end)
{
	while (p < end && r->loc <= r->pc) {
		uint8_t op = *p++;
		uint64_t low = op & 0x3f;

		switch (op >> 6) {
		case 1: /* advance_loc */
			r->loc += low * r->cie->code_align;
			break;
		case 2: /* offset */
			set(r, low, AT_CFA, (int64_t)uleb(&p) * r->cie->data_align);
			break;
		case 3: /* restore */
			restore(r, low);
			break;
		default:
			if (!step_extended(r, op, &p))
				return false;
		}
	}
	return true;
}

/*
 * The two expressions that occur: *(rbp + n) of a function that realigned its stack, and that of
 * lazy PLT entries, rsp + 8 + (8 if pc is past the push), which is a constant at a given pc.
 */
static struct rule rule_of_expression(const uint8_t *e, uintptr_t pc)
{
	static const uint8_t plt[] = {0x77, 8, 0x80, 0, 0x3f, 0x1a};
	struct rule r = {.kind = RULE_STOP};
	uint64_t len = uleb(&e);
	const uint8_t *end = e + len, *p = e + 1;

	if (len >= 3 && e[0] == 0x70 + REG_BP) {
		int64_t off = sleb(&p);

		if (p + 1 == end && *p == 0x06 && off > -(1 << 28) && off < 1 << 28)
			r = (struct rule){.kind = RULE_BP_DEREF, .cfa_off = (int32_t)off};
	} else if (len == 11 && !__builtin_memcmp(e, plt, sizeof(plt)) && e[6] >= 0x30 &&
		   e[6] < 0x40 && e[7] == 0x2a && e[8] == 0x33 && e[9] == 0x24 && e[10] == 0x22) {
		bool pushed = (pc & 15) >= (unsigned)(e[6] - 0x30);

		r = (struct rule){.kind = RULE_SP, .cfa_off = 8 + (pushed ? 8 : 0)};
	}
	return r;
}

static struct rule rule_of_row(const struct row *row, uintptr_t pc)
{
	const struct rule stop = {.kind = RULE_STOP};
	struct rule r;

	if (row->cfa_reg < 0)
		r = rule_of_expression(row->cfa_expr, pc);
	else if ((row->cfa_reg == REG_SP || row->cfa_reg == REG_BP) && row->cfa_off > -(1 << 28) &&
		 row->cfa_off < 1 << 28)
		r = (struct rule){.kind = row->cfa_reg == REG_SP ? RULE_SP : RULE_BP,
			.cfa_off = (int32_t)row->cfa_off};
	else
		return stop;
	if (r.kind == RULE_STOP || row->ra.where != AT_CFA || row->ra.off != -8)
		return stop;
	if (row->bp.where == AT_CFA || row->bp.where == AT_BP) {
		if (row->bp.off <= -(1 << 27) || row->bp.off >= 1 << 27)
			return stop;
		r.bp = row->bp.where == AT_CFA ? BP_AT_CFA : BP_AT_BP;
		r.bp_off = (int32_t)row->bp.off;
	}
	return r;
}

struct rule cfi_rule(const struct module *m, uintptr_t pc)
{
	const struct rule none = {.kind = RULE_NOCFI}, stop = {.kind = RULE_STOP};
	const uint8_t *p, *fde = m->hdr ? fde_find(m->hdr, pc) : NULL;
	uint64_t begin, size;
	uint32_t len, back;
	struct cie cie;
	struct run r;

	if (!fde)
		return none;
	p = fde;
	len = (uint32_t)fixed(&p, 4);
	if (len == 0 || len == 0xffffffff)
		return none;
	back = (uint32_t)fixed(&p, 4);
	if (!cie_parse(fde + 4 - back, &cie))
		return none;
	if (!encoded(&p, cie.fde_enc, &begin) || !encoded(&p, cie.fde_enc & 0x0f, &size))
		return none;
	if (pc < begin || pc >= begin + size)
		return none;
	if (cie.signal)
		return (struct rule){.kind = RULE_SIGNAL};
	if (cie.has_size) {
		uint64_t n = uleb(&p);

		p += n;
	}
	r = (struct run){.cie = &cie, .pc = pc, .row.cfa_reg = -1};
	r.row.cfa_expr = (const uint8_t *)"";
	if (!run(&r, cie.insn, cie.end))
		return stop;
	r.first = r.row;
	r.loc = begin;
	return run(&r, p, fde + 4 + len) ? rule_of_row(&r.row, pc) : stop;
}
