/*
 * start.c - the backend is chosen and set up, once; the only file that names one.
 *
 * app context. start() runs inside the first malloc, before libc's own constructors perhaps; the
 * constructor does what that could not do yet: handlers for faults, thread exits and forks. It runs
 * before main and (initfirst) before other libraries' constructors.
 */
#include "malloc.h"
#include "bypass.h"
#include "last.h"
#include "metrics.h"
#include "off.h"
#include "otherlibc.h"

#include <errno.h>

static struct lock start_lock = LOCK(START);
static _Atomic bool started;

/* After a finding: only the host backend can. */
static bool goes_on(void)
{
	return options.on_error == ON_ERROR_CONTINUE || options.suppress[0];
}

/*
 * auto takes kvm only where it is sure to be faster or to find more: a kill at once is a system call
 * on the host and a store in the guest; in the other modes kills come in bulk, and every system call
 * of the program would cost an exit for nothing.
 */
static bool kvm_is_better(void)
{
	if (options.detect != DETECT_STRICT && options.detect != DETECT_ADAPTIVE) {
		start_why = "auto: kvm gains only with detect=strict or adaptive";
		return false;
	}
	if (goes_on()) {
		start_why = "auto: kvm cannot go on after a finding";
		return false;
	}
	if (kvm_probe(&start_why))
		return false;
	start_why = "auto: kills at once, and this machine's /dev/kvm is hardware";
	return true;
}

/* A request to valgrind, which stands for nothing elsewhere. Source: valgrind.h, its number 0x1001. */
static bool is_in_valgrind(void)
{
	const uint64_t request[6] = {0x1001};
	uint64_t answer = 0;

	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi\n\t"
			 "rolq $61, %%rdi; rolq $51, %%rdi\n\t"
			 "xchgq %%rbx, %%rbx"
			 : "+d"(answer)
			 : "a"(request)
			 : "cc", "memory");
	return answer != 0;
}

/* Of RLIMIT_DATA: 4 MB at the start, and the rows' records, of the dead too. Of RLIMIT_AS: what a small process has. */
#define DATA_PAGES    (24UL << 20)
#define DATA_ROWS     (48UL << 20)
#define ADDRESS_PAGES (16UL << 20)
#define ADDRESS_ROWS  (64UL << 20)

static int host_start(const char **why)
{
	int err;

	err = host_probe(options.detect != DETECT_GROUPED, why);
	if (err)
		return err;
	err = options.detect == DETECT_GROUPED ? ownlimit_start(DATA_PAGES, ADDRESS_PAGES)
					       : ownlimit_start(DATA_ROWS, ADDRESS_ROWS);
	if (err) {
		*why = "RLIMIT_DATA (ulimit -d) is below 24 MB (production) or 48 MB, and may not "
		       "be raised";
		return err;
	}
	meta_spare = host_spare;
	err = space_start(options.vspace);
	if (err) {
		*why = "no memory for its tables (ulimit -v, ulimit -d?)";
		return err;
	}
	engine_start();
	if (ownlimit_data())
		mode_limit(ownlimit_data());
	last_init();
	return 0;
}

static void start_once(void)
{
	const char *why = "its backend did not start";
	int err;

	options_init();
	if (options.off || is_in_valgrind() || (!options.asked && off_is_ours())) {
		off_start(options.off	     ? "/etc/undangle.d says off"
			  : is_in_valgrind() ? "valgrind has a malloc of its own in front"
					     : NULL);
		return;
	}
	if (options.backend == BACKEND_KVM ||
		(options.backend == BACKEND_AUTO && kvm_is_better())) {
		options.backend = BACKEND_KVM;
		err = kvm_probe(&why);
		if (goes_on()) {
			why = "--on-error=continue and --suppress need --backend=host";
			err = -EINVAL;
		}
		err = err ? err : kvm_enter(otherlibc_has);
	} else {
		options.backend = BACKEND_HOST;
		err = host_start(&why);
	}
	if (err && !options.asked) {
		out_line(2, "undangle: warning: this process is not protected: %s (error %d)", why,
			-err);
		off_start(NULL);
	} else if (err) {
		out_line(2, "undangle: cannot run in this process: %s (error %d)", why, -err);
		sys_exit_group(2);
	}
}

void start(void)
{
	struct lock_section s;

	if (likely(atomic_load_explicit(&started, memory_order_acquire)))
		return;
	lock_section_enter(&s);
	lock_take(&start_lock);
	if (!started) {
		start_once();
		atomic_store_explicit(&started, true, memory_order_release);
	}
	lock_drop(&start_lock);
	lock_section_leave(&s);
}

/* Once in each process; what ends by _exit in a handler of atexit comes here again. */
static void stats_tell(void)
{
	static _Atomic int told;
	struct log_hold hold;
	struct out o;

	if (atomic_exchange(&told, sys_getpid()) == sys_getpid())
		return;
	log_hold(&hold);
	out_init(&o, log_fd());
	stats_print(&o);
	out_flush(&o);
	log_release(&hold);
}

__attribute__((constructor(101))) static void undangle_init(void)
{
	log_start();
	symtab_start();
	start();
	family_init();
	operators_init();
	if (off_is()) {
		summary_init();
		bypass_warn();
		return;
	}
	owner_init();
	fork_init();
	symbol_start(options_execfn());
	helper_start();
	fault_init();
	if (options.stats || options.leaks)
		log_keep_stderr();
	if (options.stats)
		report_at_end = stats_tell;
	bypass_warn();
	metrics_start();
}

__attribute__((destructor(101))) static void undangle_exit(void)
{
	if (off_is())
		return;
	report_wait();
	if (engine_plain)
		engine_look_late();
	late_tell("at exit");
	metrics_end();
	alive_tell(__builtin_frame_address(0));
	if (options.stats)
		stats_tell();
}
