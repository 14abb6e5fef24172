# needs: sshd ssh ssh-keygen
# host-only: the program asks for a seccomp filter: refused in ring 0
# profiles: strict
# Logins on loopback: sshd forks, drops its rights (if it is root's) and puts its pre-authentication child into
# a seccomp sandbox; the client and the session's shell are protected, too.
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f hk && ssh-keygen -q -t ed25519 -N '' -f id || exit 1
cat >conf <<C
Port $PORT
ListenAddress 127.0.0.1
HostKey $PWD/hk
AuthorizedKeysFile $PWD/id.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
C
/usr/sbin/sshd -D -e -f "$PWD/conf" 2>log &
login() {
	ssh -p "$PORT" -i id -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes \
		-o LogLevel=ERROR "$(id -un)@127.0.0.1" "$@"
}
for i in $(seq 60); do
	login true 2>/dev/null && break
	sleep 0.5
done
login true || exit 1
seq 2000 >id-text
n=1
[ "$SIZE" = full ] && n=12
for i in $(seq $n); do
	login 'cat; echo $?; exit 3' <id-text | cksum
	echo "${PIPESTATUS[0]}"
done
kill $!
wait $!
grep -c 'terminated by signal' log
exit 0
