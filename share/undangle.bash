# undangle - completion for bash; what there is to complete comes from the command's own --help.
_undangle() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[0]} i help words
	help=$("$command" --help 2>/dev/null)
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--) _command_offset $((i + 1)) 2>/dev/null; return ;;
		-* | =) ;;
		*)
			[[ ${COMP_WORDS[i - 1]} == = ]] && continue
			_command_offset $i 2>/dev/null
			[[ ${#COMPREPLY[@]} -gt 0 ]] || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		esac
	done
	if [[ $cur == = || ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then # the words of an option
		local option=${COMP_WORDS[COMP_CWORD - 2]}
		[[ $cur == = ]] && option=${COMP_WORDS[COMP_CWORD - 1]} cur=
		words=$(sed -n "s/^  $option=\([a-z|]*\) .*/\1/p" <<<"$help" | tr '|' ' ')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ $words ]] || compgen -f -- "$cur")
	elif [[ $cur == -* ]]; then
		words=$(sed -nE 's/^  --\[no-\]([a-z-]+).*/--\1 --no-\1/p; s/^  (--[a-z-]+=?).*/\1/p' <<<"$help")
		mapfile -t COMPREPLY < <(compgen -W "$words --version" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	else
		words=$([[ $COMP_CWORD == 1 ]] && sed -n 's/^       undangle \([a-z]*\) .*/\1/p' <<<"$help")
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; compgen -c -- "$cur"; compgen -f -- "$cur")
	fi
	return 0
}
complete -F _undangle undangle
