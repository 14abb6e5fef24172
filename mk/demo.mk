# make demo: installs what is missing, builds, shows one report per kind of bug, and sqlite3 unharmed.
# The programs are compiled as anybody would, without special flags.

DEMO_BIN := $(patsubst demo/%.c,$(B)/demo/%,$(wildcard demo/*.c)) \
	    $(patsubst demo/%.cc,$(B)/demo/%,$(wildcard demo/*.cc))

$(B)/demo/%: demo/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -O1 -g -w -o $@ $< -lpthread
$(B)/demo/%: demo/%.cc
	@mkdir -p $(@D)
	$(call say,CXX,$@)$(CXX) -O1 -g -w -o $@ $<

.PHONY: demo demo-run
demo:
	@sh tools/setup.sh build demo
	@$(MAKE) -s -j2 demo-run
demo-run: all $(DEMO_BIN)
	@bash demo/run $(B)/undangle $(B)/demo
