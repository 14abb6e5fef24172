/*
 * print.c - a finding as text (print.h). app context, fault path: no malloc, no stdio, no lock.
 *
 * THE FORMAT (stable; test/bug parses it). All of it goes to log_fd(). Line 1:
 *
 *   undangle: ERROR: use-after-free: ACCESS at ADDR, WHERE HOW by thread THREAD
 *   undangle: ERROR: use-after-free: malloc_usable_size() of ADDR, WHERE HOW by thread THREAD
 *   undangle: ERROR: use-after-free: ACCESS through a pointer loaded from ADDR, WHERE HOW ...
 *   undangle: ERROR: use-after-free: CALL() of a pointer loaded from ADDR, WHERE HOW ...
 *   undangle: ERROR: use-after-free: WRITE at ADDR, WHERE HOW ..., found WHEN: its word is VALUE
 *   undangle: ERROR: double-free: CALL() of ADDR, WHERE HOW by thread THREAD
 *   undangle: ERROR: invalid-free: CALL() of ADDR, WHAT[, misaligned]
 *   undangle: ERROR: out-of-bounds: ACCESS at ADDR, N bytes before a live SIZE-byte block
 *   undangle: ERROR: out-of-bounds: ACCESS at ADDR, N bytes past the end of a live SIZE-byte block
 *   undangle: ERROR: out-of-bounds: ACCESS at ADDR, in malloc's range, where no block ever was
 *
 *   ACCESS  READ of size N | WRITE of size N | READ | WRITE | EXEC | CALL() argument N
 *           (without "of size N" if the instruction is not understood)
 *   ADDR    0x and lower-case digits; so is VALUE, of 8 bytes
 *   WHEN    at exit | when it died | by ud_kill_dead(): a write that nobody saw, to the first byte that changed
 *   WHERE   N bytes inside a SIZE-byte block | N bytes past the end of a SIZE-byte block | the
 *           start of a SIZE-byte block | N bytes before a SIZE-byte block | in a block
 *           ("0 bytes inside" is never written; "in a block" is of one that is long forgotten).
 *           "an 8-byte block"; where the size is not recorded: "a block of the SIZE-byte class"
 *   HOW     freed | moved by realloc; without "by thread THREAD" if it was not recorded, and then
 *           the parts of what was not recorded are absent below, too
 *   THREAD  Tn (name): T0 is the main thread, the others are numbered as the report comes to
 *           them; name is "main", the thread's comm, "exited", or "unknown" where
 *           there is no /proc; "T0 (main, before fork)" is the thread that called fork in the parent
 *   WHAT    N bytes inside a live SIZE-byte block | N bytes past the end of a live SIZE-byte block
 *           | N bytes before a live SIZE-byte block
 *           | N bytes inside a SIZE-byte block HOW by thread THREAD
 *           | on the stack of thread THREAD | in MODULE+0xOFF[ SYMBOL+0xOFF]
 *           | in the brk heap | in mapped memory that malloc never returned[ (NAME)]
 *           | in malloc's range, where no block ever was | not mapped
 *
 *   TIME    about S s | less than S s: seconds, with a fraction of three digits if they are below 10
 *   COUNT   N allocations | at most N allocations; 1 allocation
 *
 * Then, each indented by two blanks; a block is "of no record" for invalid-free of foreign memory,
 * and then the freed/allocated parts are absent:
 *
 *   process PID (COMM)
 *   used by thread THREAD, tid TID:              ("called by thread" for a bad free; absent for
 *                                                 what was found later)
 *     #0 0x000055e1a2b3c4d5 in SYMBOL+0xOFF (PATH+0xOFF) (BuildId: HEX)
 *     #1 0x000055e1a2b3c4d5 (PATH+0xOFF) (BuildId: HEX)
 *     #2 0x00007f0012345678 (<unknown module>)
 *   freed by thread THREAD, tid TID[, TIME and COUNT ago]:  ("moved by realloc in thread" if so;
 *                                                 dead blocks)
 *     (no stack recorded)
 *   allocated by thread THREAD, tid TID:
 *     #0 ...
 *   or N bytes past the end of a live SIZE-byte block[ allocated by thread THREAD, tid TID:]
 *     #0 ...                                     (a dead block that was met from that one, perhaps)
 *   registers:                                   (not for a bad free)
 *     rax 0x0000000000000000 rbx ... rcx ... rdx ...
 *     ... 18 in all: rax..rdx, rsi rdi rbp rsp, r8..r15, rip efl
 *   signature: 16 hex digits                     (the same bug in the same build: the same)
 *   undangle: hint: one line on how to go on     (not indented)
 *
 * Frames: #0 of "used by" is the faulting instruction itself (READ, WRITE, EXEC). Every other
 * frame shows the return address, and as SYMBOL+0xOFF and PATH+0xOFF the last byte of the call
 * before it, which is what addr2line must be asked for. A module without a build id has none.
 * `undangle symbolize` reads this (cli/finding.c) and puts lines and inlined frames in.
 */
#include "print.h"
#include "base/base.h"
#include "trace/trace.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>

#define SIGNATURE_FRAMES 3

#define THREADS_MAX 4
#define FORKS_MAX   16
static int thread_tid[THREADS_MAX], nthreads; /* T1.. of this report */
static int forked_tid[FORKS_MAX] UD_ALWAYS;
static unsigned nforked UD_ALWAYS;
static int parent_tid UD_ALWAYS; /* of the thread that is forking */
static struct stamp_age age;
static bool age_known;

void print_fork_prepare(void)
{
	parent_tid = sys_gettid();
}

void print_fork_child(void)
{
	forked_tid[nforked++ % FORKS_MAX] = parent_tid;
	stack_forked();
}

static bool was_us_before_fork(int tid)
{
	for (unsigned i = 0; i < MIN(nforked, FORKS_MAX); i++)
		if (forked_tid[i] == tid)
			return true;
	return false;
}

static void read_comm(char *dst, size_t size, int tid)
{
	char path[64];

	out_snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	if (!file_line(path, dst, size) &&
		(tid != sys_gettid() || sys_call3(__NR_prctl, PR_GET_NAME, (long)dst, 0)))
		out_snprintf(dst, size, "%s",
			file_line("/proc/self/comm", dst, size) ? "exited" : "unknown");
}

static void print_thread(struct out *o, int tid)
{
	char comm[20];
	int i;

	if (tid == sys_getpid()) {
		out_str(o, "T0 (main)");
		return;
	}
	if (was_us_before_fork(tid) || tid == (int)sys_call3(__NR_getppid, 0, 0, 0)) {
		out_str(o, "T0 (main, before fork)");
		return;
	}
	for (i = 0; i < nthreads && thread_tid[i] != tid; i++)
		;
	if (i == nthreads && nthreads < THREADS_MAX)
		thread_tid[nthreads++] = tid;
	read_comm(comm, sizeof(comm), tid);
	out_fmt(o, "T%d (%s)", i + 1, comm);
}

/* "an 8-byte block": is what the number begins with spoken with a vowel? */
static const char *article(size_t n)
{
	while (n >= 1000)
		n /= 1000;
	return n == 8 || n == 11 || n == 18 || n / 10 == 8 || n / 100 == 8 ? "an" : "a";
}

static void print_block(struct out *o, const struct block *b)
{
	const char *live = b->state == BLOCK_LIVE ? "live " : "";
	const char *a = *live || b->of_class ? "a" : article(b->size);

	if (b->of_class)
		out_fmt(o, "%s %sblock of the %zu-byte class", a, live, b->size);
	else
		out_fmt(o, "%s %s%zu-byte block", a, live, b->size);
}

static void print_where(struct out *o, vaddr_t addr, const struct block *b)
{
	size_t off = addr - b->base, n = off;
	const char *how = "inside";

	if (b->forgotten) {
		out_str(o, "in a block");
		return;
	}
	if (addr < b->base) {
		n = b->base - addr;
		how = "before";
	} else if (off >= b->size) {
		n = off - b->size;
		how = "past the end of";
	}
	if (off == 0 && b->size)
		out_str(o, "the start of ");
	else
		out_fmt(o, "%zu byte%s %s ", n, n == 1 ? "" : "s", how);
	print_block(o, b);
}

static void print_dead(struct out *o, const struct report *r)
{
	print_where(o, r->addr, &r->block);
	out_str(o, r->block.moved ? " moved by realloc" : " freed");
	if (!r->block.free_tid)
		return;
	out_str(o, " by thread ");
	print_thread(o, r->block.free_tid);
}

static void print_access(struct out *o, const struct report *r)
{
	switch (r->access) {
	case ACCESS_READ:
	case ACCESS_WRITE:
		out_str(o, r->access == ACCESS_READ ? "READ" : "WRITE");
		if (r->size)
			out_fmt(o, " of size %zu", r->size);
		break;
	case ACCESS_EXEC:
		out_str(o, "EXEC");
		break;
	case ACCESS_SYSCALL:
		out_fmt(o, "%s() argument %d", r->call, r->arg);
		break;
	case ACCESS_NONE:
		break;
	}
	out_str(o, r->loaded ? " through a pointer loaded from" : " at");
	out_fmt(o, " %p, ", vaddr_ptr(r->addr));
}

static void print_symbol(struct out *o, const struct symbol *s)
{
	if (!s->module[0]) {
		out_str(o, "??");
		return;
	}
	out_fmt(o, "%s+0x%lx", s->module, s->offset);
	if (s->name[0])
		out_fmt(o, " %s+0x%lx", s->name, s->delta);
}

static void print_foreign(struct out *o, const struct report *r)
{
	char name[64];
	struct symbol s;

	switch (place_find(r->addr, r->use.sp, name, sizeof(name))) {
	case PLACE_UNMAPPED:
		out_str(o, "not mapped");
		break;
	case PLACE_STACK:
		out_str(o, "on the stack of thread ");
		print_thread(o, sys_gettid());
		break;
	case PLACE_MODULE:
		symbol_find(r->addr, &s);
		out_str(o, "in ");
		print_symbol(o, &s);
		break;
	case PLACE_BRK:
		out_str(o, "in the brk heap");
		break;
	case PLACE_MAPPED:
		out_str(o, "in mapped memory that malloc never returned");
		if (name[0])
			out_fmt(o, " (%s)", name);
	}
}

static void print_what(struct out *o, const struct report *r)
{
	switch (r->block.state) {
	case BLOCK_LIVE:
		print_where(o, r->addr, &r->block);
		break;
	case BLOCK_DEAD:
		print_dead(o, r);
		break;
	case BLOCK_NEVER:
		out_str(o, "in malloc's range, where no block ever was");
		break;
	case BLOCK_NONE:
		print_foreign(o, r);
	}
}

static void print_headline(struct out *o, const struct report *r)
{
	static const char *const kind[] = {
		"use-after-free", "double-free", "invalid-free", "out-of-bounds"};

	out_fmt(o, "undangle: ERROR: %s: ", kind[r->kind]);
	if (r->access == ACCESS_NONE)
		out_fmt(o, "%s() of %s%p, ", r->call, r->loaded ? "a pointer loaded from " : "",
			vaddr_ptr(r->addr));
	else
		print_access(o, r);
	print_what(o, r);
	if (r->kind == FINDING_INVALID_FREE && r->addr & 15)
		out_str(o, ", misaligned");
	if (r->found)
		out_fmt(o, ", found %s: its word is 0x%016lx", r->found, r->value);
	out_char(o, '\n');
	out_flush(o);
}

static void print_frame(struct out *o, const struct symbol *s)
{
	if (s->name[0])
		out_fmt(o, "in %s+0x%lx ", s->name, s->delta);
	if (s->module[0])
		out_fmt(o, "(%s+0x%lx)", s->path[0] ? s->path : s->module, s->offset);
	else
		out_str(o, "(<unknown module>)");
	if (s->id_len)
		out_str(o, " (BuildId: ");
	for (size_t i = 0; i < s->id_len; i++)
		out_fmt(o, "%02x", s->id[i]);
	out_str(o, s->id_len ? ")\n" : "\n");
	out_flush(o);
}

static void print_frames(struct out *o, const uintptr_t *pc, size_t n, bool exact)
{
	if (!n)
		out_str(o, "    (no stack recorded)\n");
	for (size_t i = 0; i < n; i++) {
		struct symbol s;

		symbol_find(pc[i] - !(exact && i == 0), &s);
		out_fmt(o, "    #%zu 0x%016lx ", i, pc[i]);
		print_frame(o, &s);
	}
}

void report_stack(struct out *o, uint32_t id)
{
	uintptr_t pc[STACK_MAX];

	print_frames(o, pc, depot_get(id, pc, STACK_MAX), false);
}

/* Of bounds that are near each other their mean stands for both. */
static bool is_near(const uint64_t bound[2])
{
	return bound[1] - bound[0] <= bound[1] / 4;
}

static void print_age(struct out *o, const struct stamp_age *a)
{
	bool near = is_near(a->ns);
	uint64_t ms = ((near ? a->ns[0] / 2 + a->ns[1] / 2 : a->ns[1]) + 999999) / 1000000, n;

	out_str(o, near ? ", about " : ", less than ");
	if (ms < 10000)
		out_fmt(o, "%lu.%03lu s", ms / 1000, ms % 1000);
	else
		out_fmt(o, "%lu s", ms / 1000);
	near = is_near(a->allocs);
	n = near ? a->allocs[0] / 2 + a->allocs[1] / 2 : a->allocs[1];
	out_fmt(o, " and %s%lu allocation%s ago", near ? "" : "at most ", n, n == 1 ? "" : "s");
}

static void print_stack(struct out *o, const char *what, int tid, const struct stamp_age *ago,
	const uintptr_t *pc, size_t n, bool exact)
{
	if (!tid)
		return;
	out_fmt(o, "%s thread ", what);
	print_thread(o, tid);
	out_fmt(o, ", tid %d", tid);
	if (ago)
		print_age(o, ago);
	out_str(o, ":\n");
	print_frames(o, pc, n, exact);
}

static void print_stacks(struct out *o, const struct report *r)
{
	bool exact = report_by_access(r);
	const struct block *b = &r->block;
	uintptr_t pc[STACK_MAX];
	size_t n;

	n = report_frames(r, pc, STACK_MAX);
	if (!r->found)
		print_stack(o, r->access == ACCESS_NONE ? "  called by" : "  used by", sys_gettid(),
			NULL, pc, n, exact);
	if (b->state == BLOCK_DEAD) {
		n = depot_get(b->free_stack, pc, STACK_MAX);
		print_stack(o, b->moved ? "  moved by realloc in" : "  freed by", b->free_tid,
			age_known ? &age : NULL, pc, n, false);
	}
	if (b->state == BLOCK_DEAD || b->state == BLOCK_LIVE) {
		n = depot_get(b->alloc_stack, pc, STACK_MAX);
		print_stack(o, "  allocated by", b->alloc_tid, NULL, pc, n, false);
	}
	if (r->before.state == BLOCK_LIVE) {
		out_str(o, "  or ");
		print_where(o, r->addr, &r->before);
		if (!r->before.alloc_tid)
			out_char(o, '\n');
		n = depot_get(r->before.alloc_stack, pc, STACK_MAX);
		print_stack(o, " allocated by", r->before.alloc_tid, NULL, pc, n, false);
	}
}

static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	for (const uint8_t *b = p; n--; b++)
		h = (h ^ *b) * 0x100000001b3;
	return h;
}

static void print_registers(struct out *o, const ucontext_t *uc)
{
	static const struct {
		const char *name;
		int index;
	} reg[] = {{"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX}, {"rdx", REG_RDX},
		{"rsi", REG_RSI}, {"rdi", REG_RDI}, {"rbp", REG_RBP}, {"rsp", REG_RSP},
		{"r8 ", REG_R8}, {"r9 ", REG_R9}, {"r10", REG_R10}, {"r11", REG_R11},
		{"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15},
		{"rip", REG_RIP}, {"efl", REG_EFL}};

	out_str(o, "  registers:\n");
	for (size_t i = 0; i < ARRAY_LEN(reg); i++)
		out_fmt(o, "%s%s 0x%016lx%s", i % 4 ? " " : "    ", reg[i].name,
			(unsigned long)uc->uc_mcontext.gregs[reg[i].index],
			i % 4 == 3 || i + 1 == ARRAY_LEN(reg) ? "\n" : "");
	out_flush(o);
}

/*
 * What it is and where in the code it happened; addresses stay out, so that it is the same in every
 * process. FNV-1a.
 */
static void print_signature(struct out *o, const struct report *r)
{
	uintptr_t pc[SIGNATURE_FRAMES];
	size_t n = report_frames(r, pc, ARRAY_LEN(pc));
	uint64_t h = hash_bytes(0xcbf29ce484222325, &r->kind, sizeof(r->kind));

	if (r->found) /* by which stacks, if they are recorded; but not a use */
		h = hash_bytes(h, &r->block.size, sizeof(r->block.size));
	for (size_t i = 0; i < n; i++) {
		struct symbol s;

		if (!symbol_find(pc[i] - !(report_by_access(r) && i == 0), &s))
			continue;
		h = s.id_len ? hash_bytes(h, s.id, s.id_len)
			     : hash_bytes(h, s.module, strlen(s.module));
		h = hash_bytes(h, &s.offset, sizeof(s.offset));
	}
	out_fmt(o, "  signature: %016lx\n", h);
}

void print_begin(const struct report *r)
{
	age_known = r->block.state == BLOCK_DEAD && stamp_age(r->block.free_stamp, &age);
}

void print_head(struct out *o, const struct report *r)
{
	nthreads = 0;
	print_headline(o, r);
}

void print_body(struct out *o, const struct report *r, const ucontext_t *uc)
{
	char comm[20];

	read_comm(comm, sizeof(comm), sys_getpid());
	out_fmt(o, "  process %d (%s)\n", sys_getpid(), comm);
	out_flush(o);
	print_stacks(o, r);
	if (uc)
		print_registers(o, uc);
	print_signature(o, r);
	print_hint(o, r);
}
