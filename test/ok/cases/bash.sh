# bash: arrays, globs, pipes, here-documents, traps, subshells, job control by hand.
# needs: bash
# timeout: 60
# not-tiny: each process makes a virtual machine of its own there, half a second in an emulator: 80 s for 30 of them
n=200
[ "$SIZE" = full ] && n=3000
[ "$SIZE" = tiny ] && n=5
declare -A seen
for ((i = 0; i < n * 10; i++)); do
	seen[key$((i % 97))]+="$i,"
done
for k in "${!seen[@]}"; do echo "$k ${#seen[$k]}"; done | sort | md5sum
for ((i = 0; i < n; i++)); do x=$(echo "$i" | tr 0-9 a-j); s+=$x; done
echo "${#s} ${s: -20}"
trap 'echo caught' USR1
kill -USR1 $$
(exit 7)
echo "status $?"
mapfile -t lines < <(seq 1 20000)
echo "${#lines[@]} ${lines[19999]}"
for i in 1 2 3 4 5 6 7 8; do (sleep 0.05; exit $i) & pids[$i]=$!; done
for i in 1 2 3 4 5 6 7 8; do wait "${pids[$i]}"; printf '%s ' $?; done
echo
coproc UP { tr -u a-z A-Z 2>/dev/null || while read -r l; do echo "${l^^}"; done; }
echo hello >&"${UP[1]}"
exec {up}<&"${UP[0]}" # UP is gone with the process, which may end before cat begins
eval "exec ${UP[1]}>&-"
cat <&$up
ulimit -c
echo {a..z}{0..9} | md5sum
f() { local d=$1; [ "$d" -eq 0 ] && return 3; f $((d - 1)); }
f 200
echo "deep $?"
printf '%s\n' "${lines[@]}" | sort -rn | awk '{s += $1} END {print s, NR}'
