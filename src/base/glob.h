/*
 * glob.h - names with * (any text) and ? (any character). pure.
 *
 * No recursion: a glob of many stars must not cost more than their number times the name.
 */
#ifndef UD_GLOB_H
#define UD_GLOB_H

#include "words.h"

/* g: n bytes. */
bool glob_matches(const char *g, size_t n, const char *s);

/* The path as a whole, or the file's name. */
bool glob_matches_file(const char *g, size_t n, const char *path);

#endif
