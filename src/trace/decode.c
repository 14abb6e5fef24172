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
	unsigned vl; /* vector length in bytes */
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
				i->w = *i->p++ & 8;
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
	static const char *const maps[] = {map0, map1, map2, map3};
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
