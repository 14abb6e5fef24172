/*
 * probe.h - the checks before dune_init, one by one (undangle --probe shows them).
 *
 * app context, outside Dune. A check leaves nothing behind.
 */
#ifndef UD_DUNE_PROBE_H
#define UD_DUNE_PROBE_H

struct dune_check {
	const char *name;
	/* kvm: /dev/kvm's descriptor, or -errno. 0, or -errno and *why, one line. */
	int (*run)(int kvm, const char **why);
};

/* In order; NULL after the last. A later one only makes sense if all before it passed. */
const struct dune_check *dune_check_at(unsigned i);
int dune_check_run(const struct dune_check *c, const char **why);

/* speed.c: is it the processor that runs the guest, or an emulator of instructions? */
int check_speed(int kvm, const char **why);

#endif
