# needs: smbd smbclient
# timeout: 300
# smbd on loopback: a share is listed, written, read back and removed.
mkdir share private state run
cat >conf <<C
[global]
server role = standalone
map to guest = Bad User
guest account = root
private dir = $PWD/private
state directory = $PWD/state
cache directory = $PWD/state
lock directory = $PWD/run
pid directory = $PWD/run
ncalrpc dir = $PWD/run/nca
smb ports = $PORT
interfaces = lo
bind interfaces only = yes
log file = $PWD/log
load printers = no
disable spoolss = yes
[share]
path = $PWD/share
guest ok = yes
writable = yes
C
smbd --configfile="$PWD/conf" --foreground </dev/null >out 2>&1 &
client() {
	smbclient -s /dev/null -N -p $PORT //127.0.0.1/share "$@" 2>&1
}
for i in $(seq 100); do
	client -c quit >/dev/null && break
	sleep 1
done
client -c quit >/dev/null || exit 1
head -c 3000000 /dev/zero | tr '\0' 's' >big
client -c 'put big; mkdir d; get big back; ls' | grep -c 'big\|  d '
cmp big back && cmp big share/big && echo same
client -c 'del big; rmdir d; ls' | grep -c 'big\|  d '
ls share
kill $!
wait $!
exit 0
