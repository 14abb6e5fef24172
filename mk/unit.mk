# Unit tests: every test/unit/NAME_test.c is one program. Its first lines, or those of a header there that it includes,
# list the sources it tests, and what they are compiled with beyond the rest (test/unit/heads.awk):
#   // sources: src/base/out.c src/base/panic.c
#   // flags: -include test/unit/machine.h
# Without flags the library's own objects are linked. A test prints "ok CASE" or "not ok CASE" per case and
# exits non-zero if any failed (test/unit/unit.h). Its transcript is a file, made anew when the program is:
# what did not change is only counted again. UNIT=NAME... for some of them.

# what sys.h asks before each system call
UNIT_SYS := src/base/filter.c src/base/bpf.c
UNIT	 := $(patsubst test/unit/%.c,%,$(wildcard test/unit/*.c))
UNIT_BIN := $(UNIT:%=$(B)/unit/%)

UNIT_HEADS := $(shell awk -f test/unit/heads.awk test/unit/*.[ch])
unit_head = $(patsubst $(1)|$(2):%,%,$(filter $(1)|$(2):%,$(UNIT_HEADS)))
unit_sources = $(sort $(foreach s,$(call unit_head,$(1),sources),$(or $(wildcard $(s)),$(s))) $(UNIT_SYS))

$(B)/unit/%.o: test/unit/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(UDFLAGS) -Itest/unit $(call unit_head,$*,flags) $(CFLAGS) $(SAN) -MMD -MP -c -o $@ $<

# unit_rules NAME: its objects, and those of its sources: with flags in a folder that is named so
unit_own = $(B)/unit/own$(subst $() ,,$(subst /,,$(call unit_head,$(1),flags)))
define unit_rules
$(B)/unit/$(1): $(B)/unit/$(1).o $(patsubst %,$(if $(call unit_head,$(1),flags),$(unit_own),$(B))/%.o,$(basename $(call unit_sources,$(1))))
$(unit_own)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$<)$$(CC) $$(UDFLAGS) -Itest/unit $(call unit_head,$(1),flags) $$(CFLAGS) $$(SAN) -MMD -MP -c -o $$@ $$<
endef
$(foreach t,$(UNIT),$(eval $(call unit_rules,$(t))))

$(UNIT_BIN):
	$(call say,LD,$@)$(CC) $(SAN) -o $@ $^ -lpthread

# The last line of a transcript is the status.
$(B)/unit/%.log: $(B)/unit/% $(B)/limit
	$(call say,RUN,$<)$(B)/limit 300 $< >$@.part 2>&1; echo "# status $$?" >>$@.part; mv $@.part $@

.PHONY: check-unit
check-unit: $(UNIT_BIN:=.log)
	@awk -f test/unit/count.awk $^
-include $(wildcard $(B)/unit/*.d $(B)/unit/own*/src/*/*.d)
