/work/wt/start16/cli/layout.o: cli/layout.c cli/cli.h src/base/options.h \
 src/base/words.h src/base/out.h src/base/options.def cli/verbs.def \
 src/dune/layout.h src/dune/mappings.h src/dune/pagetable.h \
 src/base/base.h src/base/sys.h src/base/lock.h src/base/panic.h \
 src/base/options.h src/base/log.h src/base/memlimit.h src/base/meta.h \
 src/base/vspace.h src/base/altstack.h src/base/block.h src/dune/window.h
cli/cli.h:
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
cli/verbs.def:
src/dune/layout.h:
src/dune/mappings.h:
src/dune/pagetable.h:
src/base/base.h:
src/base/sys.h:
src/base/lock.h:
src/base/panic.h:
src/base/options.h:
src/base/log.h:
src/base/memlimit.h:
src/base/meta.h:
src/base/vspace.h:
src/base/altstack.h:
src/base/block.h:
src/dune/window.h:
