/*
 * report.c - a finding is told once (report.h). app context, fault path: no malloc, no stdio.
 *
 * One thread at a time prints (print.c), on a stack of our own; who finds something while the
 * process dies of a finding waits for ever.
 */
#include "report.h"
#include "base/base.h"
#include "helper.h"
#include "others.h"
#include "print.h"
#include "summary.h"
#include "suppressed.h"
#include "survive.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define REPORTS_MAX  100 /* a program that survives its findings is not told for ever */
#define PLACE_FRAMES 3	 /* as of the signature */
#define HUSHED_MAX   64	 /* suppressed places that are remembered */
#define STACK_BYTES  (64 << 10)

#define GATE_DYING (-1)

static struct {
	/*
	 * One word, so that there is one winner: the process (fork copies all this) and the thread
	 * in it that prints now; 0: nobody; GATE_DYING: the process is ending.
	 */
	_Atomic uint64_t owner;
	unsigned printed;
	_Atomic unsigned long met;
	unsigned nhushed;
} gate;
static uint64_t places[REPORTS_MAX] UD_TABLE, codes_hushed[HUSHED_MAX] UD_TABLE;

/* The program's stack may be an 8 KB one, or the problem itself. */
static char own_stack[STACK_BYTES] UD_TABLE __attribute__((aligned(64)));

/* The text of the last finding, for debuggers: what was not printed yet is in the core, too. */
static char told[STACK_BYTES] UD_TABLE;

struct job {
	const struct report *r;
	const ucontext_t *uc;
	struct out o;
	bool hushed;
};

static uint64_t gate_owner(int pid, int tid)
{
	return (uint64_t)(uint32_t)pid << 32 | (uint32_t)tid;
}

bool report_is_printing(void)
{
	return gate.owner == gate_owner(sys_getpid(), sys_gettid());
}

unsigned long report_count(void)
{
	return gate.met;
}

const char *report_told(void)
{
	return told;
}

static void begin(struct out *o, int fd)
{
	out_init(o, fd);
	o->copy = told;
	o->copy_end = told + sizeof(told);
}

/*
 * The first line is out at once, whatever becomes of the rest: what the process is not allowed to
 * do may kill it. Then what the helper makes of the whole, or the rest as it is.
 */
static void print_job(void *arg)
{
	struct job *j = arg;
	bool text = options.format == FORMAT_TEXT;
	int fd;

	print_begin(j->r);
	do {
		begin(&j->o, log_fd());
		if (text)
			print_head(&j->o, j->r);
	} while (j->o.lost && log_give_up());
	fd = helper_open();
	if (fd >= 0) {
		begin(&j->o, fd);
		print_head(&j->o, j->r);
		print_body(&j->o, j->r, j->uc);
		if (helper_answer(fd))
			return;
		out_init(&j->o, log_fd());
	}
	if (!text)
		print_head(&j->o, j->r);
	print_body(&j->o, j->r, j->uc);
}

void report_completed(void (*print)(struct out *o))
{
	int fd = helper_open();
	struct out o;

	if (fd >= 0) {
		out_init(&o, fd);
		print(&o);
		out_flush(&o);
		if (o.lost)
			helper_drop(fd);
		else if (helper_answer(fd))
			return;
	}
	out_init(&o, log_fd());
	print(&o);
	out_flush(&o);
}

/* Calls fn(arg) on another stack that ends at top. */
static void call_on(char *top, void (*fn)(void *), void *arg)
{
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %0, %%rsp\n\t"
			 "call *%1\n\t"
			 "movq %%rbx, %%rsp"
			 : "+r"(top), "+r"(fn), "+D"(arg)
			 :
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory",
			 "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void sleep_a_moment(void)
{
	const struct timespec ts = {.tv_nsec = 1000000};

	sys_call3(__NR_nanosleep, (long)&ts, 0, 0);
}

/* One reporter at a time; who comes while the process dies of a finding does not come back. */
static bool gate_enter(void)
{
	int tid = sys_gettid(), pid = sys_getpid();

	for (long waited = 0; waited < 20000; waited++) {
		uint64_t is = gate.owner;
		/* After fork or vfork what stands there was another process's finding. */
		bool ours = (int)(is >> 32) == pid;

		if (is == gate_owner(pid, tid))
			return false;
		if (!ours || is == gate_owner(pid, 0)) {
			if (!atomic_compare_exchange_strong(&gate.owner, &is, gate_owner(pid, tid)))
				continue;
			if (!ours && options.on_error != ON_ERROR_CONTINUE)
				gate.printed = 0;
			return true;
		}
		sleep_a_moment();
	}
	return false;
}

size_t report_frames(const struct report *r, uintptr_t *pc, size_t max)
{
	if (r->found)
		return depot_get(r->block.free_stack, pc, max);
	return stack_walk(&r->use, report_by_access(r), pc, max);
}

/* Kind and code; the same in this process and in its children. */
static uint64_t code_of(const struct report *r)
{
	uintptr_t pc[PLACE_FRAMES];
	size_t n = report_frames(r, pc, PLACE_FRAMES);
	uint64_t h = r->kind;

	for (size_t i = 0; i < n; i++)
		h = (h ^ pc[i]) * GOLDEN;
	return h;
}

static bool seen_before(const struct report *r)
{
	uint64_t place = code_of(r);

	/* Where many are told, once for each place; else for each block, too. */
	if (options.on_error != ON_ERROR_CONTINUE)
		place ^= r->block.base;

	for (unsigned i = 0; i < gate.printed; i++)
		if (places[i] == place)
			return true;
	if (gate.printed == REPORTS_MAX)
		return true;
	places[gate.printed++] = place;
	return false;
}

/*
 * Another thread may have made its last mistake just now: the kernel is still on the way from the
 * bad access to the handler. So a thread that runs has a moment to get there. One that only
 * computes costs the process that moment.
 */
#define MOMENTS 10 /* of a millisecond */

void report_wait(void)
{
	int tid = sys_gettid(), pid = sys_getpid();
	int moments = 0;

	for (long waited = 0; waited < 20000; waited++) {
		uint64_t is = gate.owner;

		if ((int)(is >> 32) != pid || is == gate_owner(pid, 0) ||
			is == gate_owner(pid, tid)) {
			if (moments++ == MOMENTS || !others_run())
				return;
		}
		sleep_a_moment();
	}
}

void (*report_at_end)(void);

static void at_end(void)
{
	report_wait();
	if (report_at_end)
		report_at_end();
}

/* Ends of the process that no destructor sees; in a child of vfork the gate is not its own. */
UD_EXPORT void _exit(int status)
{
	at_end();
	sys_exit_group(survive_status(status));
}

UD_EXPORT void _Exit(int status)
{
	_exit(status);
}

UD_EXPORT void quick_exit(int status)
{
	void (*next)(int) = (void (*)(int))symtab_next("quick_exit");

	at_end();
	next(survive_status(status));
	sys_exit_group(status);
}

/* Inside the gate: fn on our own stack. Returns the job as fn left it. */
static const struct job *do_job(void (*fn)(void *), const struct report *r, const void *ucontext)
{
	/* At the low end of the stack it is used on: only the one inside the gate touches it. */
	struct job *j = (struct job *)(void *)own_stack;
	struct log_hold hold;

	j->r = r;
	j->uc = ucontext;
	log_hold(&hold);
	call_on(own_stack + sizeof(own_stack), fn, j);
	log_release(&hold);
	return j;
}

static void tell_job(void *arg)
{
	print_job(arg);
	if (gate.printed == REPORTS_MAX)
		log_line(
			"undangle: %d findings are told; no more of this process are", REPORTS_MAX);
}

/* Inside the gate. */
static void tell(const struct report *r, const void *ucontext, bool fatal)
{
	bool told = !seen_before(r);

	gate.met++;
	if (told)
		do_job(tell_job, r, ucontext);
	summary_count(told ? SUMMARY_TOLD : SUMMARY_REPEATED, fatal);
}

static void hush_job(void *arg)
{
	struct job *j = arg;

	j->hushed = suppressed_by_rule(j->r, j->uc);
}

/* Is it one of those that --suppress knows? Inside the gate. */
static bool hushed(const struct report *r, const void *ucontext)
{
	uint64_t code = suppressed_any() ? code_of(r) : 0;
	bool hush;

	if (!code)
		return false;
	for (unsigned i = 0; i < gate.nhushed; i++)
		if (codes_hushed[i] == code)
			return true;
	for (unsigned i = 0; i < gate.printed; i++)
		if (options.on_error == ON_ERROR_CONTINUE && places[i] == code)
			return false;
	hush = do_job(hush_job, r, ucontext)->hushed;
	if (hush && gate.nhushed < HUSHED_MAX)
		codes_hushed[gate.nhushed++] = code;
	return hush;
}

bool report_survived(const struct report *r, const void *ucontext)
{
	bool hush, done;

	if (!survive_possible(r) || !(survive_can(r) || suppressed_any()) || !gate_enter())
		return false;
	hush = hushed(r, ucontext);
	done = (hush || survive_can(r)) && survive_mend(r);
	if (done && hush)
		summary_count(SUMMARY_HUSHED, false);
	else if (done)
		tell(r, ucontext, false);
	gate.owner = gate_owner(sys_getpid(), 0);
	return done;
}

void report_print(const struct report *r, const void *ucontext, bool fatal)
{
	if (!gate_enter())
		return;
	tell(r, ucontext, fatal);
	if (fatal)
		summary_tell();
	if (fatal && options.exit_code)
		sys_exit_group(survive_status((int)options.exit_code));
	gate.owner = gate_owner(sys_getpid(), fatal ? GATE_DYING : 0);
}

bool report_loaded(vaddr_t *addr)
{
	struct block b;
	vaddr_t at;

	if (!mode.poison || !poison_read(*addr, &at))
		return false;
	block_find(at, &b);
	if (b.state != BLOCK_DEAD)
		return false;
	*addr = at;
	return true;
}

/* Tells it, and ends the process unless it goes on. */
static void tell_or_abort(const struct report *r)
{
	struct sigaction old;

	if (report_survived(r, NULL))
		return;
	report_print(r, NULL, sigaction(SIGABRT, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
	abort();
}

void report_written(const struct late *l, const char *when)
{
	struct report r = {
		.kind = FINDING_USE_AFTER_FREE,
		.access = ACCESS_WRITE,
		.addr = l->at,
		.block = l->block,
		.found = when,
		.value = l->value,
	};

	tell_or_abort(&r);
}

void report_bad_free(void *p, const char *call, void *frame)
{
	struct report r = {
		.kind = FINDING_INVALID_FREE,
		.addr = vaddr_of(p),
		.call = call,
		.use = stack_regs_of_frame(frame),
	};

	r.loaded = report_loaded(&r.addr);
	block_find(r.addr, &r.block);
	if (r.block.state == BLOCK_DEAD &&
		(r.loaded || !__builtin_strcmp(call, "malloc_usable_size")))
		r.kind = FINDING_USE_AFTER_FREE;
	else if (r.block.state == BLOCK_DEAD && r.block.base == r.addr)
		r.kind = FINDING_DOUBLE_FREE;
	tell_or_abort(&r);
}
