# Options: spelling, ranges, what reaches the program's environment.
refuses no-program 'no program given: undangle [options] [--] PROG [ARGS...] (see undangle --help)' "$ud"
refuses only-options 'no program given: undangle [options] [--] PROG [ARGS...] (see undangle --help)' "$ud" --stats
refuses only-dashes 'no program given: undangle [options] [--] PROG [ARGS...] (see undangle --help)' "$ud" --
refuses empty-program "the program's name is empty: name a program" "$ud" ''
refuses misspelt "unknown option '--detct': did you mean '--detect'?" "$ud" --detct=strict true
refuses misspelt-own "unknown option '--hlep': did you mean '--help'?" "$ud" --hlep
refuses misspelt-no "unknown option '--no-folow': did you mean '--no-follow'?" "$ud" --no-folow true
refuses unlike-any "unknown option '--wizard'" "$ud" --wizard true
refuses one-dash "unknown option '-d': options begin with two dashes (see undangle --help)" "$ud" -d true
refuses bad-word "--detect: 'strct' is not one of strict, adaptive, deferred, grouped: did you mean 'strict'?" "$ud" --detect=strct true
refuses bad-backend "--backend: 'xen' is not one of auto, host, kvm" "$ud" --backend=xen true
refuses bad-profile "--profile: 'prod' is not one of debug, test, production" "$ud" --profile=prod true
refuses too-small "--defer-ms: '0' is out of range: from 1 to 3600000" "$ud" --defer-ms=0 true
refuses too-big "--defer-ms: '2g' is out of range: from 1 to 3600000" "$ud" --defer-ms=2g true
refuses no-number "--defer-frees: 'many' is not a number from 1 to 16777216 (suffixes k, m, g, t allowed)" "$ud" --defer-frees=many true
refuses no-value "--log needs a value, as in --log=FILE" "$ud" --log true
refuses no-bool "--stacks: 'perhaps' is neither on nor off" "$ud" --stacks=perhaps true
refuses heap-is-gone "unknown option '--heap'" "$ud" --heap=system true
refuses group-is-gone "unknown option '--group'" "$ud" --group=64 true

# what the program sees; PROG is the shell's own test of its environment, so that ours is not in the way
env_of() {
	timeout 300 "$ud" "$@" /usr/bin/env 2>err | sed -n '/^UNDANGLE_OPTIONS=/ { s///; s/:*summary=[^:]*//; s/^://; p }'
	grep -v '^undangle: [0-9]* (env): ' err
}
verdict env-none '' "$(env_of)"
verdict env-set 'detect=grouped:defer_ms=2048:stacks=0:stats=1' "$(env_of --stats=yes --no-stacks --defer-ms=2k --detect=grouped)"
verdict env-colon "log=$w/a\\:b" "$(env_of --log=a:b)"
verdict env-merged 'defer_ms=32:stacks=0' "$(UNDANGLE_OPTIONS=defer_ms=64:stacks=0 env_of --defer-ms=32)"
verdict env-bad "defer_ms=64
undangle: warning: UNDANGLE_OPTIONS: unknown option 'detct': did you mean 'detect'? (ignored)" \
	"$(UNDANGLE_OPTIONS=detct=strict:defer_ms=64 env_of)"
preload() {
	timeout 300 "$ud" "$@" /usr/bin/env | sed -n 's/^LD_PRELOAD=//p'
}
lib=$(dirname "$ud")/libundangle.so
# as glibc finds it, and musl does not: see cli/run.c
as="/\$LIB/../../../..$lib"
verdict preload "$as" "$(preload)"
libm=$(ldconfig -p | sed -n 's/.*libm\.so\.6 (libc6,x86-64.* => //p' | head -n 1)
verdict preload-first "$as:$libm" "$(LD_PRELOAD=$libm preload)"
verdict preload-child "$as" "$(timeout 300 "$ud" sh -c '/usr/bin/env' | sed -n 's/^LD_PRELOAD=//p')"
verdict preload-nested "$as" "$(timeout 300 "$ud" "$ud" /usr/bin/env | sed -n 's/^LD_PRELOAD=//p')"
verdict preload-nested-rest "$as:$libm" "$(LD_PRELOAD=$libm timeout 300 "$ud" "$ud" /usr/bin/env | sed -n 's/^LD_PRELOAD=//p')"
verdict no-follow '' "$(timeout 300 "$ud" --no-follow sh -c '/usr/bin/env' | sed -n 's/^LD_PRELOAD=//p')"
verdict no-follow-rest "$libm" "$(LD_PRELOAD=$libm timeout 300 "$ud" --no-follow sh -c '/usr/bin/env' | sed -n 's/^LD_PRELOAD=//p')"
verdict library-warns "undangle: warning: UNDANGLE_OPTIONS: defer-ms: '0' is out of range: from 1 to 3600000 (ignored)" \
	"$(LD_PRELOAD=$lib UNDANGLE_OPTIONS=defer_ms=0 /bin/true 2>&1)"

# the counts come out although ls closes stderr before it ends; and where --log says
# each line says of which process it is, and whether that was protected
of() { sed -n "s/^undangle: [0-9]* ($1): //p" | grep -E 'protected|backend' | xargs; }
verdict stats 'protected yes backend host, detect=adaptive' "$("$ud" --stats ls 2>&1 >/dev/null | of ls)"
verdict stats-rate '0 1' "$("$ud" --stats ls 2>&1 | grep -c 'at this rate') $("$ud" --stats perl -e '1 while (times)[0] < 1.2' 2>&1 | grep -c 'at this rate')"
verdict stats-each 0 "$("$ud" --stats sh -c 'ls; ls' 2>&1 >/dev/null | grep -vcE '^undangle: [0-9]+ \((ls|sh)\): ')"
verdict stats-forked 2 "$("$ud" --stats sh -c "(exit 3); :" 2>&1 | grep -c "protected *yes")"
"$ud" --stats --log=counts-%p ls >/dev/null
verdict stats-log 'protected yes backend host, detect=adaptive' "$(of ls <"$(echo counts-[0-9]*)")"

gives status-kept 7 'out' "$ud" sh -c 'echo out; exit 7'
gives dashes-end 0 '--probe' "$ud" -- echo --probe
gives args-kept 0 'a b|*|' "$ud" sh -c 'printf "%s|" "$@"' sh 'a b' '*'
gives verb-after-dashes 0 'x' "$ud" -- echo x
verdict version 'undangle 0.1.0' "$("$ud" --version)"
verdict help-lists-all '' "$(for o in $(sed -n 's/^OPT_[A-Z]*(\([a-z_]*\),.*/\1/p' "$top/src/base/options.def" | tr _ -); do
	"$ud" --help | grep -qE -- "^  --(\[no-\])?$o[= ]" || echo "$o"
done)"
verdict help-fits-80-columns '' "$("$ud" --help | sed '1,/^$/d' | grep '.\{81\}')"
verdict help-after-option 'usage: undangle [options] [--] PROG [ARGS...]' "$("$ud" --stats --help | head -n 1)"
