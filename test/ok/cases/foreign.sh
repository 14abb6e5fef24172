# needs: /usr/bin/python3 gcc
# Foreign function interfaces ask libc itself; libraries behind us ask for the next malloc.
/usr/bin/python3 -c '
import ctypes
for l in ctypes.CDLL("libc.so.6"), ctypes.CDLL(None):
    l.strdup.restype = l.malloc.restype = l.realloc.restype = ctypes.c_void_p
    l.free.argtypes = [ctypes.c_void_p]
    l.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    for n in 1, 100, 5000, 400000:
        l.free(l.strdup(b"x" * n))
        l.free(l.realloc(l.malloc(n), 2 * n))
print("fine")
'
cat >next.c <<'X'
#include <dlfcn.h>
#include <stddef.h>
void *next_malloc(size_t n)
{
	void *(*next)(size_t) = dlsym(RTLD_NEXT, "malloc");
	return next(n);
}
void next_free(void *p)
{
	void (*next)(void *) = dlvsym(RTLD_NEXT, "free", "GLIBC_2.2.5");
	next(p);
}
X
cat >main.c <<'X'
#include <stdio.h>
#include <stdlib.h>
void *next_malloc(size_t n);
void next_free(void *p);
int main(void)
{
	for (int i = 0; i < 100; i++) {
		free(next_malloc(1 + i));
		next_free(malloc(1 + i));
	}
	puts("crossed");
	return 0;
}
X
gcc -D_GNU_SOURCE -shared -fPIC -o libnext.so next.c && gcc -O1 -fno-builtin -o crossing main.c ./libnext.so && ./crossing
