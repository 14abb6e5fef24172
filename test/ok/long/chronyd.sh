# needs: chronyd
# A filter made by libseccomp, which asks the kernel with calls that fail. (In the long part because the
# package takes systemd-timesyncd's place.)
for level in 1 2; do
	printf '%s\n' "port $PORT" 'local stratum 10' 'cmdport 0' 'bindcmdaddress /' 'allow 127.0.0.1' \
		"pidfile $PWD/pid" "driftfile $PWD/drift" >chrony.conf
	: >chrony.log
	chronyd -d -x -F $level -f "$PWD/chrony.conf" >chrony.log 2>&1 &
	for i in $(seq 300); do
		grep -q 'Loaded seccomp filter' chrony.log && break
		sleep 0.2
	done
	kill -TERM $!
	wait $!
	echo "chronyd $?"
	grep -c 'Loaded seccomp filter' chrony.log
done
