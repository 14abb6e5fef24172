/work/wt/start16/cli/run.o: cli/run.c cli/cli.h src/base/options.h \
 src/base/words.h src/base/out.h src/base/options.def cli/verbs.def
cli/cli.h:
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
cli/verbs.def:
