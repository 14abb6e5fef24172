/work/wt/start16/src/base/meta.o: src/base/meta.c src/base/meta.h \
 src/base/words.h src/base/lock.h src/base/sys.h
src/base/meta.h:
src/base/words.h:
src/base/lock.h:
src/base/sys.h:
