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
