# count.awk LOG...: counts the transcripts of unit tests (mk/unit.mk), prints failures whole, and one
# closing "N passed, N failed" line. The transcript of what failed is removed, so that it runs again.
function end_of_log() {
	if (status == 0 ? !passed : !failed)
		failed++ # ended before its first case, or after its last
	all_passed += passed
	all_failed += failed
	if (!failed)
		return
	printf "unit %s: FAILED (status %s)\n%s", log_name, status, text
	system("rm -f '" log_name "'")
}
FNR == 1 {
	if (NR > 1)
		end_of_log()
	log_name = FILENAME
	passed = failed = 0
	text = ""
	status = "none"
}
/^ok / {
	passed++
	next
}
/^not ok / {
	failed++
}
/^# status / {
	status = $3
	next
}
{
	text = text $0 "\n"
}
END {
	end_of_log()
	printf "unit: %d passed, %d failed\n", all_passed, all_failed
	exit all_failed > 0
}
