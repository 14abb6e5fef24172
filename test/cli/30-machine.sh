# Sandboxes, the log file, the installed command, --probe.
$cc -o seccomp "$here/seccomp.c" || exit 1
mremap=25
refuses no-views 'this process cannot map memory twice: mremap of shared memory to a second place: Operation not permitted: allow it (see undangle --probe)' \
	./seccomp $mremap errno "$ud" true
refuses views-killed 'this process cannot map memory twice: a seccomp filter kills the process that tries shared views: allow it (see undangle --probe)' \
	./seccomp $mremap kill "$ud" true
# memfd_create is not needed
gives no-memfd 0 x ./seccomp 319 kill "$ud" echo x
# madvise is only a faster way: the program runs without it
gives no-madvise 0 x ./seccomp 28 errno "$ud" echo x
# a kernel before 6.13, or a recorder of system calls that does not know it: no page dies by MADV_GUARD_INSTALL
no_guards="./seccomp 28:102 invalid"
verdict no-guards 1 "$($no_guards "$ud" --probe | grep -c '^page guards  *no ')"
work='for (1 .. 40000) { push @a, "x" x ($_ % 3000); shift @a if @a > 500; $n += length $a[0] } print $n'
for detect in strict adaptive deferred grouped; do
	gives "no-guards-$detect" 0 "$(perl -e "$work")" $no_guards "$ud" --detect=$detect perl -e "$work"
done

# as a service with an older list would have it
gives no-vectors 0 "$(perl -e "$work")" ./seccomp 440 kill "$ud" --detect=deferred perl -e "$work"

mkdir ro
refuses log-directory "--log=$w/ro: is a directory: name a file" "$ud" --log=ro true
refuses log-nowhere "--log=$w/none/x: cannot be made in $w/none: No such file or directory" "$ud" --log=none/x true
refuses log-long "--log=$(printf '%0240d' 0): its absolute path is longer than 255 bytes: give a shorter one" "$ud" --log="$(printf '%0240d' 0)" true
if [ "$(id -u)" = 0 ]; then
	cp "$ud" "$lib" "$w"
	touch ro/f && chmod 600 ro/f
	refuses log-forbidden "--log=$w/ro/f: cannot be written: Permission denied" \
		setpriv --reuid=65534 --regid=65534 --clear-groups ./undangle --log=ro/f true
	refuses log-forbidden-dir "--log=$w/ro/g-%p: cannot be made in $w/ro: Permission denied" \
		setpriv --reuid=65534 --regid=65534 --clear-groups ./undangle --log=ro/g-%p true
	rm undangle libundangle.so
else
	skipped log-forbidden 'needs root to become somebody else'
fi

mkdir alone 'with blank' && cp "$ud" alone/ && cp "$ud" "$lib" 'with blank'
refuses no-library "libundangle.so is neither in $w/alone nor in $w/alone/../lib/undangle: run make, or make install" alone/undangle true
refuses blank "$w/with blank/libundangle.so: its path may hold no blank, colon or line's end: install undangle elsewhere" 'with blank/undangle' true

# installed, and moved: as a package would
if make -s -C "$top" install DESTDIR="$w/dest" PREFIX=/opt/ud B="$(dirname "$ud")" >install.log 2>&1; then
	verdict install 'bin/undangle lib/undangle/libdune.a lib/undangle/libdune.so lib/undangle/libundangle-layout.so lib/undangle/libundangle.so lib/undangle/libundangle.so-gdb.py share/bash-completion/completions/undangle share/man/man1/undangle.1 share/man/man3/libundangle.3 share/man/man7/undangle.7 share/pkgconfig/undangle.pc share/zsh/vendor-completions/_undangle' \
		"$(cd dest/opt/ud && find . -type f | sed 's,^\./,,' | sort | grep -v '^include/' | xargs)"
	verdict installed-library "/\$LIB/../../../..$w/dest/opt/ud/lib/undangle/libundangle.so" \
		"$(dest/opt/ud/bin/undangle /usr/bin/env | sed -n 's/^LD_PRELOAD=//p')"
	ln -s "$w/dest/opt/ud/bin/undangle" link
	gives installed-link 3 '' ./link sh -c 'exit 3'
else
	verdict install 'make install works' "$(cat install.log)"
fi

# the README's table of options is the command's own
verdict readme-options '' "$(cd "$top" && tools/readme-options "$ud" | while IFS= read -r row; do
	grep -qxF -- "$row" README.md || echo "$row"
done)"

# --probe: every row is there, says yes or no, and the last says what will be done
"$ud" --probe >probe.txt 2>&1
verdict probe-status 0 $?
verdict probe-rows "$(sed -n 's/^PROBE(.*, "\(.*\)").*/\1/p' "$top/cli/probes.def"; echo 'backend host'; echo 'backend kvm')" \
	"$(grep -v '^kvm: ' probe.txt | sed -E 's/ +(yes|no) .*//')"
verdict probe-kvm-first 'kvm: processor yes passed' "$(grep -m 1 '^kvm: ' probe.txt | xargs)"
# the rows of kvm end at the first no, and its reason is that of the backend and of the refusal
why=$(sed -n 's/^backend kvm  *no  *//p' probe.txt)
if [ -n "$why" ]; then
	verdict probe-kvm-why "$why" "$(grep '^kvm: ' probe.txt | tail -n 1 | sed -E 's/^.{20} no  *//')"
	refuses kvm-cannot "--backend=kvm cannot run here: $why" "$ud" --backend=kvm true
else
	skipped kvm-cannot 'this machine can'
fi
if [ -c /dev/kvm ] && [ "$(id -u)" = 0 ]; then
	refuses kvm-ioctl-killed '--backend=kvm cannot run here: a seccomp filter kills the process that tries /dev/kvm: kernel' \
		./seccomp 16 kill "$ud" --backend=kvm true
else
	skipped kvm-ioctl-killed 'no /dev/kvm here, or not root'
fi
group=$(stat -c %G /dev/kvm 2>/dev/null)
if [ "$(id -u)" = 0 ] && [ -n "$group" ] && [ $(($(stat -c 0%a /dev/kvm) & 6)) = 0 ]; then
	refuses kvm-permission "--backend=kvm cannot run here: no permission for /dev/kvm: join group $group (usermod -aG $group USER, log in anew)" \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$w/dest/opt/ud/bin/undangle" --backend=kvm true
else
	skipped kvm-permission 'no /dev/kvm here, or not root, or all may'
fi
./seccomp $mremap kill "$ud" --probe >probe2.txt 2>&1
verdict probe-killed-status 2 $?
verdict probe-killed 'backend host no cannot run here' "$(grep '^backend host' probe2.txt | xargs)"
verdict probe-guard 'page guards no MADV_GUARD_INSTALL in a view: Operation not permitted (Linux 6.15 has it)' \
	"$(./seccomp 28 errno "$ud" --probe | grep '^page guards' | xargs)"
