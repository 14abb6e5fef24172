/* bpf.c - see bpf.h. pure. */
#include "bpf.h"

struct machine {
	uint32_t a, x, mem[BPF_MEMWORDS];
};

static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default: /* BPF_NEG */
		return -a;
	}
}

static bool jumps(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default: /* BPF_JSET */
		return a & b;
	}
}

static uint32_t load(
	const struct sock_filter *i, const struct machine *m, const struct seccomp_data *call)
{
	uint32_t v = 0;

	switch (BPF_MODE(i->code)) {
	case BPF_IMM:
		return i->k;
	case BPF_MEM:
		return i->k < BPF_MEMWORDS ? m->mem[i->k] : 0;
	case BPF_LEN:
		return sizeof(*call);
	default: /* BPF_ABS */
		if (i->k <= sizeof(*call) - sizeof(v))
			__builtin_memcpy(&v, (const char *)call + i->k, sizeof(v));
		return v;
	}
}

uint32_t bpf_run(const struct sock_filter *code, uint32_t n, const struct seccomp_data *call)
{
	struct machine m = {0};

	for (uint32_t at = 0; at < n; at++) {
		const struct sock_filter *i = &code[at];
		uint32_t b = BPF_SRC(i->code) == BPF_X ? m.x : i->k;

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			m.a = load(i, &m, call);
			break;
		case BPF_LDX:
			m.x = load(i, &m, call);
			break;
		case BPF_ST:
		case BPF_STX:
			if (i->k < BPF_MEMWORDS)
				m.mem[i->k] = BPF_CLASS(i->code) == BPF_ST ? m.a : m.x;
			break;
		case BPF_ALU:
			if (BPF_OP(i->code) == BPF_DIV && !b)
				return 0;
			m.a = alu(BPF_OP(i->code), m.a, b);
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				at += i->k;
			else
				at += jumps(BPF_OP(i->code), m.a, b) ? i->jt : i->jf;
			break;
		case BPF_MISC:
			if (BPF_MISCOP(i->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
			break;
		default: /* BPF_RET */
			return BPF_RVAL(i->code) == BPF_A ? m.a : i->k;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}
