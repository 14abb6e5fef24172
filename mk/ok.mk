# Real programs, unmodified, and small programs of our own that must behave as without us:
# test/ok/run.py says how. Two sizes: quick belongs to `make check`, full is for a release.
#   make check-ok [BACKEND=kvm] [PROFILES=adaptive,production] [ONLY=python,redis]

PROFILES ?= adaptive,production
OK_SIZE	 ?= quick
OKFLAGS	 := -O2 -g -Wall -Wno-unused-result -Wno-use-after-free -Wno-infinite-recursion \
	    -Wno-alloc-size-larger-than -pthread -Itest/ok

OK_PROG	:= $(patsubst test/ok/prog/%.c,$(B)/ok/%,$(wildcard test/ok/prog/*.c)) \
	   $(patsubst test/ok/prog/%.cc,$(B)/ok/%,$(wildcard test/ok/prog/*.cc))

$(B)/ok/%: test/ok/prog/%.c test/ok/ok.h
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 -D_GNU_SOURCE $(OKFLAGS) -o $@ $< -ldl
$(B)/ok/%: test/ok/prog/%.cc test/ok/ok.h
	@mkdir -p $(@D)
	@$(CXX) -std=gnu++17 $(OKFLAGS) -o $@ $<

.PHONY: check-long check-ok-long check-ok check-ok-quick check-ok-full ok-programs
ok-programs: $(OK_PROG)
check-ok: all
	@$(MAKE) -s -j2 ok-programs
	@/usr/bin/python3 test/ok/run.py -B $(B) --backend $(BACKEND) --size $(OK_SIZE) \
		--profiles $(PROFILES) $(if $(ONLY),--only $(ONLY)) $(OK_ARGS)
# On one line: tools/check runs every lone check-NAME target, and these hold the same cases.
check-ok-quick check-ok-full: all
	@$(MAKE) -s check-ok OK_SIZE=$(@:check-ok-%=%)
# Programs of more than some 50 MB, not part of `make check`.
check-long: $(if $(LONG),,check-ok-long)
check-ok-long: all
	@sh tools/setup.sh long
	@$(MAKE) -s -j2 ok-programs
	@/usr/bin/python3 test/ok/run.py -B $(B) -j 1 --cases test/ok/long --profiles strict,deferred,production \
		$(if $(ONLY),--only $(ONLY)) $(OK_ARGS)
VM_NEEDS += ok-programs
