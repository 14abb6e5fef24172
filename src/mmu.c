/* mmu.c - chooses the backend once. app context, from the first malloc. */
#include "mmu.h"
#include "options.h"

#include <errno.h>

const struct mmu *mmu;
const struct heap_other *heap_other;
const char *mmu_why;

/*
 * auto takes kvm only where it is sure to be faster: a strict kill is a system call on the host
 * and a store in the guest; in the other modes kills come in bulk, and every system call of the
 * program would cost an exit for nothing.
 */
static bool kvm_is_better(void)
{
	if (options.heap == HEAP_SYSTEM)
		return true;
	if (options.detect != DETECT_STRICT) {
		mmu_why = "auto: kvm gains only with detect=strict";
		return false;
	}
	if (mmu_kvm.probe(&mmu_why))
		return false;
	mmu_why = "auto: strict, and this machine's /dev/kvm is hardware";
	return true;
}

int mmu_choose(unsigned backend, const char **why)
{
	const struct mmu *m = &mmu_host;
	int err;

	if (backend == BACKEND_KVM || (backend == BACKEND_AUTO && kvm_is_better()))
		m = &mmu_kvm;
	if (m == &mmu_host && options.heap == HEAP_SYSTEM) {
		*why = "heap=system is of the kvm backend";
		return -EINVAL;
	}
	err = m->probe(why);
	if (err)
		return err;
	if (m == &mmu_kvm && options.heap != HEAP_SLAB)
		heap_other = &heap_system;
	mmu = m;
	return 0;
}
