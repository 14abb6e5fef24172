# What is installed beside the programs: man pages that know every option and verb, completion, pkg-config.
make -s -C "$top" B="$(dirname "$ud")" install PREFIX=/usr DESTDIR="$w/pkg" >pkg.out 2>&1
verdict package-install '0' "$?"
pages=$w/pkg/usr/share/man
verdict man-pages 'libundangle.3 undangle.1 undangle.7' "$(cd "$pages" && echo man?/* | tr ' ' '\n' | sed 's,.*/,,' | sort | tr '\n' ' ' | sed 's/ $//')"
verdict man-options '' "$(for o in $(sed -n 's/^OPT_[A-Z]*(\([a-z_]*\),.*/\1/p' "$top/src/base/options.def" | tr _ -); do
	sed 's/\\-/-/g' "$pages/man7/undangle.7" | grep -qE -- "^\.B --(\[no-\])?$o(=|$)" || echo "$o"
done)"
verdict man-verbs '' "$(for v in $(sed -n 's/^VERB(\([a-z]*\),.*/\1/p' "$top/cli/verbs.def"); do
	grep -qx "\.B undangle $v" "$pages/man1/undangle.1" || echo "$v"
done)"
verdict man-functions "$(grep -c '^UD_API' "$top/include/undangle.h")" "$(grep -c '^\.B ".*(.*);"$' "$pages/man3/libundangle.3" | awk '{ print $1 / 2 }')"
verdict man-nothing-left '' "$(grep -l '@[A-Z]*@' "$pages"/man?/* "$w/pkg/usr/share/pkgconfig/undangle.pc")"
if command -v mandoc >/dev/null; then
	verdict man-lint '' "$(mandoc -T lint -W warning "$pages"/man?/* 2>&1)"
else
	skipped man-lint 'mandoc is not installed'
fi
verdict pkg-config "prefix=/usr Version: $("$ud" --version | sed 's/.* //')" "$(sed -n '/^prefix=/p; /^Version:/p' "$w/pkg/usr/share/pkgconfig/undangle.pc" | tr '\n' ' ' | sed 's/ $//')"
# completes WORDS...: what bash would offer for the last one
completes() {
	PATH=$w/pkg/usr/bin:$PATH bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _undangle 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}" | sort -u | tr "\n" " "' - "$w/pkg/usr/share/bash-completion/completions/undangle" "$@"
}
verdict complete-option '--on-error= ' "$(completes undangle --on)"
verdict complete-no '--no-stacks --no-stats ' "$(completes undangle --no-sta)"
verdict complete-word 'deferred ' "$(completes undangle --detect = d)"
verdict complete-words 'continue stop ' "$(completes undangle --on-error =)"
verdict complete-file './known ./known.c ' "$(completes undangle --log = ./known)"
verdict complete-verb 'symbolize ' "$(completes undangle symboliz)"
verdict complete-verb-option '--no-lines --no-source ' "$(completes undangle html --no)"
verdict complete-verb-word 'asan json text ' "$(completes undangle symbolize --format =)"
verdict complete-verb-file './known ./known.c ' "$(completes undangle html -o page.html ./known)"
verdict complete-verb-all '--root= --profile= ' "$(completes undangle enable --ro; completes undangle enable --prof)"
verdict complete-program './known ./known.c ' "$(completes undangle --stats ./known)"
# zcompletes PREFIX WORDS...: what zsh would offer for PREFIX after WORDS
zcompletes() {
	PATH=$w/pkg/usr/bin:$PATH zsh -fc 'compadd() { [[ $1 == -S ]] && shift 2; [[ $1 == -- ]] && shift; print -rl -- ${(M)@:#$PREFIX*} }
		compset() { PREFIX=${PREFIX#*=} }; _files() { : }; _command_names() { : }
		_normal() { print -r -- "normal $CURRENT $words" }
		file=$1 PREFIX=$2; shift 2; words=("$@" "$PREFIX") CURRENT=$#words
		_undangle() { . "$file" }; _undangle | grep . | sort -u | tr "\n" " "' - "$w/pkg/usr/share/zsh/vendor-completions/_undangle" "$@"
}
if command -v zsh >/dev/null; then
	verdict zsh-option '--on-error= ' "$(zcompletes --on undangle)"
	verdict zsh-no '--no-stacks --no-stats ' "$(zcompletes --no-sta undangle)"
	verdict zsh-flag '--probe --profile= ' "$(zcompletes --pro undangle)"
	verdict zsh-word 'deferred ' "$(zcompletes --detect=d undangle)"
	verdict zsh-verb 'symbolize ' "$(zcompletes symboliz undangle)"
	verdict zsh-verb-option '--no-lines --no-source ' "$(zcompletes --no undangle html)"
	verdict zsh-verb-word 'asan json text ' "$(zcompletes --format= undangle symbolize)"
	verdict zsh-verb-all '--root= ' "$(zcompletes --ro undangle enable)"
	verdict zsh-program 'normal 2 ls --col ' "$(zcompletes --col undangle --stats ls)"
else
	skipped zsh 'not installed'
fi
rm -rf "$w/pkg"
