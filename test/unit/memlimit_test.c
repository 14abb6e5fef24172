// sources: src/base/memlimit.c src/base/file.c src/base/out.c
#include "unit.h"
#include "base/memlimit.h"

static const char *path_of(const char *text)
{
	static char path[500];

	return memlimit_path(text, path, sizeof(path)) ? path : "none";
}

static void version_2(void)
{
	CHECK(!strcmp(path_of("0::/system.slice/x.service\n"),
		"/sys/fs/cgroup/system.slice/x.service/memory.max"));
	CHECK(!strcmp(path_of("0::/\n"), "/sys/fs/cgroup/memory.max"));
}

static void version_1(void)
{
	static const char *const text =
		"9:cpu,cpuacct:/a\n4:memory:/ok.77\n1:name=systemd:/\n0::/b\n";

	CHECK(!strcmp(path_of(text), "/sys/fs/cgroup/memory/ok.77/memory.limit_in_bytes"));
	CHECK(!strcmp(path_of("0::/b\n3:cpu,memory:/z"),
		"/sys/fs/cgroup/memory/z/memory.limit_in_bytes"));
}

static void none(void)
{
	CHECK(!strcmp(path_of(""), "none"));
	CHECK(!strcmp(path_of("3:cpu:/z\n7:memoryx:/y\n8:name=memory:/y\n"), "none"));
	CHECK(!strcmp(path_of("nonsense"), "none"));
}

static void some_limit(void)
{
	CHECK(memlimit() > 1UL << 20);
}

int main(void)
{
	RUN(version_2);
	RUN(version_1);
	RUN(none);
	RUN(some_limit);
	return UNIT_END();
}
