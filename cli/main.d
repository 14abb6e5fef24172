/work/wt/start16/cli/main.o: cli/main.c cli/cli.h src/base/options.h \
 src/base/words.h src/base/out.h src/base/options.def cli/verbs.def
cli/cli.h:
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
cli/verbs.def:
