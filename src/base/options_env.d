/work/wt/start16/src/base/options_env.o: src/base/options_env.c \
 src/base/options.h src/base/words.h src/base/out.h src/base/options.def \
 src/base/sys.h
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
src/base/sys.h:
