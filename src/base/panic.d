/work/wt/start16/src/base/panic.o: src/base/panic.c src/base/panic.h \
 src/base/out.h src/base/words.h src/base/sys.h
src/base/panic.h:
src/base/out.h:
src/base/words.h:
src/base/sys.h:
