/*
 * probe.c - app context, before dune_init: may this process enter ring 0, and if not, why not.
 *
 * Owns the list of checks (dune_checks), each one line, in the order in which a person would
 * mend them. Leaves nothing behind. No libc: it runs in a constructor too.
 */
#include <dune.h>
#include "probe.h"
#include "vm.h"
#include "base/base.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ARCH_SHSTK_STATUS 0x5005

static char text[200];

static int file_read(const char *path, char *buf, size_t size)
{
	long fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), n;

	if (fd < 0)
		return (int)fd;
	n = sys_read((int)fd, buf, size - 1);
	sys_close((int)fd);
	if (n < 0)
		return (int)n;
	buf[n] = 0;
	return (int)n;
}

static int check_cpu(int kvm, const char **why)
{
	uint32_t a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c & bit_OSXSAVE)) {
		*why = "this processor has no XSAVE: use --backend=host";
		return -ENODEV;
	}
	if (!__get_cpuid(0x80000008, &a, &b, &c, &d) || (a & 0xff) < WINDOW_PHYS_LEAST) {
		*why = "this processor has less than 37 physical address bits: use --backend=host";
		return -ENODEV;
	}
	return 0;
}

/* The group that owns /dev/kvm, by name if /etc/group tells. */
static void group_name(unsigned gid, char *name, size_t size)
{
	char buf[8192], want[16];
	size_t n;

	out_snprintf(name, size, "%u", gid);
	out_snprintf(want, sizeof(want), ":%u:", gid);
	if (file_read("/etc/group", buf, sizeof(buf)) <= 0)
		return;
	for (char *line = buf, *end; *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = 0;
		else
			end = line + strlen(line);
		if (strstr(line, want)) {
			n = strcspn(line, ":");
			line[MIN(n, size - 1)] = 0;
			out_snprintf(name, size, "%s", line);
			return;
		}
	}
}

static int check_device(int kvm, const char **why)
{
	struct stat st = {0};
	char group[64];

	if (kvm >= 0)
		return 0;
	if (kvm == -EACCES || kvm == -EPERM) {
		if (sys_call4(__NR_newfstatat, AT_FDCWD, (long)"/dev/kvm", (long)&st, 0))
			st.st_gid = 0;
		group_name(st.st_gid, group, sizeof(group));
		out_snprintf(text, sizeof(text),
			"no permission for /dev/kvm: join group %s (usermod -aG %s USER, log in "
			"anew)",
			group, group);
		*why = text;
	} else if (kvm == -ENOENT || kvm == -ENODEV || kvm == -ENXIO) {
		*why = "no /dev/kvm: load kvm_intel or kvm_amd, and allow virtualisation in the "
		       "firmware (in a container: pass --device /dev/kvm)";
	} else {
		out_snprintf(text, sizeof(text), "cannot open /dev/kvm: error %d", -kvm);
		*why = text;
	}
	return kvm;
}

static const struct {
	int cap;
	const char *name;
} caps[] = {
	{KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
	{KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
	{KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
	{KVM_CAP_XSAVE, "KVM_CAP_XSAVE"},
	{KVM_CAP_XCRS, "KVM_CAP_XCRS"},
	{KVM_CAP_SET_GUEST_DEBUG, "KVM_CAP_SET_GUEST_DEBUG"},
};

/* Stable API 12 and SYNC_REGS (4.17) are the newest things used: that is the minimum. */
static int check_kernel(int kvm, const char **why)
{
	long version = vm_ioctl(kvm, KVM_GET_API_VERSION, NULL);

	if (version == -EPERM || version == -EACCES || version == -ENOSYS) {
		*why = "ioctl on /dev/kvm is forbidden: a seccomp filter or security module";
		return (int)version;
	}
	if (version != 12) {
		*why = "KVM's API version is not 12: /dev/kvm is not KVM";
		return -ENOTSUP;
	}
	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		if (vm_ioctl(kvm, KVM_CHECK_EXTENSION, (void *)(long)caps[i].cap) > 0)
			continue;
		out_snprintf(text, sizeof(text),
			"the kernel is too old: %s is missing (4.17 is the minimum, 6.1 is tested)",
			caps[i].name);
		*why = text;
		return -ENOTSUP;
	}
	return 0;
}

static int check_paging(int kvm, const char **why)
{
	struct stat st;
	char v[8];

	if (file_read("/sys/module/kvm_amd/parameters/npt", v, sizeof(v)) > 0) {
		if (*v == 'Y' || *v == '1')
			return 0;
		*why = "KVM runs without nested paging: load kvm_amd with npt=1";
		return -ENOTSUP;
	}
	if (file_read("/sys/module/kvm_intel/parameters/ept", v, sizeof(v)) > 0) {
		if (*v == 'Y' || *v == '1')
			return 0;
		*why = "KVM runs without nested paging: load kvm_intel with ept=1";
		return -ENOTSUP;
	}
	if (!sys_call4(__NR_newfstatat, AT_FDCWD, (long)"/sys/module/kvm", (long)&st, 0)) {
		*why = "KVM runs on neither kvm_intel nor kvm_amd: it emulates";
		return -ENOTSUP;
	}
	return 0; /* no /sys here: the speed check judges */
}

static int check_seccomp(int kvm, const char **why)
{
	long fd = vm_ioctl(kvm, KVM_CREATE_VM, NULL);

	if (fd >= 0) {
		sys_close((int)fd);
		return 0;
	}
	out_snprintf(text, sizeof(text),
		fd == -EPERM || fd == -EACCES || fd == -ENOSYS
			? "KVM_CREATE_VM is forbidden (error %ld): a seccomp filter or security "
			  "module"
			: "KVM_CREATE_VM failed with error %ld",
		-fd);
	*why = text;
	return (int)fd;
}

/* Return addresses are checked against a second stack, which ours do not have; glibc locks that. */
static int check_shstk(int kvm, const char **why)
{
	uint64_t on = 0;

	if (sys_call3(__NR_arch_prctl, ARCH_SHSTK_STATUS, (long)&on, 0) || !(on & 1))
		return 0;
	*why = "the process runs with control-flow enforcement (SHSTK): run it with "
	       "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off";
	return -ENOTSUP;
}

static const struct dune_check checks[] = {
	{"processor", check_cpu},
	{"plain stacks", check_shstk},
	{"/dev/kvm", check_device},
	{"kernel", check_kernel},
	{"nested paging", check_paging},
	{"virtual machine", check_seccomp},
	{"hardware speed", check_speed},
};

const struct dune_check *dune_check_at(unsigned i)
{
	return i < ARRAY_LEN(checks) ? &checks[i] : NULL;
}

int dune_check_run(const struct dune_check *c, const char **why)
{
	int kvm = (int)sys_openat(AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC, 0);
	int err = c->run(kvm, why);

	if (kvm >= 0)
		sys_close(kvm);
	return err;
}

DUNE_API int dune_probe(const char **why)
{
	const struct dune_check *c;
	int err;

	*why = "";
	for (unsigned i = 0; (c = dune_check_at(i)); i++) {
		err = dune_check_run(c, why);
		if (err)
			return err;
	}
	return 0;
}
