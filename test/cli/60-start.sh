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
