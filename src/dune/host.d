/work/wt/start16/src/dune/host.o: src/dune/host.S \
 src/dune/monitor/frame.h
src/dune/monitor/frame.h:
