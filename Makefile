# Undangle. `make demo` and `make check` are the two commands for a fresh machine; both install
# what they need. `make` alone builds build/undangle and build/libundangle.so.
#
# Each folder's own rules live in mk/*.mk, one owner each; this file only builds.

CC	?= gcc
AR	?= ar
B	?= build
PREFIX	?= /usr/local
WERROR	?= -Werror

CFLAGS	?= -O2 -g
UDFLAGS	:= -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Wstrict-prototypes \
	   -Wmissing-prototypes $(WERROR) -fPIC -fvisibility=hidden -ftls-model=initial-exec \
	   -fno-omit-frame-pointer -fno-semantic-interposition -Iinclude -Isrc -I$(B)

# clang's -Wextra minds GNU extensions that this project uses (kernel structs ending in []).
UDFLAGS	+= $(if $(findstring clang,$(CC)),-Wno-gnu-variable-sized-type-not-at-end)

# libdune: usable by itself. libundangle holds it too.
DUNE_SRC := $(wildcard src/dune/*.c src/dune/*.S src/dune/monitor/*.S) src/base/out.c src/base/panic.c src/base/filter.c src/base/bpf.c
# In this order in the library, what few need last: 64 KB of text, or a page of variables, are a fault in each
# process that a shell starts, and the text one more in each fork.
FOLDERS	 := base malloc pages host findings trace rows kvm
SELDOM	 := $(addprefix src/base/,bpf.c glob.c memlimit.c suppress.c) $(addprefix src/host/,fork.c freeze.c) \
	    $(addprefix src/malloc/,otherlibc.c stats.c) $(addprefix src/findings/,efault.c judge.c near.c) \
	    $(addprefix src/trace/,capture.c cfi.c decode.c place.c)
LIB_SRC	 := $(filter-out $(SELDOM),$(wildcard $(FOLDERS:%=src/%/*.c))) $(SELDOM) $(filter src/dune/%,$(DUNE_SRC))
# symbolize needs elfutils' header (at run time it looks its library up) and, for names of C++ and Rust, libiberty.
has	 = $(shell echo '\#include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && echo yes)
LIBDW_H	 := $(call has,elfutils/libdwfl.h)
IBERTY_H := $(call has,libiberty/demangle.h)
CLI_SRC	 := $(filter-out $(if $(LIBDW_H),cli/dwarf_none.c,cli/dwarf.c cli/tail.c) \
	    $(if $(IBERTY_H),cli/demangle_none.c,cli/demangle.c),$(wildcard cli/*.c))

# A short line per file; V=1 shows the whole command, and -s nothing.
say	 = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,printf '  %-5s %s\n' $(1) $(2);))

obj	  = $(patsubst %,$(B)/%.o,$(basename $(1)))
DUNE_OBJ := $(call obj,$(DUNE_SRC))
LIB_OBJ	 := $(call obj,$(LIB_SRC))
CLI_OBJ	 := $(call obj,$(CLI_SRC))

.PHONY: all clean install
all: $(B)/undangle $(B)/libundangle.so $(B)/libdune.a

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(UDFLAGS) $(CFLAGS) $(SAN) $(FLAGS_$*) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(UDFLAGS) $(CFLAGS) $(SAN) $(FLAGS_$*) -MMD -MP -c -o $@ $<

$(B)/libundangle.so: $(LIB_OBJ)
	$(call say,LD,$@)$(CC) -shared -nostartfiles -o $@ $(LIB_OBJ) -Wl,-soname,libundangle.so -Wl,-z,now -Wl,-z,relro \
		-Wl,-z,noseparate-code -Wl,-z,defs -Wl,-z,initfirst -Wl,-Bsymbolic-functions \
		-Wl,-z,start-stop-visibility=hidden -Wl,--sort-section=name $(LDFLAGS)

$(B)/libdune.a: $(DUNE_OBJ)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(DUNE_OBJ)

# The command shares the pure parts with the library and reaches the rest through it.
CLI_SHARED := $(call obj,src/base/out.c src/base/panic.c src/base/options.c src/base/metrics.c src/base/suppress.c src/base/glob.c src/base/filter.c src/base/bpf.c)
$(B)/undangle: $(CLI_OBJ) $(CLI_SHARED) $(B)/libdune.a
	$(call say,LD,$@)$(CC) -o $@ $(CLI_OBJ) $(CLI_SHARED) $(B)/libdune.a $(if $(IBERTY_H),-liberty) $(LDFLAGS)

all: | $(if $(LIBDW_H),,no-libdw) $(if $(IBERTY_H),,no-libiberty)
.PHONY: no-libdw no-libiberty
no-libdw:
	@echo '  libdw-dev is missing: undangle symbolize is built without source lines'
no-libiberty:
	@echo '  libiberty-dev is missing: names of C++ and Rust stay mangled in reports'

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/undangle $(DESTDIR)$(PREFIX)/include
	install -m 755 $(B)/undangle $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(B)/*.so $(DESTDIR)$(PREFIX)/lib/undangle/
	install -m 644 $(B)/libdune.a $(DESTDIR)$(PREFIX)/lib/undangle/
	$(foreach h,$(wildcard include/*.h),install -m 644 $(h) $(DESTDIR)$(PREFIX)/include/;)

clean:
	rm -rf $(B)

include $(sort $(wildcard mk/*.mk))
-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(DUNE_OBJ:.o=.d)
