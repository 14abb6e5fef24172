/work/wt/start16/src/dune/run.o: src/dune/run.c src/dune/signal.h \
 src/dune/thread.h include/dune.h src/dune/cpu.h src/base/base.h \
 src/base/words.h src/base/sys.h src/base/lock.h src/base/panic.h \
 src/base/out.h src/base/options.h src/base/options.def src/base/log.h \
 src/base/memlimit.h src/base/meta.h src/base/vspace.h \
 src/base/altstack.h src/base/block.h src/dune/monitor/frame.h \
 src/dune/vm.h src/dune/mappings.h src/dune/pagetable.h src/dune/window.h
src/dune/signal.h:
src/dune/thread.h:
include/dune.h:
src/dune/cpu.h:
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
src/dune/monitor/frame.h:
src/dune/vm.h:
src/dune/mappings.h:
src/dune/pagetable.h:
src/dune/window.h:
