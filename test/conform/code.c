/* code.c - conformance: memory that is run: made so, written again, shown twice, or not to be read. */
#include "conform.h"

/* mov $value, %eax; ret */
static void code_write(unsigned char *p, int value)
{
	p[0] = 0xb8;
	memcpy(p + 1, &value, 4);
	p[5] = 0xc3;
}

static int code_run(const unsigned char *p)
{
	return ((int (*)(void))(uintptr_t)p)();
}

static int code_ran(unsigned char *p, int value)
{
	code_write(p, value);
	must(!mprotect(p, 4096, PROT_READ | PROT_EXEC));
	int got = code_run(p);

	must(!mprotect(p, 4096, PROT_READ | PROT_WRITE));
	return got;
}

static void mem_jit(void)
{
	unsigned char *p = (unsigned char *)pages(4 * 4096, PROT_READ | PROT_WRITE);
	int good = 0;

	for (int i = 0; i < 100; i++)
		good += code_ran(p + (i & 3) * 4096, i * 1001) == i * 1001;
	say("%d of 100", good);
	unsigned char *x = (unsigned char *)pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);

	good = 0;
	for (int i = 0; i < 100; i++) {
		code_write(x, i);
		good += code_run(x) == i;
	}
	say("writable code: %d of 100", good);
}

static void mem_jit_two_views(void)
{
	int fd = memfd_create("code", MFD_CLOEXEC), good = 0;

	must(!ftruncate(fd, 4096));
	unsigned char *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned char *x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

	for (int i = 0; i < 100; i++) {
		code_write(w, i);
		good += code_run(x) == i;
	}
	say("%d of 100", good);
	say_fault("store into code", store, x, x);
	say_fault("run the data", (void (*)(void *))(uintptr_t)w, NULL, w);
}

/* Memory that may be run and nothing else: whether it may be read is the processor's (PKU). */
static void mem_exec_only(void)
{
	unsigned char *p = (unsigned char *)pages(8192, PROT_READ | PROT_WRITE);
	struct fault f;

	memcpy(p, (unsigned char[]){0x8d, 0x47, 0x05, 0xc3}, 4); /* lea 5(%rdi), %eax; ret */
	memcpy(p + 4096, p, 4);
	must(!mprotect(p, 8192, PROT_EXEC));
	say("%d", ((int (*)(int))p)(37));
	say("read faults %d", fault_try(load, p, &f));
	say("write faults %d", fault_try(store, p, &f));
	say("%d", ((int (*)(int))(p + 4096))(1));
	must(!mprotect(p, 8192, PROT_READ | PROT_WRITE));
	p[2] = 6;
	must(!mprotect(p, 8192, PROT_EXEC));
	say("%d", ((int (*)(int))p)(37));
}

const struct conform_case code_cases[] = {
	CONFORM(mem_jit), CONFORM(mem_jit_two_views), CONFORM(mem_exec_only), {NULL, NULL}};
