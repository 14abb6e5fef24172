/*
 * vm.h - the one virtual machine of the process: /dev/kvm, slots, the monitor's page.
 *
 * Before dune_enter and vmm context. Owns the KVM and VM file descriptors; a fork child makes
 * a new VM (KVM binds a VM to its mm) and keeps everything else, which is memory.
 */
#ifndef UD_DUNE_VM_H
#define UD_DUNE_VM_H

#include "mappings.h"
#include "monitor/frame.h"

#include <linux/kvm.h>

struct dune_tf;

#define VM_CPUID_MAX 256

#define XSAVE_BV  512 /* in an XSAVE area: which components it holds */
#define XCR0_PKRU 9   /* the component of the protection keys        */

struct vm {
	int kvm_fd, fd;
	uint32_t lock;	    /* slots, vCPU ids, thread table          */
	uint32_t vcpu_next; /* next id; ids are never given back      */
	uint32_t vcpu_max;
	size_t run_size;
	uint64_t xcr0;
	size_t xsave_size; /* of the standard format, for xcr0 */
	size_t pkru_at;	   /* PKRU in it; 0: the host does not use protection keys */
	bool tsc_offset;   /* KVM_VCPU_TSC_OFFSET works */
	/* The monitor, as ring 0 sees it. */
	vaddr_t mon_start, mon_syscall, mon_syscall_done, mon_exception_done, mon_flush;
	vaddr_t mon_end;
	vaddr_t idt;
	int (**handlers)(struct dune_tf *tf);
	uint64_t handled;
	bool stats;
	int stats_fd; /* a copy of stderr: programs close theirs before they end */
	uint64_t slots[(WINDOW_GPAS + 63) / 64];
	uint64_t slot_count, slot_max, vcpu_count;
};

extern struct vm vm;

/* What the processor of every vCPU says. */
extern struct vm_cpuid {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entries[VM_CPUID_MAX];
} vm_cpuid;

/* Opens /dev/kvm and makes the VM with the slots of dune_mappings. 0 or -errno. */
int vm_create(void);

/* The VM and its slots alone: again in a fork child, on its mm. 0 or -errno. */
int vm_make(void);

/* A lock of the vmm's: whoever waits yields. */
void vm_lock(uint32_t *lock);
void vm_unlock(uint32_t *lock);

/* What the processor of every vCPU says there; NULL: nothing. */
const struct kvm_cpuid_entry2 *vm_cpuid_leaf(uint32_t function, uint32_t index);

/* Raw ioctl: what the kernel returned. */
static inline long vm_ioctl(int fd, unsigned long req, const void *arg)
{
	return sys_call3(__NR_ioctl, fd, (long)req, (long)arg);
}

/* monitor.c: copies the monitor and the IDT into the pool. 0 or -errno. */
int monitor_install(void);

/* monitor.c: fills a vCPU's page. */
struct dune_cpu;
void monitor_cpu_init(struct dune_cpu *cpu, unsigned host_cpu);
void monitor_cpu_number(struct dune_cpu *cpu, unsigned host_cpu);

/*
 * fds.c: our file descriptors, out of the program's way (>= FDS_BASE, close-on-exec) and
 * refused by the forwarder's close family. fd_hide closes fd and returns its new number.
 */
#define FDS_BASE 900
int fd_hide(int fd);
/* The descriptor that an ioctl makes, hidden; the program may have none left. */
int fd_new(int on, unsigned long request, const void *arg);
/* The program wants the number: another descriptor for the same, fd is no longer ours. */
int fd_move(int fd);
void fd_close(int fd);
bool fd_is_ours(unsigned long fd);
/* The first of ours in [lo, hi], or -1. */
long fd_next(unsigned long lo, unsigned long hi);

#endif
