/*
 * threadend.h - what is to be done at the end of each thread. app context, from the constructor.
 */
#ifndef UD_THREADEND_H
#define UD_THREADEND_H

#include <pthread.h>
#include <stdbool.h>

/* A key of pthread_setspecific whose destructor is f: one of the first 32, which need no malloc. */
bool threadend_key(pthread_key_t *key, void (*f)(void *value));

/*
 * The same keys in another libc, whose two functions these are: threads that it makes end as ours do. Once
 * for each, before they have values.
 */
void threadend_join(int (*create)(pthread_key_t *, void (*)(void *)), int (*drop)(pthread_key_t));

#endif
