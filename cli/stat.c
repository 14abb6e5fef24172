/*
 * stat.c - undangle stat PID: what a running process counts, without touching it.
 *
 * Its own library counts, in a process of ours (foreign.h), while it goes on: pages are fetched at
 * different moments, and what makes no sense is asked again.
 */
#include "cli.h"
#include "foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES 20

static struct foreign from = {.verb = "stat"};
static int pid, memory;
static uint64_t mappings;

static bool page_of_process(vaddr_t at, void *dst)
{
	return pread(memory, dst, PAGE_SIZE, (off_t)at) == (ssize_t)PAGE_SIZE;
}

static FILE *file_of(const char *name)
{
	char path[64];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	in = fopen(path, "re");
	if (!in && errno == ENOENT)
		refuse("stat: %d: there is no such process", pid);
	if (!in)
		refuse("stat: %d: %s: it takes its own user, or root", pid, strerror(errno));
	return in;
}

/* Where the library is in it, and its path as that process sees it: "" if it is nowhere. */
static void find_library(char path[PATH_MAX])
{
	static const char name[] = "/" LIBRARY;
	FILE *maps = file_of("maps");
	char *line = NULL, *at, *end;
	size_t size = 0;

	path[0] = 0;
	while (getline(&line, &size, maps) > 0) {
		mappings++;
		at = strchr(line, '/');
		end = at ? strstr(at, name) : NULL;
		if (!end || path[0])
			continue;
		end[sizeof(name) - 1] = 0; /* " (deleted)" */
		snprintf(path, PATH_MAX, "%s", at);
		from.base = strtoull(line, NULL, 16);
	}
	free(line);
	fclose(maps);
}

static void open_process(void)
{
	static char theirs[PATH_MAX + 32], ours[PATH_MAX];
	char path[PATH_MAX], mem[64];

	find_library(path);
	if (!path[0])
		refuse("stat: %d: runs without undangle", pid);
	snprintf(mem, sizeof(mem), "/proc/%d/mem", pid);
	memory = open(mem, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		refuse("stat: %d: %s: it takes its own user, or root", pid, strerror(errno));
	from.page = page_of_process;
	snprintf(theirs, sizeof(theirs), "/proc/%d/root%s", pid, path);
	library_find(LIBRARY, ours);
	from.library = foreign_is(&from, ours) ? ours : theirs;
	if (!foreign_is(&from, from.library))
		refuse("stat: %d: runs with another build of undangle, and %s is not that any more",
			pid, path);
}

static void count(struct metrics *m, char **argv)
{
	struct timespec t;

	for (int i = 0; i < TRIES; i++) {
		if (!foreign_start(&from))
			foreign_elsewhere(&from, argv);
		if (!foreign_count(&from, m))
			continue;
		if (m->kvm)
			refuse("stat: %d: nothing is counted: off by /etc/undangle.d, or "
			       "--backend=kvm",
				pid);
		m->mappings = mappings;
		clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
		metrics_finish(m, (uint64_t)t.tv_sec * 1000000000UL + (uint64_t)t.tv_nsec);
		return;
	}
	refuse("stat: %d: it ended, or changes faster than it can be read: try again", pid);
}

static void print(const struct metrics *m, bool open)
{
	FILE *in = file_of("comm");
	char comm[64] = "", detect[16], text[METRICS_TEXT];

	if (fgets(comm, sizeof(comm), in))
		comm[strcspn(comm, "\n")] = 0;
	fclose(in);
	if (open) {
		metrics_open(m, pid, comm, text, sizeof(text));
	} else {
		printf("undangle: %d (%s): detect=%s\n", pid, comm,
			option_word("detect", m->detect, detect, sizeof(detect)));
		metrics_lines(m, text, sizeof(text));
	}
	fputs(text, stdout);
}

int verb_stat(int argc, char **argv)
{
	bool open = argc > 1 && !strcmp(argv[1], "--openmetrics");
	struct metrics m;
	char *end;
	long n;

	if (argc != 2 + open)
		refuse("stat: %s process id given: undangle stat [--openmetrics] PID",
			argc < 2 + open ? "no" : "more than one");
	if (argv[1 + open][0] == '-')
		refuse("stat: unknown option '%s': undangle stat [--openmetrics] PID",
			argv[1 + open]);
	n = strtol(argv[1 + open], &end, 10);
	if (n <= 0 || n > INT_MAX || *end)
		refuse("stat: '%s' is no process id", argv[1 + open]);
	pid = (int)n;
	open_process();
	count(&m, argv - 1);
	print(&m, open);
	return 0;
}
