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
	local f files objects
	files=$(list pure.txt)
	for f in $files; do
		[ -f "$f" ] || echo "$f: is in tools/lint/pure.txt but does not exist"
		grep -qE "^// sources:.*\b$f\b" test/unit/*.[ch] || echo "$f: is in no unit test's // sources:"
	done
	objects=$(for f in $files; do echo "$B/${f%.c}.o"; done)
	objdump -t $objects | pure_source '/ O / && /[ \t]\.(data|bss|tdata|tbss)[ \t.]/ && !/\.data\.rel\.ro/ { print f ": a variable: " $NF }'
	nm -A $objects | awk -v B="$B/" '{ at = index($0, ".o:"); f = substr($0, length(B) + 1, at - length(B) - 1) ".c"; kind = $(NF - 1) }
		kind == "T" { ours[$NF] }
		kind == "U" { needs[f "\t" $NF] }
		END { for (k in needs) { split(k, n, "\t"); if (!(n[2] in ours)) print n[1] "\t" n[2] } }' | sort |
		grep -vE '\s(mem(cpy|move|set|cmp)|strlen|panic_at|out_[a-z]*|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail)$' | sed 's/\t/: needs /'
	objdump -d --no-show-raw-insn $objects | pure_source '/[ \t](syscall|sysenter|int +\$0x80)/ { print f ": makes a system call" }'
}
# pure_source AWK: runs it on objdump's text with f, the source of the object that is listed
pure_source() {
	awk -v B="$B/" '/file format/ { f = $1; sub(/\.o:$/, ".c", f); f = substr(f, length(B) + 1) }
		'"$1"
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

cpp_found() {
	mkdir -p "$B/cppcheck" # what it found in files that have not changed since
	cppcheck --quiet --cppcheck-build-dir="$B/cppcheck" --std=c11 --enable=warning,portability --inline-suppr --force --max-configs=2 -j2 \
		--suppress=missingInclude --suppress=unusedFunction --suppress=internalAstError --suppress=syntaxError \
		-Iinclude -Isrc -D__x86_64__ --template='{file}:{line}: {id}: {message}' \
		src cli 2>&1 | grep -v '^nofile' | sed -E 's/^([^:]*):[0-9]+: ([^:]*): /\2:\1\t&/' | held cppcheck-suppress.txt
}
# What it has of functions in other files may be older than they are: then once more from nothing.
check_cpp() {
	local found

	found=$(cpp_found)
	[ -z "$found" ] || { rm -rf "$B/cppcheck" && found=$(cpp_found); }
	printf '%s' "$found"
}
if command -v cppcheck >/dev/null; then
	rule cppcheck check_cpp
else
	skipped cppcheck 'not installed'
fi
