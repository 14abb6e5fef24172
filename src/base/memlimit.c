/* memlimit.c - see memlimit.h. app context; no libc but memory functions. */
#include "memlimit.h"
#include "file.h"
#include "out.h"
#include "sys.h"

#include <sys/sysinfo.h>

/* One line: "ID:CONTROLLERS:PATH"; v2's ID is 0 and it names no controllers. */
static const char *line_file(const char *controllers, const char **root)
{
	if (text_after(controllers, ":")) {
		*root = "/sys/fs/cgroup";
		return "memory.max";
	}
	for (const char *c = controllers; *c != ':' && *c; c++)
		if ((c == controllers || c[-1] == ',') && text_after(c, "memory") &&
			(c[6] == ':' || c[6] == ',')) {
			*root = "/sys/fs/cgroup/memory";
			return "memory.limit_in_bytes";
		}
	return NULL;
}

bool memlimit_path(const char *text, char *path, size_t size)
{
	bool found = false;

	while (*text) {
		const char *end = text, *colon = text, *root, *file;

		while (*end && *end != '\n')
			end++;
		while (colon < end && *colon != ':')
			colon++;
		file = colon < end ? line_file(colon + 1, &root) : NULL;
		for (colon++; file && colon < end && *colon != ':'; colon++)
			;
		/* A v1 memory controller is the one in force; v2 then has none. */
		if (file && (!found || file[7] == 'l') && end - colon < 400) {
			char dir[400];

			out_snprintf(dir, MIN(sizeof(dir), (size_t)(end - colon)), "%s", colon + 1);
			out_snprintf(path, size, "%s%s/%s", root, dir[1] ? dir : "", file);
			found = true;
		}
		text = *end ? end + 1 : end;
	}
	return found;
}

size_t memlimit(void)
{
	char text[1500], path[500];
	struct sysinfo si = {0};
	size_t least = SIZE_MAX, n;

	if (!sys_call3(__NR_sysinfo, (long)&si, 0, 0))
		least = si.totalram * si.mem_unit;
	if (!file_text("/proc/self/cgroup", text, sizeof(text)) ||
		!memlimit_path(text, path, sizeof(path)) || !file_text(path, text, sizeof(text)))
		return least;
	n = text_number(text);
	return n ? MIN(least, n) : least;
}
