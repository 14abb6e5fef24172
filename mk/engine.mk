# Between malloc's frame, which the stack walk starts from, and the engine below nobody looks.
$(B)/src/rows/alloc.o $(B)/src/malloc/short_alloc.o $(B)/src/malloc/short_free.o $(B)/src/rows/free.o $(B)/src/malloc/engine.o $(B)/src/pages/alloc.o $(B)/src/pages/free.o: UDFLAGS += -fomit-frame-pointer

# Checked invariants: lock ranks (base/lock.h), the bits of a view (rows/census.h). Unit tests of the engine have them
# always (// flags: -DUD_DEBUG), check-stress too.
#	make B=build-debug DEBUG=1
UDFLAGS += $(if $(DEBUG),-DUD_DEBUG)

# The engine's random stress: `make stress SECONDS=n`. Each mode runs SECONDS/3 seconds.
SECONDS	?= 30
STRESS_THREADS ?= 4

$(B)/stress: test/stress/stress.c | $(B)/api
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -O1 -g -Wall -Wextra -Wno-unused-parameter -o $@ $< -lpthread

# The public interface, linked as a program would.
$(B)/api: test/stress/api.c include/undangle.h $(B)/libundangle.so
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Iinclude -o $@ $< -L$(B) -lundangle \
		-Wl,-rpath,'$$ORIGIN'

.PHONY: stress
stress: $(B)/stress $(B)/api $(B)/libundangle.so
	@sh test/stress/run $(B) $(SECONDS) $(STRESS_THREADS)
