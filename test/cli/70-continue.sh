# --on-error=continue: what each bug leaves behind, each place told once, the status and the line at the end.
cat >on.c <<'X'
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#define FIVE(x) x x x x x
static char *volatile dead;
static pthread_barrier_t all;
__attribute__((noinline)) static void touch(volatile char *p)
{
	p[0]++;
	__asm__ volatile("" ::: "memory");
}
static void *put(void *n)
{
	pthread_barrier_wait(&all);
	((volatile char *)dead)[(long)n] = 1 + (long)n;
	return NULL;
}
/* Several threads come to one dead page at once: no byte of theirs is lost. */
static int threads(void)
{
	int lost = 0;
	for (int round = 0; round < 30; round++) {
		pthread_t t[4];
		dead = malloc(64);
		free(dead);
		pthread_barrier_init(&all, NULL, 4);
		for (long i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, put, (void *)i);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < 4; i++)
			lost += dead[i] != 1 + i;
	}
	return lost;
}
int main(int argc, char **argv)
{
	char *volatile p = malloc(40), *volatile large = malloc(3000000), *volatile q;
	int status, n = 0;
	memset(p, 'x', 40);
	free(p);
	free(large);
	switch (argv[1][0]) {
	case 'u': /* use: zeros are there, and what is written stays */
		for (int i = 0; i < 10; i++)
			touch(p);
		for (int i = 0; i < 3000000; i += 4096)
			touch(large + i);
		printf("%d %d %d", p[0], p[1], large[8192]);
		return 0;
	case 'f': /* free */
		for (int i = 0; i < 3; i++)
			free(p);
		free(p + 1);
		q = realloc(p, 100);
		printf("%d %zu", q[50], malloc_usable_size(p));
		free(q);
		return 0;
	case 'w': /* a system call */
		printf("%zd", write(1, p, 10));
		return 0;
	case 'c': /* children */
		for (int i = 0; i < 2; i++)
			if (!fork()) {
				touch(p);
				_exit(0);
			}
		while (wait(&status) > 0)
			n += WEXITSTATUS(status);
		printf("%d", n);
		return 0;
	case 'm': /* many places */
		FIVE(FIVE(FIVE(free(p);)))
		return 0;
	case 'j': /* a jump */
		((void (*)(void))(void *)p)();
		return 0;
	case 't':
		printf("%d", threads());
		return 0;
	case 's': /* a status of its own */
		touch(p);
		return 3;
	}
	return 0;
}
X
$cc -O0 -g -w -pthread -o on on.c
# on NAME WANT OPTION... ARGUMENT: status, output, kinds that were told, the lines that are neither
on() {
	local name=$1 want=$2 rc out
	shift 2
	{ out=$(timeout 300 "$ud" --no-symbolize "${@:1:$#-1}" ./on "${@: -1}" 2>err); rc=$?; } 2>/dev/null
	verdict "$name" "$want" "$rc|$out|$(sed -n 's/^undangle: ERROR: \([^:]*\):.*/\1/p' err | uniq -c | tr -s ' \n' ' ')|$(grep -v 'ERROR\|hint' err | sed -n 's/^undangle: //p')"
}
go=--on-error=continue
on continue-use '1|10 0 1| 2 use-after-free |734 findings in 1 process, 2 of them told' $go u
on continue-free '1|0 0| 1 double-free 1 invalid-free 1 double-free 1 use-after-free |6 findings in 1 process, 4 of them told' $go f
on continue-syscall '1|-1| 1 use-after-free |1 finding in 1 process' $go w
on continue-children '0|2| 2 use-after-free |2 findings in 2 processes' $go c
on continue-many '1|| 100 double-free |100 findings are told; no more of this process are
125 findings in 1 process, 100 of them told' $go m
on continue-jump '139|| 1 use-after-free |1 finding in 1 process' $go j
on continue-own-status '3|| 1 use-after-free |1 finding in 1 process' $go s
on continue-nothing '0|||' $go n
on continue-exit-code '7|| 1 use-after-free |1 finding in 1 process' $go --exit-code=7 s
on exit-code-stop '7|| 1 use-after-free |' --exit-code=7 s
on exit-code-free '7|| 1 double-free |' --exit-code=7 f
on exit-code-nothing '0|||' --exit-code=7 n
for mode in deferred grouped; do
	on continue-$mode '1|0 0| 1 double-free 1 invalid-free 1 double-free 1 use-after-free |6 findings in 1 process, 4 of them told' --detect=$mode $go f
done
{ out=$("$ud" --no-symbolize $go ./on t 2>err); rc=$?; } 2>/dev/null
verdict continue-threads "1|0" "$rc|$out"

# One line for the run, whoever starts whom: what the shell execs and forks, and what it becomes itself.
# all NAME WANT OPTION... SCRIPT: the lines that are no report
all() {
	{ timeout 300 "$ud" --no-symbolize "${@:3:$#-3}" sh -c "${@: -1}" 2>err; } 2>/dev/null >&2
	verdict "$1" "$2" "$(grep -v 'ERROR\|hint' err | sed -n 's/^undangle: \([0-9]* finding.*\|never.*\)/\1/p')"
}
all summary-exec '3 findings in 3 processes' './on s; ./on s; sh -c "./on s; :"; :'
all summary-continue '5 findings in 5 processes' $go './on s; sh -c "./on c; ./on s; :"; exec ./on s'
all summary-becomes '' 'exec ./on s'
all summary-none '' './on n; ./on n'
"$ud" --no-symbolize $go sh -c './on s; :' 2>/dev/null >&2 &
wait $!
verdict summary-file-is-gone 0 "$(find /dev/shm -name "undangle.$!.*" -newer on.c | wc -l)"
# where there is no room for the count (a limit here, or /dev/shm is read-only), the process says so, once
for go_on in '' $go; do
	out=$( (ulimit -f 1; exec "$ud" --no-symbolize $go_on sh -c './on s; ./on n; :') 2>&1 >/dev/null | grep -c 'warning: what this process finds is not counted')
	verdict "summary-not-counted $go_on" 1 "$out"
done
# what a killed run left: gone after a day, unless its process lives (1), or it is no such file
left="4194399.old 4194399.new 1.old other"
for f in $left; do touch -d "$([ "${f#*.}" = new ] && echo now || echo '2 days ago')" "/dev/shm/undangle.$f"; done
"$ud" true
verdict summary-killed '1.old 4194399.new other' "$(cd /dev/shm && echo $(ls | grep -E '^undangle[.](.*[.](old|new)|other)$' | sed 's/undangle.//' | sort))"
for f in $left; do rm -f "/dev/shm/undangle.$f"; done
all summary-no-follow '' --no-follow './on s; :'
printf 'fun:touch\nfun:nothing\n' >rules
all summary-suppress '2 findings in 2 processes, 2 suppressed' --suppress=rules './on s; ./on s; ./on m; ./on m; :'
all summary-unused "2 findings suppressed
never used: $w/rules:2: fun:nothing" --suppress=rules --stats './on s; ./on s; :'
# Without the command each process that was not forked says its own; the limit on files is none on signals.
{ LD_PRELOAD=$lib UNDANGLE_OPTIONS=no-symbolize:on-error=continue timeout 300 sh -c './on c; ./on s; :' 2>err >/dev/null; } 2>/dev/null
verdict summary-by-variable '2 findings in 2 processes
1 finding in 1 process' "$(sed -n 's/^undangle: \([0-9]* finding.*\)/\1/p' err)"
{ (ulimit -f 0; exec timeout 300 "$ud" --no-symbolize $go ./on u) 2>&1 >/dev/null | cat >err; } 2>/dev/null
verdict summary-no-room '734 findings in 1 process, 2 of them told' "$(sed -n 's/^undangle: \([0-9]* finding.*\)/\1/p' err)"
refuses continue-kvm '--on-error=continue needs --backend=host: on kvm a finding always stops the program' "$ud" --backend=kvm $go true
