/*
 * kvm.h - the face of kvm/: aliases by page-table entries, in ring 0, over any malloc underneath.
 *
 * app context. Every block of the next malloc in the chain gets an alias of its own; a kill is a
 * store and an INVLPG, so it is done when free returns, in every mode.
 */
#ifndef UD_KVM_H
#define UD_KVM_H

#include "base/base.h"

/*
 * What the exported family is made of there. malloc and free are entered by a jump, so that their
 * own frame is that of the call; the others get the frame. NULL: no memory.
 */
struct kvm_heap {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	void *(*alloc)(size_t size, size_t align, bool zero, void *frame);
	void (*free_as)(void *p, const char *call, void *frame);
	void *(*realloc)(void *p, size_t size, void *frame);
	size_t (*usable)(void *p);
	void (*stats)(struct out *o);
	void (*dump)(struct out *o, vaddr_t lo, vaddr_t hi);
};

/* NULL where the backend is not in use. Set by kvm_enter, and once more when the next malloc is
 * known. */
extern const struct kvm_heap *kvm_heap __attribute__((visibility("hidden")));

/* Usable here? 0, or -errno and *why = one line that says what is wrong and what to do. */
int kvm_probe(const char **why);

/*
 * In plain Linux, from the first malloc: into ring 0. 0 or -errno. May p, which is no block of the next malloc, be one
 * of another libc's (dlmopen), of *size bytes? `other` says; such a block stays as it is.
 */
int kvm_enter(bool (*other)(const void *p, size_t *size));

#endif
