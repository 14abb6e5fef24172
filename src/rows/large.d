/work/wt/start16/src/rows/large.o: src/rows/large.c src/rows/large.h \
 src/base/base.h src/base/words.h src/base/sys.h src/base/lock.h \
 src/base/panic.h src/base/out.h src/base/options.h src/base/options.def \
 src/base/log.h src/base/memlimit.h src/base/meta.h src/base/vspace.h \
 src/base/altstack.h src/base/block.h src/host/host.h src/trace/trace.h \
 src/trace/stack.h src/trace/depot.h src/trace/symbol.h src/trace/place.h \
 src/trace/decode.h src/rows/counts.h src/rows/tcache.h src/rows/view.h \
 src/rows/heap.h src/rows/record.h src/rows/space.h
src/rows/large.h:
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
src/host/host.h:
src/trace/trace.h:
src/trace/stack.h:
src/trace/depot.h:
src/trace/symbol.h:
src/trace/place.h:
src/trace/decode.h:
src/rows/counts.h:
src/rows/tcache.h:
src/rows/view.h:
src/rows/heap.h:
src/rows/record.h:
src/rows/space.h:
