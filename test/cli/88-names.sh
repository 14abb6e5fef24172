# Names that nobody expects: of programs, files and options; each answer is one line, each report is read by lines.
odd=$'odd\nna me\xff'
mkdir "$odd"
cat >"$odd/dead.c" <<'X'
#include <stdlib.h>
int main(void)
{
	char *volatile p = malloc(40);
	free(p);
	return p[3];
}
X
(cd "$odd" && $cc -g -O0 -w -o dead dead.c) || exit 1
shown=$w/$'odd\\012na me\xff'/dead
run_odd() { # run_odd OPTION...: the report
	{ timeout 300 "$ud" --detect=strict "$@" "$odd/dead" 2>&1 >/dev/null; } 2>/dev/null
}
run_odd --no-symbolize >raw
verdict name-raw "$shown
$shown
$shown" "$(sed -n 's/.* in main+[^(]*(\(.*\)+0x[0-9a-f]*) .*/\1/p' raw)"
use_of='s/^    #0 0x[0-9a-f]* in \(main .*:6:\).*/\1/p'
run_odd --symbolize-ms=60000 >lines
verdict name-lines "main $shown.c:6:" "$(sed -n "$use_of" lines)"
verdict name-source 1 "$(grep -ac '>     6 |.*return p\[3\]' lines)"
verdict name-later "main $shown.c:6:" "$("$ud" symbolize raw | sed -n "$use_of")"
run_odd --symbolize-ms=60000 --format=json >report.json
verdict name-json '1 2' "$(python3 -c 'import json, sys
files = [l["file"] for s in map(json.loads, sys.stdin) for k in s["stacks"] for f in k["frames"] for l in f.get("lines", [])]
print(len(set(f for f in files if f.endswith("dead.c"))), files[0].count("\\012") + 1)' <report.json)"
run_odd --symbolize-ms=60000 --format=asan >report.asan
verdict name-asan "in main $shown.c:6:" "$(sed -n 's/^    #0 0x[0-9a-f]* \(in main .*:6:\).*/\1/p' report.asan)"
verdict name-html 1 "$("$ud" html raw | grep -ac 'odd.012na me.*dead.c:6')"
refuses name-missing 'no?such/x: No such file or directory: check the path' "$ud" $'no\nsuch/x'
refuses name-option "unknown option '--lo?g': did you mean '--log'?" "$ud" $'--lo\ng=x' true
long=/$(printf './%.0s' $(seq 2100))
refuses name-long "$(printf '%.60s' "$long")...: File name too long: check the path" "$ud" "${long}bin/true"
gives name-long-path 0 '' env PATH="$long:$PATH" "$ud" true
mkfifo rules.pipe
refuses suppress-pipe "--suppress=$w/rules.pipe: is a pipe: each process reads it again, name a file" "$ud" --suppress=rules.pipe true
gives few-descriptors 0 '' bash -c 'ulimit -n 5; exec "$0" true' "$ud"
# a verb's own help
gives verb-help 0 'usage: undangle stat [--openmetrics] PID
what a running process counts: blocks, bytes, addresses, findings' "$ud" stat --help
gives verb-help-short 0 'usage: undangle disable [--root=DIR] UNIT
have systemd start it without again' "$ud" disable -h
