# What is installed beside the programs, and the Debian packages.
#
#	build/libundangle.so-gdb.py	loaded by gdb with the library (share/gdb/undangle.py)
#	make man	build/man/*: man pages from --help (src/base/options.def, cli/verbs.def) and include/undangle.h
#	make deb	build/deb/*.deb, by Debian's own tools (apt install debhelper)

MAN	:= $(patsubst docs/man/%.in,$(B)/man/%,$(wildcard docs/man/*.in))
VERSION	 = $(shell sed -n 's/^\#define UD_VERSION "\(.*\)"/\1/p' cli/cli.h)

$(B)/man/%: docs/man/%.in tools/mkman include/undangle.h $(B)/undangle
	@mkdir -p $(@D)
	$(call say,MAN,$@)sh tools/mkman $(B)/undangle include/undangle.h $< >$@.new && mv $@.new $@

GDB_PY	:= $(B)/libundangle.so-gdb.py
all: $(GDB_PY)
$(GDB_PY): share/gdb/undangle.py
	@mkdir -p $(@D)
	$(call say,CP,$@)cp $< $@

.PHONY: man install-docs deb
man: $(MAN)

install: install-docs
install-docs: $(MAN)
	$(foreach m,$(MAN),install -D -m 644 $(m) $(DESTDIR)$(PREFIX)/share/man/man$(lastword $(subst ., ,$(m)))/$(notdir $(m));)
	install -D -m 644 share/undangle.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/undangle
	install -D -m 644 share/undangle.zsh $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_undangle
	install -D -m 644 $(GDB_PY) $(DESTDIR)$(PREFIX)/lib/undangle/$(notdir $(GDB_PY))
	install -d $(DESTDIR)$(PREFIX)/share/pkgconfig
	sed 's,@PREFIX@,$(PREFIX),; s,@VERSION@,$(VERSION),' share/undangle.pc.in >$(DESTDIR)$(PREFIX)/share/pkgconfig/undangle.pc

# In a copy of what git has, so that nothing of dh's is left here.
deb:
	@command -v dh >/dev/null || { echo 'make deb: dh is missing: apt install debhelper' >&2; exit 2; }
	@rm -rf $(B)/deb && mkdir -p $(B)/deb/undangle
	@git ls-files -z | xargs -0 cp --parents -t $(B)/deb/undangle
	@cd $(B)/deb/undangle && MAKEFLAGS= dpkg-buildpackage -b -us -uc
	@ls $(B)/deb/*.deb
