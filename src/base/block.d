/work/wt/start16/src/base/block.o: src/base/block.c src/base/block.h \
 src/base/words.h
src/base/block.h:
src/base/words.h:
