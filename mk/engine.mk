# The engine's random stress: `make stress SECONDS=n`. Each mode runs SECONDS/3 seconds.
SECONDS	?= 30
STRESS_THREADS ?= 4

$(B)/stress: test/stress/stress.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O1 -g -Wall -Wextra -Wno-unused-parameter -o $@ $< -lpthread

.PHONY: stress
stress: $(B)/stress $(B)/libundangle.so
	@sh test/stress/run $(B) $(SECONDS) $(STRESS_THREADS)
