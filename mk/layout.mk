# The page-table walker is freestanding: the monitor runs it, without libc, SSE, TLS or a red
# zone. (-mno-red-zone because a same-ring exception may push below RSP.)
FLAGS_src/dune/pagetable := -ffreestanding -mgeneral-regs-only -mno-red-zone -fno-stack-protector

# Preloaded by `undangle layout -- PROG`.
LAYOUT_OBJ := $(B)/src/dune/preload/layout_main.o

all: $(B)/libundangle-layout.so
$(B)/libundangle-layout.so: $(LAYOUT_OBJ) $(B)/libdune.a
	$(call say,CC,$@)$(CC) -shared -o $@ $^ -Wl,-soname,libundangle-layout.so -Wl,-z,now -Wl,-z,relro \
		-Wl,-z,defs -Wl,--exclude-libs,ALL $(LDFLAGS)
-include $(LAYOUT_OBJ:.o=.d)

.PHONY: check-layout
check-layout: all
	@CC="$(CC)" bash test/layout/run $(B)/undangle

# The pure files once more, under the address sanitizer (whose own memory lies at PAGEBASE: the
# others cannot run under it).
.PHONY: check-pure-asan
check-pure-asan:
	@mkdir -p $(B); $(MAKE) --no-print-directory B=$(B)-asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
		UNIT="pagetable_test pagetable_threads_test window_test" check-unit >$(B)/pure-asan.log; rc=$$?; \
		sed 's/^unit:/pure-asan:/' $(B)/pure-asan.log; exit $$rc

# Windows and page tables in ring 0 (test/vm/list.d/25windows.list).
VM_NEEDS += $(B)/dune/windows
