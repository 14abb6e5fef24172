/work/wt/start16/src/base/log.o: src/base/log.c src/base/log.h \
 src/base/options.h src/base/words.h src/base/out.h src/base/options.def \
 src/base/sys.h
src/base/log.h:
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
src/base/sys.h:
