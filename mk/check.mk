# make check: set-up, then every suite that exists, a progress line for each, one closing line.
# A suite is a target check-NAME (in some mk/*.mk) that ends with "NAME: N passed, N failed[, N skipped]".

# What every run of a test is under: processor time, and what is left behind (tools/limit.c).
$(B)/limit: tools/limit.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra $(WERROR) -o $@ $<
all: $(B)/limit

.PHONY: check check-fast check-cli check-stress check-unit-clang check-unit-ubsan
check:
	@sh tools/check $(B) all

# what the landing of a change runs: < 2 minutes
check-fast: all
	@sh tools/check $(B) fast

check-cli: all
	@CC="$(CC)" bash test/cli/run $(B)/undangle

# Everything must compile with clang too, without a warning; then the unit tests.
check-unit-clang:
	@$(MAKE) -s CC=clang B=$(B)-clang all check-unit

check-unit-ubsan:
	@$(MAKE) -s B=$(B)-ubsan SAN="-fsanitize=undefined -fno-sanitize-recover=undefined" check-unit

# The engine's random stress (mk/engine.mk), counted; of a library that checks its invariants.
check-stress:
	@$(MAKE) -s B=$(B)-debug DEBUG=1 $(B)-debug/stress $(B)-debug/libundangle.so $(B)-debug/limit >/dev/null
	@out=$$(sh test/stress/run $(B)-debug 60 4); echo "$$out"; \
	echo "stress: $$(echo "$$out" | grep -c '^ok ') passed, $$(echo "$$out" | grep -c '^not ok ') failed"; \
	! echo "$$out" | grep -q '^not ok'
