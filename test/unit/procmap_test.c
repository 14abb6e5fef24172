// sources: src/dune/procmap.c src/base/panic.c src/base/out.c
/* The mappings of this process, as the kernel lists them: by query and by text, with any names. */
#include "unit.h"
#include "dune/procmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define K PAGE_SIZE

static int count_rows(const struct procmap_row *row, void *arg)
{
	++*(int *)arg;
	return 0;
}

/* The query and the file give the same answer, row by row, and between the rows. */
static int same_row(const struct procmap_row *row, void *arg)
{
	struct procmap_row a, b;
	vaddr_t va[] = {row->start, row->end - 1, row->end};

	for (size_t i = 0; i < ARRAY_LEN(va); i++) {
		int r = procmap_find(va[i], &a);

		CHECK_EQ(r, procmap_find_slow(va[i], &b));
		if (r)
			continue;
		CHECK(a.start == b.start && a.end == b.end && a.prot == b.prot);
		CHECK(a.shared == b.shared && a.offset == b.offset && !*a.name);
	}
	return 0;
}

static void both_ways_to_find(void)
{
	void *p = mmap(NULL, 4 * K, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(procmap_each(same_row, NULL), 0);
	munmap(p, 4 * K);
}

static int long_row(const struct procmap_row *row, void *arg)
{
	*(int *)arg += row->name[0] == '/' && strlen(row->name) > 4200;
	return 0;
}

/* Goes n directories down, each of 199 times c; then maps a file there at va, eight times. */
static void map_deep(int n, char c, vaddr_t va)
{
	char dir[200];
	int fd;

	memset(dir, c, sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = 0;
	while (n-- > 0)
		CHECK(!mkdir(dir, 0700) && !chdir(dir));
	fd = open("file", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && !ftruncate(fd, 16 * K));
	for (int i = 0; i < 8; i++)
		CHECK(mmap(vaddr_ptr(va + i * 4 * K), K, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd,
			      0) != MAP_FAILED);
	close(fd);
}

/*
 * Names so long that the kernel gives out lines in pieces, and some that no buffer of ours
 * holds: it writes a newline as four characters.
 */
static void long_names(void)
{
	char top[] = "/tmp/undangle-maps.XXXXXX", cmd[64];
	int n = 0, rows = 0, all = 0, c, home = open(".", O_RDONLY);
	FILE *f;

	CHECK(mkdtemp(top) && !chdir(top));
	map_deep(5, 'd', 0x410000000000);
	map_deep(4, '\n', 0x420000000000); /* about 4280 characters */
	map_deep(2, '\n', 0x430000000000); /* about 5870            */
	CHECK_EQ(procmap_each(long_row, &n), 0);
	CHECK_EQ(n, 16);
	f = fopen("/proc/self/maps", "r");
	for (c = fgetc(f); c != EOF; c = fgetc(f))
		all += c == '\n';
	fclose(f);
	CHECK_EQ(procmap_each(count_rows, &rows), 0);
	CHECK_EQ(rows, all);
	for (vaddr_t va = 0x410000000000; va <= 0x430000000000; va += 0x10000000000)
		munmap(vaddr_ptr(va), 32 * K);
	CHECK(!fchdir(home));
	close(home);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", top);
	CHECK(!system(cmd));
}

static void process_map(void)
{
	static const char *const bad[] = {"", "x", "1-2", "1-2 rw", "1-2 rw-p", "1-2 rw-p zz 0:0 0",
		"12 rw-p 0 0:0 0", "1-2 rw-p10"};
	char line[] = "7f0000001000-7f0000003000 r-xs 00abc000 fd:01 4711        /a file (deleted)";
	char anon[] = "200000000-201000000 ---p 00000000 00:00 0 ", buf[80];
	struct procmap_row row;
	int n = 0, lines = 0;
	FILE *f;

	CHECK(procmap_parse(line, &row));
	CHECK_EQ(row.start, 0x7f0000001000);
	CHECK_EQ(row.end, 0x7f0000003000);
	CHECK_EQ(row.prot, PROT_READ | PROT_EXEC);
	CHECK(row.shared);
	CHECK_EQ(row.offset, 0xabc000);
	CHECK(!strcmp(row.name, "/a file (deleted)"));
	CHECK(procmap_parse(anon, &row) && !row.prot && !row.shared && !*row.name);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!procmap_parse(strcpy(buf, bad[i]), &row));
	/* As many rows as lines, however the reads cut them. */
	for (int i = 0; i < 300; i++) /* rows that cannot merge */
		CHECK(mmap(vaddr_ptr(0x400000000000 + i * 2 * K), K, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	f = fopen("/proc/self/maps", "r");
	for (int c = fgetc(f); c != EOF; c = fgetc(f))
		lines += c == '\n';
	CHECK_EQ(procmap_each(count_rows, &n), 0);
	CHECK_EQ(n, lines);
	fclose(f);
	CHECK_EQ(procmap_find(0x400000000000 + 400 * K, &row), 0);
	CHECK_EQ(row.start, 0x400000000000 + 400 * K);
	CHECK_EQ(procmap_find(0x400000000000 + 401 * K, &row), -EFAULT);
	CHECK_EQ(procmap_find(0x1000, &row), -EFAULT);
}

int main(void)
{
	RUN(both_ways_to_find);
	RUN(long_names);
	RUN(process_map);
	return UNIT_END();
}
