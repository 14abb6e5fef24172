// Whoever asks libc's own handle for the malloc family, or a library that asks for the next one,
// must not get another heap: blocks cross over in both directions, and a wild name is not found.
#include "ok.h"

#include <dlfcn.h>
#include <malloc.h>

static void *libc;

static void *find(const char *name, int how)
{
	return how == 0	  ? dlsym(libc, name)
	       : how == 1 ? dlvsym(libc, name, "GLIBC_2.2.5")
			  : dlsym(RTLD_DEFAULT, name);
}

static void cross(int how)
{
	void *(*their_malloc)(size_t) = find("malloc", how);
	void *(*their_calloc)(size_t, size_t) = find("calloc", how);
	void *(*their_realloc)(void *, size_t) = find("realloc", how);
	void (*their_free)(void *) = find("free", how);
	size_t (*their_usable)(void *) = find("malloc_usable_size", how);
	int (*their_posix)(void **, size_t, size_t) = find("posix_memalign", how);
	void *(*their_memalign)(size_t, size_t) = find("memalign", how);
	static const size_t size[] = {1, 24, 100, 3000, 70000, 300000};
	void *p;

	for (size_t i = 0; i < ARRAY_N(size); i++) {
		their_free(malloc(size[i]));
		their_free(strdup("from libc"));
		free(their_malloc(size[i]));
		free(their_calloc(1, size[i]));
		free(their_realloc(malloc(10), size[i]));
		their_free(realloc(their_malloc(10), size[i]));
		free(their_memalign(64, size[i]));
		check(!their_posix(&p, 32, size[i]));
		free(p);
		p = malloc(size[i]);
		check(their_usable(p) >= size[i]);
		free(p);
	}
}

static void libc_names(void)
{
	void *(*m)(size_t) = dlsym(libc, "__libc_malloc");
	void *(*c)(size_t, size_t) = dlsym(RTLD_DEFAULT, "__libc_calloc");
	void *(*r)(void *, size_t) = dlsym(libc, "__libc_realloc");
	void (*f)(void *) = dlsym(RTLD_NEXT, "__libc_free");
	void *(*a)(size_t, size_t) = dlvsym(libc, "__libc_memalign", "GLIBC_2.2.5");
	void *(*v)(size_t) = dlsym(libc, "__libc_valloc");

	f(malloc(1));
	free(m(1));
	free(c(1, 1));
	free(r(malloc(1), 100));
	free(a(256, 1));
	free(v(1));
}

static void errors(void)
{
	dlerror();
	check(!dlsym(libc, "no_such_function"));
	check(dlerror());
	check(!dlerror());
	check(!dlvsym(libc, "free", "GLIBC_1.0"));
	check(dlerror());
	check(dlsym(libc, "strlen") != NULL);
	check(!dlerror());
	check(dlsym(libc, "free") == dlsym(RTLD_DEFAULT, "free"));
}

int main(void)
{
	libc = dlopen("libc.so.6", RTLD_NOW);
	check(libc != NULL);
	for (int how = 0; how < 3; how++)
		cross(how);
	libc_names();
	errors();
	return done();
}
