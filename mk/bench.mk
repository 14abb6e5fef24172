# make bench: the programs of bench/ under glibc and every mode, interleaved and pinned; prints the
# tables of README.md, writes build/bench/bench.csv and bench.svg. ROUNDS=n SCALE=x PROGRAMS=a,b.
ROUNDS	?= 5
SCALE	?= 1.0

$(B)/bench/%: bench/prog/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -O2 -g -Wall -Wextra -Wno-unused-parameter -o $@ $< -lpthread

.PHONY: bench bench-spread
bench: all $(B)/bench/cfrac $(B)/bench/churn $(B)/bench/warm
	@if [ -f tools/setup.sh ]; then sh tools/setup.sh bench; fi
	/usr/bin/python3 bench/run.py --lib $(abspath $(B))/libundangle.so --prog-dir $(B)/bench \
		--rounds $(ROUNDS) --scale $(SCALE) $(if $(PROGRAMS),--programs $(PROGRAMS)) \
		--csv $(B)/bench/bench.csv --svg $(B)/bench/bench.svg $(BENCHFLAGS)

# What a page for each block costs here, with no allocator at all.
bench-spread: $(B)/bench/spread
	@$(B)/bench/spread
