# /etc/undangle.d and ld.so.preload, in a mount namespace with an /etc of its own: what wins, what is off, that nothing that
# is wrong there keeps a program from running.
cat >policy.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>
static void on(int sig)
{
	puts("handled");
	exit(0);
}
int main(int argc, char **argv)
{
	char *volatile p = malloc(10);
	if (argc > 1 && argv[1][0] == 't') {
		free(p);
		free(p);
	}
	if (argc > 1 && argv[1][0] == 'f') { /* what else we interpose, in a program that is off */
		int status;
		p = realloc(p, 100000);
		p = realloc(p, 20);
		free(p);
		if (!fork()) {
			free(aligned_alloc(4096, 4096));
			_exit(7);
		}
		if (wait(&status) < 0 || WEXITSTATUS(status) != 7)
			return 1;
		signal(SIGSEGV, on);
		raise(SIGSEGV);
	}
	return 0;
}
C
$cc -O0 -g -w -o policy policy.c && cp policy policy2 && cp policy suid && chmod 4755 suid
cat >inside.sh <<'S'
mkdir etc && mount -t tmpfs none etc && cp -a /etc/. etc && rm -f etc/ld.so.preload && rm -rf etc/undangle.d || exit 1
mount --bind etc /etc || exit 1
d=/etc/undangle.d
# told NAME COMMAND...: its status and the last line of its output; how it was protected where it says so
told() {
	local name=$1
	shift
	{ out=$(timeout 300 "$@" 2>&1 </dev/null); rc=$?; } 2>/dev/null
	printf '%s: %s|%s\n' "$name" "$rc" "$(echo "$out" | sed -nE "s,$PWD/,,; s/^undangle: [0-9]* \(([a-z0-9]*)\): (protected|backend) */\1 \2 /p; s/^(undangle: ERROR: [a-z-]*).*/\1/p; /^undangle: (warning|cannot)/p; /^handled/p; s/^.* #0 .* in (main .*):.*$/\1/p" | tr '\n' ';')"
}
mkdir $d
printf '# nothing\n\n*/policy  detect=strict stats # all of it\n' >$d/b.conf
told path "$ud" ./policy
told other "$ud" --stats ./policy2
printf 'polic?2 detect=grouped\npolicy detect=deferred' >$d/c.conf
printf 'policy detect=grouped' >$d/a.conf
printf 'policy detect=grouped' >$d/z.config
told later "$ud" ./policy
told name "$ud" --stats ./policy2
told environment "$ud" --detect=adaptive ./policy
told asked "$ud" --no-stats ./policy
printf 'policy2 off\n' >$d/d.conf
told off "$ud" --stats ./policy2 fork
told off-twice "$ud" ./policy2 twice
printf 'policy2 on\n' >$d/e.conf
told on "$ud" --stats ./policy2
rm $d/*
printf '* stats\n\n* detct=strict\n* what\npolicy detect=strict x=y\n' >$d/a.conf
told bad-lines "$ud" ./policy
printf 'policy\n' >$d/a.conf
told bad-nothing "$ud" ./policy2
printf 'policy off\0\n' >$d/a.conf
told bad-binary "$ud" ./policy
head -c 70000 /dev/zero | tr '\0' '#' >$d/a.conf
told bad-large "$ud" ./policy
rm $d/*
mkdir $d/a.conf
mkfifo $d/b.conf
touch $d/.conf
told bad-kinds "$ud" ./policy
rm -r $d
touch $d
told bad-file "$ud" ./policy
rm $d
mkdir -m 700 $d
told bad-mode setpriv --reuid=65534 "$PWD/bin/undangle" ./policy
chmod 755 $d
echo "policy stats detect=grouped" >$d/a.conf
echo "suid stats detect=grouped" >>$d/a.conf
echo "$PWD/bin/libundangle.so" >/etc/ld.so.preload
told preload ./policy
told preload-twice env UNDANGLE_OPTIONS=symbolize-ms=60000 ./policy twice
told preload-other ./policy2
UNDANGLE_OPTIONS=detect=strict told preload-environment ./policy
UNDANGLE_OPTIONS=detect=strict told preload-suid setpriv --reuid=65534 ./suid
printf "prlimit off\nsetpriv off\n" >>$d/a.conf
told preload-limit prlimit --data=6000000:6000000 setpriv --reuid=65534 ./policy
told preload-ours ./bin/undangle --version
told preload-ours-runs ./bin/undangle --stats ./policy2
S
mkdir -p bin && cp "$ud" "$(dirname "$ud")/libundangle.so" bin/
if ! unshare -m true 2>/dev/null; then
	skipped policy 'no mount namespaces here (root?)'
	return
fi
ud="$ud" unshare -m bash inside.sh >inside.out 2>inside.err
verdict policy "path: 0|policy protected yes;policy backend host, detect=strict;
other: 0|policy2 protected yes;policy2 backend host, detect=adaptive;
later: 0|policy protected yes;policy backend host, detect=deferred;
name: 0|policy2 protected yes;policy2 backend host, detect=grouped;
environment: 0|policy protected yes;policy backend host, detect=adaptive;
asked: 0|
off: 0|undangle: warning: policy2 is not protected: /etc/undangle.d says off;handled;
off-twice: 134|undangle: warning: policy2 is not protected: /etc/undangle.d says off;
on: 0|policy2 protected yes;policy2 backend host, detect=grouped;
bad-lines: 0|undangle: warning: /etc/undangle.d/a.conf:3: unknown option 'detct': did you mean 'detect'? (ignored);policy protected yes;policy backend host, detect=adaptive;
bad-nothing: 0|undangle: warning: /etc/undangle.d/a.conf:1: says nothing of its programs: GLOB off, or GLOB OPTION... (ignored);
bad-binary: 0|undangle: warning: /etc/undangle.d/a.conf: is no text, error 8 (ignored);
bad-large: 0|undangle: warning: /etc/undangle.d/a.conf: is larger than 64 KB, error 27 (ignored);
bad-kinds: 0|undangle: warning: /etc/undangle.d/a.conf: cannot be read, error 21 (ignored);
bad-file: 0|undangle: warning: /etc/undangle.d: cannot be read, error 20 (ignored);
bad-mode: 0|undangle: warning: /etc/undangle.d: cannot be read, error 13 (ignored);" "$(sed '/^preload/,$d' inside.out)$(cat inside.err)"
verdict policy-preload "preload: 0|policy protected yes;policy backend host, detect=grouped;
preload-twice: 134|undangle: ERROR: double-free;main policy.c:16;main policy.c:15;main policy.c:13;
preload-other: 0|
preload-environment: 0|policy protected yes;policy backend host, detect=strict;
preload-suid: 0|suid protected yes;suid backend host, detect=grouped;
preload-limit: 0|undangle: warning: this process is not protected: RLIMIT_DATA (ulimit -d) is below 24 MB (production) or 48 MB, and may not be raised (error 12);
preload-ours: 0|
preload-ours-runs: 0|policy2 protected yes;policy2 backend host, detect=adaptive;" "$(sed '1,/^bad-mode/d' inside.out)"
