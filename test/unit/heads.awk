# heads.awk TEST.c... HEADER.h...: NAME|sources:FILE and NAME|flags:FLAG of every test, one a line: what its own head says
# behind "// sources:" and "// flags:", and that of each header of this folder that it includes.
FNR == 1 {
	file = FILENAME
	sub(/.*\//, "", file)
	if (file ~ /[.]c$/)
		tests[++ntests] = file
}
/^\/\/ (sources|flags):/ {
	for (i = 3; i <= NF; i++)
		head[file, ++nhead[file]] = $2 $i
}
/^#include "[a-z_]+[.]h"/ {
	split($0, quoted, "\"")
	includes[file] = includes[file] " " quoted[2]
}
function show(name, file,    i, n, inner) {
	for (i = 1; i <= nhead[file]; i++)
		print name "|" head[file, i]
	n = split(includes[file], inner, " ")
	for (i = 1; i <= n; i++)
		show(name, inner[i])
}
END {
	for (t = 1; t <= ntests; t++)
		show(substr(tests[t], 1, length(tests[t]) - 2), tests[t])
}
