# Rules on the text of the sources: what includes what, sizes, words.

backend_ifs() {
	# include guards and fall-back #defines of constants are all that an #if may do there
	grep -nE '^[ \t]*#[ \t]*(ifdef|if|elif)\b' $ABOVE | grep -v '__has_'
}
rule 'no #if or #ifdef but in host/, dune/ and kvm/' backend_ifs

syscalls() {
	{
		grep -nE '"[^"]*\bsyscall\b[^"]*"' $(git_files 'src/*.c' 'src/*.h') | grep -E 'asm|\\n|"syscall'
		grep -nE '^[^#/*]*\bsyscall\b' $(git_files 'src/*.S') /dev/null | grep -vE '^[^:]*:[0-9]+:[ \t]*(/?\*|#)'
	} | sed 's/^\([^:]*\):/\1\t&/' | held syscall-files.txt
}
rule 'only sys.h enters the kernel (others: tools/lint/syscall-files.txt)' syscalls

offsets() {
	grep -nE '(^|[^A-Za-z0-9_])-?(0x[0-9a-f]+|[0-9]+)\(%' $(git_files 'src/*.S') /dev/null |
		grep -vE '^[^:]*:[0-9]+:[ \t]*(\*|/\*|//)'
}
rule 'no offset literals in assembly: use the shared frame header' offsets

long_files() {
	wc -l $C_FILES | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines" }'
}
rule 'no file over 500 lines' long_files

long_functions() {
	awk 'FNR == 1 { start = 0 }
	     /^\{/ { start = FNR }
	     /^\}/ { if (start && FNR - start > 61) printf "%s:%d: function of %d lines\n", FILENAME, start, FNR - start - 1; start = 0 }' \
		$(git_files 'src/*.c' 'cli/*.c')
}
rule 'no function over 60 lines' long_functions

# A process a file is what costs time here, and in every rule: one awk for all.
heads() {
	awk 'function told() { if (name && index(text, name " ") == 0) print path ": does not begin with /* " name " - ... */" }
	     FNR == 1 { told(); path = FILENAME; name = path; sub(/.*\//, "", name); text = $0 ~ /^\/[*\/]/ ? " " : "-" }
	     FNR <= 2 && text != "-" { line = $0 " "; gsub(/[^A-Za-z0-9_.+-]/, " ", line); text = text line }
	     END { told() }' $C_FILES $(git_files 'src/*.def' 'cli/*.def')
}
rule 'every file begins with what it is' heads

words() {
	grep -nwiE 'shadow|remap|fixup|TODO|FIXME' $C_FILES | grep -vE 'mremap|remap_file_pages'
}
rule 'words that are not ours (shadow, remap, fixup), and unfinished business' words

typedefs() {
	grep -nE '^typedef' $C_FILES | grep -vE 'typedef (u?int[0-9a-z_]*|unsigned|long|size_t|__[a-z0-9_]+) [^{(]*;'
}
rule 'no typedefs but scalars' typedefs

blanks() {
	grep -nE '[ 	]+$' $ALL_C $(git_files '*.def' '*.mk' 'tools/*' Makefile) | head -n 20
}
rule 'no blanks at the end of a line' blanks

format() {
	clang-format --dry-run -Werror $ALL_C 2>&1 | grep -E 'error:' | cut -d: -f1 | sort | uniq -c |
		awk '{ print $2 ": " $1 " places differ from clang-format (make format)" }'
}
if clang-format --version 2>/dev/null | grep -q 'version 14'; then
	rule 'clang-format' format
else
	skipped clang-format 'version 14 (Debian 12) is not installed'
fi

rows() {
	sed -n 's/^#define __NR_\([a-z0-9_]*\) [0-9]*$/\1/p' /usr/include/x86_64-linux-gnu/asm/unistd_64.h |
		awk 'FNR == NR { if (match($0, /^[A-Z_0-9]*\( *([0-9]+, *)?[a-z0-9_]+[,)]/)) {
				row = substr($0, 1, RLENGTH - 1); gsub(/.*[(, ]/, "", row); has[row] }
			next }
		     !($1 in has) { print $1 " has no row in src/base/syscalls.def" }' src/base/syscalls.def -
}
rule 'every system call of unistd_64.h has a row' rows

test_folders() {
	git_files 'test/*/*' | cut -d/ -f2 | sort -u | while read -r d; do
		grep -q "\`$d/" test/README.md || echo "test/$d/ is not in test/README.md"
	done
	grep -o '`[a-z]*/[^`* ]*' test/README.md | tr -d '`' | grep -vE '[A-Z]{2}' | while read -r f; do
		[ -e "test/$f" ] || [ -e "$f" ] || echo "test/README.md: there is no $f"
	done
}
rule 'test/README.md says what each folder of test/ is for, and nothing that is not there' test_folders
