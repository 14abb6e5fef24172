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
# RLIMIT_DATA, too small for us: raised by whoever may, refused else; our room is put on top of what a program sets
may_raise=$(sh -c 'ulimit -d 5800; ulimit -d unlimited 2>/dev/null && echo yes')
want='2 undangle: cannot run in this process: RLIMIT_DATA (ulimit -d) is below 24 MB (production) or 48 MB, and may not be raised (error 12)'
for mode in --profile=production --detect=strict; do
	{ sh -c 'ulimit -d 5800; exec "$0" $1 /bin/true' "$ud" $mode >out 2>&1; rc=$?; }
	verdict limit-data$mode "$([ "$may_raise" ] && echo '0 ' || echo "$want")" "$rc $(cat out)"
	gives limit-data-own$mode 0 "2000000" "$ud" $mode sh -c 'ulimit -d 8000; exec perl -e "print length(q(x) x 2000000)"'
	gives limit-addresses-own$mode 0 "2073" "$ud" $mode sh -c 'ulimit -v 20000; for i in 1 2 3; do x="$x$(seq 1 200)"; done; echo ${#x}'
	# and is not shown: not to who set it, nor to what is forked and started there, and what is set again is what counts
	gives limit-addresses-shown$mode 0 "20000 20000 20000 19999 30000" "$ud" $mode sh -c 'ulimit -Sv 30000; ulimit -Sv 20000
		set -- $(ulimit -v) $(sh -c "ulimit -v; ulimit -Sv 19999; ulimit -v; sh -c \"ulimit -Sv 30000; ulimit -v\""); echo $(ulimit -v) $*'
	gives limit-data-shown$mode 0 "8000 8000 7000 8000 7168000 8192000" "$ud" $mode sh -c 'ulimit -d 8000
		echo $(ulimit -d; sh -c "ulimit -d"; ulimit -Sd 7000; ulimit -d; ulimit -Hd; prlimit --data -o SOFT,HARD --noheadings)'
	gives limit-large-shown$mode 0 "4000001 4000001" "$ud" $mode sh -c 'ulimit -v 4000001; echo $(ulimit -v; sh -c "ulimit -v")'
	gives limit-odd-shown$mode 0 "(20000001, 30000001) (20000001, 30000001)" "$ud" $mode /usr/bin/python3 -c 'import os, resource as r
r.setrlimit(r.RLIMIT_DATA, (20000001, 30000001)); print(r.getrlimit(r.RLIMIT_DATA), r.prlimit(os.getpid(), r.RLIMIT_DATA))'
done
# valgrind is another malloc's: what a suite runs under it is its alone, which finds its bugs and says so
if command -v valgrind >valgrind.path; then
	cat >freed.c <<-'X'
		#include <signal.h>
		#include <stdlib.h>
		int main(void)
		{
			char *volatile p = malloc(SIGSTKSZ);
			sigaltstack(&(stack_t){.ss_sp = p, .ss_size = SIGSTKSZ}, NULL); /* of which valgrind sees every call */
			sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
			free(p);
			return p[1];
		}
	X
	$cc -w -o freed freed.c
	for mode in --detect=strict --profile=test; do
		{ "$ud" $mode sh -c 'valgrind -q /bin/echo yes; valgrind -q /bin/echo yes; exec valgrind -q --error-exitcode=7 ./freed' >out 2>&1; rc=$?; }
		verdict valgrind$mode "7 undangle: warning: /usr/bin/echo is not protected: valgrind has a malloc of its own in front yes yes undangle: warning: $PWD/freed is not protected: valgrind has a malloc of its own in front Invalid read of size 1" \
			"$rc $(echo $(sed 's/^==[0-9]*== //; /^Invalid read\|^undangle:\|^yes\|^--/!d; s/ *$//' out))"
	done
else
	skipped valgrind "it is not installed"
fi
