# --suppress: what a rule of each kind matches, what stays told, rules that were never used, bad files.
cat >known.c <<'X'
#include <stdlib.h>
#define HOLD __asm__ volatile("" ::: "memory")
static inline __attribute__((always_inline)) void inlined(volatile char *p)
{
	p[3] = 1;
	HOLD;
}
__attribute__((noinline)) void outer(char *p)
{
	inlined(p);
	HOLD;
}
__attribute__((noinline)) void other(char *p)
{
	free(p);
	HOLD;
}
int main(int argc, char **argv)
{
	char *volatile p = malloc(40);
	free(p);
	for (int i = 0; i < 3; i++)
		outer(p);
	if (argc > 1)
		other(p);
	return 0;
}
X
$cc -O1 -g -w -o known known.c
# known NAME WANT RULES OPTION... [-- ARGUMENT]: status and what was told; the rest of stderr
known() {
	local name=$1 want=$2 rc
	printf '%b' "$3" >rules
	shift 3
	{ timeout 300 "$ud" --suppress=rules --symbolize-ms=60000 "${@/%--/./known}" 2>err; rc=$?; } 2>/dev/null
	verdict "suppress $name" "$want" "$rc|$(sed -n 's/^undangle: ERROR: \([^:]*\):.*/\1/p' err)|$(sed -n 's/^undangle: \(never used: .*\|[0-9]* finding.*\)/\1/p' err | sed "s,$w/,,")"
}
# What is written to while it waits to die is known by the stack of its free.
known written '134|use-after-free|' '# nothing\n' --strict-share=0 --
known written-free '0||1 finding suppressed' 'fun:main\n' --strict-share=0 --
known written-use '134|use-after-free|' 'fun:outer\n' --strict-share=0 --
known written-goes-on '1|use-after-free|1 finding in 1 process' '# nothing\n' --strict-share=0 --on-error=continue --
known none '139|use-after-free|' '# nothing\n\n' --
known fun '0||1 finding suppressed' 'fun:outer\n' --
known inlined '0||1 finding suppressed' 'fun:inlin?d\n' --
known module '0||1 finding suppressed' 'module:*/known\n' --
known module-name '0||1 finding suppressed' 'module:known' --
known src '0||1 finding suppressed' 'src:kn*.c\n' --
known no-symbolize '139|use-after-free|' 'src:kn*.c\n' --no-symbolize --
known another-place '134|double-free|1 finding in 1 process, 1 suppressed' 'fun:outer\n' -- free
known another-rule '139|use-after-free|' 'fun:other\nmodule:libm.so*\n' --
known quiet '0||' 'fun:outer\n' --quiet --
known unused '0||1 finding suppressed
never used: rules:2: fun:never*' 'fun:outer\n  fun:never* \n' --stats --
known continue '1|double-free|1 finding in 1 process, 1 suppressed' 'fun:outer\n' --on-error=continue -- free
printf 'fun:outer\nobj:x y\n' >bad
refuses suppress-line "--suppress=$w/bad: line 2: 'obj:x y': rules are fun:GLOB, module:GLOB and src:GLOB" "$ud" --suppress=bad true
refuses suppress-missing "--suppress=$w/nosuch: No such file or directory" "$ud" --suppress=nosuch true
refuses suppress-dir "--suppress=$w: Is a directory" "$ud" --suppress="$w" true
printf 'fun:a\0b\n' >bad
refuses suppress-binary "--suppress=$w/bad: is no text" "$ud" --suppress=bad true
refuses suppress-kvm '--suppress needs --backend=host: on kvm a finding always stops the program' "$ud" --backend=kvm --suppress=rules true
out=$(LD_PRELOAD=$lib UNDANGLE_OPTIONS=suppress=$w/nosuch ./dynamic 2>&1)
verdict suppress-by-variable "undangle: warning: suppress=$w/nosuch: cannot be read, error 2: it is not used" "$out"
