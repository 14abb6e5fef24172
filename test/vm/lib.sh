# lib.sh - what the machines share: packages, cache, kernel. Sourced by qemu, bochs and kernel.
#
# Everything fetched or unpacked lives outside the tree in $VM_CACHE, keyed by kernel version, so a
# second run needs no network. Nothing here runs in a guest.

VM_CACHE=${UNDANGLE_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/undangle}

vm_skip() { echo "vm: 0 passed, 0 failed, 1 skipped ($*)"; exit 77; }

# need COMMAND PACKAGE...: the command is there, or becomes so if we may install, or the run is skipped.
need() {
	local c=$1 try
	shift
	command -v "$c" >/dev/null || [ -e "$c" ] && return
	[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
		vm_skip "no $c; install $*"
	for try in 1 2 3; do
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >"$VM_CACHE/apt.log" 2>&1 && return
		apt-get update -qq >>"$VM_CACHE/apt.log" 2>&1
		sleep $((try * 3))
	done
	vm_skip "could not install $*: $(tail -n 1 "$VM_CACHE/apt.log")"
}

# kernel_fetch: sets $KERNEL (vmlinuz) and $MODULES (lib/modules/VERSION) of Debian's current 6.1.
# $UNDANGLE_VM_DEB names a linux-image .deb to use instead of asking apt.
kernel_fetch() {
	local deb=${UNDANGLE_VM_DEB:-} pkg try d
	mkdir -p "$VM_CACHE"
	exec 8>"$VM_CACHE/lock" && flock 8
	if [ -z "$deb" ]; then
		d=$(ls -d "$VM_CACHE"/linux-image-*/ready 2>/dev/null | sort -V | tail -n 1)
		[ -n "$d" ] && d=${d%/ready}
	fi
	if [ -z "$d" ]; then
		need dpkg-deb dpkg
		d=$VM_CACHE/fetch.$$
		mkdir -p "$d" || exit 2
		for try in 1 2 3; do
			[ -n "$deb" ] && break
			pkg=$(apt-cache depends linux-image-amd64 2>/dev/null |
				sed -n 's/.*Depends: \(linux-image-6\.[0-9.]*-.*\)/\1/p' | head -n 1)
			[ -n "$pkg" ] && (cd "$d" && apt-get download -qq -o Acquire::Retries=3 "$pkg") \
				>"$VM_CACHE/apt.log" 2>&1 && deb=$(ls "$d"/*.deb) && break
			[ "$(id -u)" = 0 ] && apt-get update -qq >>"$VM_CACHE/apt.log" 2>&1
			sleep $((try * 3))
		done
		[ -n "$deb" ] || vm_skip "no kernel package: $(tail -n 1 "$VM_CACHE/apt.log")"
		dpkg-deb -x "$deb" "$d/k" || vm_skip "bad kernel package $deb"
		pkg=linux-image-$(basename "$(ls -d "$d"/k/lib/modules/*)")
		rm -rf "${VM_CACHE:?}/$pkg" && mv "$d/k" "$VM_CACHE/$pkg" && rm -rf "$d"
		touch "$VM_CACHE/$pkg/ready"
		d=$VM_CACHE/$pkg
	fi
	flock -u 8
	KERNEL=$(ls "$d"/boot/vmlinuz-*)
	MODULES=$(ls -d "$d"/lib/modules/*)
}

# modules_copy DIR NAME...: the named modules that exist, numbered in load order.
modules_copy() {
	local dir=$1 n=10 m f
	shift
	for m; do
		f=$(find "$MODULES" -name "$m.ko" | head -n 1)
		[ -n "$f" ] && cp "$f" "$dir/$n-$m.ko" && n=$((n + 1))
	done
}

cpio_make() { (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet); }

# What on the kernel's console means that the run is worthless (a program's own fault is only told there).
KERNEL_BAD='Kernel panic|Oops|BUG:|general protection fault[,:]|soft lockup|stall(s)? on CPU|hung_task|WARNING: CPU|Out of memory'

# What follows works on one running machine: $w its directory (console, out), $qpid what limits it, $tpid what shows
# its output.
cleanup() {
	[ -n "$qpid" ] && machine_kill
	[ -n "$tpid" ] && kill "$tpid" 2>/dev/null
	[ -n "${VM_KEEP:-}" ] && cp -r "$w" "$VM_KEEP"; rm -rf "$w"
}

machine_kill() {
	kill "$qpid" 2>/dev/null
	wait "$qpid" 2>/dev/null
	qpid=
}

# machine_start SECONDS COMMAND...: the machine under tools/limit.c, of which the guest can read what it has had of both
# times. Its output is in $w/term, errors in $w/err. Sets $qpid.
machine_start() {
	mkdir "$w/clock" && echo 0 0 >"$w/clock/spent"
	: >"$w/console" >"$w/out"
	"$here/../../build/limit" -t "$w/clock/spent" "$@" </dev/null >"$w/term" 2>"$w/err" &
	qpid=$!
}

# machine_watch CPUS: streams the output until the machine ends, or its limit ended it, or a CPU has not written its
# beat to the console while the machine got 60 s of each processor (300 until the first: it has to boot, and Bochs
# takes most of a minute), or the machine itself stands still. Sets $why if it had to be killed.
machine_watch() {
	local c n now before=0 moved=$SECONDS beat=(0 0) seen=(0 0)
	why=
	tail -n +1 -s 0.2 -f --pid=$qpid "$w/out" | grep --line-buffered -av '^VMSTATUS=' &
	tpid=$!
	while kill -0 $qpid 2>/dev/null; do
		sleep 0.5
		read -r now _ <"$w/clock/spent"
		[ "$now" = "$before" ] || { before=$now moved=$SECONDS; }
		[ $((SECONDS - moved)) -le 300 ] || why="no processor time was used for 300 s"
		for ((c = 0; c < $1; c++)); do
			n=$(grep -ac "beat$c" "$w/console")
			[ "$n" = "${seen[c]}" ] || { seen[c]=$n beat[c]=$now; }
			[ $((now - beat[c])) -le $(((seen[c] ? 60 : 300) * $1)) ] ||
				why="CPU $c has not run for $((now - beat[c])) s of processor time"
		done
		[ -z "$why" ] && ! grep -aq '^VMSTATUS=' "$w/out" || break
	done
	if [ -z "$why" ]; then	# a machine that has said its status may take 10 s to go down
		for ((n = 0; n < 20; n++)); do kill -0 $qpid 2>/dev/null && sleep 0.5 || break; done
	fi
	machine_kill
	why=${why:-$(sed -n 's/^limit: killed //p' "$w/err")}
	wait $tpid 2>/dev/null
	tpid=
}

console_show() { grep -av '^beat[0-9]' "$w/console" | tail -n "$1" | sed 's/^/vm: console: /'; }

# machine_status LOG: the verdict of a machine that has ended; exits.
machine_status() {
	local st
	st=$(sed -n 's/^VMSTATUS=\([0-9]*\).*/\1/p' "$w/out" | tail -n 1)
	if [ -n "$why" ]; then
		console_show 20
		echo "vm: killed: $why"
		exit 124
	elif grep -av '\] traps: ' "$w/console" | grep -aqE "$KERNEL_BAD"; then # traps: a program's own
		console_show 40
		echo "vm: the kernel complained: $(grep -av '\] traps: ' "$w/console" | grep -aE "$KERNEL_BAD" | head -n 1)"
		exit 125
	elif [ -z "$st" ]; then
		console_show 25
		tail -n 3 "$1"
		echo "vm: the machine ended without a status"
		exit 125
	fi
	exit "$st"
}
