/work/wt/start16/src/malloc/family.o: src/malloc/family.c \
 src/malloc/malloc.h src/rows/rows.h src/rows/counts.h src/base/base.h \
 src/base/words.h src/base/sys.h src/base/lock.h src/base/panic.h \
 src/base/out.h src/base/options.h src/base/options.def src/base/log.h \
 src/base/memlimit.h src/base/meta.h src/base/vspace.h \
 src/base/altstack.h src/base/block.h src/rows/find.h src/rows/view.h \
 src/rows/heap.h src/rows/record.h src/rows/space.h src/host/host.h \
 src/rows/fork.h src/rows/free.h src/rows/sweep.h src/rows/tcache.h \
 src/rows/large.h src/rows/paged.h src/rows/pending.h src/rows/pop.h \
 src/findings/findings.h src/findings/report.h src/trace/trace.h \
 src/trace/stack.h src/trace/depot.h src/trace/symbol.h src/trace/place.h \
 src/trace/decode.h src/findings/fault.h src/findings/signals.h \
 src/findings/efault.h src/findings/fork.h src/kvm/kvm.h \
 src/malloc/stats.h
src/malloc/malloc.h:
src/rows/rows.h:
src/rows/counts.h:
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
src/rows/find.h:
src/rows/view.h:
src/rows/heap.h:
src/rows/record.h:
src/rows/space.h:
src/host/host.h:
src/rows/fork.h:
src/rows/free.h:
src/rows/sweep.h:
src/rows/tcache.h:
src/rows/large.h:
src/rows/paged.h:
src/rows/pending.h:
src/rows/pop.h:
src/findings/findings.h:
src/findings/report.h:
src/trace/trace.h:
src/trace/stack.h:
src/trace/depot.h:
src/trace/symbol.h:
src/trace/place.h:
src/trace/decode.h:
src/findings/fault.h:
src/findings/signals.h:
src/findings/efault.h:
src/findings/fork.h:
src/kvm/kvm.h:
src/malloc/stats.h:
