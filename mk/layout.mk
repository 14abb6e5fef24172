# The page-table walker is freestanding: the monitor runs it, without libc, SSE, TLS or a red
# zone. (-mno-red-zone because a same-ring exception may push below RSP.)
FLAGS_src/dune/pagetable := -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-stack-protector

# Preloaded by `undangle layout -- PROG`.
LAYOUT_OBJ := $(B)/src/dune/preload/layout_main.o

all: $(B)/libundangle-layout.so
$(B)/libundangle-layout.so: $(LAYOUT_OBJ) $(B)/libdune.a
	$(CC) -shared -o $@ $^ -Wl,-soname,libundangle-layout.so -Wl,-z,now -Wl,-z,relro \
		-Wl,-z,defs -Wl,--exclude-libs,ALL $(LDFLAGS)
-include $(LAYOUT_OBJ:.o=.d)

.PHONY: check-layout
check-layout: all
	@CC="$(CC)" bash test/layout/run $(B)/undangle
