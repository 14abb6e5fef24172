/*
 * freeze.c - while a fork copies the blocks, other threads wait where they store into one.
 *
 * app context, under every engine lock. userfaultfd protects a range from being written: who stores
 * there, or has the kernel store there, waits inside the fault until the protection goes, and sees
 * nothing of it. It takes Linux 5.19 and the right to let the kernel's own faults wait (root, or
 * vm.unprivileged_userfaultfd); elsewhere nobody waits.
 *
 * What breaks it: that the copying thread waits for itself, or for what another holds. It stores into
 * no block meanwhile, and takes no lock but ours.
 */
#include "template.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#define UFFD_SHARED_NR (1 << 12) /* UFFD_FEATURE_WP_HUGETLBFS_SHMEM */

static int fd = -1;
static struct uffdio_range frozen;

static bool control(unsigned long request, void *arg)
{
	return !sys_is_err(sys_call3(__NR_ioctl, fd, (long)request, (long)arg));
}

void host_freeze(vaddr_t lo, size_t len)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_SHARED_NR};
	struct uffdio_register reg = {{lo, len}, UFFDIO_REGISTER_MODE_WP, 0};
	struct uffdio_writeprotect wp = {{lo, len}, UFFDIO_WRITEPROTECT_MODE_WP};

	if (host_filtered())
		return;
	fd = (int)sys_call3(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK, 0, 0);
	if (fd < 0)
		return;
	frozen = reg.range;
	if (!control(UFFDIO_API, &api) || !control(UFFDIO_REGISTER, &reg) ||
		!control(UFFDIO_WRITEPROTECT, &wp))
		host_thaw();
}

void host_thaw(void)
{
	if (fd < 0)
		return;
	control(UFFDIO_UNREGISTER, &frozen);
	sys_close(fd);
	fd = -1;
}
