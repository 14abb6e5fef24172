/*
 * vm.c - before dune_enter, vmm context: the virtual machine itself.
 *
 * Owns the file descriptors and the slots. A slot is added when its window gets its first page
 * and stays; KVM needs no memory behind it but what the host has mapped at that moment.
 */
#include "vm.h"
#include "base/base.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Three pages below 4 GB that KVM on Intel wants for itself; no program's memory is near. */
#define TSS_ADDR 0xfffbd000UL

/* Vector state whose permission must be asked for (AMX) is not given to the program. */
#define XCR0_ASK (3UL << 17)

#define CPUID_OSPKE (1u << 4) /* leaf 7, ECX */

struct vm vm = {.kvm_fd = -1, .fd = -1, .stats_fd = -1};
struct vm_cpuid vm_cpuid UD_TABLE;

void vm_lock(uint32_t *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
		sys_call3(__NR_sched_yield, 0, 0, 0);
}

void vm_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

static long slot_set(const struct window *win)
{
	/*
	 * Numbered as they come, not by win->index: before 5.12 there are 509 slots, and the
	 * stack's window has the index 511.
	 */
	struct kvm_userspace_memory_region region = {
		.slot = (uint32_t)vm.slot_count,
		.guest_phys_addr = win->gpa,
		.memory_size = win->len,
		.userspace_addr = win->hva,
	};

	return vm_ioctl(vm.fd, KVM_SET_USER_MEMORY_REGION, &region);
}

/* mappings.on_window: adds the slot. Idempotent, any thread. */
static int vm_window(const struct window *win)
{
	uint64_t bit = 1UL << (win->index & 63);
	uint64_t *word = &vm.slots[win->index / 64];
	long err = 0;

	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) & bit)
		return 0;
	vm_lock(&vm.lock);
	if (!(*word & bit)) {
		err = vm.slot_count < vm.slot_max ? slot_set(win) : -ENOSPC;
		if (!err) {
			__atomic_fetch_or(word, bit, __ATOMIC_RELEASE);
			vm.slot_count++;
		}
	}
	vm_unlock(&vm.lock);
	return (int)err;
}

static uint64_t xgetbv0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

const struct kvm_cpuid_entry2 *vm_cpuid_leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < vm_cpuid.nent; i++)
		if (vm_cpuid.entries[i].function == function && vm_cpuid.entries[i].index == index)
			return &vm_cpuid.entries[i];
	return NULL;
}

static bool protection_keys_on(void)
{
	uint32_t a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c & CPUID_OSPKE;
}

/* What the guest's XCR0 may hold, and how long its XSAVE area is. */
static int xsave_size_up(void)
{
	const struct kvm_cpuid_entry2 *d = vm_cpuid_leaf(0xd, 0);
	uint32_t size, at, c, e;

	if (!d)
		return -ENODEV;
	vm.xcr0 = xgetbv0() & (d->eax | (uint64_t)d->edx << 32) & ~XCR0_ASK;
	vm.xsave_size = 576;
	for (int i = 2; i < 63; i++)
		if (vm.xcr0 >> i & 1) {
			__cpuid_count(0xd, i, size, at, c, e);
			vm.xsave_size = MAX(vm.xsave_size, (size_t)at + size);
			if (i == XCR0_PKRU && protection_keys_on())
				vm.pkru_at = at;
		}
	return vm.xsave_size > 4096 - 64 ? -E2BIG : 0;
}

int vm_make(void)
{
	vm.fd = fd_new(vm.kvm_fd, KVM_CREATE_VM, NULL);
	if (vm.fd < 0)
		return vm.fd;
	if (vm_ioctl(vm.fd, KVM_CHECK_EXTENSION, (void *)KVM_CAP_SET_TSS_ADDR) > 0)
		vm_ioctl(vm.fd, KVM_SET_TSS_ADDR, (void *)TSS_ADDR);
	vm.vcpu_next = 0;
	memset(vm.slots, 0, sizeof(vm.slots));
	vm.slot_count = 0;
	dune_mappings.on_window = vm_window;
	return mappings_replay(&dune_mappings);
}

/* A number that KVM states: fallback if it does not, most at most. */
static long capability(long cap, long fallback, long most)
{
	long n = vm_ioctl(vm.kvm_fd, KVM_CHECK_EXTENSION, (void *)cap);

	return MIN(n > 0 ? n : fallback, most);
}

int vm_create(void)
{
	long n = sys_openat(AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC, 0);

	if (n < 0)
		return (int)n;
	vm.kvm_fd = fd_hide((int)n);
	if (vm.kvm_fd < 0)
		return vm.kvm_fd;
	n = vm_ioctl(vm.kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (n < 0)
		return (int)n;
	vm.run_size = (size_t)n;
	vm.vcpu_max = (uint32_t)capability(KVM_CAP_MAX_VCPU_ID, 4, 1024);
	vm.vcpu_max = (uint32_t)capability(KVM_CAP_MAX_VCPUS, 4, vm.vcpu_max);
	vm.slot_max = (uint64_t)capability(KVM_CAP_NR_MEMSLOTS, 32, WINDOW_GPAS);
	vm_cpuid.nent = VM_CPUID_MAX;
	n = vm_ioctl(vm.kvm_fd, KVM_GET_SUPPORTED_CPUID, &vm_cpuid);
	if (n < 0)
		return (int)n;
	n = xsave_size_up();
	if (n < 0)
		return (int)n;
	return vm_make();
}
