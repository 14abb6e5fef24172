/work/wt/start16/src/base/memlimit.o: src/base/memlimit.c \
 src/base/memlimit.h src/base/words.h src/base/out.h src/base/sys.h
src/base/memlimit.h:
src/base/words.h:
src/base/out.h:
src/base/sys.h:
