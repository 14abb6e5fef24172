/* glob.c - see glob.h. pure. */
#include "glob.h"

bool glob_matches(const char *g, size_t n, const char *s)
{
	const char *end = g + n, *star = NULL, *from = NULL;

	while (*s) {
		if (g < end && *g == '*') {
			star = ++g;
			from = s;
		} else if (g < end && (*g == '?' || *g == *s)) {
			g++;
			s++;
		} else if (star) {
			g = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (g < end && *g == '*')
		g++;
	return g == end;
}

bool glob_matches_file(const char *g, size_t n, const char *path)
{
	const char *base = path;

	if (glob_matches(g, n, path))
		return true;
	for (const char *s = path; *s; s++)
		base = *s == '/' ? s + 1 : base;
	return base != path && glob_matches(g, n, base);
}
