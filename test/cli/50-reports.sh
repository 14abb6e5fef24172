# A finding through the command, and as a service would have it: two variables and no command.
cat >uaf.c <<'X'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	volatile char *volatile p = malloc(40);
	if (argc > 1 && chdir(argv[1]))
		return 1;
	free((void *)p);
	(void)p[8];
	return 0;
}
X
$cc -O1 -g -w -o uaf uaf.c
first='undangle: ERROR: use-after-free: READ of size 1 at ADDR, 8 bytes inside a 40-byte block freed by thread T0 (main)'
report() { # the report's first line on stdin, without its address
	sed -n '1s/0x[0-9a-f]*,/ADDR,/p'
}
{ "$ud" ./uaf 2>err; rc=$?; } 2>/dev/null
verdict report "139 $first" "$rc $(report <err)"
{ ./seccomp 28:102 invalid "$ud" ./uaf 2>err; rc=$?; } 2>/dev/null
verdict report-no-guards "139 $first" "$rc $(report <err)"
{ "$ud" --log=report.txt ./uaf / 2>err; rc=$?; } 2>/dev/null
verdict report-log-chdir "139 $first ||" "$rc $(report <report.txt) |$(cat err)|"
mkdir service
{ (cd / && LD_PRELOAD=$lib UNDANGLE_OPTIONS="quiet:log=$w/service/undangle.%p" exec "$w/uaf") 2>err; rc=$?; } 2>/dev/null
verdict report-service "139 $first" "$rc $(cat service/undangle.[0-9]* | report)"
{ LD_PRELOAD=$lib ./uaf 2>err; rc=$?; } 2>/dev/null
verdict report-bare "139 $first" "$rc $(report <err)"
# the child of an unprotected parent, the parent of an unprotected child
{ "$ud" --no-follow sh -c './uaf; exit $?' 2>err; rc=$?; } 2>/dev/null
verdict report-no-follow "0|" "$rc|$(cat err)"
{ "$ud" sh -c './uaf; exit $?' 2>err; rc=$?; } 2>/dev/null
verdict report-child "139 $first" "$rc $(report <err)"
# Whole stacks where the caller's frame hangs on rbp, whose value must outlive what malloc itself saves.
cat >frames.c <<'X'
#include <alloca.h>
#include <malloc.h>
#include <stdlib.h>
#define HOLD(a) __asm__ volatile("" ::"r"(a) : "memory")
static int how;
static inline __attribute__((always_inline)) char *make(void)
{
	switch (how) {
	case 'c': return calloc(1, 40);
	case 'r': return realloc(NULL, 40);
	case 'n': return reallocarray(NULL, 1, 40);
	case 'a': return aligned_alloc(64, 40);
	case 'h': return malloc(3 << 20);
	default: return malloc(40);
	}
}
__attribute__((noinline)) char *get(int n)
{
	char *a = alloca(n), *p = make();
	HOLD(a);
	return p;
}
__attribute__((noinline)) void drop(char *p, int n)
{
	char *a = alloca(n);
	if (how != 'r' || realloc(p, 0))
		free(p);
	HOLD(a);
}
__attribute__((noinline)) void outer(int n)
{
	char *p = get(n);
	drop(p, n);
	HOLD(p[8]);
}
int main(int argc, char **argv)
{
	how = argv[1][0];
	outer(100);
	HOLD(argc);
	return 0;
}
X
for flags in "-O2" "-O0" "-O2 -fno-omit-frame-pointer"; do
	$cc $flags -g -w -o frames frames.c
	got='' want=''
	for how in m c r n a h; do
		{ "$ud" --no-symbolize ./frames $how 2>err; } 2>/dev/null
		got="$got$(sed -n '/^  freed by/,/^  registers/s/^\(  \(freed\) by.*\|  \(alloc\)ated by.*\|.* in \(get\|drop\|outer\|main\)+.*\)$/ \2\3\4/p' err | tr -d '\n')"
		want="$want freed drop outer main alloc get outer main"
	done
	verdict "report-frames $flags" "$want" "$got"
done
# The verdict is the finding's whatever became of stderr: closed, a pipe that nobody reads, or the number of
# a file of the program's own, which nothing is written into.
cat >stderr.c <<'X'
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	volatile char *volatile p = malloc(40);
	if (argc > 1)
		close(2);
	if (argc > 2 && open(argv[2], O_CREAT | O_RDWR, 0600) != 2)
		return 1;
	free((void *)p);
	if (getenv("TWICE"))
		free((void *)p);
	return p[8];
}
X
$cc -O1 -w -o stderr stderr.c
{ "$ud" ./stderr closed 2>err; rc=$?; } 2>/dev/null
verdict report-stderr-closed "139||" "$rc|$(cat err)|"
{ "$ud" ./stderr closed data 2>err; rc=$?; } 2>/dev/null
verdict report-stderr-reused "139||0|" "$rc|$(cat err)|$(wc -c <data)|"
mkfifo unread
{ exec 8<>unread 9>unread 8>&-; "$ud" ./stderr 2>&9; rc=$?; exec 9>&-; } 2>/dev/null
verdict report-pipe-unread "139" "$rc"
# ... in each mode: a double free is found in all of them
for mode in --profile=production --detect=strict --detect=adaptive --detect=deferred; do
	{ TWICE=1 "$ud" $mode ./stderr 2>err; rc=$?; } 2>/dev/null
	verdict "report-twice $mode" "134 1" "$rc $(grep -c '^undangle: ERROR: double-free' err)"
	{ TWICE=1 "$ud" $mode ./stderr closed 2>err; rc=$?; } 2>/dev/null
	verdict "report-twice-closed $mode" "134||" "$rc|$(cat err)|"
	rm -f data
	{ TWICE=1 "$ud" $mode ./stderr closed data 2>err; rc=$?; } 2>/dev/null
	verdict "report-twice-reused $mode" "134||0|" "$rc|$(cat err)|$(wc -c <data)|"
	{ exec 8<>unread 9>unread 8>&-; TWICE=1 "$ud" $mode ./stderr 2>&9; rc=$?; exec 9>&-; } 2>/dev/null
	verdict "report-twice-unread $mode" "134" "$rc"
done
# main leaves while a thread is in the middle of its report: the pipe is full until "go" is there
cat >leave.c <<'X'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile int tid;
static void *use(void *p)
{
	tid = gettid();
	return (void *)(long)((volatile char *)p)[8];
}
int main(int argc, char **argv)
{
	char path[64], now[16] = "", *p = malloc(40), fill[512] = {0};
	pthread_t t;
	fcntl(2, F_SETFL, O_NONBLOCK);
	while (write(2, fill, sizeof(fill)) > 0)
		;
	fcntl(2, F_SETFL, 0);
	free(p);
	pthread_create(&t, NULL, use, p);
	while (strncmp(now, "1 0x2 ", 6)) { /* write(2, .. */
		int fd;
		usleep(1000);
		snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, now, sizeof(now) - 1) < 0)
			return 3;
		close(fd);
	}
	creat("go", 0600);
	if (argc > 1)
		_exit(0);
	return 0;
}
X
$cc -D_GNU_SOURCE -O1 -w -pthread -o leave leave.c
for how in "" now strict; do
	rm -f go
	{ { timeout 300 "$ud" $([ "$how" = strict ] && echo --detect=strict) ./leave $how; echo $? >rc; } 2>&1 | { while [ ! -e go ]; do sleep 0.05; done; tr -d '\0' >err; }; } 2>/dev/null
	verdict "report-leaving $how" "139 $first 1" "$(cat rc) $(report <err) $(grep -c '^undangle: hint: ' err)"
done
# a disk that is full: the report goes where there is room
verdict log-full '1 4' "$({ "$ud" --log=/dev/full --symbolize-ms=60000 ./uaf 2>err; } 2>/dev/null; echo "$(grep -c '^undangle: ERROR: use-after-free' err) $(grep -c '^  used by\|^  freed by\|^  allocated by\|^  signature' err)")"
