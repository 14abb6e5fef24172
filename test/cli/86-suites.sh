# docs/ci.md: a test suite as it is, by make and (where it is installed) ctest; all findings on one page.
mkdir -p "$w/suite" && cat >"$w/suite/dangles.c" <<'C'
#include <stdlib.h>
int main(void)
{
	char *volatile p = malloc(40);
	free(p);
	free(p);
	return 0;
}
C
${CC:-cc} -g -w -o "$w/suite/dangles" "$w/suite/dangles.c"
printf 'check:\n\t./dangles\n\t./dangles\n' >"$w/suite/Makefile"
out=$("$ud" --no-symbolize -- make -C "$w/suite" check 2>&1)
verdict suite-make "2 1" "$? $(grep -c 'ERROR: double-free' <<<"$out")"
out=$("$ud" --no-symbolize --on-error=continue --log="$w/suite/found.%p" -- make -k -C "$w/suite" check 2>&1)
verdict suite-continue "2 1" "$? $(cat "$w"/suite/found.* | grep -c 'ERROR: double-free')"
"$ud" html -o "$w/suite/page.html" "$w"/suite/found.* 2>err
verdict suite-page '1 finding, 1 of them different.|' "$(sed -n 's/^<p>\(.*\)<\/p>$/\1/p' "$w/suite/page.html")|$(cat err)"
if command -v ctest >/dev/null; then
	cat >"$w/suite/CTestTestfile.cmake" <<-C
		add_test(good "/bin/true")
		add_test(bad "$w/suite/dangles")
	C
	out=$(cd "$w/suite" && "$ud" --no-symbolize -- ctest --output-on-failure 2>&1)
	verdict suite-ctest '8 1 50% tests passed, 1 tests failed out of 2' \
		"$? $(grep -c 'ERROR: double-free' <<<"$out") $(grep -o '50% tests passed.*' <<<"$out")"
fi
