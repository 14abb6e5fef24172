# --leaks and --heap-profile: what is lost, what can be reached, by stack. The scan may take a leftover for a pointer:
# so of what is lost nearly all must be told, of what can be reached all.
cat >leaks.c <<'X'
#include <stdlib.h>
#include <string.h>
struct node {
	struct node *next;
	char text[40];
};
static struct node *list;
static char *volatile inner;
__attribute__((noipa)) void *lose(size_t n)
{
	void *volatile p = malloc(n);
	return p;
}
__attribute__((noipa)) void keep(void)
{
	for (int i = 0; i < 1000; i++) {
		struct node *n = malloc(sizeof(*n));
		n->next = list;
		list = n;
	}
}
__attribute__((noipa)) void forget(void)
{
	volatile char dirt[20000];
	memset((char *)dirt, 0, sizeof(dirt));
}
int main(void)
{
	keep();
	for (int i = 0; i < 100; i++) {
		struct node *a = lose(1000), *b = lose(1000);
		a->next = b;
		b->next = a;
	}
	inner = (char *)lose(300000) + 5;
	for (int i = 0; i < 3000; i++)
		free(lose(i));
	forget();
	return 0;
}
X
$cc -g -O1 -o leaks leaks.c || exit 1
for mode in strict deferred grouped; do
	verdict leaks-$mode "lost yes, kept 48000 in 1000, inner 300000 in 1" "$("$ud" --leaks --detect=$mode --no-symbolize ./leaks 2>&1 | awk '
		/^  (lost|reachable): /	{ kind = $1; bytes = $2; blocks = $5 }
		/ in lose\+/ && kind == "lost:" && bytes < 300000 { lost += blocks }
		/ in keep\+/ && kind == "reachable:"	{ kept = bytes " in " blocks }
		/ in lose\+/ && kind == "reachable:" && bytes >= 300000 { inner = bytes " in " blocks }
		END { print "lost " (lost >= 190 && lost <= 200 ? "yes" : lost) ", kept " kept ", inner " inner }')"
done
verdict leaks-lines "lose $w/leaks.c:$(grep -n 'p = malloc(n)' leaks.c | cut -d: -f1)" \
	"$("$ud" --leaks --symbolize-ms=60000 ./leaks 2>&1 | sed -n 's/^    #0 0x[0-9a-f]* in \(lose [^:]*:[0-9]*\):.*/\1/p' | sort -u)"
"$ud" --heap-profile=profile.%p ./leaks
verdict heap-profile "main;keep 48000" "$(grep -o 'main;keep .*' profile.*)"
# names of C++ are long, and cut they are nobody's
name=$(printf 'f%0300d' 1)
printf '#include <stdlib.h>\nvoid *p;\n__attribute__((noinline)) void %s(void) { p = malloc(77); }\nint main(void) { %s(); return 0; }\n' "$name" "$name" >long.c
$cc -O1 -o long long.c && "$ud" --heap-profile=profile.long ./long
verdict heap-profile-long-name "main;$name 77" "$(grep -o 'main;f.*' profile.long)"
refuses heap-profile-refused "--heap-profile=$w/none/x: cannot be made in $w/none: No such file or directory" "$ud" --heap-profile=none/x true
verdict heap-profile-late "undangle: --heap-profile: ./none/x cannot be written (error 2)
." "$(LD_PRELOAD=$lib UNDANGLE_OPTIONS=heap-profile=./none/x ./leaks 2>&1; echo .)"
mkdir profiles
(cd profiles && "$ud" --heap-profile=here sh -c 'cd / && exec "$0"' "$w/leaks")
verdict heap-profile-here "main;keep 48000" "$(grep -o 'main;keep .*' profiles/here)"
verdict leaks-blind "undangle: --leaks: the process's memory cannot be looked at (no /proc, or a seccomp filter): what is lost is not known
0" "$(./seccomp 27 errno "$ud" --leaks ./leaks 2>&1; echo $?)" # mincore
# A pipe that nobody reads and a file that may not grow, or a full disk, are no end of a program without a bug.
for option in leaks stats heap-profile=grows; do
	verdict "$option-unread" 0 "$( (sleep 0.2; "$ud" --$option ./leaks; echo $? >rc) 2>&1 >/dev/null | true; cat rc)"
	verdict "$option-limited" 0 "$( (ulimit -f 0; exec "$ud" --$option ./leaks) 2>grows; echo $?)"
done
verdict heap-profile-full "undangle: --heap-profile: /dev/full could not be written whole
0" "$("$ud" --heap-profile=/dev/full ./leaks 2>&1; echo $?)"
