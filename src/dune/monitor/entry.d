/work/wt/start16/src/dune/monitor/entry.o: src/dune/monitor/entry.S \
 src/dune/monitor/frame.h
src/dune/monitor/frame.h:
