/* arch.c - conformance: segment bases, CPUID and XCR0, vector arithmetic, registers across system
 * calls. */
#include <asm/prctl.h>
#include <cpuid.h>
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sys/auxv.h>

#include "conform.h"

static long arch_prctl(int code, unsigned long addr)
{
	return syscall(SYS_arch_prctl, code, addr);
}

static __thread long my_tls = 3;

static void arch_bases(void)
{
	unsigned long fs = 0, gs = 1, self;
	static unsigned long block[4] = {0x1111, 0x2222, 0x3333, 0x4444};

	must(!arch_prctl(ARCH_GET_FS, (unsigned long)&fs) &&
		!arch_prctl(ARCH_GET_GS, (unsigned long)&gs));
	__asm__("mov %%fs:0, %0" : "=r"(self));
	say("fs is fs:0 %d, gs 0x%lx", fs == self, gs);
	must(!arch_prctl(ARCH_SET_GS, (unsigned long)block));
	__asm__ volatile("mov %%gs:8, %0" : "=r"(self));
	arch_prctl(ARCH_GET_GS, (unsigned long)&gs);
	say("gs:8 0x%lx, base %d", self, gs == (unsigned long)block);
	getppid();
	pid_t p = fork();

	if (p == 0) {
		__asm__ volatile("mov %%gs:16, %0" : "=r"(self));
		say("child gs:16 0x%lx tls %ld", self, my_tls);
		_exit(0);
	}
	say_wait("child", p);
	say("noncanonical %s", result(arch_prctl(ARCH_SET_GS, 0x8000000000000000)));
	if (!(getauxval(AT_HWCAP2) & 2)) {
		say("no FSGSBASE");
		return;
	}
	__asm__ volatile("wrgsbase %1; mov %%gs:0, %0" : "=r"(self) : "r"(block + 2));
	say("wrgsbase gs:0 0x%lx", self);
	arch_prctl(ARCH_GET_GS, (unsigned long)&gs);
	say("kernel sees it %d", gs == (unsigned long)(block + 2));
	__asm__ volatile("rdfsbase %0" : "=r"(self));
	say("rdfsbase %d", self == fs);
}

static void arch_cpuid(void)
{
	unsigned a, b, c, d, lo, hi;
	char maker[13] = "";

	__cpuid(0, a, b, c, d);
	memcpy(maker, &b, 4);
	memcpy(maker + 4, &d, 4);
	memcpy(maker + 8, &c, 4);
	say("%s", maker);
	__cpuid(1, a, b, c, d);
	/* what a user program may use: sse3, pclmul, ssse3, fma, cx16, sse4, movbe, popcnt, aes,
	 * xsave, avx, f16c, rdrand */
	say("1: ecx 0x%x edx 0x%x", c & 0x7e983203, d & 0x07808111);
	if (c & bit_OSXSAVE) {
		__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		say("xcr0 0x%x 0x%x", hi, lo & 0xe7); /* without MPX, which KVM hides */
		__cpuid_count(13, 0, a, b, c, d);
		say("xsave area holds what xcr0 says %d", b >= (lo & 4 ? 832u : 576u) && b <= c);
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		say("7: bmi avx2 avx512 sha 0x%x", b & 0xf0230129 & ~1u);
	say("builtin: avx %d avx2 %d avx512f %d", !!__builtin_cpu_supports("avx"),
		!!__builtin_cpu_supports("avx2"), !!__builtin_cpu_supports("avx512f"));
}

__attribute__((target("avx2,fma"))) static void avx2(void)
{
	__m256d a = _mm256_set_pd(1, 2, 3, 4), b = _mm256_set1_pd(0.5),
		c = _mm256_fmadd_pd(a, b, a);
	__m256i i = _mm256_mullo_epi32(
		_mm256_set1_epi32(12345), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
	double out[4];
	int iout[8];

	_mm256_storeu_pd(out, c);
	_mm256_storeu_si256((__m256i *)iout, _mm256_permute4x64_epi64(i, 0x1b));
	say("fma %.3f %.3f %.3f %.3f", out[0], out[1], out[2], out[3]);
	say("int %d %d %d %d", iout[0], iout[1], iout[6], iout[7]);
	__m256i g = _mm256_i32gather_epi32(iout, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0), 4);

	_mm256_storeu_si256((__m256i *)iout, g);
	say("gather %d %d", iout[0], iout[7]);
}

__attribute__((target("avx512f"))) static void avx512(void)
{
	__m512d a = _mm512_set1_pd(1.25);
	double out[8];

	a = _mm512_mask_mul_pd(a, 0x55, a, a);
	_mm512_storeu_pd(out, _mm512_sqrt_pd(a));
	say("%.6f %.6f sum %.6f", out[0], out[1], _mm512_reduce_add_pd(a));
}

static void arch_vector(void)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		avx2();
	else
		say("no AVX2");
	if (__builtin_cpu_supports("avx512f"))
		avx512();
	else
		say("no AVX-512");
	say("crc32 0x%x popcnt %d", (unsigned)__builtin_ia32_crc32si(0, 0x12345678),
		__builtin_popcount(0xf0f0f0));
}

static void arch_x87(void)
{
	volatile long double third = 1.0L / 3, big = 1e4000L;

	say("%.20Lf %.5Le", third, big * third);
	say("sin %.12f exp %.12f pow %.12f", sin(1.0), exp(1.0), pow(2.0, 0.5));
	int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

	for (int i = 0; i < 4; i++) {
		fesetround(modes[i]);
		volatile double one = 1, three = 3;
		volatile float f = (float)(one / three);

		getppid();
		say("%a %a %a %d", one / three, -one / three, (double)f, fegetround() == modes[i]);
	}
	fesetround(FE_TONEAREST);
	feclearexcept(FE_ALL_EXCEPT);
	volatile double zero = 0, inf = 1 / zero;

	getppid();
	say("inf %d flags 0x%x", isinf(inf),
		(unsigned)fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW));
}

static void *fp_thread(void *unused)
{
	say("thread rounds %d", fegetround());
	fesetround(FE_DOWNWARD);
	return NULL;
}

static void arch_fp_inherit(void)
{
	pthread_t t;

	fesetround(FE_UPWARD);
	pthread_create(&t, NULL, fp_thread, NULL);
	pthread_join(t, NULL);
	say("mine %d", fegetround());
	pid_t p = fork();

	if (p == 0) {
		say("child rounds %d", fegetround());
		_exit(0);
	}
	say_wait("child", p);
	p = vfork();
	if (p == 0)
		_exit(fegetround() == FE_UPWARD);
	say_wait("vfork", p);
}

/* in[]: what goes into the registers; out[]: what was in them after getpid. r14 and r15 hold the
 * arrays. */
static long __attribute__((used)) in[9], out[16];

__asm__("regs_try:\n"
	"	push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	lea in(%rip), %r15; lea out(%rip), %r14\n"
	"	movq 56(%r15), %xmm11\n"
	"	mov (%r15), %rdi; mov 8(%r15), %rsi; mov 16(%r15), %rdx; mov 24(%r15), %r10\n"
	"	mov 32(%r15), %r8; mov 40(%r15), %r9; mov 48(%r15), %rbx; mov 56(%r15), %r12; mov "
	"64(%r15), %r13\n"
	"	xor %eax, %eax; mov $39, %al; stc; syscall\n"
	"1:	mov %rcx, 72(%r14); mov %r11, 80(%r14); pushf; pop %rcx; mov %rcx, 88(%r14)\n"
	"	mov %rdi, (%r14); mov %rsi, 8(%r14); mov %rdx, 16(%r14); mov %r10, 24(%r14)\n"
	"	mov %r8, 32(%r14); mov %r9, 40(%r14); mov %rbx, 48(%r14); mov %r12, 56(%r14); mov "
	"%r13, 64(%r14)\n"
	"	mov %rax, 96(%r14); lea 1b(%rip), %rcx; mov %rcx, 104(%r14); movq %xmm11, "
	"112(%r14)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; ret\n");
void regs_try(void);

/* A system call changes rax, rcx, r11 and nothing else: rcx = rip after it, r11 = flags. */
static void arch_syscall_regs(void)
{
	for (long i = 0; i < 9; i++)
		in[i] = 0x1000 + i;
	regs_try();
	say("kept %d, rcx is rip %d, r11 0x%lx flags 0x%lx", !memcmp(in, out, sizeof(in)),
		out[9] == out[13], (unsigned long)out[10], (unsigned long)out[11]);
	say("rax %d xmm11 %d", out[12] == getpid(), out[14] == in[7]);
}

static void arch_atomic(void)
{
	static _Alignas(16) unsigned __int128 v = 5;
	unsigned __int128 want = 5;
	unsigned long lo = 7, hi = 9, a = (unsigned long)want, d = 0;
	unsigned char ok;

	__asm__ volatile("lock cmpxchg16b %1; setz %0"
			 : "=q"(ok), "+m"(v), "+a"(a), "+d"(d)
			 : "b"(lo), "c"(hi)
			 : "cc");
	say("cmpxchg16b %d: %lu %lu", ok, (unsigned long)v, (unsigned long)(v >> 64));
	/* A locked access across a page end. */
	char *p = pages(8192, PROT_READ | PROT_WRITE);
	int *split = (int *)(p + 4094);

	for (int i = 0; i < 1000; i++)
		__asm__ volatile("lock incl %0" : "+m"(*split));
	say("split %d", *split);
}

static void arch_getrandom(void)
{
	unsigned char a[64] = {0}, b[64] = {0};

	say("%ld %ld", syscall(SYS_getrandom, a, 64, 0), syscall(SYS_getrandom, b, 64, 0));
	say("differ %d", !!memcmp(a, b, 64));
	say("auxv: hwcap %d platform %s secure %lu", getauxval(AT_HWCAP) != 0,
		(char *)getauxval(AT_PLATFORM), getauxval(AT_SECURE));
	say("clktck %lu uid %d entry %d phdr %d", getauxval(AT_CLKTCK),
		getauxval(AT_UID) == getuid(), !!getauxval(AT_ENTRY), !!getauxval(AT_PHDR));
}

const struct conform_case arch_cases[] = {
	{"arch_bases", arch_bases},
	{"arch_cpuid", arch_cpuid},
	{"arch_vector", arch_vector},
	{"arch_x87", arch_x87},
	{"arch_fp_inherit", arch_fp_inherit},
	{"arch_syscall_regs", arch_syscall_regs},
	{"arch_atomic", arch_atomic},
	{"arch_getrandom", arch_getrandom},
	{NULL, NULL},
};
