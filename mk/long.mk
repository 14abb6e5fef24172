# make check-long: what takes minutes, or packages that make check does not install: the published SARIF schema, the
# page in a browser, 100 MB of DWARF, afl-fuzz, the Debian packages in a root of their own. LONG=NAME for one of them.
# Two targets on one line: tools/check runs every lone check-NAME.
.PHONY: check-long check-long-all
check-long check-long-all: all
	@/usr/bin/python3 test/long/run.py -B $(B) $(LONG)
