/work/wt/start16/src/base/out.o: src/base/out.c src/base/out.h \
 src/base/words.h src/base/sys.h
src/base/out.h:
src/base/words.h:
src/base/sys.h:
