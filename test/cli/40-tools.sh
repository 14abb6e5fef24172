# tools/setup.sh with an apt and dpkg that only pretend, and tools/check with suites that do.
mkdir fake
script fake/dpkg-query '#!/bin/sh
for p; do :; done
grep -qx "$p" installed && echo "install ok installed"'
script fake/id '#!/bin/sh
cat uid'
script fake/sudo '#!/bin/sh
echo "sudo $*" >>calls; exec "$@"'
# fails as often as the file "fails" says
script fake/apt-get '#!/bin/sh
for last; do :; done
for a; do case $a in update|install) verb=$a; break;; esac; done
echo "$verb" "$(echo "$*" | sed -n "s/.*--no-install-recommends //p")" >>calls
case $*:$(ls no-index 2>/dev/null) in *Error-Mode=any*:no-index) exit 100 ;; esac
n=$(cat fails); [ "$n" = 0 ] && exit 0; echo $((n - 1)) >fails; echo "E: mirror is down"; exit 100'
setup() { # setup UID INSTALLED FAILS GROUP...
	echo "$1" >uid; printf '%s\n' $2 >installed; echo "$3" >fails; : >calls
	shift 3
	PATH=$w/fake:$PATH SETUP_PAUSES='0.1 0.1' sh "$top/tools/setup.sh" "$@" 2>&1
	echo "status $?"
	cat calls
}
verdict setup-nothing-to-do 'status 0' "$(setup 0 'clang-format cppcheck sqlite3' 0 lint demo)"
verdict setup-one 'setup: installing cppcheck
status 0
update 
install cppcheck' "$(setup 0 'clang-format sqlite3' 0 lint demo)"
verdict setup-retries 'setup: installing clang-format cppcheck
setup: failed, trying again in 0.1 s: env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update
setup: failed, trying again in 0.1 s: env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update
status 0
update 
update 
update 
install clang-format cppcheck' "$(setup 0 none 2 lint)"
verdict setup-gives-up 'E: mirror is down
setup: apt-get update failed
status 1' "$(setup 0 none 9 lint | grep -vE '^(update|setup: (installing|failed))')"
touch no-index # of somebody's that never comes
verdict setup-no-index 'status 0
update 
update 
update 
update 
install cppcheck' "$(setup 0 'clang-format sqlite3' 0 lint demo | grep -v '^setup:')"
rm no-index
verdict setup-sudo 'sudo env DEBIAN_FRONTEND=noninteractive apt-get' \
	"$(setup 1000 none 0 demo | sed -n 's/^\(sudo env [^ ]* [^ ]*\) .*/\1/p' | head -n 1)"
verdict setup-no-group "setup: no group 'nosuch'
status 2" "$(setup 0 none 0 nosuch)"

mkdir -p tree/tools tree/mk tree/b
cp "$top/tools/check" tree/tools/
cp "${ud%/*}/limit" tree/b/
tab=$(printf '\t')
cat >tree/Makefile <<X
check-unit:
$tab@echo "unit: 3 passed, 0 failed"
check-cli:
$tab@echo "skipped thing: no such device"; echo "cli: 4 passed, 0 failed, 2 skipped"
X
checked() { # checked: the fast run of the tree, without times
	(cd tree && sh tools/check b fast | sed 's/ ([0-9]* s)$//'; echo "status ${PIPESTATUS[0]}")
}
verdict check-sums 'check unit         unit: 3 passed, 0 failed
check cli          cli: 4 passed, 0 failed, 2 skipped
    skipped thing: no such device
7 passed, 0 failed, 2 skipped
status 0' "$(checked)"
sed -i 's/"unit: 3 passed, 0 failed"/"unit: 2 passed, 1 failed"; exit 1/' tree/Makefile
verdict check-fails 'not ok: unit: see above
6 passed, 1 failed, 2 skipped
status 1' "$(checked | tail -n 3)"
sed -i 's/"unit: 2 passed, 1 failed"; exit 1/"not ok two: no"; seq 90; echo &/' tree/Makefile
verdict check-tells-failures '2
not ok: unit two: no
6 passed, 1 failed, 2 skipped' "$(checked | grep -c 'not ok.*two'; checked | tail -n 3 | head -n 2)"
sed -i 's/"not ok two: no".*exit 1/"died"/' tree/Makefile
verdict check-no-counts '4 passed, 1 failed, 2 skipped
status 1' "$(checked | tail -n 2)"
sed -i 's/echo "died"/echo "unit: 2 passed, 0 failed"; exit 1/' tree/Makefile
verdict check-bad-status '6 passed, 1 failed, 2 skipped
status 1' "$(checked | tail -n 2)"
# red once, green when it runs again: named, and no failure; with more than three cases it does not run again
unsteady() { # unsteady N: a unit suite in which N cases fail, once
	rm -f tree/red
	cat >tree/Makefile <<X
check-unit:
$tab@test -e red && echo "unit: 9 passed, 0 failed" || { touch red; echo "not ok two: no"; \\
$tab echo "unit: 1 passed, $1 failed"; exit 1; }
X
	checked | grep -v Makefile
}
verdict check-unsteady 'check unit         unit: 1 passed, 3 failed
check unit         unit: 9 passed, 0 failed
    not ok two: no
    unit: 1 passed, 3 failed
    not ok two: no
    unit: 1 passed, 3 failed
unsteady: unit two: no
9 passed, 0 failed
status 0' "$(unsteady 3)"
verdict check-red 'check unit         unit: 1 passed, 4 failed
    not ok two: no
    unit: 1 passed, 4 failed
    not ok two: no
    unit: 1 passed, 4 failed
not ok: unit two: no
1 passed, 4 failed
status 1' "$(unsteady 4)"
# tools/limit.c ends what sleeps and what runs for too long; what others kept from running is left alone.
limited() { # limited COMMAND...: its status, and what is said of the end
	"${ud%/*}/limit" "$@" >limit.out 2>&1 </dev/null
	echo "$? $(sed -n 's/^\(limit: killed\).*/\1/p' limit.out)"
}
gone() { # says so when the process whose number is in the file left, which sleeps for ever, has been killed
	for _ in $(seq 3000); do
		ps -o stat= -p "$(cat left)" | grep -q '^[^Z]' || { echo gone; return; }
		sleep 0.1
	done
}
verdict limit-status '7 ' "$(limited 1 sh -c 'sleep infinity & echo $! >left; exit 7')"
verdict limit-leaves-nothing gone "$(gone)"
verdict limit-signal '137 ' "$(limited 1 sh -c 'kill -9 $$')"
verdict limit-sleeps '124 limit: killed' "$(limited -t told 1 sh -c 'setsid sleep infinity & echo $! >left; sleep infinity')"
verdict limit-ends-all gone "$(gone)"
verdict limit-tells-sleep '0 6' "$(cat told)"
verdict limit-runs '124 limit: killed' "$(limited -t told 1 sh -c 'while :; do :; done')"
verdict limit-tells-time 1 "$(grep -c '^[1-9][0-9]* 0$' told)"
# a thread that is ready while the first one sleeps: whatever it gets of the processor, that is no sleep
verdict limit-waits '0 ' "$(limited -t told 100 /usr/bin/python3 -c '
import threading, time
def run():
    while True: pass
threading.Thread(target=run, daemon=True).start()
time.sleep(5)')"
verdict limit-tells-ready 0 "$(cut -d' ' -f2 told)"
# the times of a machine, which did not begin with the command
echo 5 100 >clock
verdict limit-clock '0 ' "$(UNDANGLE_VM_CLOCK=clock limited 1 sleep 3)"
verdict limit-clock-runs '124 limit: killed' "$(UNDANGLE_VM_CLOCK=clock limited 1 sh -c 'echo 6 100 >clock; sleep 15')"
verdict limit-clock-sleeps '124 limit: killed' "$(UNDANGLE_VM_CLOCK=clock limited 1 sh -c 'echo 6 106 >clock; sleep 15')"
# what is printed and cannot be written is no success
for word in --help --version --probe; do
	verdict "full$word" "undangle: $word: cannot write: No space left on device
2" "$("$ud" $word 2>&1 >/dev/full; echo $?)"
done
verdict full-layout "undangle: layout: cannot write: No space left on device
2" "$("$ud" layout 2>&1 >/dev/full; echo $?)"
refuses layout-svg "layout: no/such/file: No such file or directory" "$ud" layout --svg no/such/file
refuses layout-no-svg 'layout: --svg: no file given' "$ud" layout --svg
verdict full-verb-help "undangle: stat: cannot write: No space left on device
2" "$("$ud" stat --help 2>&1 >/dev/full; echo $?)"
# what a verb prints and cannot write is no success
for verb in symbolize html sarif; do
	verdict "$verb-full" "undangle: $verb: cannot write: No space left on device
2" "$(echo x | "$ud" $verb 2>&1 >/dev/full; echo $?)"
done
# a report that cannot be read leaves what was in the page; the page may be what is read
echo kept >page
refuses page-kept "html: no/such/report: No such file or directory" "$ud" html -o page no/such/report
verdict page-kept-text kept "$(cat page)"
refuses page-no-name 'html: -o: the name of a file follows' "$ud" html -o
# nor is half a page one: what was there before stays, and its mode
printf 'undangle: ERROR: use-after-free: READ of size 8 at 0x1000\n  signature: %s\nundangle: hint: x\n' $(seq 200) >many
chmod 640 page
for verb in html sarif; do
	verdict "$verb-half" "undangle: $verb: cannot write: File too large
2 kept 640" "$( (trap '' XFSZ && ulimit -f 1 && "$ud" $verb --no-lines -o page many 2>&1; echo "$? $(cat page) $(stat -c %a page)"))"
	verdict "$verb-rest" page "$(echo page*)"
done
"$ud" html --no-lines -o page many
verdict page-mode '640 1' "$(stat -c %a page) $(grep -c '^<h1>' page)"
ln -s page to-page && "$ud" sarif -o to-page many
verdict page-link "page 1" "$(readlink to-page) $(grep -c '^{"\$schema"' page)"
