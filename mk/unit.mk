# Unit tests: every test/unit/NAME.c is one program. Its first lines list the sources it tests:
#   // sources: src/base/out.c src/base/panic.c
# They are compiled into it unchanged, with what `// flags:` adds. A test prints "ok NAME"/"not ok NAME" per case and exits
# non-zero if any failed (test/unit/unit.h).

UNIT	 := $(patsubst test/unit/%.c,%,$(wildcard test/unit/*.c))
UNIT_BIN := $(addprefix $(B)/unit/,$(UNIT))

$(B)/unit/%: test/unit/%.c $(wildcard test/unit/*.h) $(wildcard src/*.[ch] src/*/*.[ch] src/*.def)
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(filter-out -fvisibility=hidden,$(UDFLAGS)) -Itest/unit $(CFLAGS) $(SAN) -o $@ $< \
		$(shell sed -n 's,^// sources:,,p; s,^// flags:,,p' $<) -lpthread

.PHONY: check-unit
check-unit: $(UNIT_BIN)
	@sh test/unit/run $(UNIT_BIN)
