#compdef undangle
# undangle - completion for zsh; what there is to complete comes from the command's own --help.
local help i option
help=$("$words[1]" --help 2>/dev/null)
for ((i = 2; i < CURRENT; i++)); do
	[[ $words[i] == -* && $words[i] != -- ]] && continue
	[[ $words[i] == -- ]] && ((i++))
	shift $((i - 1)) words
	((CURRENT -= i - 1))
	_normal
	return
done
if [[ $PREFIX == --*=* ]]; then # the words of an option, or its file
	option=${PREFIX%%=*}
	compset -P '*='
	compadd -- ${(s:|:)"$(sed -n "s/^  $option=\([a-z|]*\) .*/\1/p" <<<"$help")"} || _files
elif [[ $PREFIX == -* ]]; then
	option=(${=$(sed -nE 's/^  --\[no-\]([a-z-]+).*/--\1 --no-\1/p; s/^  (--[a-z-]+=?).*/\1/p' <<<"$help")} --version)
	compadd -S '' -- ${(M)option:#*=}
	compadd -- ${option:#*=}
else
	((CURRENT == 2)) && compadd -- ${(f)"$(sed -n 's/^       undangle \([a-z]*\) .*/\1/p' <<<"$help")"}
	_command_names -e
	_files
fi
