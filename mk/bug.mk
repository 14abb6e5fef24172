# Bug programs: every test/bug/NAME.c(c) is one bug, and with -DTWIN=1 the correct program.
# Compiled as users compile (-O2 -g, frame pointers as the compiler likes). test/bug/run.py
# compares each run with the whole verdict in the first lines of the source.
#   make check-bug [BACKEND=kvm] [MODES=strict,deferred,grouped,rows,pages] [ONLY=uaf-fork,...]

BACKEND	?= host
MODES	?= strict,deferred,grouped,rows,pages
BUG_CC	?= $(CC)
BUG_CXX	?= $(CXX)
BUGFLAGS := -O2 -g -Wall -Wno-unused-result -Wno-unused-function \
	    -Wno-use-after-free -Wno-unused-but-set-variable -pthread

BUG_C	:= $(wildcard test/bug/*.c)
BUG_CC_ := $(wildcard test/bug/*.cc)
BUG	:= $(patsubst test/bug/%.c,%,$(BUG_C)) $(patsubst test/bug/%.cc,%,$(BUG_CC_))
BUG_SO	:= $(patsubst test/bug/%.c,%,$(shell grep -l '^// module' $(BUG_C)))
BUG_BIN := $(BUG:%=$(B)/bug/%) $(BUG:%=$(B)/bug/%.twin) \
	   $(BUG_SO:%=$(B)/bug/%.so) $(BUG_SO:%=$(B)/bug/%.twin.so)

$(B)/bug/%.twin: test/bug/%.c test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CC) -std=gnu17 -D_GNU_SOURCE $(BUGFLAGS) -DTWIN=1 -o $@ $< -ldl
$(B)/bug/%: test/bug/%.c test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CC) -std=gnu17 -D_GNU_SOURCE $(BUGFLAGS) -o $@ $< -ldl
$(B)/bug/%.twin.so: test/bug/%.c test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CC) -std=gnu17 -D_GNU_SOURCE $(BUGFLAGS) -DMODULE -DTWIN=1 -fPIC -shared -o $@ $<
$(B)/bug/%.so: test/bug/%.c test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CC) -std=gnu17 -D_GNU_SOURCE $(BUGFLAGS) -DMODULE -fPIC -shared -o $@ $<
$(B)/bug/%.twin: test/bug/%.cc test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CXX) -std=gnu++17 $(BUGFLAGS) -DTWIN=1 -o $@ $<
$(B)/bug/%: test/bug/%.cc test/bug/bug.h
	@mkdir -p $(@D)
	@$(BUG_CXX) -std=gnu++17 $(BUGFLAGS) -o $@ $<

.PHONY: check-bug bug-programs
bug-programs: $(BUG_BIN)
check-bug: all
	@$(MAKE) -s -j2 bug-programs
	@/usr/bin/python3 test/bug/run.py -B $(B) --backend $(BACKEND) --modes $(MODES) \
		$(if $(ONLY),--only $(ONLY))
