/work/wt/start16/cli/probe_host.o: cli/probe_host.c cli/probe.h \
 src/base/out.h src/base/words.h cli/probes.def
cli/probe.h:
src/base/out.h:
src/base/words.h:
cli/probes.def:
