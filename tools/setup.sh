#!/bin/sh
# setup.sh GROUP...: installs the Debian packages of the named groups that are missing; says what
# it does, does nothing when all is there. Works as root or with sudo. The groups, one a line (@FILE: a
# package per line there):
groups='
build	gcc g++ make binutils libc6-dev libdw-dev libiberty-dev
check	python3-jsonschema python3-prometheus-client clang findutils procps util-linux libcap2-bin strace gdb python3 zsh mandoc libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4
lint	clang-format cppcheck
demo	sqlite3
ok	@test/ok/packages
long	@test/ok/long/packages
vm	qemu-system-x86 busybox-static cpio
bochs	bochs bochs-term bochsbios vgabios isolinux syslinux-common xorriso busybox-static cpio
bench	sqlite3 python3 lua5.4 redis-server redis-tools hyperfine
compare	perl ruby gawk jq libxml2-utils git g++ electric-fence valgrind libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 libclang-rt-14-dev
'
set -u
[ $# -gt 0 ] || { echo "usage: tools/setup.sh GROUP...; groups:$groups" >&2; exit 2; }

want=
for g in "$@"; do
	line=$(printf '%s' "$groups" | grep "^$g	") || { echo "setup: no group '$g'" >&2; exit 2; }
	line=${line#*	}
	case $line in
	@*) [ ! -f "$(dirname "$0")/../${line#@}" ] || want="$want $(sed "s/#.*//" "$(dirname "$0")/../${line#@}" | tr "\n" " ")" ;;
	*) want="$want $line" ;;
	esac
done

missing=
for p in $want; do
	case " $missing " in *" $p "*) continue ;; esac
	[ "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null)" = 'install ok installed' ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "setup: this is no Debian; please install what these packages hold:$missing" >&2
	exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
	echo "setup: neither root nor sudo; please install:$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive

# retry COMMAND...: mirrors fail now and then; the fourth time is the last
retry() {
	for pause in ${SETUP_PAUSES:-5 15 60} 0; do
		"$@" >"$log" 2>&1 && return 0
		[ $pause = 0 ] || { echo "setup: failed, trying again in $pause s: $*" >&2; sleep $pause; }
	done
	tail -n 20 "$log" >&2
	return 1
}
log=$(mktemp) && trap 'rm -f "$log"' EXIT
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"

echo "setup: installing$missing"
# To apt an index that did not come is no error, and then the package is not found. Some index may never come.
retry $apt -o APT::Update::Error-Mode=any update || $apt update >"$log" 2>&1 || { echo "setup: apt-get update failed" >&2; exit 1; }
if ! retry $apt install --no-install-recommends $missing; then
	# one package that this release does not have must not cost the others
	for p in $missing; do
		retry $apt install --no-install-recommends "$p" || { echo "setup: cannot install $p" >&2; bad=1; }
	done
fi
[ -z "${bad:-}" ]
