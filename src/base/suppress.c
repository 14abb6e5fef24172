/*
 * suppress.c - see suppress.h. pure: everything by argument, no system call.
 *
 * The text is a user's file: any bytes, ended by a zero.
 */
#include "suppress.h"
#include "file.h"
#include "glob.h"

#define BARE_MAX 512

/* "f" of C++'s "f(int) const"; false: it has no parameters, or is too long. */
static bool without_parameters(const char *name, char bare[BARE_MAX])
{
	size_t end = 0, depth = 0;

	while (name[end])
		end++;
	while (end && name[end - 1] != ')')
		end--;
	do {
		if (!end--)
			return false;
		depth += name[end] == ')';
		depth -= name[end] == '(';
	} while (depth);
	if (!end || end >= BARE_MAX)
		return false;
	for (size_t i = 0; i < end; i++)
		bare[i] = name[i];
	bare[end] = 0;
	return true;
}

bool suppress_matches(const struct suppress_rule *r, enum suppress what, const char *name)
{
	char bare[BARE_MAX];

	if (r->what != what || !name)
		return false;
	if (what != SUPPRESS_FUN)
		return glob_matches_file(r->glob, r->glob_len, name);
	return glob_matches(r->glob, r->glob_len, name) ||
	       (without_parameters(name, bare) && glob_matches(r->glob, r->glob_len, bare));
}

static void understand(struct suppress_rule *r)
{
	static const struct {
		const char *name;
		size_t n;
		enum suppress what;
	} known[] = {{"fun:", 4, SUPPRESS_FUN}, {"module:", 7, SUPPRESS_MODULE},
		{"src:", 4, SUPPRESS_SRC}};

	r->what = SUPPRESS_BAD;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		size_t n = 0;

		while (n < known[i].n && n < r->line_len && r->line[n] == known[i].name[n])
			n++;
		if (n < known[i].n || n == r->line_len)
			continue;
		r->what = known[i].what;
		r->glob = r->line + n;
		r->glob_len = r->line_len - n;
	}
}

bool suppress_next(const char **text, unsigned *number, struct suppress_rule *r)
{
	const char *s = *text;

	while (*s) {
		const char *end = s, *from = s;

		while (*end && *end != '\n')
			end++;
		++*number;
		s = *end ? end + 1 : end;
		while (from < end && text_is_blank(*from))
			from++;
		while (end > from && text_is_blank(end[-1]))
			end--;
		*text = s;
		if (from == end || *from == '#')
			continue;
		*r = (struct suppress_rule){
			.line = from, .line_len = (size_t)(end - from), .number = *number};
		understand(r);
		return true;
	}
	*text = s;
	return false;
}
