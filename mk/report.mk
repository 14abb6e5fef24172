# Reports: functions, lines and inlined frames by undangle symbolize; the helper that cannot run.
.PHONY: check-report
check-report: all
	@/usr/bin/python3 test/report/run.py -B $(B)
