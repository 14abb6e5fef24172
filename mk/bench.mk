# make bench: the programs of bench/ under glibc and every mode, interleaved and pinned; prints the
# tables of README.md, writes build/bench/bench.csv and bench.svg. ROUNDS=n SCALE=x PROGRAMS=a,b.
ROUNDS	?= 5
SCALE	?= 1.0

$(B)/bench/%: bench/prog/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -O2 -g -Wall -Wextra -Wno-unused-parameter -o $@ $< -lpthread

# the same with AddressSanitizer, for make compare
$(B)/bench/asan/%: bench/prog/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -O2 -g -fsanitize=address -fno-omit-frame-pointer -w -o $@ $< -lpthread

.PHONY: bench bench-stacks bench-floors bench-buffers bench-fork compare
bench: all $(B)/bench/cfrac $(B)/bench/churn $(B)/bench/warm
	@sh tools/setup.sh bench
	/usr/bin/python3 bench/run.py --lib $(abspath $(B))/libundangle.so --prog-dir $(B)/bench \
		--rounds $(ROUNDS) --scale $(SCALE) $(if $(PROGRAMS),--programs $(PROGRAMS)) \
		--csv $(B)/bench/bench.csv --svg $(B)/bench/bench.svg $(BENCHFLAGS)

# Loops over big buffers; forks, and a shell's loop.
bench-buffers bench-fork: bench-%: all $(B)/bench/buffers $(B)/bench/pieces $(B)/bench/forks
	/usr/bin/python3 bench/ratios.py $* --lib $(abspath $(B))/libundangle.so --prog-dir $(B)/bench \
		--rounds $(ROUNDS) --scale $(SCALE) $(BENCHFLAGS)

# What this machine takes for the same with no allocator at all.
bench-floors: $(B)/bench/floors
	@$(B)/bench/floors

# What a captured stack costs, beside what else takes one: the library's own objects, as in the unit tests.
$(B)/bench/stacks: bench/prog/stacks.c $(addprefix $(B)/src/,$(addprefix trace/,stack.o capture.o depot.o rules.o cfi.o symbol.o) \
	$(addprefix base/,altstack.o symtab.o threadend.o log.o file.o out.o filter.o bpf.o))
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(UDFLAGS) $(CFLAGS) -o $@ $^ -lpthread
bench-stacks: $(B)/bench/stacks
	@$(B)/bench/stacks

# Beside what else there is: time, memory, and how many of the bug programs each finds. PEERS='NAME=PATH...' adds
# any library that can be preloaded. Half an hour at SCALE=0.1; valgrind and electric-fence take most of it.
compare: all $(B)/bench/cfrac $(B)/bench/churn $(B)/bench/warm $(B)/bench/asan/cfrac $(B)/bench/asan/churn
	@sh tools/setup.sh bench compare
	@$(MAKE) -s --no-print-directory bug-programs
	@$(MAKE) -s --no-print-directory bug-programs B=$(B)/asan BUGSAN='-fsanitize=address -fno-omit-frame-pointer'
	/usr/bin/python3 bench/found.py -B $(B) $(PEERS:%=--peer %)
	@echo
	/usr/bin/python3 bench/run.py --lib $(abspath $(B))/libundangle.so --prog-dir $(B)/bench --peers --untuned \
		$(PEERS:%=--peer %) --rounds $(ROUNDS) --scale $(SCALE) $(if $(PROGRAMS),--programs $(PROGRAMS)) \
		--csv $(B)/bench/compare.csv --svg $(B)/bench/compare.svg $(BENCHFLAGS)
