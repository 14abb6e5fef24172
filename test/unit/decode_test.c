// sources: src/trace/decode.c
/* Encodings as the assembler writes them, each with the size it accesses. */
#include "unit.h"
#include "trace/decode.h"

#include <sys/mman.h>

static const struct {
	const char *text;
	unsigned size;
	const char *bytes;
} table[] = {
	/* clang-format off */
	{"mov rax,[rdi]", 8, "\x48\x8b\x07"},
	{"mov eax,[rdi]", 4, "\x8b\x07"},
	{"mov ax,[rdi]", 2, "\x66\x8b\x07"},
	{"mov al,[rdi]", 1, "\x8a\x07"},
	{"mov byte ptr [rdi],1", 1, "\xc6\x07\x01"},
	{"mov word ptr [rdi],1", 2, "\x66\xc7\x07\x01\x00"},
	{"mov dword ptr [rdi],1", 4, "\xc7\x07\x01\x00\x00\x00"},
	{"mov qword ptr [rdi],1", 8, "\x48\xc7\x07\x01\x00\x00\x00"},
	{"movzx eax,byte ptr [rdi]", 1, "\x0f\xb6\x07"},
	{"movzx eax,word ptr [rdi]", 2, "\x0f\xb7\x07"},
	{"movsx rax,byte ptr [rdi+rsi*4+100]", 1, "\x48\x0f\xbe\x44\xb7\x64"},
	{"movsxd rax,dword ptr [rdi]", 4, "\x48\x63\x07"},
	{"add rax,[rdi]", 8, "\x48\x03\x07"},
	{"lock add dword ptr [rdi],5", 4, "\xf0\x83\x07\x05"},
	{"cmp byte ptr [rip+100],0", 1, "\x80\x3d\x64\x00\x00\x00\x00"},
	{"test qword ptr [r13],7", 8, "\x49\xf7\x45\x00\x07\x00\x00\x00"},
	{"inc dword ptr [rdi]", 4, "\xff\x07"},
	{"not word ptr [rdi]", 2, "\x66\xf7\x17"},
	{"xchg [rdi],rax", 8, "\x48\x87\x07"},
	{"lock cmpxchg [rdi],ecx", 4, "\xf0\x0f\xb1\x0f"},
	{"lock cmpxchg8b [rdi]", 8, "\xf0\x0f\xc7\x0f"},
	{"lock cmpxchg16b [rdi]", 16, "\xf0\x48\x0f\xc7\x0f"},
	{"lock xadd [rdi],rax", 8, "\xf0\x48\x0f\xc1\x07"},
	{"imul eax,[rdi]", 4, "\x0f\xaf\x07"},
	{"imul rax,[rdi],1000", 8, "\x48\x69\x07\xe8\x03\x00\x00"},
	{"sete [rdi]", 1, "\x0f\x94\x07"},
	{"cmovne rax,[rdi]", 8, "\x48\x0f\x45\x07"},
	{"shl dword ptr [rdi],3", 4, "\xc1\x27\x03"},
	{"bt qword ptr [rdi],5", 8, "\x48\x0f\xba\x27\x05"},
	{"push qword ptr [rdi]", 8, "\xff\x37"},
	{"pop qword ptr [rdi]", 8, "\x8f\x07"},
	{"push rax", 8, "\x50"},
	{"ret", 8, "\xc3"},
	{"leave", 8, "\xc9"},
	{"call [rdi]", 8, "\xff\x17"},
	{"jmp [rdi]", 8, "\xff\x27"},
	{"call rax", 8, "\xff\xd0"},
	{"rep movsb", 1, "\xf3\xa4"},
	{"rep movsq", 8, "\xf3\x48\xa5"},
	{"rep stosd", 4, "\xf3\xab"},
	{"repne scasb", 1, "\xf2\xae"},
	{"lodsw", 2, "\x66\xad"},
	{"movabs al,[0x1122334455667788]", 1, "\xa0\x88\x77\x66\x55\x44\x33\x22\x11"},
	{"lea rax,[rdi]", 0, "\x48\x8d\x07"},
	{"nop dword ptr [rax]", 0, "\x0f\x1f\x00"},
	{"mov rax,rdi", 0, "\x48\x89\xf8"},
	{"prefetcht0 [rdi]", 0, "\x0f\x18\x0f"},
	{"movups xmm0,[rdi]", 16, "\x0f\x10\x07"},
	{"movss xmm0,[rdi]", 4, "\xf3\x0f\x10\x07"},
	{"movsd xmm0,[rdi]", 8, "\xf2\x0f\x10\x07"},
	{"movaps [rdi],xmm0", 16, "\x0f\x29\x07"},
	{"movdqu xmm0,[rdi]", 16, "\xf3\x0f\x6f\x07"},
	{"movdqa [rdi],xmm1", 16, "\x66\x0f\x7f\x0f"},
	{"movq xmm0,[rdi]", 8, "\xf3\x0f\x7e\x07"},
	{"movd xmm0,[rdi]", 4, "\x66\x0f\x6e\x07"},
	{"movhps xmm0,[rdi]", 8, "\x0f\x16\x07"},
	{"movlpd [rdi],xmm0", 8, "\x66\x0f\x13\x07"},
	{"addsd xmm0,[rdi]", 8, "\xf2\x0f\x58\x07"},
	{"mulps xmm0,[rdi]", 16, "\x0f\x59\x07"},
	{"cvtsi2sd xmm0,qword ptr [rdi]", 8, "\xf2\x48\x0f\x2a\x07"},
	{"cvtsi2sd xmm0,dword ptr [rdi]", 4, "\xf2\x0f\x2a\x07"},
	{"cvttsd2si eax,[rdi]", 8, "\xf2\x0f\x2c\x07"},
	{"cvtps2pd xmm0,[rdi]", 8, "\x0f\x5a\x07"},
	{"ucomiss xmm0,[rdi]", 4, "\x0f\x2e\x07"},
	{"comisd xmm0,[rdi]", 8, "\x66\x0f\x2f\x07"},
	{"pcmpeqb xmm0,[rdi]", 16, "\x66\x0f\x74\x07"},
	{"pcmpeqb mm0,[rdi]", 8, "\x0f\x74\x07"},
	{"pmovzxbw xmm0,[rdi]", 8, "\x66\x0f\x38\x30\x07"},
	{"pmovzxbd xmm0,[rdi]", 4, "\x66\x0f\x38\x31\x07"},
	{"pinsrb xmm0,[rdi],1", 1, "\x66\x0f\x3a\x20\x07\x01"},
	{"pextrd [rdi],xmm0,1", 4, "\x66\x0f\x3a\x16\x07\x01"},
	{"psrlw xmm0,[rdi]", 16, "\x66\x0f\xd1\x07"},
	{"pshufb xmm0,[rdi]", 16, "\x66\x0f\x38\x00\x07"},
	{"aesenc xmm0,[rdi]", 16, "\x66\x0f\x38\xdc\x07"},
	{"crc32 eax,byte ptr [rdi]", 1, "\xf2\x0f\x38\xf0\x07"},
	{"movbe rax,[rdi]", 8, "\x48\x0f\x38\xf0\x07"},
	{"popcnt ecx,[rdi]", 4, "\xf3\x0f\xb8\x0f"},
	{"movnti [rdi],rax", 8, "\x48\x0f\xc3\x07"},
	{"movntdq [rdi],xmm0", 16, "\x66\x0f\xe7\x07"},
	{"ldmxcsr [rdi]", 4, "\x0f\xae\x17"},
	{"fxsave [rdi]", 0, "\x0f\xae\x07"},
	{"xsave [rdi]", 0, "\x0f\xae\x27"},
	{"fld tbyte ptr [rdi]", 10, "\xdb\x2f"},
	{"fld qword ptr [rdi]", 8, "\xdd\x07"},
	{"fstp dword ptr [rdi]", 4, "\xd9\x1f"},
	{"fild word ptr [rdi]", 2, "\xdf\x07"},
	{"fnstcw [rdi]", 2, "\xd9\x3f"},
	{"vmovdqu ymm0,[rdi]", 32, "\xc5\xfe\x6f\x07"},
	{"vmovdqu [rdi],xmm0", 16, "\xc5\xfa\x7f\x07"},
	{"vmovups ymm0,[rdi]", 32, "\xc5\xfc\x10\x07"},
	{"vmovss xmm0,[rdi]", 4, "\xc5\xfa\x10\x07"},
	{"vpcmpeqb ymm0,ymm1,[rdi]", 32, "\xc5\xf5\x74\x07"},
	{"vpsrlw ymm0,ymm1,[rdi]", 16, "\xc5\xf5\xd1\x07"},
	{"vbroadcastss ymm0,[rdi]", 4, "\xc4\xe2\x7d\x18\x07"},
	{"vpbroadcastb ymm0,[rdi]", 1, "\xc4\xe2\x7d\x78\x07"},
	{"vinserti128 ymm0,ymm1,[rdi],1", 16, "\xc4\xe3\x75\x38\x07\x01"},
	{"vextracti128 [rdi],ymm0,1", 16, "\xc4\xe3\x7d\x39\x07\x01"},
	{"vfmadd231sd xmm0,xmm1,[rdi]", 8, "\xc4\xe2\xf1\xb9\x07"},
	{"vfmadd231ps ymm0,ymm1,[rdi]", 32, "\xc4\xe2\x75\xb8\x07"},
	{"vcvtps2pd ymm0,[rdi]", 16, "\xc5\xfc\x5a\x07"},
	{"vpmovzxbw ymm0,[rdi]", 16, "\xc4\xe2\x7d\x30\x07"},
	{"andn rax,rbx,[rdi]", 8, "\xc4\xe2\xe0\xf2\x07"},
	{"rorx eax,[rdi],3", 4, "\xc4\xe3\x7b\xf0\x07\x03"},
	{"vmovdqu64 zmm16,[rdi]", 64, "\x62\xe1\xfe\x48\x6f\x07"},
	{"vmovdqu8 [rdi],ymm17", 32, "\x62\xe1\x7f\x28\x7f\x0f"},
	{"vmovdqu8 zmm1{k1}{z},[rdi]", 0, "\x62\xf1\x7f\xc9\x6f\x0f"},
	{"vpcmpb k0,zmm16,[rdi],0", 64, "\x62\xf3\x7d\x40\x3f\x07\x00"},
	{"vpaddd zmm0,zmm1,dword ptr [rdi]{1to16}", 4, "\x62\xf1\x75\x58\xfe\x07"},
	{"vpbroadcastd zmm16,[rdi]", 4, "\x62\xe2\x7d\x48\x58\x07"},
	{"vextracti32x4 [rdi],ymm16,1", 16, "\x62\xe3\x7d\x28\x39\x07\x01"},
	{"vpternlogd ymm16,ymm17,[rdi],0xee", 32, "\x62\xe3\x75\x20\x25\x07\xee"},
	{"vpperm xmm8,xmm9,xmm2,[rdi]", 0, "\x8f\x68\xb0\xa3\x07\x20"},
	{"clflush [rdi]", 0, "\x0f\xae\x3f"},
	/* clang-format on */
};

static void sizes(void)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t insn[15] = {0};
		unsigned got;

		/* No encoding here ends in 00, and none is longer than 15. */
		memcpy(insn, table[i].bytes, MIN(strlen(table[i].bytes), sizeof(insn)));
		got = decode_access_size(insn, sizeof(insn));
		if (got != table[i].size)
			printf("# %s: %u, want %u\n", table[i].text, got, table[i].size);
		CHECK(got == table[i].size);
	}
}

/* Whatever the bytes, nothing behind the n given is read, and the answer is a possible size. */
static void random_bytes(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t x = 88172645463325252;

	mprotect(page + 4096, 4096, PROT_NONE);
	for (int k = 0; k < 2000000; k++) {
		size_t n = (size_t)k % 16;
		uint8_t *insn = (uint8_t *)page + 4096 - n;
		struct decode_pointers p;
		unsigned got;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		for (size_t i = 0; i < n; i++)
			insn[i] = (uint8_t)((x * (i + 1)) >> 33);
		if (n && k % 3 == 0)
			insn[0] = "\x62\xc4\xc5\x66\xf3\x0f"[x % 6];
		decode_pointers(insn, n, &p);
		CHECK(p.reg[0] <= DECODE_NONE && p.reg[1] <= DECODE_NONE && p.scale < 4);
		got = decode_access_size(insn, n);
		CHECK(got <= 64 && (got == 10 || (got & (got - 1)) == 0));
	}
}

#define NONE DECODE_NONE
static const struct {
	const char *text;
	unsigned base, index, scale;
	int32_t disp;
	enum decode_target target;
	bool store; /* through index where that is a string's rdi */
	uint8_t bytes[15];
} pointer[] = {
	/* clang-format off */
	{"mov eax,[rdi]", 7, NONE, 0, 0, TARGET_NONE, false, "\x8b\x07"},
	{"mov [rdi],eax", 7, NONE, 0, 0, TARGET_NONE, true, "\x89\x07"},
	{"mov byte ptr [r12],1", 12, NONE, 0, 0, TARGET_NONE, true, "\x41\xc6\x04\x24\x01"},
	{"mov rax,[r13-8]", 13, NONE, 0, -8, TARGET_NONE, false, "\x49\x8b\x45\xf8"},
	{"mov rax,[rbp+0x12345678]", 5, NONE, 0, 0x12345678, TARGET_NONE, false, "\x48\x8b\x85\x78\x56\x34\x12"},
	{"mov al,[rsp+rcx*2+4]", 4, 1, 1, 4, TARGET_NONE, false, "\x8a\x44\x4c\x04"},
	{"mov rax,[r9*8+64]", NONE, 9, 3, 64, TARGET_NONE, false, "\x4a\x8b\x04\xcd\x40\x00\x00\x00"},
	{"mov rax,[r8+r12]", 8, 12, 0, 0, TARGET_NONE, false, "\x4b\x8b\x04\x20"},
	{"cmp [rsi],al", 6, NONE, 0, 0, TARGET_NONE, false, "\x38\x06"},
	{"add [rsi],al", 6, NONE, 0, 0, TARGET_NONE, true, "\x00\x06"},
	{"cmp byte ptr [rsi],0", 6, NONE, 0, 0, TARGET_NONE, false, "\x80\x3e\x00"},
	{"lock or dword ptr [rsi],0", 6, NONE, 0, 0, TARGET_NONE, true, "\xf0\x83\x0e\x00"},
	{"test dword ptr [rsi],1", 6, NONE, 0, 0, TARGET_NONE, false, "\xf7\x06\x01\x00\x00\x00"},
	{"neg dword ptr [rsi]", 6, NONE, 0, 0, TARGET_NONE, true, "\xf7\x1e"},
	{"inc qword ptr [rsi]", 6, NONE, 0, 0, TARGET_NONE, true, "\x48\xff\x06"},
	{"shl byte ptr [rsi],cl", 6, NONE, 0, 0, TARGET_NONE, true, "\xd2\x26"},
	{"fld qword ptr [rsi]", 6, NONE, 0, 0, TARGET_NONE, false, "\xdd\x06"},
	{"fstp qword ptr [rsi]", 6, NONE, 0, 0, TARGET_NONE, true, "\xdd\x1e"},
	{"sete [r11]", 11, NONE, 0, 0, TARGET_NONE, true, "\x41\x0f\x94\x03"},
	{"movaps [rdx],xmm0", 2, NONE, 0, 0, TARGET_NONE, true, "\x0f\x29\x02"},
	{"movdqu xmm0,[rdx]", 2, NONE, 0, 0, TARGET_NONE, false, "\xf3\x0f\x6f\x02"},
	{"movq [rdx],xmm0", 2, NONE, 0, 0, TARGET_NONE, true, "\x66\x0f\xd6\x02"},
	{"movq xmm0,[rdx]", 2, NONE, 0, 0, TARGET_NONE, false, "\xf3\x0f\x7e\x02"},
	{"lock xadd [rdi],rax", 7, NONE, 0, 0, TARGET_NONE, true, "\xf0\x48\x0f\xc1\x07"},
	{"lock bts [rdi],rax", 7, NONE, 0, 0, TARGET_NONE, true, "\xf0\x48\x0f\xab\x07"},
	{"bt [rdi],rax", 7, NONE, 0, 0, TARGET_NONE, false, "\x48\x0f\xa3\x07"},
	{"bt dword ptr [rdi],3", 7, NONE, 0, 0, TARGET_NONE, false, "\x0f\xba\x27\x03"},
	{"btr dword ptr [rdi],3", 7, NONE, 0, 0, TARGET_NONE, true, "\x0f\xba\x37\x03"},
	{"movbe [rdi],eax", 7, NONE, 0, 0, TARGET_NONE, true, "\x0f\x38\xf1\x07"},
	{"pextrb [rdi],xmm0,1", 7, NONE, 0, 0, TARGET_NONE, true, "\x66\x0f\x3a\x14\x07\x01"},
	{"vmovdqu ymm0,[r9+r10*4]", 9, 10, 2, 0, TARGET_NONE, false, "\xc4\x81\x7e\x6f\x04\x91"},
	{"vmovdqu [rdi],ymm0", 7, NONE, 0, 0, TARGET_NONE, true, "\xc5\xfe\x7f\x07"},
	{"vmovdqu8 zmm16,[rsi]", 6, NONE, 0, 0, TARGET_NONE, false, "\x62\xe1\x7f\x48\x6f\x06"},
	{"vmovdqu64 [r15],zmm1", 15, NONE, 0, 0, TARGET_NONE, true, "\x62\xd1\xfe\x48\x7f\x0f"},
	{"rep movsb", 6, 7, 0, 0, TARGET_NONE, true, "\xf3\xa4"},
	{"rep stosq", NONE, 7, 0, 0, TARGET_NONE, true, "\xf3\x48\xab"},
	{"lodsb", 6, NONE, 0, 0, TARGET_NONE, false, "\xac"},
	{"scasb", NONE, 7, 0, 0, TARGET_NONE, false, "\xae"},
	{"cmpsb", 6, 7, 0, 0, TARGET_NONE, false, "\xa6"},
	{"push rax", 4, NONE, 0, 0, TARGET_NONE, true, "\x50"},
	{"pop rax", 4, NONE, 0, 0, TARGET_NONE, false, "\x58"},
	{"call next", 4, NONE, 0, 0, TARGET_NONE, true, "\xe8\x00\x00\x00\x00"},
	{"leave", 5, NONE, 0, 0, TARGET_NONE, false, "\xc9"},
	{"ret", 4, NONE, 0, 0, TARGET_MEMORY, false, "\xc3"},
	{"call rax", 0, NONE, 0, 0, TARGET_REGISTER, false, "\xff\xd0"},
	{"jmp r11", 11, NONE, 0, 0, TARGET_REGISTER, false, "\x41\xff\xe3"},
	{"call [rax+8]", 0, NONE, 0, 8, TARGET_MEMORY, false, "\xff\x50\x08"},
	{"jmp [rax+rcx*8]", 0, 1, 3, 0, TARGET_MEMORY, false, "\xff\x24\xc8"},
	{"push [rax]", 0, NONE, 0, 0, TARGET_NONE, false, "\xff\x30"},
	/* no register makes an address */
	{"mov eax,[rip+4]", NONE, NONE, 0, 0, TARGET_NONE, false, "\x8b\x05\x04\x00\x00\x00"},
	{"mov rax,rdi", NONE, NONE, 0, 0, TARGET_NONE, false, "\x48\x89\xf8"},
	{"lea rax,[rdi]", NONE, NONE, 0, 0, TARGET_NONE, false, "\x48\x8d\x07"},
	/* clang-format on */
};

static void pointers(void)
{
	for (size_t i = 0; i < ARRAY_LEN(pointer); i++) {
		struct decode_pointers p;
		bool is = decode_pointers(pointer[i].bytes, sizeof(pointer[i].bytes), &p);

		if (pointer[i].base == NONE && pointer[i].index == NONE) {
			CHECK(!is);
			continue;
		}
		if (!is || p.reg[0] != pointer[i].base || p.reg[1] != pointer[i].index)
			printf("# %s: registers %u, %u\n", pointer[i].text, p.reg[0], p.reg[1]);
		CHECK(is);
		CHECK_EQ(p.reg[0], pointer[i].base);
		CHECK_EQ(p.reg[1], pointer[i].index);
		CHECK_EQ(p.scale, pointer[i].scale);
		CHECK_EQ(p.disp, pointer[i].disp);
		CHECK_EQ(p.target, pointer[i].target);
		CHECK_EQ(p.store[pointer[i].index == 7], pointer[i].store);
	}
}

int main(void)
{
	RUN(sizes);
	RUN(pointers);
	RUN(random_bytes);
	return UNIT_END();
}
