# needs: musl-gcc gcc
# host-only: not tried: compiles three programs
# In a protected tree musl's loader meets our LD_PRELOAD, a static program does not: both run, as a
# shell's children and between two protected programs.
cat >say.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char *text = malloc(100);

	strcpy(text, argv[0]);
	puts(text);
	free(text);
	fflush(stdout);
	if (argc > 1)
		execv(argv[1], argv + 1);
	return 7;
}
C
gcc -O1 -o glibc say.c && gcc -O1 -static -o static say.c || exit 1
musl-gcc -O1 -o musl say.c || exit 1
for p in musl static; do
	./$p
	echo $?
	./glibc ./$p ./glibc ./$p
	echo $?
	env -i LD_PRELOAD="$LD_PRELOAD" ./$p
	echo $?
done
