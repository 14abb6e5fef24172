/work/wt/start16/cli/dune.o: cli/dune.c cli/cli.h src/base/options.h \
 src/base/words.h src/base/out.h src/base/options.def cli/verbs.def \
 include/dune.h
cli/cli.h:
src/base/options.h:
src/base/words.h:
src/base/out.h:
src/base/options.def:
cli/verbs.def:
include/dune.h:
