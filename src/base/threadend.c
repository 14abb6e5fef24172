/*
 * threadend.c - see threadend.h. app context, from the constructor.
 *
 * A thread has one array for its values, and each libc (dlmopen) a table of its own that says which
 * keys are made: the first key of another libc is the first one of ours, and would have our value
 * and, at the thread's end, our destructor, or ours its. So ours are the last ones that need no malloc.
 */
#include "threadend.h"

#define FIRST 30

bool threadend_key(pthread_key_t *key, void (*f)(void *value))
{
	pthread_key_t low[FIRST];
	unsigned n = 0;
	bool made;

	while ((made = pthread_key_create(key, f) == 0) && *key < FIRST && n < FIRST)
		low[n++] = *key;
	while (n > 0)
		pthread_key_delete(low[--n]);
	return made;
}
