# programs.awk SOURCE...: a word for each binary of the bug programs (mk/bug.mk): NAME|SOURCE|FLAG...
# A file is one program, or one for each of its lines
#   // each: LABEL KEY=VALUE...[: REMARK]
# which is called FILE-LABEL and compiled with -DKEY=VALUE. Each has a twin, and a shared object beside
# it if the file says `// module`.
function program(name, flags) {
	print name "|" source flags
	print name ".twin|" source flags "|-DTWIN=1"
	if (!module)
		return
	flags = flags "|-DMODULE|-fPIC|-shared"
	print name ".so|" source flags
	print name ".twin.so|" source flags "|-DTWIN=1"
}
function programs(i) {
	if (!labels)
		program(file, "")
	for (i = 1; i <= labels; i++)
		program(file "-" label[i], defines[i])
}
FNR == 1 {
	if (source)
		programs()
	source = file = FILENAME
	gsub(/.*\/|[.][^.]*$/, "", file)
	labels = module = 0
}
/^\/\/ module/ {
	module = 1
}
/^\/\/ each:/ {
	label[++labels] = $3
	defines[labels] = ""
	for (i = 4; i <= NF && $i ~ /=/; i++) {
		sub(/:$/, "", $i)
		defines[labels] = defines[labels] "|-D" $i
	}
}
END {
	programs()
}
