# make check-long: what takes minutes, or packages that make check does not install: the published SARIF schema, the
# page in a browser, 100 MB of DWARF, the symbolizer on every bug program (ONLY=uaf,... for some), afl-fuzz, the
# Debian packages in a root of their own (LONG=NAME for one of them),
# and ok's big programs (mk/ok.mk). tools/check runs no target that is named so.
.PHONY: check-long
check-long: all
	@/usr/bin/python3 test/long/run.py -B $(B) --only '$(ONLY)' $(LONG)
