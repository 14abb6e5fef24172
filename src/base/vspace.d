/work/wt/start16/src/base/vspace.o: src/base/vspace.c src/base/vspace.h \
 src/base/words.h
src/base/vspace.h:
src/base/words.h:
