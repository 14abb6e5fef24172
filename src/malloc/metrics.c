/*
 * metrics.c - see metrics.h. Raw system calls, static memory: the stack may be a small one.
 *
 * The file is written beside its place and renamed, so that nobody reads a half. Where that cannot be
 * any more (chroot, a filter, another user, a full disk) it stays as it is, and says by its
 * undangle_age_seconds of when. What breaks it: a signal of ours; writing where the program has a limit
 * for the size of files would send one; a name that is no file's (/dev/stderr), which root would replace.
 */
#include "metrics.h"
#include "malloc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define EVERY_NS (2L * 1000 * 1000 * 1000)
/* Counting what lives walks over all of it: it takes a 500th of the time at most. */
#define PAUSE	 500L

static struct {
	_Atomic bool writing;
	int pid; /* whose file it is; another one is a child of vfork */
	_Atomic uint64_t due_ns;
	struct metrics m;
	char name[OPTION_STR_SIZE + 16], beside[OPTION_STR_SIZE + 32], comm[32];
	char text[METRICS_TEXT];
} file UD_TABLE;

static void count(struct metrics *m, bool alone)
{
	struct engine_bytes b;

	*m = (struct metrics){.kvm = kvm_heap != NULL,
		.detect = options.detect,
		.started_ns = stamp_start_ns,
		.findings = report_count()};
	if (m->kvm)
		return;
	engine_count(m);
	engine_bytes(&b);
	m->live_bytes = engine_live_bytes(alone) + b.large;
	m->dead_bytes = mode.strict ? 0 : pace_waiting();
	m->heap_bytes = b.heap + b.large;
	m->own_bytes = meta_bytes() + depot_bytes();
	m->address_used_bytes = space.next - space.base;
	m->address_left_bytes = space.end - space.next;
}

UD_EXPORT void ud_count(struct metrics *m)
{
	count(m, true);
}

/* Nothing is there, or a file: a device or a link would be gone, for everybody. */
static bool may_replace(const char *name)
{
	struct stat st;
	long r = sys_call4(__NR_newfstatat, AT_FDCWD, (long)name, (long)&st, AT_SYMLINK_NOFOLLOW);

	return r == -ENOENT || (!r && S_ISREG(st.st_mode));
}

static void put(size_t n)
{
	int fd;
	bool done;

	if (!file_may_have(METRICS_TEXT) || !may_replace(file.name))
		return;
	fd = (int)sys_openat(
		AT_FDCWD, file.beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) { /* what another one of this number left there, perhaps */
		sys_call3(__NR_unlink, (long)file.beside, 0, 0);
		return;
	}
	done = sys_write(fd, file.text, n) == (long)n;
	sys_close(fd);
	if (!done || sys_call3(__NR_rename, (long)file.beside, (long)file.name, 0))
		sys_call3(__NR_unlink, (long)file.beside, 0, 0);
}

static void renew(void)
{
	uint64_t from = clock_fine_ns();
	int64_t took;

	count(&file.m, false);
	file.m.mappings = host_maps_count();
	took = (int64_t)(clock_fine_ns() - from); /* below 0: a filter forbids it from now on */
	metrics_finish(&file.m, clock_ns());
	file_line("/proc/self/comm", file.comm, sizeof(file.comm));
	put(metrics_open(&file.m, file.pid, file.comm, file.text, sizeof(file.text)));
	file.due_ns = clock_ns() + (uint64_t)MAX(EVERY_NS, took * PAUSE);
}

/* One thread at a time; what a fork cut short in its parent is the child's to do. */
static void renew_alone(void)
{
	struct lock_section s;

	lock_section_enter(&s);
	if (file.pid == sys_getpid() && !atomic_exchange(&file.writing, true)) {
		renew();
		file.writing = false;
	}
	lock_section_leave(&s);
}

static void tick(void)
{
	if (clock_ns() >= file.due_ns && !file.writing)
		renew_alone();
}

static void name_it(void)
{
	file.pid = sys_getpid();
	log_name(file.name, sizeof(file.name), options.metrics);
	out_snprintf(file.beside, sizeof(file.beside), "%s.%d~", file.name, file.pid);
	file.writing = false;
	file.due_ns = 0;
}

void metrics_start(void)
{
	if (!options.metrics[0])
		return;
	if (kvm_heap) {
		log_line("undangle: --metrics needs --backend=host");
		return;
	}
	name_it();
	renew_alone();
	pace_tick = tick;
}

void metrics_end(void)
{
	if (pace_tick)
		renew_alone();
}

void metrics_forked(void)
{
	if (pace_tick)
		name_it();
}
