# needs: bwrap tor perl
# host-only: the program asks for a seccomp filter: refused in ring 0
# profiles: strict
# Programs that lock themselves up: namespaces, and seccomp filters of several authors.
bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent \
	sh -c 'perl -e "print length(join q(), 1 .. 1000), qq(\n)"; ls /proc/self/fd | wc -l' 2>bwrap.err
[ $? = 0 ] || echo "no namespaces here" # in some containers; then natively, too
mkdir -m 700 tor
printf '%s\n' "DataDirectory $PWD/tor" 'SocksPort 0' 'DisableNetwork 1' 'Sandbox 1' >torrc
tor -f torrc --verify-config | grep -c 'Configuration was valid'
tor -f torrc >tor.log &
for i in $(seq 100); do
	grep -q 'Delaying directory fetches' tor.log && break
	sleep 0.2
done
kill -INT $!
wait $!
echo "tor $?"
grep -c 'exiting cleanly' tor.log
