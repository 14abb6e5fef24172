# --metrics and stat: what they count, that other tools can read it, who renews the file, and that the program never
# notices where it cannot be written.
cat >metrics.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static void *keep[1001];
static void churn(size_t size)
{
	for (int i = 0; i < 2000; i++) {
		void *volatile p = malloc(size);
		free(p);
	}
}
/* Frees until the file is another one; a hang is one of processor time. */
static void renewed(const char *file, size_t size)
{
	struct stat was, is;
	if (stat(file, &was))
		_exit(3);
	do {
		churn(size);
		usleep(10000);
		if (clock() > 60 * CLOCKS_PER_SEC)
			_exit(4);
	} while (stat(file, &is) || is.st_ino == was.st_ino);
}
static void no_renames(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rename, 0, 1), BPF_STMT(BPF_RET, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW)};
	struct sock_fprog filter = {4, code};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}
/* Before anything that could renew the file. */
static int shut(char way)
{
	struct rlimit none = {100, 100};
	switch (way) {
	case 's':
		no_renames();
		return 0;
	case 'l':
		return setrlimit(RLIMIT_FSIZE, &none);
	case 'c':
		return chroot("/proc") || chdir("/");
	case 'u':
		return setgid(65534) || setuid(65534);
	}
	return 0;
}
int main(int argc, char **argv)
{
	if (shut(argv[1][0]))
		return 1;
	for (int i = 0; i < 1000; i++)
		keep[i] = malloc(100);
	keep[1000] = malloc(3000000);
	churn(50);
	switch (argv[1][0]) {
	case 'w': /* waits for its standard input's end */
		printf("%d\n", getpid());
		fflush(stdout);
		while (getchar() != EOF)
			;
		return 0;
	case 'r':
		renewed(argv[2], 50);
		renewed(argv[2], 2000000);
		_exit(0);
	case 'n':
		prctl(PR_SET_NAME, "a\"b\\\xff{}");
		return 0;
	case 'f':
		if (!fork()) {
			churn(50);
			exit(0);
		}
		wait(NULL);
		return 0;
	}
	return 0;
}
C
$cc -O0 -w -o metrics metrics.c
# counts FILE...: each by the client library's own parser, what is in it checked, a line each
cat >counts.py <<'P'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
for name in sys.argv[1:]:
    text = open(name).read()
    f = {f.name.replace("undangle_", ""): f for f in families(text)}
    v = {n: f.samples[0].value for n, f in f.items()}
    pids = {f.samples[0].labels["pid"] for f in f.values()}
    comms = {f.samples[0].labels["comm"] for f in f.values()}
    large = 3000000
    bad = [n for n, ok in {
        "allocations": v["allocations"] >= 3001, "frees": 2000 <= v["frees"] <= v["allocations"] - 1001,
        "live_blocks": v["live_blocks"] == v["allocations"] - v["frees"],
        "live_bytes": large + 100000 <= v["live_bytes"] <= large + 300000,
        "dead_bytes": v["dead_bytes"] < 1 << 24, "heap_bytes": v["heap_bytes"] >= v["live_bytes"],
        "own_bytes": 0 < v["own_bytes"] < 1 << 26, "aliases": 2 <= v["aliases"] < 1000, "mappings": v["mappings"] >= 20,
        "address_used_bytes": v["address_used_bytes"] >= v["heap_bytes"] // 8,
        "address_left_bytes": v["address_left_bytes"] > 1 << 40, "findings": v["findings"] == 0,
        "unit": all(n.endswith(f.unit) for n, f in f.items())}.items() if not ok]
    print("wrong: %s" % [(n, v.get(n)) for n in bad] if bad or len(pids) > 1 else "right " + " ".join(comms))
P
if ! /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
	skipped metrics 'python3-prometheus-client is not installed'
	return
fi
right() { /usr/bin/python3 counts.py "$@" 2>&1; }
mkdir -p prom
for mode in strict adaptive deferred grouped; do
	coproc waits { exec "$ud" --detect=$mode --metrics=prom/$mode ./metrics wait; }
	read -r n <&"${waits[0]}"
	"$ud" stat --openmetrics "$n" >prom/stat-$mode
	"$ud" stat "$n" >prom/lines-$mode
	ln prom/$mode prom/first-$mode
	end=$waits_PID
	eval "exec ${waits[1]}>&-"
	wait "$end"
	verdict metrics-$mode "0 right metrics right metrics" "$? $(right prom/$mode prom/stat-$mode | xargs)"
	# the first file is whole, and another one than the last
	verdict metrics-$mode-first "# EOF 1" "$(tail -n 1 prom/first-$mode) $(stat -c %h prom/first-$mode)"
	verdict stat-$mode "undangle: $n (metrics): detect=$mode" "$(head -n 1 prom/lines-$mode)"
	verdict stat-$mode-lines "$(sed -n 's/^# HELP undangle_\([a-z_]*\) /\1 /p' prom/stat-$mode)" "$(sed -n '2,$s/^\([a-z_]*\)  *[0-9]*  /\1 /p' prom/lines-$mode)"
done
for mode in adaptive grouped; do
	"$ud" --detect=$mode --metrics="$w/prom/renewed-$mode" ./metrics renewed "$w/prom/renewed-$mode" &
done
wait -n; rc=$?
wait -n
verdict metrics-renewed '0 0' "$rc $?"
"$ud" --metrics=prom/name ./metrics name
verdict metrics-name 'right a"b\?{}' "$(right prom/name)"
"$ud" --metrics=prom/fork.%p ./metrics fork
verdict metrics-fork 'right metrics right metrics' "$(right prom/fork.* | xargs)"
# Where the file cannot be written any more: it stays as it was at the start, and nothing else is left behind.
for way in seccomp limit $([ "$(id -u)" = 0 ] && echo chroot user); do
	mkdir "prom/$way"
	out=$("$ud" --metrics="$w/prom/$way/file" ./metrics "$way" 2>&1)
	verdict "metrics-$way" '0||file|# EOF' "$?|$out|$(ls "prom/$way")|$(tail -n 1 "prom/$way/file")"
	verdict "metrics-$way-first" yes "$(awk '/^undangle_allocations_total/ { print $2 < 1000 ? "yes" : $2 }' "prom/$way/file")"
done
out=$(LD_PRELOAD=$lib UNDANGLE_OPTIONS=metrics=$w/none/x ./metrics nothing 2>&1)
verdict metrics-nowhere '0|' "$?|$out"
refuses metrics-dir "--metrics=$w/prom: is a directory: name a file" "$ud" --metrics=prom true
# What is no file stays what it is: root would make one of /dev/stderr.
mkfifo prom/pipe && ln -s name prom/link
for name in pipe link; do
	out=$(LD_PRELOAD=$lib UNDANGLE_OPTIONS=metrics=$w/prom/$name ./metrics nothing 2>&1)
	verdict "metrics-replaced-$name" "0|$name" "$?$out|$([ -p prom/$name -o -L prom/$name ] && echo $name)"
	refuses metrics-$name "--metrics=$w/prom/$name: is no file that another can take the place of" "$ud" --metrics=prom/$name true
done
refuses metrics-none "--metrics=$w/none/x: cannot be made in $w/none: No such file or directory" "$ud" --metrics=none/x true
refuses stat-nothing 'stat: no process id given: undangle stat [--openmetrics] PID' "$ud" stat
refuses stat-two 'stat: more than one process id given: undangle stat [--openmetrics] PID' "$ud" stat --openmetrics 1 2
refuses stat-option "stat: unknown option '-5': undangle stat [--openmetrics] PID" "$ud" stat -5
refuses stat-word "stat: 'x' is no process id" "$ud" stat x
refuses stat-none 'stat: 4194305: there is no such process' "$ud" stat 4194305
refuses stat-without "stat: $$: runs without undangle" "$ud" stat $$
