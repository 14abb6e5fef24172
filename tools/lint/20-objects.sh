# Rules on what the compiler made of the sources.

exports() {
	# ld leaves hidden __start_SECTION symbols in the table; nobody can bind to them
	readelf --dyn-syms -W "$B/libundangle.so" | awk '$5 ~ /GLOBAL|WEAK|UNIQUE/ && $6 != "HIDDEN" && $7 != "UND" {
		sub(/@.*/, "", $8); print $8 }' | sort -u >"$B/exports"
	list exports.txt >"$B/exports.want"
	# ud_* and dune_* are ours by name; what include/ declares must be there
	grep -vE '^(ud|dune)_' "$B/exports" | comm -23 - "$B/exports.want" | sed 's/$/: exported, but not in tools\/lint\/exports.txt/'
	grep -vE '^(ud|dune)_' "$B/exports" | comm -13 - "$B/exports.want" | sed 's/$/: in tools\/lint\/exports.txt, but not exported/'
}
rule 'libundangle.so exports the allow-list and nothing else' exports

imports() {
	nm -D --undefined-only "$B/libundangle.so" | awk '{ sub(/@.*/, "", $NF); print $NF "\t" $NF ": imported, but not in tools/lint/imports.txt" }' |
		held imports.txt
}
rule 'libundangle.so imports only what tools/lint/imports.txt allows' imports

# What LD_AUDIT leaves of the static TLS is 1664 bytes, for all preloaded libraries together.
static_tls() {
	readelf -lW "$B/libundangle.so" | while read -r what _ _ _ _ bytes _; do
		[ "$what" = TLS ] && [ $((bytes)) -ge 512 ] && echo "libundangle.so: $((bytes)) bytes of static TLS"
	done
}
rule 'libundangle.so has less than 512 bytes of static TLS' static_tls

folders() {
	/usr/bin/python3 tools/lint/folders.py "$B"
}
rule 'src/ has the folders of src/README.md, and no edge that its table does not have' folders

# pure: no variable that can change, no system call, no libc but memory moves; in a unit test unchanged
pure() {
	local f o
	for f in $(list pure.txt); do
		o=$B/${f%.c}.o
		[ -f "$f" ] || { echo "$f: is in tools/lint/pure.txt but does not exist"; continue; }
		objdump -t "$o" | awk -v f="$f" '/ O / && /[ \t]\.(data|bss|tdata|tbss)[ \t.]/ && !/\.data\.rel\.ro/ {
			print f ": a variable: " $NF }'
		nm --undefined-only "$o" | awk '{ print $2 }' | grep -vE '^(mem(cpy|move|set|cmp)|strlen|panic_at|out_[a-z]*|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$' |
			while read -r s; do grep -qxF "$s" <(pure_symbols) || echo "$f: needs $s"; done
		objdump -d --no-show-raw-insn "$o" | grep -qE '\b(syscall|sysenter|int +\$0x80)\b' && echo "$f: makes a system call"
		grep -lqE "^// sources:.*\b$f\b" test/unit/*.c || echo "$f: is in no unit test's // sources:"
	done
}
pure_symbols() {
	local f
	for f in $(list pure.txt); do nm --defined-only "$B/${f%.c}.o" 2>/dev/null | awk '$2 == "T" { print $3 }'; done
}
rule 'pure files have no variables and no system calls, and unit tests (tools/lint/pure.txt)' pure

freestanding() {
	find "$B/src/dune/monitor" -name '*.o' | while read -r o; do
		nm --undefined-only "$o" | awk -v o="$o" '{ print $2 "\t" o ": needs " $2 }'
	done | held monitor-symbols.txt
}
if [ -d "$B/src/dune/monitor" ]; then
	rule 'the monitor is freestanding: tools/lint/monitor-symbols.txt' freestanding
else
	skipped 'freestanding monitor' 'src/dune/monitor does not exist yet'
fi

check_cpp() {
	cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --force --max-configs=2 -j2 \
		--suppress=missingInclude --suppress=unusedFunction --suppress=internalAstError --suppress=syntaxError \
		-Iinclude -Isrc -D__x86_64__ --template='{file}:{line}: {id}: {message}' \
		src cli 2>&1 | grep -v '^nofile' | sed -E 's/^([^:]*):[0-9]+: ([^:]*): /\2:\1\t&/' | held cppcheck-suppress.txt
}
if command -v cppcheck >/dev/null; then
	rule cppcheck check_cpp
else
	skipped cppcheck 'not installed'
fi
