/work/wt/start16/src/rows/super.o: src/rows/super.c src/rows/super.h \
 src/rows/view.h src/rows/heap.h src/base/base.h src/base/words.h \
 src/base/sys.h src/base/lock.h src/base/panic.h src/base/out.h \
 src/base/options.h src/base/options.def src/base/log.h \
 src/base/memlimit.h src/base/meta.h src/base/vspace.h \
 src/base/altstack.h src/base/block.h src/rows/record.h src/rows/space.h \
 src/host/host.h src/rows/counts.h
src/rows/super.h:
src/rows/view.h:
src/rows/heap.h:
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
src/rows/record.h:
src/rows/space.h:
src/host/host.h:
src/rows/counts.h:
