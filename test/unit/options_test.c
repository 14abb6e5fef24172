// sources: src/base/options.c src/base/out.c
#include "unit.h"
#include "base/options.h"

#include <errno.h>

static char why[600];
static char warned[2000];

static int set(struct options *o, const char *text)
{
	why[0] = 0;
	return option_set(o, text, "--", why, sizeof(why));
}

static void note(const char *w)
{
	strcat(strcat(warned, w), ";");
}

#define SAYS(text, message)                                                           \
	do {                                                                          \
		CHECK_EQ(set(&o, text), -EINVAL);                                     \
		if (strcmp(why, message))                                             \
			printf("# %s\n# said: %s\n# want: %s\n", text, why, message); \
		CHECK(!strcmp(why, message));                                         \
	} while (0)

static void defaults(void)
{
	struct options o;

	options_default(&o);
	options_finish(&o);
	CHECK_EQ(o.detect, DETECT_ADAPTIVE);
	CHECK_EQ(o.strict_share, 5);
	CHECK_EQ(o.backend, BACKEND_HOST);
	CHECK_EQ(o.profile, PROFILE_DEBUG);
	CHECK_EQ(o.defer_ms, 4000);
	CHECK(o.stacks && o.follow && !o.stats && !o.quiet && !o.log[0]);
	CHECK_EQ(o.explicit, 0);
}

/* The hand-written names of the indices in options.h against the words of options.def. */
static void enum_words(void)
{
	static const struct {
		const char *name, *word;
		unsigned v;
	} t[] = {
		{"backend", "auto", BACKEND_AUTO},
		{"backend", "host", BACKEND_HOST},
		{"backend", "kvm", BACKEND_KVM},
		{"detect", "strict", DETECT_STRICT},
		{"detect", "adaptive", DETECT_ADAPTIVE},
		{"detect", "deferred", DETECT_DEFERRED},
		{"detect", "grouped", DETECT_GROUPED},
		{"on_error", "stop", ON_ERROR_STOP},
		{"on_error", "continue", ON_ERROR_CONTINUE},
		{"profile", "debug", PROFILE_DEBUG},
		{"profile", "test", PROFILE_TEST},
		{"profile", "production", PROFILE_PRODUCTION},
	};
	char word[40];

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		CHECK(!strcmp(option_word(t[i].name, t[i].v, word, sizeof(word)), t[i].word));
	CHECK(!option_word("backend", 3, word, sizeof(word)));
	CHECK(!option_word("detect", 4, word, sizeof(word)));
	CHECK(!option_word("defer-ms", 0, word, sizeof(word)));
}

static void values(void)
{
	struct options o;

	options_default(&o);
	CHECK_EQ(set(&o, "detect=grouped"), 0);
	CHECK_EQ(o.detect, DETECT_GROUPED);
	CHECK_EQ(set(&o, "defer-bytes=3m"), 0);
	CHECK_EQ(o.defer_bytes, 3 << 20);
	CHECK_EQ(set(&o, "defer_bytes=16G"), 0);
	CHECK_EQ(o.defer_bytes, 17179869184);
	CHECK_EQ(set(&o, "vspace=128t"), 0);
	CHECK_EQ(o.vspace, 1UL << 47);
	CHECK_EQ(set(&o, "no-stacks"), 0);
	CHECK(!o.stacks);
	CHECK_EQ(set(&o, "stacks=yes"), 0);
	CHECK(o.stacks);
	CHECK_EQ(set(&o, "stats"), 0);
	CHECK(o.stats);
	CHECK_EQ(set(&o, "log=/tmp/x=%p"), 0);
	CHECK(!strcmp(o.log, "/tmp/x=%p"));
}

static void refusals(void)
{
	struct options o, before;
	char longest[400];

	memset(&o, 0, sizeof(o));
	options_default(&o);
	before = o;
	SAYS("detct=strict", "unknown option '--detct': did you mean '--detect'?");
	SAYS("defer-frame=1", "unknown option '--defer-frame': did you mean '--defer-frees'?");
	SAYS("no-stack", "unknown option '--no-stack': did you mean '--no-stacks'?");
	SAYS("no-detect", "unknown option '--no-detect'");
	SAYS("no-stacks=1", "--no-stacks takes no value");
	SAYS("no-detect=x", "unknown option '--no-detect'");
	SAYS("verbose", "unknown option '--verbose'");
	SAYS("", "unknown option '--'");
	SAYS("detect=strct",
		"--detect: 'strct' is not one of strict, adaptive, deferred, grouped: did you mean "
		"'strict'?");
	SAYS("detect=never", "--detect: 'never' is not one of strict, adaptive, deferred, grouped");
	SAYS("detect", "--detect needs a value, as in --detect=strict");
	SAYS("defer-ms", "--defer-ms needs a value, as in --defer-ms=N");
	SAYS("log", "--log needs a value, as in --log=FILE");
	SAYS("defer-ms=0", "--defer-ms: '0' is out of range: from 1 to 3600000");
	SAYS("defer-ms=4m", "--defer-ms: '4m' is out of range: from 1 to 3600000");
	SAYS("defer-ms=",
		"--defer-ms: '' is not a number from 1 to 3600000 (suffixes k, m, g, t allowed)");
	SAYS("defer-ms=k",
		"--defer-ms: 'k' is not a number from 1 to 3600000 (suffixes k, m, g, t allowed)");
	SAYS("defer-ms=-16", "--defer-ms: '-16' is not a number from 1 to 3600000 (suffixes k, m, "
			     "g, t allowed)");
	SAYS("defer-ms=64kk", "--defer-ms: '64kk' is not a number from 1 to 3600000 (suffixes k, "
			      "m, g, t allowed)");
	SAYS("defer-ms=18446744073709551680", /* 2^64 + 64 */
		"--defer-ms: '18446744073709551680' is not a number from 1 to 3600000 (suffixes k, "
		"m, "
		"g, t "
		"allowed)");
	SAYS("defer-ms=18014398509481985k",
		"--defer-ms: '18014398509481985k' is not a number from 1 to "
		"3600000 (suffixes k, m, g, t "
		"allowed)");
	SAYS("stacks=maybe", "--stacks: 'maybe' is neither on nor off");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "log=", 4);
	longest[4 + 256] = 0;
	CHECK_EQ(set(&o, longest), -EINVAL);
	CHECK(strstr(why, "is longer than 255 bytes"));
	longest[4 + 255] = 0;
	CHECK(!memcmp(&o, &before, sizeof(o)));
	CHECK_EQ(set(&o, longest), 0);
	CHECK_EQ(strlen(o.log), 255);
}

static void profile(void)
{
	struct options o;

	options_default(&o);
	CHECK_EQ(set(&o, "profile=production"), 0);
	options_finish(&o);
	CHECK_EQ(o.detect, DETECT_GROUPED);
	CHECK(!o.stacks && o.quiet);

	/* what is set explicitly wins, whatever the order */
	options_default(&o);
	CHECK_EQ(set(&o, "stacks"), 0);
	CHECK_EQ(set(&o, "profile=production"), 0);
	CHECK_EQ(set(&o, "detect=strict"), 0);
	options_finish(&o);
	CHECK_EQ(o.detect, DETECT_STRICT);
	CHECK(o.stacks && o.quiet);
}

static void environment(void)
{
	struct options o;

	options_default(&o);
	warned[0] = 0;
	options_parse(&o, "", note);
	CHECK_EQ(o.explicit, 0);
	options_parse(&o, "detct=strict:defer-ms=64::log=/a\\:b\\\\c:stacks=2:stats", note);
	CHECK(!strcmp(warned, "unknown option 'detct': did you mean 'detect'?;"
			      "stacks: '2' is neither on nor off;"));
	CHECK_EQ(o.defer_ms, 64);
	CHECK(o.stacks && o.stats);
	CHECK(!strcmp(o.log, "/a:b\\c"));
}

static void round_trip(void)
{
	struct options o, p;
	char text[1000], again[1000];

	options_default(&o);
	CHECK_EQ(options_format(&o, text, sizeof(text)), 0);
	options_parse(
		&o, "log=/a\\:b\\\\c:detect=deferred:no-stacks:vspace=1g:profile=production", note);
	CHECK_EQ(options_format(&o, text, sizeof(text)), strlen(text));
	CHECK(!strcmp(text, "detect=deferred:profile=production:vspace=1073741824:stacks=0:"
			    "log=/a\\:b\\\\c"));
	warned[0] = 0;
	options_default(&p);
	options_parse(&p, text, note);
	options_format(&p, again, sizeof(again));
	CHECK(!warned[0] && !strcmp(text, again));
	CHECK_EQ(o.explicit, p.explicit);
	/* never writes behind its end */
	memset(again, 'z', sizeof(again));
	options_format(&p, again, 30);
	CHECK(strlen(again) < 30 && again[30] == 'z');
}

static void nearest(void)
{
	static const char *const extra[] = {"help", "probe", NULL};

	CHECK(!strcmp(options_nearest("hlep", extra), "help"));
	CHECK(!strcmp(options_nearest("detect", extra), "detect"));
	CHECK(!strcmp(options_nearest("DETECT", extra) ?: "-", "-"));
	CHECK(!options_nearest("zzzzzz", extra));
	CHECK(!options_nearest("a_word_that_is_much_longer_than_any_option_name_there_is", extra));
}

int main(void)
{
	RUN(defaults);
	RUN(enum_words);
	RUN(values);
	RUN(refusals);
	RUN(profile);
	RUN(environment);
	RUN(round_trip);
	RUN(nearest);
	return UNIT_END();
}
