/* mmu.c - chooses the backend once. app context, from the first malloc. */
#include "mmu.h"
#include "options.h"

#include <errno.h>

const struct mmu *mmu;

int mmu_choose(unsigned backend, const char **why)
{
	const struct mmu *m = &mmu_host;
	int err = m->probe(why);

	if (backend == BACKEND_KVM) {
		*why = "the kvm backend is not in this build";
		return -ENOSYS;
	}
	if (err)
		return err;
	mmu = m;
	return 0;
}
