/work/wt/start16/src/base/options.o: src/base/options.c \
 src/base/options.h src/base/words.h src/base/out.h src/base/options.def
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
