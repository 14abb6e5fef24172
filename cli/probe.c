/*
 * probe.c - what does this machine offer? undangle --probe, and the check before each run of
 * what the host backend cannot do without.
 *
 * Every row of probes.def runs in a child process: a kernel version says little about a sandbox,
 * and a seccomp filter may kill who asks.
 */
#include "probe.h"
#include "cli.h"

#include "dune/probe.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_SECONDS 60 /* a probe that hangs is killed and says so; a busy machine is no hang */
#define TEXT_SIZE     400

static const struct probe {
	const char *name, *label;
	int (*run)(struct out *o);
} probes[] = {
#define PROBE(name, label) {#name, label, probe_##name},
#include "probes.def"
#undef PROBE
};

/* The child's part: never returns. */
static void probe_child(const struct probe *p, const struct dune_check *c, int fd)
{
	const char *why = "";
	struct out o;
	int verdict;

	alarm(PROBE_SECONDS);
	out_init(&o, fd);
	if (p) {
		verdict = p->run(&o);
	} else {
		verdict = dune_check_run(c, &why) ? PROBE_NO : PROBE_YES;
		out_str(&o, verdict == PROBE_YES ? "passed" : why);
	}
	out_flush(&o);
	_exit(verdict);
}

/* Runs a probe of ours (p), or a check of the Dune layer (c). */
static enum probe_verdict child_run(
	const struct probe *p, const struct dune_check *c, char text[TEXT_SIZE])
{
	int pipefd[2], status = 0;
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe(pipefd) || (pid = fork()) < 0)
		refuse("cannot start a child process to try things in: %s", strerror(errno));
	if (!pid)
		probe_child(p, c, pipefd[1]);
	close(pipefd[1]);
	while (n < TEXT_SIZE - 1 && (r = read(pipefd[0], text + n, TEXT_SIZE - 1 - n)) > 0)
		n += (size_t)r;
	text[n] = 0;
	close(pipefd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status) == PROBE_YES ? PROBE_YES : PROBE_NO;
	if (WTERMSIG(status) == SIGSYS)
		out_snprintf(text, TEXT_SIZE, "a seccomp filter kills the process that tries %s%s",
			p ? "" : "/dev/kvm: ", p ? p->label : c->name);
	else
		out_snprintf(text, TEXT_SIZE, "trying it ended in signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	return PROBE_NO;
}

static const struct probe *probe_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		if (!strcmp(probes[i].name, name))
			return &probes[i];
	return NULL;
}

void machine_check(void)
{
	char text[TEXT_SIZE];

	if (child_run(probe_find("views"), NULL, text) != PROBE_YES)
		refuse("this process cannot map memory twice: %s: allow it (see undangle --probe)",
			text);
}

/* Which of its ways the host backend goes here. */
static const char *host_path(bool works, bool guard, bool collapse)
{
	if (!works)
		return "cannot run here";
	if (guard && collapse)
		return "2 MB views, single pages die by MADV_GUARD_INSTALL";
	if (guard)
		return "4 KB pages (no MADV_COLLAPSE), single pages die by "
		       "MADV_GUARD_INSTALL";
	if (collapse)
		return "2 MB views, single pages die by PROT_NONE mappings";
	return "4 KB pages (no MADV_COLLAPSE), single pages die by PROT_NONE mappings";
}

static void row(struct out *o, const char *label, bool yes, const char *text)
{
	out_fmt(o, "%-20s %-4s %s\n", label, yes ? "yes" : "no", text);
	written(o, "--probe");
}

/* The Dune layer's checks, up to the first that fails; with o, a row for each. */
static bool kvm_works(struct out *o, char text[TEXT_SIZE])
{
	const struct dune_check *c;
	char label[40];
	bool yes = true;

	for (unsigned i = 0; yes && (c = dune_check_at(i)); i++) {
		yes = child_run(NULL, c, text) == PROBE_YES;
		out_snprintf(label, sizeof(label), "kvm: %s", c->name);
		if (o)
			row(o, label, yes, text);
	}
	return yes;
}

void kvm_check(const char *what)
{
	char text[TEXT_SIZE];

	if (!kvm_works(NULL, text))
		refuse("%s: %s", what, text);
}

int probe(void)
{
	bool yes[ARRAY_LEN(probes)];
	char text[TEXT_SIZE];
	struct out o;
	bool works, kvm;

	out_init(&o, 1);
	for (size_t i = 0; i < ARRAY_LEN(probes); i++) {
		yes[i] = child_run(&probes[i], NULL, text) == PROBE_YES;
		row(&o, probes[i].label, yes[i], text);
	}
	works = yes[probe_find("views") - probes];
	row(&o, "backend host", works,
		host_path(works, yes[probe_find("guard") - probes],
			yes[probe_find("collapse") - probes]));
	kvm = kvm_works(&o, text);
	row(&o, "backend kvm", kvm, kvm ? "a process can run in ring 0 of its own machine" : text);
	return works ? 0 : 2;
}
