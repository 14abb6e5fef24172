# needs: bwrap tor perl
# host-only: the program asks for a seccomp filter: refused in ring 0
# profiles: strict
# Programs that lock themselves up: namespaces, and seccomp filters of several authors.
bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent \
	sh -c 'perl -e "print length(join q(), 1 .. 1000), qq(\n)"; ls /proc/self/fd | wc -l' 2>bwrap.err
[ $? = 0 ] || echo "no namespaces here" # in some containers; then natively, too
mkdir -m 700 tor
printf '%s\n' "DataDirectory $PWD/tor" "ControlSocket $PWD/tor/control" 'SocksPort 0' 'DisableNetwork 1' 'Sandbox 1' >torrc
tor -f torrc --verify-config | grep -c 'Configuration was valid'
: >tor.log # read before tor's shell has made it, perhaps
tor -f torrc >tor.log &
for i in $(seq 300); do
	grep -q 'Delaying directory fetches' tor.log && break
	sleep 0.2
done
# No signal: its filter does not let libc read the signal mask, which so becomes whatever lay on the stack, natively, too.
perl -MIO::Socket::UNIX -e '$s = IO::Socket::UNIX->new(shift); print $s "AUTHENTICATE\r\nSIGNAL HALT\r\n"; 1 while <$s>' \
	tor/control
wait $!
echo "tor $?"
grep -c 'exiting cleanly' tor.log
