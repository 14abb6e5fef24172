# undangle - completion for bash; what there is to complete comes from the command's own --help.
_undangle() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[0]} i first=1 help words usage= program=yes
	help=$("$command" --help 2>/dev/null)
	if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} =~ ^[a-z]+$ ]]; then
		usage=$(sed -n "s/^       undangle ${COMP_WORDS[1]} //p" <<<"$help")
	fi
	if [[ $usage ]]; then # a verb, with options of its own
		first=2
		[[ $usage == *PROG* ]] || program=
		[[ $usage == *'[options]'* ]] || help=
		help+=$'\n'$(grep -oE -- '--[^] ]+' <<<"$usage" | sed 's/^/  /')
	fi
	for ((i = first; i < COMP_CWORD; i++)); do
		[[ $program ]] || break
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
		words=$(sed -nE "s/^  $option=([a-z|]+)( .*)?$/\1/p" <<<"$help" | tr '|' ' ')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ $words ]] || compgen -f -- "$cur")
	elif [[ $cur == -* ]]; then
		words=$(sed -nE 's/^  --\[no-\]([a-z-]+).*/--\1 --no-\1/p; s/^  (--[a-z-]+=?).*/\1/p' <<<"$help")
		[[ $usage ]] && words+=' --help' || words+=' --version'
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
	else
		words=$([[ $COMP_CWORD == 1 ]] && sed -n 's/^       undangle \([a-z]*\) .*/\1/p' <<<"$help")
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur"; [[ $program ]] && compgen -c -- "$cur"; compgen -f -- "$cur")
	fi
	return 0
}
complete -F _undangle undangle
