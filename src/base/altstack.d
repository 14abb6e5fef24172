/work/wt/start16/src/base/altstack.o: src/base/altstack.c \
 src/base/altstack.h src/base/words.h src/base/sys.h
src/base/altstack.h:
src/base/words.h:
src/base/sys.h:
