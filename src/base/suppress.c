/*
 * suppress.c - see suppress.h. pure: everything by argument, no system call.
 *
 * The text is a user's file: any bytes, ended by a zero.
 */
#include "suppress.h"
#include "glob.h"

bool suppress_matches(const struct suppress_rule *r, enum suppress what, const char *name)
{
	return r->what == what && name &&
	       (what == SUPPRESS_FUN ? glob_matches : glob_matches_file)(
		       r->glob, r->glob_len, name);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
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
		while (from < end && is_blank(*from))
			from++;
		while (end > from && is_blank(end[-1]))
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
