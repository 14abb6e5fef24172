/* conf.c - see conf.h. pure: everything by argument, no system call. */
#include "conf.h"
#include "file.h"
#include "glob.h"

#define WORD_BYTES (OPTION_STR_SIZE + 64)

/* The next word of the line that ends at `end`; its length, 0: no more. */
static size_t word_next(const char **at, const char *end)
{
	size_t n = 0;

	while (*at < end && text_is_blank(**at))
		++*at;
	while (*at + n < end && !text_is_blank((*at)[n]))
		n++;
	return n;
}

static int word_apply(struct options *o, const char *at, size_t n, char *why, size_t size)
{
	char word[WORD_BYTES];

	if (n >= sizeof(word)) {
		out_snprintf(why, size, "a word of %zu bytes", n);
		return -1;
	}
	__builtin_memcpy(word, at, n);
	word[n] = 0;
	if (__builtin_strcmp(word, "off") && __builtin_strcmp(word, "on"))
		return option_set(o, word, "", why, size);
	o->off = n == 3;
	return 0;
}

/* False: something of it is wrong, and nothing of it counts. */
static bool line_apply(struct options *o, const char *at, const char *end, const char *program,
	char *why, size_t size)
{
	struct options with = *o;
	size_t glob_len = word_next(&at, end), words = 0, n;
	const char *glob = at;

	if (!glob_len || *glob == '#')
		return true;
	for (at += glob_len; (n = word_next(&at, end)) && *at != '#'; at += n, words++)
		if (word_apply(&with, at, n, why, size))
			return false;
	if (!words)
		out_snprintf(
			why, size, "says nothing of its programs: GLOB off, or GLOB OPTION...");
	else if (glob_matches_file(glob, glob_len, program))
		*o = with;
	return words;
}

void conf_apply(struct options *o, const char *text, const char *program,
	void (*bad)(unsigned line, const char *why))
{
	char why[OPTION_STR_SIZE * 2];
	bool said = false;

	for (unsigned line = 1; *text; line++) {
		const char *end = text;

		while (*end && *end != '\n')
			end++;
		if (!line_apply(o, text, end, program, why, sizeof(why)) && !said) {
			bad(line, why);
			said = true;
		}
		text = *end ? end + 1 : end;
	}
}
