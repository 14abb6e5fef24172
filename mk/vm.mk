# The test machines: QEMU with emulated AMD SVM + nested paging, Bochs with emulated Intel VMX + EPT,
# and the same list straight on a host with a real /dev/kvm.
#
#	make check-vm		all of test/vm/list.d/*.list in the QEMU machine
#	make check-bochs	test/vm/bochs.list in the Bochs machine
#	make check-kvm		all of test/vm/list.d/*.list here
#	make check-vm-long	test/vm/long.list in the QEMU machine: hours; VM_ARGS='-f PATTERN' for a part
#	make vm CMD='...'	one command in the QEMU machine, on this root file system
#
# Who adds tests to a list adds what they need built to VM_NEEDS (any mk/*.mk may).

VM_LISTS  = $(sort $(wildcard test/vm/list.d/*.list))
VM_NEEDS += all $(B)/vm/kvmhello
# Each test has its limit; the machine needs 500 s of two idle processors. Like all limits of the machines this
# is processor time, with six times as much on the wall clock (test/vm/lib.sh, tools/limit.c).
VM_TIME	 ?= 1800

$(B)/vm/%: test/vm/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra $(WERROR) $(CFLAGS) -o $@ $< -lpthread

.SECONDEXPANSION:
.PHONY: vm check-vm check-vm-long check-kvm check-bochs
vm: $$(VM_NEEDS)
	@test/vm/qemu -t $(VM_TIME) '$(CMD)'

check-vm: $$(VM_NEEDS)
	@VM_ARGS='$(VM_ARGS)' test/vm/check $(VM_TIME) $(VM_LISTS)

# Not part of make check. Unattended: each test has its limit, the machine has 8 hours.
LONG_TIME ?= 28800
check-vm-long: $$(VM_NEEDS)
	@test/vm/qemu -t $(LONG_TIME) 'test/vm/suite -v -n vm-long $(VM_ARGS) test/vm/long.list'; test/vm/status $$?

check-kvm: $$(VM_NEEDS)
	@test/vm/suite -n kvm $(VM_ARGS) $(VM_LISTS); test/vm/status $$?

BOCHS_FILES += $(B)/vm/kvmhello $(B)/undangle test/vm/suite test/vm/bochs.list $(B)/limit
BOCHS_TIME  ?= 600
check-bochs: $$(VM_NEEDS)
	@test/vm/bochs -t $(BOCHS_TIME) $(addprefix -f ,$(BOCHS_FILES)) \
		'test/vm/suite -j 1 -n bochs $(VM_ARGS) test/vm/bochs.list'; test/vm/status $$?

# Conformance: each case natively and under a wrapper, equal transcripts. Here under the library in these modes, in
# the machines under Dune. A part: CONFORM_ARGS='-g GROUP' or '-c CASE'.
CONFORM_MODES := -m --profile=production -m --profile=debug -m --detect=strict
CONFORM_SRC := $(wildcard test/conform/*.c)
CONFORM	    := $(B)/conform/conform
VM_NEEDS    += $(CONFORM) $(B)/conform/stress
BOCHS_FILES += $(CONFORM) test/conform/run

$(CONFORM): $(filter-out test/conform/stress.c,$(CONFORM_SRC)) test/conform/conform.h
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter $(WERROR) -O1 -g -msse4.2 -mcx16 \
		-mno-red-zone -fno-strict-aliasing -o $@ $(filter %.c,$^) -lpthread -lrt -lm

$(B)/conform/stress: test/conform/stress.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter $(WERROR) -O1 -g -o $@ $< -lpthread

.PHONY: check-conform
check-conform: all $(CONFORM)
	@test/conform/run $(CONFORM_MODES) $(CONFORM_ARGS) $(CONFORM) $(B)/undangle
