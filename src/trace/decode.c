/*
 * decode.c - size of an instruction's memory access (decode.h). pure: no globals, no calls.
 *
 * One letter per opcode, four opcode maps:
 *   .        no access, unknown, or varying
 *   b w d q  1, 2, 4, 8 bytes                 O Y  16, 32 bytes
 *   v        operand size: 2, 4, 8            y    4, or 8 with REX.W / VEX.W
 *   X        vector length: 16, 32, 64        H Q E  a half, a quarter, an eighth of it
 *   M        8 without a prefix (MMX), else X
 *   m        4 without a prefix, else X       o    8 without a prefix, else 16 (a shift count)
 *   P        X; with F3: 4, with F2: 8
 *   *        depends on prefix or ModRM.reg: special()
 *   S B V    no ModRM: stack (8), string of bytes, string of operand size
 * Source: Intel SDM vol. 2, appendix A; AMD APM vol. 3.
 */
#include "decode.h"

enum { PFX_NONE, PFX_66, PFX_F3, PFX_F2 }; /* as VEX.pp counts */

struct insn {
	const uint8_t *p, *end;
	unsigned pfx;
	bool w, opsize, vex, evex, broadcast, masked;
	unsigned x, b; /* 8: the register of index, of base is one of the upper eight */
	unsigned vl;   /* vector length in bytes */
	unsigned map;
	uint8_t op, modrm;
};

/* clang-format off */
static const char map0[] =
	/* 0 */ "bvbv....bvbv...." "bvbv....bvbv...." "bvbv....bvbv...." "bvbv....bvbv...."
	/* 4 */ "................" "SSSSSSSSSSSSSSSS" "...d....SvSv...." "................"
	/* 8 */ "bv.vbvbvbvbvw.wS" "............SS.." "BVBVBVBV..BVBVBV" "................"
	/* c */ "bvSS..bv.S......" "bvbv...B********" "........S......." "......bv......b*";

static const char map1[] =
	/* 0 */ "................" "PP*qXX*q........" "........XX*X****" "................"
	/* 4 */ "vvvvvvvvvvvvvvvv" ".PPPXXXXPP*XPPPP" "mmmMMMMMMMMMXXy*" "M...MMM.....XX**"
	/* 8 */ "................" "bbbbbbbbbbbbbbbb" "...vvv.....vvv*v" "bv.v..bw*.vvvvbw"
	/* c */ "bvPywwX*........" "XoooMMq.MMMMMMMM" "MooMMM**MMMMMMMM" "*oooMMM.MMMMMMM.";

static const char map2[] =
	/* 0 */ "MMMMMMMMMMMMXXXX" "X..HXX.XdqO.MMM." "HQEHQH..XXXXXXXX" "HQEHQHXXXXXXXXXX"
	/* 4 */ "XX...XXX........" "........dqO....." "................" "........bw......"
	/* 8 */ "............X.X." "yyyy..XXXyXyXyXy" "......XXXyXyXyXy" "......XXXyXyXyXy"
	/* c */ "........XXXXXX.." "...........XXXXX" "................" "**yy.yyy........";

static const char map3[] =
	/* 0 */ "XXXXXXX.XXdqXXXM" "....bwydOO...H.." "bdy..X.........." "........OO....XX"
	/* 4 */ "XXX.X.X...XXX..." "................" "XXXX............" "................"
	/* 8 */ "................" "................" "................" "................"
	/* c */ "............O..." "...............X" "................" "y...............";

/* x87: D8..DF by ModRM.reg; t = 10 bytes */
static const char x87[] =
	"dddddddd" "d.dd.w.w" "dddddddd" "dddd.t.t" "qqqqqqqq" "qqqq...w" "wwwwwwww" "wwwwtqtq";
/* clang-format on */

static const char *const maps[] = {map0, map1, map2, map3};

static bool more(const struct insn *i)
{
	return i->p < i->end;
}

/* Instructions whose size hangs on more than the opcode; returns their letter. */
static char special(const struct insn *i)
{
	unsigned reg = i->modrm >> 3 & 7;

	if (i->map == 0 && i->op == 0xff)
		return reg < 2 ? 'v' : reg % 2 == 0 && !i->opsize ? 'q' : '.';
	if (i->map == 0)
		return x87[(i->op & 7) * 8 + reg];
	if (i->map == 2)
		return i->pfx == PFX_F2 && i->op == 0xf0 ? 'b' : 'v';
	switch (i->op) {
	case 0x12:
	case 0x16:
		if (i->pfx == PFX_F2)
			return i->op == 0x16 ? '.' : i->vl == 16 ? 'q' : 'X';
		return i->pfx == PFX_F3 ? 'X' : 'q';
	case 0x2a:
		return i->pfx >= PFX_F3 ? 'y' : 'q';
	case 0x2c:
	case 0x2d:
		return i->pfx == PFX_F3 ? 'd' : i->pfx == PFX_66 ? 'X' : 'q';
	case 0x2e:
	case 0x2f:
		return i->pfx == PFX_66 ? 'q' : i->pfx == PFX_NONE ? 'd' : '.';
	case 0x5a:
		return "HXdq"[i->pfx];
	case 0x6f:
	case 0x7f:
		return 'M';
	case 0x7e:
		return i->pfx == PFX_F3 ? 'q' : 'y';
	case 0xae:
		return i->pfx == PFX_NONE && (reg == 2 || reg == 3) ? 'd' : '.';
	case 0xb8:
		return i->pfx == PFX_F3 ? 'v' : '.';
	case 0xc7:
		return reg == 1 ? (i->w ? 'O' : 'q') : '.';
	case 0xe6:
		return i->pfx == PFX_F3 ? 'H' : i->pfx ? 'X' : '.';
	case 0xe7:
		return i->pfx == PFX_66 ? 'X' : i->pfx == PFX_NONE ? 'q' : '.';
	case 0xf0:
		return i->pfx == PFX_F2 ? 'X' : '.';
	}
	return '.';
}

static unsigned size_of(const struct insn *i, char letter)
{
	unsigned opsize = i->w ? 8 : i->opsize ? 2 : 4;

	switch (letter) {
	case 'b':
	case 'B':
		return 1;
	case 'w':
		return 2;
	case 'd':
		return 4;
	case 'q':
		return 8;
	case 'S':
		return i->opsize ? 0 : 8;
	case 't':
		return 10;
	case 'O':
		return 16;
	case 'Y':
		return 32;
	case 'v':
	case 'V':
		return opsize;
	case 'y':
		return i->w ? 8 : 4;
	case 'M':
		return i->pfx == PFX_NONE && !i->vex ? 8 : i->vl;
	case 'o':
		return i->pfx == PFX_NONE && !i->vex ? 8 : 16;
	case 'm':
		return i->pfx == PFX_NONE && !i->vex ? 4 : i->vl;
	case 'P':
		return i->pfx == PFX_F3 ? 4 : i->pfx == PFX_F2 ? 8 : i->vl;
	case 'X':
		return i->vl;
	case 'H':
		return i->vl / 2;
	case 'Q':
		return i->vl / 4;
	case 'E':
		return i->vl / 8;
	}
	return 0;
}

/* Legacy prefixes and REX; false at the end of the bytes. */
static bool prefixes(struct insn *i)
{
	for (; more(i); i->p++) {
		switch (*i->p) {
		case 0x66:
			i->opsize = true;
			if (i->pfx == PFX_NONE)
				i->pfx = PFX_66;
			break;
		case 0xf2:
			i->pfx = PFX_F2;
			break;
		case 0xf3:
			i->pfx = PFX_F3;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67:
		case 0xf0:
			break;
		default:
			if ((*i->p & 0xf0) == 0x40) {
				i->w = *i->p & 8;
				i->x = (*i->p & 2U) << 2;
				i->b = (*i->p++ & 1U) << 3;
				return more(i);
			}
			return true;
		}
	}
	return false;
}

/* VEX and EVEX: the map, pp, W and the vector length. */
static bool vex(struct insn *i, uint8_t first)
{
	static const uint8_t len[] = {16, 32, 64, 0};
	size_t need = first == 0xc5 ? 2 : first == 0xc4 ? 3 : 4;
	const uint8_t *p = i->p;

	if ((size_t)(i->end - p) < need)
		return false;
	i->vex = true;
	if (first == 0xc5) {
		i->map = 1;
		i->pfx = p[0] & 3;
		i->vl = len[p[0] >> 2 & 1];
	} else {
		i->map = p[0] & (first == 0xc4 ? 0x1f : 7);
		i->x = (~p[0] & 0x40U) >> 3;
		i->b = (~p[0] & 0x20U) >> 2;
		i->w = p[1] & 0x80;
		i->pfx = p[1] & 3;
		i->vl = len[first == 0xc4 ? p[1] >> 2 & 1 : p[2] >> 5 & 3];
	}
	if (first == 0x62) {
		i->evex = true;
		i->broadcast = p[2] & 0x10;
		i->masked = p[2] & 7;
	}
	i->p += need - 1;
	return i->map >= 1 && i->map <= 3;
}

static bool opcode(struct insn *i)
{
	uint8_t b = *i->p++;

	if (b == 0xc4 || b == 0xc5 || b == 0x62) {
		if (!vex(i, b))
			return false;
		b = *i->p++;
	} else if (b == 0x0f) {
		i->map = 1;
		if (!more(i))
			return false;
		b = *i->p++;
		if (b == 0x38 || b == 0x3a) {
			i->map = b == 0x38 ? 2 : 3;
			if (!more(i))
				return false;
			b = *i->p++;
		}
	}
	i->op = b;
	return true;
}

/*
 * AVX-512: the letter of an EVEX opcode, where it has not got another meaning than in VEX. A mask
 * makes the size vary.
 */
static char evex_letter(const struct insn *i, char letter)
{
	if (i->masked)
		return '.';
	if (i->map == 1 && i->op == 0x5b)
		return '.';
	if (i->map == 2 && (i->op == 0x5b || i->op == 0x1b))
		return 'Y';
	if (i->map != 3)
		return letter;
	switch (i->op) {
	case 0x1e: /* compares into a mask, ternary logic */
	case 0x1f:
	case 0x3e:
	case 0x3f:
	case 0x25:
		return 'X';
	case 0x1a: /* 256-bit lanes */
	case 0x1b:
	case 0x3a:
	case 0x3b:
		return 'Y';
	}
	return letter;
}

unsigned decode_access_size(const uint8_t *insn, size_t n)
{
	struct insn i = {.p = insn, .end = insn + MIN(n, 15UL), .vl = 16};
	char letter;

	if (!prefixes(&i) || !opcode(&i))
		return 0;
	letter = maps[i.map][i.op];
	if (i.evex)
		letter = evex_letter(&i, letter);
	if (letter == 'S' && i.op == 0x8f) /* pop; with another ModRM.reg it is AMD's XOP */
		return more(&i) && (*i.p & 0x38) == 0 ? size_of(&i, letter) : 0;
	if (letter == 'S' || letter == 'B' || letter == 'V')
		return size_of(&i, letter);
	if (letter == '.' || !more(&i))
		return 0;
	i.modrm = *i.p;
	if (i.modrm >> 6 == 3) /* two registers; a call through one still pushes */
		return i.map == 0 && i.op == 0xff && (i.modrm >> 3 & 7) == 2 ? 8 : 0;
	if (letter == '*')
		letter = special(&i);
	if (i.evex && i.broadcast)
		return i.w ? 8 : 4;
	return size_of(&i, letter);
}

/* Does one of the two-byte opcodes write to its memory operand? */
static bool is_store_0f(const struct insn *i)
{
	switch (i->op) {
	case 0x7e:
		return i->pfx != PFX_F3;
	case 0xba:
		return (i->modrm >> 3 & 7) > 4;
	case 0x11:
	case 0x13:
	case 0x17:
	case 0x29:
	case 0x2b:
	case 0x7f:
	case 0xa4:
	case 0xa5:
	case 0xab:
	case 0xac:
	case 0xad:
	case 0xb0:
	case 0xb1:
	case 0xb3:
	case 0xbb:
	case 0xc0:
	case 0xc1:
	case 0xc3:
	case 0xc7:
	case 0xd6:
	case 0xe7:
		return true;
	}
	return (i->op & 0xf0) == 0x90;
}

/* Likewise of AVX-512's own: elements made shorter, or only those of a mask. */
static bool is_store_evex(const struct insn *i)
{
	unsigned op = i->op;

	if (i->map == 3)
		return op == 0x1b || op == 0x3b;
	return i->map == 2 &&
	       ((i->pfx == PFX_F3 && op >= 0x10 && op <= 0x35 && (op & 15) < 6) || op == 0x63 ||
		       op == 0x8a || op == 0x8b || (op & 0xfc) == 0xa0);
}

/* Does it write there? What is not known counts as a read. */
static bool is_store(const struct insn *i)
{
	unsigned op = i->op, reg = i->modrm >> 3 & 7;

	if (i->evex && is_store_evex(i))
		return true;
	if (i->map == 2)
		return op == 0xf1 ? i->pfx != PFX_F2 : op == 0x8e || op == 0x2e || op == 0x2f;
	if (i->map == 3)
		return (op >= 0x14 && op <= 0x17) || op == 0x19 || op == 0x1d || op == 0x39;
	if (i->map == 1)
		return is_store_0f(i);
	if (op < 0x40)
		return (op & 7) < 2 && op < 0x38;
	if (op >= 0xd8 && op <= 0xdf)
		return op & 1 && reg % 4 && reg != 5;
	switch (op & ~1U) {
	case 0x80:
	case 0x82:
		return reg != 7;
	case 0xf6:
		return reg == 2 || reg == 3;
	case 0xfe:
		return reg < 2;
	}
	return (op >= 0x86 && op <= 0x89) || op == 0x8c || op == 0x8f || (op & ~1U) == 0xc0 ||
	       (op & ~1U) == 0xc6 || (op >= 0xd0 && op <= 0xd3);
}

/* The registers of ModRM and SIB. */
static bool modrm_pointers(struct insn *i, struct decode_pointers *p)
{
	unsigned mod = i->modrm >> 6, rm = i->modrm & 7, sib, bytes;

	i->p++;
	if (rm == 4) {
		if (!more(i))
			return false;
		sib = *i->p++;
		rm = sib & 7;
		p->scale = sib >> 6;
		if ((sib >> 3 & 7) + i->x != 4)
			p->reg[1] = (sib >> 3 & 7) + i->x;
	}
	bytes = mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0;
	if (mod == 0 && rm != 5)
		bytes = 0;
	if (mod != 0 || rm != 5)
		p->reg[0] = rm + i->b;
	if ((size_t)(i->end - i->p) < bytes)
		return false;
	if (bytes == 1)
		p->disp = (int8_t)*i->p;
	else if (bytes == 4)
		__builtin_memcpy(&p->disp, i->p, 4);
	return p->reg[0] != DECODE_NONE || p->reg[1] != DECODE_NONE;
}

/* Those without ModRM: strings, the stack. True: it is one. */
static bool implied_pointers(const struct insn *i, char letter, struct decode_pointers *p)
{
	unsigned string = i->op & 0xe;

	if (i->map || (i->op & 0xfc) == 0xa0) /* the latter: at an address of its own */
		return false;
	if (i->op == 0xd7) { /* xlat */
		p->reg[0] = 3;
		return true;
	}
	if (letter == 'B' || letter == 'V') {
		p->reg[0] = string == 0xa || string == 0xe ? DECODE_NONE : 6;
		p->reg[1] = string == 0xc ? DECODE_NONE : 7;
		p->store[1] = string == 0x4 || string == 0xa;
		return true;
	}
	if (letter != 'S' || i->op == 0x8f)
		return false;
	p->reg[0] = i->op == 0xc9 ? 5 : 4;
	p->store[0] = (i->op & 0xf8) == 0x50 || i->op == 0x68 || i->op == 0x6a || i->op == 0x9c ||
		      i->op == 0xe8;
	p->target = i->op == 0xc2 || i->op == 0xc3 ? TARGET_MEMORY : TARGET_NONE;
	return true;
}

bool decode_pointers(const uint8_t *insn, size_t n, struct decode_pointers *p)
{
	struct insn i = {.p = insn, .end = insn + MIN(n, 15UL), .vl = 16};
	unsigned reg;
	char letter;
	bool far_off;

	*p = (struct decode_pointers){.reg = {DECODE_NONE, DECODE_NONE}};
	if (!prefixes(&i) || !opcode(&i))
		return false;
	letter = maps[i.map][i.op];
	if (implied_pointers(&i, letter, p))
		return true;
	if ((letter == '.' && !i.evex) || (i.map == 0 && (i.op & 0xfc) == 0xa0) || !more(&i))
		return false;
	i.modrm = *i.p;
	reg = i.modrm >> 3 & 7;
	far_off = i.map == 0 && i.op == 0xff && (reg == 2 || reg == 4);
	if (i.modrm >> 6 == 3) {
		p->reg[0] = (i.modrm & 7) + i.b;
		p->target = TARGET_REGISTER;
		return far_off;
	}
	p->target = far_off ? TARGET_MEMORY : TARGET_NONE;
	p->store[0] = p->store[1] = is_store(&i);
	if (!modrm_pointers(&i, p))
		return false;
	if (i.vex && i.map == 2 && ((i.op & 0xfc) == 0x90 || (i.op & 0xfc) == 0xa0))
		p->reg[1] = DECODE_NONE; /* gathers, scatters: a vector of indices */
	return p->reg[0] != DECODE_NONE || p->reg[1] != DECODE_NONE;
}
