# needs: gcc
# native: no
# host-only: next mallocs have functions of their own for each name
# What dlmopen opens has a libc of its own: blocks cross over, more of them than glibc itself would bear.
cat >plugin.c <<'X'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static char *before, *large;
static pthread_key_t early, key;
static void ends(void *p)
{
	if (strcmp(p, "of the thread"))
		abort();
	free(p);
}
/* Before anybody looks at this libc it has a key: its first one. */
__attribute__((constructor)) static void init(void)
{
	if (pthread_key_create(&early, ends))
		abort();
	before = strdup("before anybody asked");
	large = calloc(300000, 1);
}
char *p_before(void) { return before; }
char *p_large(void) { return large; }
void *p_malloc(size_t n) { return malloc(n); }
void *p_aligned(size_t n) { return aligned_alloc(64, n); }
void *p_realloc(void *p, size_t n) { return realloc(p, n); }
char *p_strdup(const char *s) { return strdup(s); }
void p_free(void *p) { free(p); }
static void *thread(void *arg)
{
	if (pthread_getspecific(key))
		abort();
	pthread_setspecific(key, strdup("of the thread"));
	for (int i = 0; i < 1000; i++)
		free(malloc(i));
	if (pthread_getspecific(early))
		abort();
	return strdup("from a thread");
}
/* A key has no value yet. */
char *p_thread(void)
{
	pthread_t t;
	void *r;
	if (pthread_key_create(&key, ends) || pthread_getspecific(key) || pthread_create(&t, NULL, thread, NULL))
		return NULL;
	pthread_join(t, &r);
	return r;
}
static void *allocates(void *arg)
{
	for (int i = 0; i < 20; i++)
		free(malloc(100 + i));
	return arg;
}
/* Mappings that so many threads leave behind. */
int p_threads(int n)
{
	pthread_t t;
	int maps = 0, c;
	FILE *f;
	for (int i = 0; i < n; i++)
		if (pthread_create(&t, NULL, allocates, NULL) || pthread_join(t, NULL))
			return -1;
	f = fopen("/proc/self/maps", "r");
	while ((c = getc(f)) != EOF)
		maps += c == '\n';
	fclose(f);
	return maps;
}
int p_fork(void)
{
	char *p = strdup("in the child");
	int st;
	pid_t kid = fork();
	if (!kid)
		_exit(strcmp(p, "in the child") ? 1 : 42);
	waitpid(kid, &st, 0);
	free(p);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);
}
X
cat >main.c <<'X'
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void *h;
#define FIND(r, name, ...) r (*name)(__VA_ARGS__) = (r (*)(__VA_ARGS__))dlsym(h, #name)
static void once(void)
{
	h = dlmopen(LM_ID_NEWLM, "./plugin.so", RTLD_NOW);
	if (!h) {
		puts(dlerror());
		exit(1);
	}
	FIND(char *, p_before, void);
	FIND(char *, p_large, void);
	FIND(void *, p_malloc, size_t);
	FIND(void *, p_aligned, size_t);
	FIND(void *, p_realloc, void *, size_t);
	FIND(char *, p_strdup, const char *);
	FIND(void, p_free, void *);
	FIND(char *, p_thread, void);
	FIND(int, p_fork, void);
	FIND(int, p_threads, int);
	for (int i = 0; i < 100; i++) {
		free(p_malloc(i));
		free(p_aligned(i * 64));
		free(p_strdup("theirs"));
		p_free(malloc(i * 100));
		p_free(strdup("ours"));
	}
	if (malloc_usable_size(p_before()) < 21 || malloc_usable_size(p_large()) < 300000)
		puts("usable");
	char *p = realloc(p_before(), 1000);
	if (strcmp(p, "before anybody asked"))
		puts(p);
	p = p_realloc(p, 100000);
	if (strcmp(p, "before anybody asked"))
		puts(p);
	free(p);
	free(p_large());
	printf("fork %d\n", p_fork());
	p = p_thread();
	puts(p ? p : "no thread");
	free(p);
	int maps = p_threads(10);
	if (p_threads(300) > maps + 300)
		puts("threads leave mappings behind");
	dlclose(h);
}
int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 0; i < 3; i++)
		once();
	return 0;
}
X
gcc -w -shared -fPIC -fno-builtin -O1 -pthread -o plugin.so plugin.c && gcc -w -D_GNU_SOURCE -fno-builtin -O1 -o main main.c && ./main >out 2>&1
rc=$?
printf 'fork 42\nfrom a thread\n%.0s' 1 2 3 >want
cat out
cmp out want && exit $rc
exit 1
