# The Dune layer: monitor, the preloadable library, the example.
#
#	build/libdune.a		the library, usable by itself (include/dune.h)
#	build/libdune.so	the same with a constructor that enters ring 0: LD_PRELOAD it
#	build/examples/ring0	thirty lines that show what it is for

# On vmm paths FS is whatever the program made of it: no canary there.
$(B)/src/dune/%.o: UDFLAGS += -fno-stack-protector

PRELOAD_OBJ := $(B)/src/dune/preload/preload.o
$(B)/libdune.so: $(DUNE_OBJ) $(PRELOAD_OBJ)
	$(call say,CC,$@)$(CC) -shared -o $@ $^ -Wl,-soname,libdune.so -Wl,-z,now -Wl,-z,relro -Wl,-z,defs \
		-Wl,-z,initfirst $(LDFLAGS)

$(B)/examples/%: examples/%.c $(B)/libdune.a
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Iinclude $(CFLAGS) -o $@ $^

all: $(B)/libdune.so $(B)/examples/ring0
-include $(PRELOAD_OBJ:.o=.d)

$(B)/dune/%: test/dune/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter $(WERROR) $(CFLAGS) -o $@ $< -lpthread

$(B)/dune/seccomp: test/cli/seccomp.c
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra $(WERROR) $(CFLAGS) -o $@ $<

$(B)/dune/counts $(B)/dune/notes: $(B)/dune/%: test/dune/%.c $(B)/libdune.a
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter $(WERROR) -Iinclude $(CFLAGS) \
		-o $@ $^ -lpthread

VM_NEEDS += $(B)/dune/counts $(B)/dune/notes $(B)/dune/stress $(B)/dune/crash $(B)/dune/seccomp
BOCHS_FILES += $(B)/libdune.so $(B)/examples/ring0 $(B)/dune/stress $(B)/dune/counts $(B)/dune/notes test/vm/refuse /bin/ls /usr/bin/wc
