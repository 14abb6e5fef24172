#compdef undangle
# undangle - completion for zsh; what there is to complete comes from the command's own --help.
local help i option usage more=--version first=2 program=yes
help=$("$words[1]" --help 2>/dev/null)
((CURRENT > 2)) && [[ $words[2] =~ '^[a-z]+$' ]] && usage=$(sed -n "s/^       undangle $words[2] //p" <<<"$help")
if [[ -n $usage ]]; then # a verb, with options of its own
	first=3 more=--help
	[[ $usage == *PROG* ]] || program=
	[[ $usage == *'[options]'* ]] || help=
	help+=$'\n'$(grep -oE -- '--[^] ]+' <<<"$usage" | sed 's/^/  /')
fi
for ((i = first; i < CURRENT; i++)); do
	[[ -z $program || $words[i] == -* && $words[i] != -- ]] && continue
	[[ $words[i] == -- ]] && ((i++))
	shift $((i - 1)) words
	((CURRENT -= i - 1))
	_normal
	return
done
if [[ $PREFIX == --*=* ]]; then # the words of an option, or its file
	option=${PREFIX%%=*}
	compset -P '*='
	compadd -- ${(s:|:)"$(sed -nE "s/^  $option=([a-z|]+)( .*)?$/\1/p" <<<"$help")"} || _files
elif [[ $PREFIX == -* ]]; then
	option=(${=$(sed -nE 's/^  --\[no-\]([a-z-]+).*/--\1 --no-\1/p; s/^  (--[a-z-]+=?).*/\1/p' <<<"$help")} $more)
	compadd -S '' -- ${(M)option:#*=}
	compadd -- ${option:#*=}
else
	((CURRENT == 2)) && compadd -- ${(f)"$(sed -n 's/^       undangle \([a-z]*\) .*/\1/p' <<<"$help")"}
	[[ -n $program ]] && _command_names -e
	_files
fi
