/work/wt/start16/cli/probe.o: cli/probe.c cli/probe.h src/base/out.h \
 src/base/words.h cli/probes.def cli/cli.h src/base/options.h \
 src/base/out.h src/base/options.def cli/verbs.def src/dune/probe.h
cli/probe.h:
src/base/out.h:
src/base/words.h:
cli/probes.def:
cli/cli.h:
src/base/options.h:
src/base/out.h:
src/base/options.def:
cli/verbs.def:
src/dune/probe.h:
