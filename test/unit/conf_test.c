// sources: src/base/conf.c src/base/glob.c src/base/options.c src/base/out.c
/* The lines of /etc/undangle.d: which count for a program, which are wrong, and any bytes at all. */
#include "unit.h"
#include "base/conf.h"

static unsigned nbad, bad_line;
static char bad_why[600];

static void bad(unsigned line, const char *why)
{
	nbad++;
	bad_line = line;
	snprintf(bad_why, sizeof(bad_why), "%s", why);
}

static struct options apply(const char *text, const char *program)
{
	struct options o;

	nbad = 0;
	options_default(&o);
	conf_apply(&o, text, program, bad);
	return o;
}

static void counts(void)
{
	CHECK_EQ(apply("/bin/a detect=strict", "/bin/a").detect, DETECT_STRICT);
	CHECK_EQ(apply("/bin/a detect=strict", "/bin/b").detect, DETECT_ADAPTIVE);
	CHECK_EQ(apply("a detect=strict", "/bin/a").detect, DETECT_STRICT);
	CHECK_EQ(apply("b*n/a detect=strict", "/bin/a").detect, DETECT_ADAPTIVE);
	CHECK_EQ(apply("*/a\tdetect=strict\r\n\n  * detect=grouped stats \n", "/bin/a").detect,
		DETECT_GROUPED);
	CHECK(apply("* stats # quiet", "/bin/a").stats);
	CHECK(!apply("* stats # quiet", "/bin/a").quiet);
	CHECK(!apply("#* stats", "/bin/a").stats);
	CHECK(apply("* off", "").off);
	CHECK(!apply("* off\n* on", "").off);
	CHECK(apply("* off\nb on\n", "/a").off);
	CHECK_EQ(nbad, 0);
}

static void wrong(void)
{
	struct options o = apply("\n* stats detct=strict\n* what\n* quiet", "/bin/a");

	CHECK(!o.stats && o.quiet);
	CHECK_EQ(nbad, 1);
	CHECK_EQ(bad_line, 2);
	CHECK(!strcmp(bad_why, "unknown option 'detct': did you mean 'detect'?"));
	apply("other\n", "/bin/a");
	CHECK_EQ(nbad, 1);
	CHECK(!strcmp(bad_why, "says nothing of its programs: GLOB off, or GLOB OPTION..."));
	/* A line for others is looked at, too. */
	apply("other detct=strict\n", "/bin/a");
	CHECK_EQ(nbad, 1);
}

static void any_bytes(void)
{
	static const char words[] =
		"*?/ab \t\r\n#=.:,off on stats detect=strict log= 0123456789\\\x80\xff";
	static char text[2000];
	uint32_t r = 1;

	for (int round = 0; round < 3000; round++) {
		size_t n = round % (sizeof(text) - 1);

		for (size_t i = 0; i < n; i++) {
			r = r * 1103515245 + 12345;
			text[i] = round & 1 ? words[(r >> 16) % (sizeof(words) - 1)]
					    : (char)(r >> 16 | 1);
		}
		text[n] = 0;
		apply(text, "/bin/a");
		CHECK(nbad <= 1);
	}
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "* log=", 6);
	apply(text, "/bin/a");
	CHECK_EQ(nbad, 1);
}

int main(void)
{
	RUN(counts);
	RUN(wrong);
	RUN(any_bytes);
	return UNIT_END();
}
