# The kvm backend: half of it runs in the vmm, with whatever FS the program has: no canary there.
$(B)/src/kvm/%.o: UDFLAGS += -fno-stack-protector
# Between malloc's frame, which the stack walk starts from, and the heap below nobody looks.
$(B)/src/kvm/kalias.o $(B)/src/kvm/sysheap.o: UDFLAGS += -fomit-frame-pointer

# What the kvm backend costs where /dev/kvm is hardware: one table, one plot, unattended.
#   make bench-kvm [BENCH_KVM_ARGS=...]
$(B)/bench/kvm/%: bench/kvm/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra $(WERROR) -o $@ $<

.PHONY: bench-kvm kvm-programs
bench-kvm: all $(B)/bench/kvm/mix
	@/usr/bin/python3 bench/kvm/run.py -B $(B) $(BENCH_KVM_ARGS)

# What a malloc and free pair takes, counted and not timed: exact in the emulated machine too.
.PHONY: count-kvm check-count
check-count: all kvm-programs
	@/usr/bin/python3 test/kvm/counted.py -B $(B) host
count-kvm: all kvm-programs
	@/usr/bin/python3 test/kvm/counted.py -B $(B) host >$(B)/counted.host
	@run() { if [ -w /dev/kvm ]; then sh -c "$$1"; else test/vm/qemu -t 300 "$$1"; fi; }; \
		run '/usr/bin/python3 test/kvm/counted.py -B $(B) kvm' >$(B)/counted.kvm || \
		{ e=$$?; cat $(B)/counted.kvm; exit $$e; }
	@/usr/bin/python3 test/kvm/counted.py table $(B)/counted.kvm $(B)/counted.host

# Programs for the machine's tests of the backend (test/vm/list.d/kvm.list).
$(B)/kvm/%: test/kvm/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wno-unused-parameter $(WERROR) -o $@ $< -lpthread

$(B)/kvm/libcs.so: test/kvm/libcs_plugin.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -O2 -Wall -Wextra $(WERROR) -shared -fPIC -o $@ $<

kvm-programs: $(B)/vm/tsc $(B)/kvm/libcs $(B)/kvm/libcs.so $(B)/kvm/stale $(B)/kvm/count $(B)/kvm/pairs $(B)/kvm/handed $(B)/kvm/atonce $(B)/kvm/calls $(B)/kvm/native $(B)/kvm/syscalls
VM_NEEDS += kvm-programs bug-programs $(B)/bench/kvm/mix

# The backend in the Bochs machine (Intel), where nothing is but what is named.
BOCHS_BUGS := $(foreach p,uaf-read-small double-free-small uaf-call-write,$(B)/bug/$(p) $(B)/bug/$(p).twin)
BOCHS_FILES += $(B)/libundangle.so $(BOCHS_BUGS) test/kvm/finds test/vm/same /usr/bin/sqlite3
check-bochs: $(BOCHS_BUGS)
