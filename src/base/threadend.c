/*
 * threadend.c - see threadend.h. app context, from the constructor.
 *
 * A thread has one array for its values, and each libc (dlmopen) a table of its own that says which
 * keys are made: the first key of another libc is the first one of ours, and would have our value
 * and, at the thread's end, our destructor, or ours its. So ours are the last ones that need no malloc.
 */
#include "threadend.h"
#include "words.h"

#define FIRST 30

static struct {
	pthread_key_t key;
	void (*f)(void *value);
} ours[2];
static unsigned n_ours;

bool threadend_key(pthread_key_t *key, void (*f)(void *value))
{
	pthread_key_t low[FIRST];
	unsigned n = 0;
	bool made;

	while ((made = pthread_key_create(key, f) == 0) && *key < FIRST && n < FIRST)
		low[n++] = *key;
	while (n > 0)
		pthread_key_delete(low[--n]);
	if (made && n_ours < ARRAY_LEN(ours)) {
		ours[n_ours].key = *key;
		ours[n_ours++].f = f;
	}
	return made;
}

/* A value counts where its key was made as often as here: once. So each is right when it is made. */
void threadend_join(int (*create)(pthread_key_t *, void (*)(void *)), int (*drop)(pthread_key_t))
{
	pthread_key_t low[FIRST], key;
	unsigned n = 0, i = 0;

	while (i < n_ours && create(&key, ours[i].f) == 0) {
		if (key == ours[i].key) {
			i++;
		} else if (key < ours[i].key && n < FIRST) {
			low[n++] = key;
		} else { /* theirs already */
			drop(key);
			break;
		}
	}
	while (n > 0)
		drop(low[--n]);
}
