// sources: src/host/host.c src/host/fork.c src/host/spare.c src/host/probe.c src/host/template.c src/base/space.c src/base/vspace.c src/base/meta.c src/base/ownlimit.c src/base/mode.c src/base/memlimit.c src/base/options.c src/base/options_env.c src/base/conf.c src/base/conf_files.c src/base/glob.c src/base/log.c src/base/file.c src/base/out.c src/base/panic.c
/* A fork's child has the chunks of its parent at the same addresses, whichever of them hold something. */
#include "unit.h"
#include "host/host.h"
#include "host/template.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of one chunk, and of 2, 4 and 8: the others begin at 2, 4 and 8. */
#define TEMPLATES 4
#define CHUNKS	  (1U << TEMPLATES)
#define MANY	  (3 * HOST_JOINED) /* two of the largest */

static uint8_t in_use[MANY];

static bool used(uint32_t id)
{
	return in_use[id];
}

static volatile uint8_t *byte_of(uint32_t template)
{
	return vaddr_ptr(host_chunk(template ? (2U << template) - 1 : 0) + 5000);
}

/* Whether there is a filter the parent has looked up: a child that can open no file knows. */
static bool knows_filtered(void)
{
	char status[4096];
	bool filtered;

	CHECK(file_text("/proc/self/status", status, sizeof(status)));
	filtered = strstr(status, "Seccomp:\t2");
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){0, 0});
	return host_filtered() == filtered;
}

/* Of those that hold something, the templates in `mask`, the child has the bytes; else zeros. */
static int child(unsigned mask)
{
	host_fork_child();
	for (uint32_t s = 0; s < TEMPLATES; s++) {
		if (*byte_of(s) != (mask >> s & 1 ? s + 1 : 0))
			return 1 + (int)s;
		*byte_of(s) = 99;
	}
	return mask && !knows_filtered() ? 10 : 0;
}

static int forked(unsigned mask)
{
	int st = -1;
	pid_t pid;

	for (uint32_t id = 0; id < CHUNKS; id++)
		in_use[id] = id != 1 && mask >> host_template(id) & 1;
	CHECK(host_fork_prepare(used, CHUNKS) == 0);
	pid = fork();
	if (!pid)
		_exit(child(mask));
	host_fork_parent();
	CHECK(pid > 0 && waitpid(pid, &st, 0) == pid);
	return st;
}

static void each_may_be_empty(void)
{
	uint32_t id = 1;

	CHECK(host_chunk_take(1, &id) == 0 && id == 0);
	for (uint32_t i = 2; i < CHUNKS; i++)
		CHECK(host_chunk_take(1, &id) == 0 && id == i);
	for (uint32_t s = 0; s < TEMPLATES; s++)
		*byte_of(s) = (uint8_t)(s + 1);
	for (unsigned mask = 0; mask < 1U << TEMPLATES; mask++)
		CHECK_EQ(forked(mask), 0);
	for (uint32_t s = 0; s < TEMPLATES; s++)
		CHECK_EQ(*byte_of(s), s + 1);
}

static volatile uint32_t *word_of(uint32_t id)
{
	return vaddr_ptr(host_chunk(id) + 6000);
}

#define SOME 7

static int child_of_many(void)
{
	host_fork_child();
	for (uint32_t id = 2; id < MANY; id += SOME)
		if (*word_of(id) != id)
			return 1;
	return 0;
}

/* A large heap: chunks of one template lie side by side, and a child has those, too. */
static void many_in_a_template(void)
{
	uint32_t id = 0;
	int st = -1;
	pid_t pid;

	for (uint32_t i = CHUNKS; i < MANY; i++)
		CHECK(host_chunk_take(1, &id) == 0);
	CHECK_EQ(id, MANY - 1);
	for (uint32_t i = 1; i < HOST_JOINED; i++)
		CHECK_EQ(host_chunk(2 * HOST_JOINED + i) - host_chunk(2 * HOST_JOINED),
			i * HUGE_SIZE);
	for (id = 0; id < MANY; id++)
		in_use[id] = 0;
	for (id = 2; id < MANY; id += SOME) {
		*word_of(id) = id;
		in_use[id] = 1;
	}
	CHECK(host_fork_prepare(used, MANY) == 0);
	pid = fork();
	if (!pid)
		_exit(child_of_many());
	host_fork_parent();
	CHECK(pid > 0 && waitpid(pid, &st, 0) == pid && st == 0);
	for (id = 2; id < MANY; id += SOME)
		CHECK_EQ(*word_of(id), id);
}

/* Several in a row are of one template: the first and the second chunk are not. */
static void a_row_is_in_one_template(void)
{
	uint32_t id = 0;

	host_chunk_give(0);
	host_chunk_give(2);
	host_chunk_give(3);
	CHECK(host_chunk_take(2, &id) == 0 && id == 2);
	CHECK(host_chunk_take(1, &id) == 0 && id == 0);
}

int main(void)
{
	const char *why = "";

	unit_section();
	CHECK(host_probe(true, &why) == 0);
	RUN(each_may_be_empty);
	RUN(many_in_a_template);
	RUN(a_row_is_in_one_template);
	return UNIT_END();
}
