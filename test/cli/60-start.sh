# Wherever a program starts natively: beside auditors, with little of everything.
cat >audit.c <<'X'
#include <link.h>
unsigned la_version(unsigned version)
{
	return version;
}
X
$cc -D_GNU_SOURCE -shared -fPIC -w -o audit.so audit.c
{ LD_AUDIT=./audit.so "$ud" /bin/echo started 2>&1; rc=$?; } >out
verdict audit "0 started" "$rc $(cat out)"
# RLIMIT_DATA: enough for ld.so, not for us
{ sh -c 'ulimit -d 5800; exec "$0" /bin/true' "$ud" >out 2>&1; rc=$?; }
verdict limit-data '2 undangle: cannot run in this process: no memory for its tables (ulimit -v, ulimit -d?) (error 12)' "$rc $(cat out)"
