// dlopen and dlclose in loops, with threads: modules that allocate in constructors and free in
// destructors, in their thread-local storage, and C++ libraries with all their start-up.
#include "ok.h"
#include <dlfcn.h>

static const char *const lib[] = {"libz.so.1", "libstdc++.so.6", "libm.so.6", "libcrypt.so.1",
	"libcrypto.so.3", "libssl.so.3", "libsqlite3.so.0", "libexpat.so.1", "liblzma.so.5",
	"libresolv.so.2", "libutil.so.1", "librt.so.1"};

static void *loop(void *arg)
{
	uint64_t s = (long)arg;
	void *h[12] = {NULL};
	int n, i;

	for (n = 0; n < 150; n++) {
		i = random_next(&s) % 12;
		if (h[i]) {
			check(dlclose(h[i]) == 0);
			h[i] = NULL;
		} else {
			h[i] = dlopen(lib[i], n % 2 ? RTLD_NOW : RTLD_LAZY);
			if (h[i])
				dlsym(h[i], "no_such_symbol");
		}
		free(malloc(random_next(&s) % 3000));
		dlerror();
	}
	for (i = 0; i < 12; i++)
		if (h[i])
			dlclose(h[i]);
	return NULL;
}

/* A module opened so finds its own libraries' malloc first; what it gives, the program frees. */
static void deepbind(void)
{
	void *h = dlopen("libcrypto.so.3", RTLD_NOW | RTLD_DEEPBIND);
	void *(*get)(size_t, const char *, int);
	void (*give)(void *, const char *, int);

	if (!h)
		return;
	get = (void *(*)(size_t, const char *, int))dlsym(h, "CRYPTO_malloc");
	give = (void (*)(void *, const char *, int))dlsym(h, "CRYPTO_free");
	for (int i = 0; i < 1000; i++) {
		free(get(i * 7 + 1, "", 0));
		give(malloc(i * 7 + 1), "", 0);
	}
}

int main(void)
{
	pthread_t t[4];
	void *z;
	unsigned long (*bound)(unsigned long);
	long i;

	deepbind(); /* before another open of it */
	loop((void *)1);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, loop, (void *)(i + 2));
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	z = dlopen("libz.so.1", RTLD_NOW);
	if (z) {
		bound = (unsigned long (*)(unsigned long))dlsym(z, "compressBound");
		say("compressBound %lu", bound(100000));
	}
	say("own malloc by dlsym: %d", dlsym(RTLD_DEFAULT, "malloc") == (void *)malloc);
	return done();
}
