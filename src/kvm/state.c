/*
 * state.c - what all parts of the kvm backend work on; see state.h. Below all of them, and with no
 * code of its own.
 */
#include "state.h"

struct kvm_slot kvm_slots[EPOCH_CPUS] UD_TABLE;
struct vpages kvm_vpages;
struct epochs kvm_epochs UD_TABLE;
bool kvm_entered;
