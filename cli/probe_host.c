/*
 * probe_host.c - the rows of --probe that the host backend stands on: views, guards, huge pages,
 * address space and its limits. Runs in a child process (probe.c), so nothing is undone.
 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13; on file mappings 6.15 */
#endif

/* The first line of a file, or "?". */
static const char *file_line(const char *path, char *dst, int size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(dst, size, f))
		snprintf(dst, (size_t)size, "?");
	if (f)
		fclose(f);
	dst[strcspn(dst, "\n")] = 0;
	return dst;
}

int probe_kernel(struct out *o)
{
	struct utsname u;

	uname(&u);
	out_fmt(o, "%s %s", u.release, u.machine);
	return PROBE_YES;
}

static int no(struct out *o, const char *what)
{
	out_fmt(o, "%s: %s", what, strerror(errno));
	return PROBE_NO;
}

/* 2 MB of shared memory at a 2 MB boundary, its first byte touched; NULL and errno. */
static char *chunk_make(void)
{
	char *at = mmap(
		NULL, 2 * HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	at = vaddr_ptr(ALIGN_UP(vaddr_of(at), HUGE_SIZE));
	at = mmap(at, HUGE_SIZE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	at[0] = 1;
	return at;
}

/* A second mapping of the chunk at another 2 MB boundary, as the host backend makes its views. */
static char *view_make(char *chunk)
{
	char *at = mmap(
		NULL, 2 * HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	at = vaddr_ptr(ALIGN_UP(vaddr_of(at), HUGE_SIZE));
	at = mremap(chunk, 0, HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at);
	return at == MAP_FAILED ? NULL : at;
}

/* Would touching this byte fault? Asked of the kernel, which answers EFAULT instead of a signal. */
static bool faults(const char *p)
{
	return access(p, F_OK) < 0 && errno == EFAULT; /* as a name, which takes no descriptor */
}

int probe_views(struct out *o)
{
	char *a = chunk_make(), *b;

	if (!a)
		return no(o, "mmap of shared memory");
	b = view_make(a);
	if (!b)
		return no(o, "mremap of shared memory to a second place");
	b[5] = 42;
	if (a[5] != 42) {
		out_str(o, "two mappings of the same memory show different bytes");
		return PROBE_NO;
	}
	if (mmap(b, HUGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		    -1, 0) == MAP_FAILED)
		return no(o, "mapping PROT_NONE over a view");
	if (!faults(b)) {
		out_str(o, "a view that was mapped over with PROT_NONE can still be read");
		return PROBE_NO;
	}
	out_str(o, "memory mapped twice shares its bytes; PROT_NONE over one view kills it");
	return PROBE_YES;
}

int probe_guard(struct out *o)
{
	char *a = chunk_make(), *b = a ? view_make(a) : NULL;

	if (!b)
		return no(o, "no view to guard");
	if (madvise(b, PAGE_SIZE, MADV_GUARD_INSTALL)) {
		out_fmt(o, "MADV_GUARD_INSTALL in a view: %s (Linux 6.15 has it)", strerror(errno));
		return PROBE_NO;
	}
	if (!faults(b) || faults(b + PAGE_SIZE)) {
		out_str(o, "MADV_GUARD_INSTALL returns 0 but does not guard that page");
		return PROBE_NO;
	}
	out_str(o, "MADV_GUARD_INSTALL guards one page of a view");
	return PROBE_YES;
}

/* Kilobytes of this process's shared memory that is mapped by huge pages. */
static unsigned long pmd_mapped_kb(void)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long sum = 0, kb;
	char line[300];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "ShmemPmdMapped: %lu kB", &kb) == 1)
			sum += kb;
	if (f)
		fclose(f);
	return sum;
}

int probe_collapse(struct out *o)
{
	char *a = chunk_make(), *b = a ? view_make(a) : NULL;

	if (!b)
		return no(o, "no view to map by a huge page");
	if (madvise(a, HUGE_SIZE, MADV_COLLAPSE)) {
		out_fmt(o, "MADV_COLLAPSE of a chunk: %s (Linux 6.1 has it)", strerror(errno));
		return PROBE_NO;
	}
	b[PAGE_SIZE] = 1;
	if (pmd_mapped_kb() < HUGE_SIZE / 1024) {
		out_str(o, "MADV_COLLAPSE returns 0 but smaps shows no huge mapping");
		return PROBE_NO;
	}
	out_str(o, "MADV_COLLAPSE maps a view as one huge page");
	return PROBE_YES;
}

/* The word in brackets of "always [madvise] never". */
static const char *bracketed(const char *path, char *dst, int size)
{
	char *open, *end;

	file_line(path, dst, size);
	open = strchr(dst, '[');
	end = open ? strchr(open, ']') : NULL;
	if (!end)
		return dst;
	*end = 0;
	return open + 1;
}

int probe_thp(struct out *o)
{
	char a[100], b[100];

	out_fmt(o, "enabled=%s shmem_enabled=%s (MADV_COLLAPSE works whatever these say)",
		bracketed("/sys/kernel/mm/transparent_hugepage/enabled", a, sizeof(a)),
		bracketed("/sys/kernel/mm/transparent_hugepage/shmem_enabled", b, sizeof(b)));
	return a[0] == '?' ? PROBE_NO : PROBE_YES;
}

int probe_maps(struct out *o)
{
	char line[100];
	unsigned long n = strtoul(
		file_line("/proc/sys/vm/max_map_count", line, sizeof(line)), NULL, 10);

	out_fmt(o, "%s: at most so many mappings, each live view is one", line);
	if (n < 65530)
		out_str(o, " (the usual value is 65530: sysctl vm.max_map_count)");
	return n >= 65530 ? PROBE_YES : PROBE_NO;
}

int probe_vspace(struct out *o)
{
	unsigned shift;

	for (shift = 47; shift >= 30; shift--) {
		void *p = mmap(NULL, 1UL << shift, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p != MAP_FAILED)
			break;
	}
	out_fmt(o, "%lu GB can be reserved in one piece: %lu million aliases of one page",
		1UL << (shift - 30), (1UL << (shift - PAGE_SHIFT)) / 1000000);
	return shift >= 42 ? PROBE_YES : PROBE_NO;
}

int probe_overcommit(struct out *o)
{
	static const char *const what[] = {"heuristic", "always",
		("never: reservations are PROT_NONE "
		 "and not counted")};
	char line[100];
	unsigned long n = strtoul(
		file_line("/proc/sys/vm/overcommit_memory", line, sizeof(line)), NULL, 10);

	out_fmt(o, "vm.overcommit_memory=%s (%s)", line, n < 3 ? what[n] : "unknown");
	return PROBE_YES;
}

int probe_limits(struct out *o)
{
	struct rlimit as;
	char cg[100];

	getrlimit(RLIMIT_AS, &as);
	if (as.rlim_cur == RLIM_INFINITY)
		out_str(o, "ulimit -v unlimited");
	else
		out_fmt(o, "ulimit -v %lu KB: aliases use virtual space, raise it",
			(unsigned long)as.rlim_cur / 1024);
	file_line("/sys/fs/cgroup/memory.max", cg, sizeof(cg));
	out_fmt(o, ", cgroup memory.max %s", cg[0] == '?' ? "not set" : cg);
	return as.rlim_cur == RLIM_INFINITY ? PROBE_YES : PROBE_NO;
}
