# Bug programs: every test/bug/NAME.c(c) is one bug, or a family of them that differ in numbers (its
# `// each:` lines), and with -DTWIN=1 the correct program.
# Compiled as users compile (-O2 -g, frame pointers as the compiler likes). test/bug/run.py
# compares each run with the whole verdict in the first lines of the source.
#   make check-bug [BACKEND=kvm] [MODES=adaptive,bare,test,rows,pages,strict,deferred] [ONLY=uaf-fork,...]

BACKEND	?= host
MODES	?= adaptive,bare,test,rows,pages
BUG_CC	?= $(CC)
BUG_CXX	?= $(CXX)
BUGFLAGS := -O2 -g -Wall -Wno-unused-result -Wno-unused-function \
	    -Wno-use-after-free -Wno-unused-but-set-variable -pthread $(BUGSAN)

# NAME|SOURCE|FLAG... of every binary: a file may hold a family (test/bug/programs.awk)
BUG_ALL := $(shell awk -f test/bug/programs.awk test/bug/*.c test/bug/*.cc)
BUG_BIN :=

# bug_rule NAME SOURCE FLAG...
define bug_rule
BUG_BIN += $(B)/bug/$(word 1,$(1))
$(B)/bug/$(word 1,$(1)): $(word 2,$(1)) test/bug/bug.h
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$(if $(filter %.cc,$(1)),$$(BUG_CXX) -std=gnu++17,$$(BUG_CC) -std=gnu17 -D_GNU_SOURCE) \
		$$(BUGFLAGS) $(wordlist 3,99,$(1)) -o $$@ $$< -ldl
endef
$(foreach p,$(BUG_ALL),$(eval $(call bug_rule,$(subst |, ,$(p)))))

.PHONY: check-bug bug-programs
bug-programs: $(BUG_BIN)
check-bug: all
	@$(MAKE) --no-print-directory -j2 bug-programs
	@/usr/bin/python3 test/bug/run.py -B $(B) --backend $(BACKEND) --modes $(MODES) \
		$(if $(ONLY),--only $(ONLY))
