/work/wt/start16/src/findings/efault.o: src/findings/efault.c \
 src/findings/efault.h src/base/base.h src/base/words.h src/base/sys.h \
 src/base/lock.h src/base/panic.h src/base/out.h src/base/options.h \
 src/base/options.def src/base/log.h src/base/memlimit.h src/base/meta.h \
 src/base/vspace.h src/base/altstack.h src/base/block.h \
 src/findings/fork.h src/findings/report.h src/trace/trace.h \
 src/trace/stack.h src/trace/depot.h src/trace/symbol.h src/trace/place.h \
 src/trace/decode.h src/findings/signals.h src/findings/efault.def
src/findings/efault.h:
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
src/findings/fork.h:
src/findings/report.h:
src/trace/trace.h:
src/trace/stack.h:
src/trace/depot.h:
src/trace/symbol.h:
src/trace/place.h:
src/trace/decode.h:
src/findings/signals.h:
src/findings/efault.def:
