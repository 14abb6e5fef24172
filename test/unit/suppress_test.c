// sources: src/base/suppress.c src/base/glob.c
/* The rules of --suppress: what is one, and what it matches. */
#include "unit.h"
#include "base/suppress.h"

static bool one(const char *text, struct suppress_rule *r)
{
	unsigned number = 0;

	return suppress_next(&text, &number, r);
}

static bool matches(const char *rule, enum suppress what, const char *name)
{
	struct suppress_rule r;

	return one(rule, &r) && suppress_matches(&r, what, name);
}

static void lines(void)
{
	const char *text =
		"# why\n\n  fun:a*b \r\nmodule:lib?.so\nsrc:/x/*.c\nfoo:bar\nfun:\nfun: x";
	static const struct {
		enum suppress what;
		unsigned number;
		const char *line;
	} want[] = {{SUPPRESS_FUN, 3, "fun:a*b"}, {SUPPRESS_MODULE, 4, "module:lib?.so"},
		{SUPPRESS_SRC, 5, "src:/x/*.c"}, {SUPPRESS_BAD, 6, "foo:bar"},
		{SUPPRESS_BAD, 7, "fun:"}, {SUPPRESS_FUN, 8, "fun: x"}};
	struct suppress_rule r;
	unsigned number = 0;

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		CHECK(suppress_next(&text, &number, &r));
		CHECK_EQ(r.what, want[i].what);
		CHECK_EQ(r.number, want[i].number);
		CHECK_EQ(r.line_len, strlen(want[i].line));
		CHECK(!strncmp(r.line, want[i].line, r.line_len));
	}
	CHECK(!suppress_next(&text, &number, &r));
	CHECK(!one("", &r));
	CHECK(!one("\n \n# only\n", &r));
}

static void globs(void)
{
	CHECK(matches("fun:main", SUPPRESS_FUN, "main"));
	CHECK(!matches("fun:main", SUPPRESS_FUN, "mains"));
	CHECK(!matches("fun:main", SUPPRESS_FUN, "xmain"));
	CHECK(!matches("fun:main", SUPPRESS_MODULE, "main"));
	CHECK(!matches("fun:main", SUPPRESS_FUN, NULL));
	CHECK(matches("fun:*", SUPPRESS_FUN, ""));
	CHECK(matches("fun:a*c*e", SUPPRESS_FUN, "abcbcde"));
	CHECK(!matches("fun:a*c*e", SUPPRESS_FUN, "abcbcdef"));
	CHECK(matches("fun:std::?ector<*>::*", SUPPRESS_FUN, "std::vector<int>::push_back"));
	CHECK(!matches("fun:a/*", SUPPRESS_FUN, "x/a/b"));
	CHECK(matches("fun:leaf::go", SUPPRESS_FUN, "leaf::go(int (*)(char)) const"));
	CHECK(matches("fun:leaf::go(int)", SUPPRESS_FUN, "leaf::go(int)"));
	CHECK(!matches("fun:leaf::go(char)", SUPPRESS_FUN, "leaf::go(int)"));
	CHECK(!matches("fun:leaf", SUPPRESS_FUN, "leaf::go(int)"));
	CHECK(!matches("fun:f", SUPPRESS_FUN, "f(int)::{lambda(int)#1}::operator()(int) const"));
	CHECK(matches("fun:*::operator()", SUPPRESS_FUN,
		"f(int)::{lambda(int)#1}::operator()(int) const"));
	CHECK(!matches("fun:", SUPPRESS_FUN, "(int)"));
	CHECK(!matches("fun:f", SUPPRESS_FUN, "f)"));
	CHECK(!matches("module:f", SUPPRESS_MODULE, "f(int)"));
	CHECK(matches("module:libfoo.so*", SUPPRESS_MODULE, "/usr/lib/libfoo.so.1"));
	CHECK(matches("module:/usr/*", SUPPRESS_MODULE, "/usr/lib/libfoo.so.1"));
	CHECK(!matches("module:lib/libfoo*", SUPPRESS_MODULE, "/usr/lib/libfoo.so.1"));
	CHECK(matches("src:x.c", SUPPRESS_SRC, "/home/me/x.c"));
	CHECK(!matches("fun:*a*a*a*a*a*a*a*a*a*a*b", SUPPRESS_FUN,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
	RUN(lines);
	RUN(globs);
	return UNIT_END();
}
