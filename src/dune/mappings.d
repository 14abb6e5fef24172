/work/wt/start16/src/dune/mappings.o: src/dune/mappings.c \
 src/dune/mappings.h src/dune/pagetable.h src/base/base.h \
 src/base/words.h src/base/sys.h src/base/lock.h src/base/panic.h \
 src/base/out.h src/base/options.h src/base/options.def src/base/log.h \
 src/base/memlimit.h src/base/meta.h src/base/vspace.h \
 src/base/altstack.h src/base/block.h src/dune/window.h src/dune/page.h \
 src/dune/procmap.h
src/dune/mappings.h:
src/dune/pagetable.h:
src/base/base.h:
src/base/words.h:
src/base/sys.h:
src/base/lock.h:
src/base/panic.h:
src/base/out.h:
src/base/options.h:
src/base/options.def:
src/base/log.h:
src/base/memlimit.h:
src/base/meta.h:
src/base/vspace.h:
src/base/altstack.h:
src/base/block.h:
src/dune/window.h:
src/dune/page.h:
src/dune/procmap.h:
