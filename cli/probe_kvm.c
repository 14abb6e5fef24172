/*
 * probe_kvm.c - the rows of --probe about /dev/kvm that need no virtual machine: is it there,
 * may we, does it have nested paging? Runs in a child process (probe.c).
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int probe_kvm_device(struct out *o)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct stat st;
	struct group *gr;

	if (fd >= 0) {
		int v = ioctl(fd, KVM_GET_API_VERSION, 0);

		out_fmt(o, "API version %d", v);
		return v == 12 ? PROBE_YES : PROBE_NO;
	}
	if (errno == EACCES && !stat("/dev/kvm", &st)) {
		gr = getgrgid(st.st_gid);
		out_fmt(o, "no permission: it belongs to group %s", gr ? gr->gr_name : "?");
	} else if (errno == ENOENT) {
		out_str(o,
			"absent: load kvm_amd or kvm_intel, or pass the device into the container");
	} else {
		out_fmt(o, "%s", strerror(errno));
	}
	return PROBE_NO;
}

int probe_kvm_paging(struct out *o)
{
	static const struct {
		const char *path, *what;
	} params[] = {
		{"/sys/module/kvm_amd/parameters/npt", "kvm_amd npt"},
		{"/sys/module/kvm_intel/parameters/ept", "kvm_intel ept"},
	};

	for (size_t i = 0; i < ARRAY_LEN(params); i++) {
		FILE *f = fopen(params[i].path, "re");
		int c = f ? fgetc(f) : EOF;

		if (f)
			fclose(f);
		if (c == EOF)
			continue;
		out_fmt(o, "%s=%c", params[i].what, c);
		return c == 'Y' || c == '1' ? PROBE_YES : PROBE_NO;
	}
	out_str(o, "neither kvm_amd nor kvm_intel is loaded (a /dev/kvm without them emulates)");
	return PROBE_NO;
}
