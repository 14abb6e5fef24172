# What is refused, and why: one line each.
cc=${CC:-gcc}
echo 'int main(void) { return 0; }' >m.c
$cc -o dynamic m.c && $cc -no-pie -o nopie m.c && $cc -static -o static m.c && $cc -static-pie -o staticpie m.c
$cc -shared -fPIC -o libm.so m.c
$cc -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -o musl m.c
$cc -Wl,--dynamic-linker=/lib64/ld-none.so -o nold m.c
$cc -c -o object.o m.c && chmod +x object.o
printf '.globl _start\n_start: mov $1,%%eax\n int $0x80\n' >s32.s
as --32 -o s32.o s32.s && ld -m elf_i386 -o bits32 s32.o
# x32: 32-bit class, x86-64 machine; aarch64: the machine field of a good program
cp dynamic x32 && printf '\1' | dd of=x32 bs=1 seek=4 conv=notrunc status=none
cp dynamic arm && printf '\267' | dd of=arm bs=1 seek=18 conv=notrunc status=none
head -c 100 dynamic >short && chmod +x short
head -c 4096 /dev/zero >zeros && chmod +x zeros
: >empty && chmod +x empty
echo 'echo "no interpreter line: $1"' >plain && chmod +x plain
mkdir dir && mkfifo fifo && touch notexec && chmod 644 notexec
script() {
	printf '%s\n' "$2" >"$1" && chmod +x "$1"
}
script to-static "#!$w/static"
script to-32 "#! $w/bits32 -x"
script to-missing '#!/no/such/interpreter'
script to-nothing '#!'
script to-dir "#!$w/dir"
script via-env '#!/usr/bin/env static'
script via-env-s '#!/usr/bin/env -S A=1 static -x'
script via-env-missing '#!/usr/bin/env nosuchinterpreter'
script good '#!/bin/sh
echo "good $1"'
script good-env '#!/usr/bin/env sh
echo "good $1"'
script nested1 "#!$w/good"
prev=good
for i in 1 2 3 4 5 6; do
	script "deep$i" "#!$w/$prev"
	prev=deep$i
done

static='is statically linked: undangle works through the dynamic linker, link it without -static'
bits32='is a 32-bit program: undangle protects 64-bit programs, build it without -m32'
refuses not-found 'nosuch: not found in $PATH: check the name, or give a path' "$ud" nosuch
refuses not-found-path './nosuch: No such file or directory: check the path' "$ud" ./nosuch
refuses dangling './gone/x: No such file or directory: check the path' "$ud" ./gone/x
refuses through-file './m.c/x: Not a directory: check the path' "$ud" ./m.c/x
refuses not-executable './notexec: is not executable: try chmod +x' "$ud" ./notexec
refuses not-executable-path 'notexec: is in $PATH but not executable: try chmod +x' env PATH="$w:$PATH" "$ud" notexec
refuses directory './dir: is a directory: name a program' "$ud" ./dir
refuses fifo './fifo: is not a regular file: name a program' "$ud" ./fifo
refuses static "./static: $static" "$ud" ./static
refuses static-pie "./staticpie: $static" "$ud" ./staticpie
refuses shared-library './libm.so: is a shared library, not a program: name a program that uses it' "$ud" ./libm.so
refuses object './object.o: is a broken or unlinked ELF file: link it into a program' "$ud" ./object.o
refuses bits32 "./bits32: $bits32" "$ud" ./bits32
refuses x32 "./x32: $bits32" "$ud" ./x32
refuses arm './arm: is built for aarch64: undangle runs on x86-64, rebuild it for that' "$ud" ./arm
refuses musl './musl: is linked with musl (/lib/ld-musl-x86_64.so.1): undangle needs glibc, rebuild it with that' "$ud" ./musl
refuses no-ld.so './nold: its dynamic linker /lib64/ld-none.so is missing: install it' "$ud" ./nold
refuses short './short: is a broken or unlinked ELF file: link it into a program' "$ud" ./short
refuses zeros './zeros: is neither an ELF program nor a script: name a program' "$ud" ./zeros
refuses script-static "./to-static: its interpreter $w/static: $static" "$ud" ./to-static
refuses script-32 "./to-32: its interpreter $w/bits32: $bits32" "$ud" ./to-32
refuses script-missing './to-missing: its interpreter /no/such/interpreter: No such file or directory: check the path' "$ud" ./to-missing
refuses script-nothing './to-nothing: its #! line names no interpreter: add one' "$ud" ./to-nothing
refuses script-dir "./to-dir: its interpreter $w/dir: is a directory: name a program" "$ud" ./to-dir
refuses script-env "./via-env: its interpreter static: $static" env PATH="$w:$PATH" "$ud" ./via-env
refuses script-env-s "./via-env-s: its interpreter static: $static" env PATH="$w:$PATH" "$ud" ./via-env-s
refuses script-env-missing './via-env-missing: its interpreter nosuchinterpreter: is not in $PATH: install it' "$ud" ./via-env-missing
refuses script-deep './deep6: more than 5 interpreters in a row: name a program' "$ud" ./deep6
# the kernel agrees about the depth
gives script-depth 0 'good ./nested1' "$ud" ./nested1
gives script-depth-4 0 "good $w/deep1" "$ud" ./deep3
san() {
	if $1 -fsanitize=$2 -o "san-$2" m.c 2>/dev/null; then
		refuses "san-$1-$2" "./san-$2: is built with a sanitizer that is a malloc itself: build it without -fsanitize=$2" \
			"$ud" "./san-$2"
	else
		skipped "san-$1-$2" "$1 has no -fsanitize=$2"
	fi
}
san gcc address
san gcc thread
san clang address
san clang memory
# one that exports a malloc of its own runs, with a warning
printf '#include <stddef.h>\n#include <unistd.h>\n#include <sys/wait.h>\nstatic char b[1 << 20]; static size_t n;\nvoid *malloc(size_t s) { void *p = b + n; n += (s + 15) & ~15UL; return p; }\nvoid free(void *p) {}\nint main(int n, char **v) { if (n > 1) { if (!fork()) execl(v[0], v[0], NULL); wait(NULL); } return 4; }\n' >own.c
$cc -rdynamic -o own own.c
warned="undangle: warning: $w/own brings its own malloc: blocks from it are not protected"
"$ud" ./own 2>err
verdict own-malloc "4|$warned" "$?|$(cat err)"
# also behind a shell; and one that runs itself says it once
"$ud" sh -c './own; exit $?' 2>err
verdict own-malloc-child "4|$warned" "$?|$(cat err)"
"$ud" ./own again 2>err
verdict own-malloc-again "4|$warned" "$?|$(cat err)"
# nor does one that is run many times, one after the other and at once; and nothing of that is left
"$ud" sh -c './own; ./own; for i in 1 2 3 4 5 6; do ./own & done; wait; exit 5' 2>err
verdict own-malloc-siblings "5|$warned" "$?|$(cat err)"
"$ud" sh -c 'echo /dev/shm/undangle.$$.*; ./own; ls /dev/shm/undangle.$$.* | wc -l; exit 0' 2>err >out
left=$(sed -n 1p out)
verdict own-malloc-file "1|$warned|$left" "$(sed -n 2p out)|$(cat err)|$(echo $left)"
verdict own-malloc-stats "no: it brings its own malloc" \
	"$("$ud" --stats sh -c './own; exit 0' 2>&1 | sed -n 's/^undangle: [0-9]* (own): protected *//p')"
# at a fixed address &malloc is a jump of the program's own
printf '#include <stdlib.h>\nint main(void) { void *(*volatile f)(size_t) = malloc; return !f(1); }\n' >taken.c
$cc -no-pie -fno-pie -o taken taken.c
gives taken-malloc 0 '' "$ud" ./taken
gives dynamic 0 '' "$ud" ./dynamic
gives no-pie 0 '' "$ud" ./nopie
gives empty 0 '' "$ud" ./empty
gives plain-script 0 'no interpreter line: 1' "$ud" ./plain 1
gives good-script 0 'good 1' "$ud" ./good 1
gives good-env-script 0 'good 1' "$ud" ./good-env 1
gives good-env-no-follow 0 'good 1' "$ud" --no-follow ./good-env 1
gives in-path 0 'good 1' env PATH="$w:$PATH" "$ud" good 1
gives ld.so 0 '' "$ud" /lib64/ld-linux-x86-64.so.2 ./dynamic

# with --no-follow the process to protect is the script's interpreter, not env
script who-env '#!/usr/bin/env sh
grep -c libundangle.so /proc/$$/maps | sed "s/[1-9][0-9]*/mapped/"'
gives no-follow-env-script 0 mapped "$ud" --no-follow ./who-env
script who-child '#!/bin/sh
sh -c "grep -c libundangle.so /proc/\$\$/maps"'
verdict follow-child mapped "$("$ud" ./who-child | sed 's/[1-9][0-9]*/mapped/')"
verdict no-follow-child 0 "$("$ud" --no-follow ./who-child)"

# privileges: ld.so drops LD_PRELOAD, so the program would run unprotected
suid() {
	echo "./$1: is $2, so the dynamic linker ignores LD_PRELOAD: run undangle with the program's own rights (sudo undangle ...)"
}
if [ "$(id -u)" = 0 ] && ! findmnt -nT "$w" -o OPTIONS | grep -q nosuid; then
	cp dynamic setuid && chown 65534 setuid && chmod 4755 setuid
	cp dynamic setgid && chgrp 65534 setgid && chmod 2755 setgid
	cp dynamic rootuid && chmod 4755 rootuid
	refuses setuid "$(suid setuid setuid)" "$ud" ./setuid
	refuses setgid "$(suid setgid setgid)" "$ud" ./setgid
	gives setuid-own 0 '' "$ud" ./rootuid
	gives setuid-no-new-privs 0 '' setpriv --no-new-privs "$ud" ./setuid
	if command -v setcap >/dev/null && cp dynamic caps && setcap cap_net_raw+ep caps 2>/dev/null; then
		cp "$ud" "$lib" "$w" # a place that nobody may read
		refuses capabilities "$(suid caps 'a program with file capabilities')" \
			setpriv --reuid=65534 --regid=65534 --clear-groups ./undangle ./caps
	else
		skipped capabilities 'no setcap, or not on this file system'
	fi
	chmod 711 dynamic
	cp "$ud" "$lib" "$w"
	gives unreadable 0 '' setpriv --reuid=65534 --regid=65534 --clear-groups ./undangle ./dynamic
	chmod 755 dynamic
else
	skipped setuid 'needs root and a file system without nosuid'
fi
