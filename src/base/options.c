/*
 * options.c - see options.h. pure: everything by argument, no system call.
 *
 * The rule that breaks it: this runs inside the very first malloc, before libc is initialised:
 * no locale, no errno, no allocation, hence own loops and out_snprintf.
 */
#include "options.h"

#include <errno.h>

enum kind { KIND_ENUM, KIND_NUM, KIND_BOOL, KIND_STR };

struct row {
	const char *name;
	enum kind kind;
	unsigned offset; /* of the member in struct options */
	unsigned long dflt, min, max;
	const char *words;
	const char *help;
};

#define AT(name) offsetof(struct options, name)
static const struct row rows[] = {
#define OPT_ENUM(name, dflt, words, help)   {#name, KIND_ENUM, AT(name), dflt, 0, 0, words, help},
#define OPT_NUM(name, dflt, min, max, help) {#name, KIND_NUM, AT(name), dflt, min, max, NULL, help},
#define OPT_BOOL(name, dflt, help)	    {#name, KIND_BOOL, AT(name), dflt, 0, 1, NULL, help},
#define OPT_STR(name, help)		    {#name, KIND_STR, AT(name), 0, 0, 0, NULL, help},
#define PROFILE(profile, name, value)
#include "options.def"
};
_Static_assert(ARRAY_LEN(rows) <= 64, "struct options.explicit has one bit per row");

static const struct {
	unsigned profile;
	unsigned offset;
	unsigned long value;
} profiles[] = {
#define OPT_ENUM(name, dflt, words, help)
#define OPT_NUM(name, dflt, min, max, help)
#define OPT_BOOL(name, dflt, help)
#define OPT_STR(name, help)
#define PROFILE(profile, name, value) {PROFILE_##profile, AT(name), value},
#include "options.def"
};

static char fold(char c)
{
	return c == '_' ? '-' : c;
}

/* Does s, up to n bytes, spell word? '-' and '_' are the same. */
static bool spells(const char *s, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n && word[i]; i++)
		if (fold(s[i]) != fold(word[i]))
			return false;
	return i == n && !word[i];
}

static const struct row *row_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (spells(name, n, rows[i].name))
			return &rows[i];
	return NULL;
}

static void store(struct options *o, const struct row *r, unsigned long v)
{
	char *at = (char *)o + r->offset;

	if (r->kind == KIND_ENUM)
		*(unsigned *)(void *)at = (unsigned)v;
	else if (r->kind == KIND_NUM)
		*(unsigned long *)(void *)at = v;
	else if (r->kind == KIND_BOOL)
		*(bool *)at = v != 0;
	else
		at[0] = 0;
}

static unsigned long load(const struct options *o, const struct row *r)
{
	const char *at = (const char *)o + r->offset;

	if (r->kind == KIND_ENUM)
		return *(const unsigned *)(const void *)at;
	if (r->kind == KIND_NUM)
		return *(const unsigned long *)(const void *)at;
	return *(const bool *)at;
}

static uint64_t bit_of(const struct row *r)
{
	return 1ULL << (r - rows);
}

void options_default(struct options *o)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		store(o, &rows[i], rows[i].dflt);
	o->explicit = 0;
	o->off = o->asked = false;
}

void options_finish(struct options *o)
{
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		for (size_t j = 0; j < ARRAY_LEN(rows); j++)
			if (profiles[i].profile == o->profile &&
				profiles[i].offset == rows[j].offset &&
				!(o->explicit & bit_of(&rows[j])))
				store(o, &rows[j], profiles[i].value);
}

#define WORD_MAX 40

/* Edits (insert, delete, replace, swap) from a to b; WORD_MAX if either is too long to care. */
static unsigned distance(const char *a, const char *b)
{
	unsigned char row[3][WORD_MAX + 1];
	size_t la = __builtin_strlen(a), lb = __builtin_strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned char *cur = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];

		cur[0] = (unsigned char)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned d = up[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));

			d = MIN(d, up[j] + 1u);
			d = MIN(d, cur[j - 1] + 1u);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
				fold(a[i - 2]) == fold(b[j - 1]))
				d = MIN(d, up2[j - 2] + 1u);
			cur[j] = (unsigned char)d;
		}
	}
	return row[la % 3][lb];
}

static void nearer(const char **best, unsigned *bestd, const char *word, const char *name)
{
	unsigned d = distance(word, name);

	if (d < *bestd) {
		*best = name;
		*bestd = d;
	}
}

/* Farther than a third of the word is no misspelling but another word. */
static unsigned near_enough(const char *word)
{
	return (unsigned)MAX(2, MIN(__builtin_strlen(word), WORD_MAX) / 3) + 1;
}

const char *options_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned bestd = near_enough(word);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		nearer(&best, &bestd, word, rows[i].name);
	for (size_t i = 0; names && names[i]; i++)
		nearer(&best, &bestd, word, names[i]);
	return best;
}

/* Copies word i of "a|b|c"; false behind the last. */
static bool word_at(const char *words, unsigned i, char *dst, size_t size)
{
	size_t n = 0;

	for (; i; i--) {
		while (*words && *words != '|')
			words++;
		if (!*words++)
			return false;
	}
	for (; words[n] && words[n] != '|' && n + 1 < size; n++)
		dst[n] = words[n];
	dst[n] = 0;
	return true;
}

const char *option_word(const char *name, unsigned v, char *dst, size_t size)
{
	const struct row *r = row_find(name, __builtin_strlen(name));

	return r && r->kind == KIND_ENUM && word_at(r->words, v, dst, size) ? dst : NULL;
}

/* A name as the user types it: with '-'. */
static const char *shown(const char *name, char *dst, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		dst[i] = fold(name[i]);
	dst[i] = 0;
	return dst;
}

static int set_enum(struct options *o, const struct row *r, const char *v, const char *subject,
	char *why, size_t size)
{
	char word[WORD_MAX], best[WORD_MAX] = "", list[200];
	unsigned bestd = near_enough(v);
	size_t at = 0;

	for (unsigned i = 0; word_at(r->words, i, word, sizeof(word)); i++) {
		unsigned d = distance(v, word);

		if (!d) {
			store(o, r, i);
			return 0;
		}
		if (d < bestd) {
			bestd = d;
			out_snprintf(best, sizeof(best), "%s", word);
		}
		at += out_snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", word);
	}
	if (best[0])
		out_snprintf(
			why, size, "%s is not one of %s: did you mean '%s'?", subject, list, best);
	else
		out_snprintf(why, size, "%s is not one of %s", subject, list);
	return -EINVAL;
}

/* Decimal digits and one of k, m, g, t; false if anything else stands there or it overflows. */
static bool parse_number(const char *s, unsigned long *v)
{
	static const char suffix[] = "kmgt";
	unsigned long n = 0;

	if (!*s)
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(n, 10UL, &n) ||
			__builtin_add_overflow(n, (unsigned long)(*s - '0'), &n))
			return false;
	for (unsigned i = 0; *s && i < 4; i++)
		if ((*s | 0x20) == suffix[i]) {
			if (__builtin_mul_overflow(n, 1UL << (10 * (i + 1)), &n))
				return false;
			s++;
			break;
		}
	*v = n;
	return !*s;
}

static int set_num(struct options *o, const struct row *r, const char *v, const char *subject,
	char *why, size_t size)
{
	unsigned long n;

	if (*v < '0' || *v > '9' || !parse_number(v, &n)) {
		out_snprintf(why, size,
			"%s is not a number from %lu to %lu (suffixes k, m, g, t allowed)", subject,
			r->min, r->max);
		return -EINVAL;
	}
	if (n < r->min || n > r->max) {
		out_snprintf(
			why, size, "%s is out of range: from %lu to %lu", subject, r->min, r->max);
		return -EINVAL;
	}
	store(o, r, n);
	return 0;
}

static int set_bool(struct options *o, const struct row *r, const char *v, const char *subject,
	char *why, size_t size)
{
	static const char *const words[] = {"off", "on", "no", "yes", "0", "1", "false", "true"};

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (spells(v, __builtin_strlen(v), words[i])) {
			store(o, r, i & 1);
			return 0;
		}
	out_snprintf(why, size, "%s is neither on nor off", subject);
	return -EINVAL;
}

static int set_str(struct options *o, const struct row *r, const char *v, const char *subject,
	char *why, size_t size)
{
	if (__builtin_strlen(v) >= OPTION_STR_SIZE) {
		out_snprintf(why, size, "%s is longer than %d bytes", subject, OPTION_STR_SIZE - 1);
		return -EINVAL;
	}
	out_snprintf((char *)o + r->offset, OPTION_STR_SIZE, "%s", v);
	return 0;
}

/* value == NULL: the bare name was given. */
static int row_set(struct options *o, const struct row *r, const char *value, const char *dashes,
	char *why, size_t size)
{
	char subject[OPTION_STR_SIZE], name[WORD_MAX], word[WORD_MAX];
	int err;

	shown(r->name, name, sizeof(name));
	if (!value && r->kind == KIND_BOOL)
		value = "on";
	if (!value) {
		if (r->kind == KIND_ENUM && word_at(r->words, 0, word, sizeof(word)))
			out_snprintf(why, size, "%s%s needs a value, as in %s%s=%s", dashes, name,
				dashes, name, word);
		else
			out_snprintf(why, size, "%s%s needs a value, as in %s%s=%s", dashes, name,
				dashes, name, r->kind == KIND_NUM ? "N" : "FILE");
		return -EINVAL;
	}
	out_snprintf(subject, sizeof(subject), "%s%s: '%s'", dashes, name, value);
	err = r->kind == KIND_ENUM   ? set_enum(o, r, value, subject, why, size)
	      : r->kind == KIND_NUM  ? set_num(o, r, value, subject, why, size)
	      : r->kind == KIND_BOOL ? set_bool(o, r, value, subject, why, size)
				     : set_str(o, r, value, subject, why, size);
	if (!err)
		o->explicit |= bit_of(r);
	return err;
}

int option_set(struct options *o, const char *text, const char *dashes, char *why, size_t size)
{
	char name[WORD_MAX + 1], hint[WORD_MAX + 1];
	const struct row *r;
	const char *near;
	size_t n = 0;
	bool no;

	while (text[n] && text[n] != '=')
		n++;
	r = row_find(text, n);
	if (r)
		return row_set(o, r, text[n] ? text + n + 1 : NULL, dashes, why, size);
	no = n > 3 && spells(text, 3, "no-");
	r = no ? row_find(text + 3, n - 3) : NULL;
	if (r && r->kind == KIND_BOOL && !text[n])
		return row_set(o, r, "off", dashes, why, size);
	out_snprintf(name, MIN(sizeof(name), n + 1), "%s", text);
	if (r && r->kind == KIND_BOOL) {
		out_snprintf(why, size, "%s%s takes no value", dashes, name);
		return -EINVAL;
	}
	near = options_nearest(no ? name + 3 : name, NULL);
	if (near && no && row_find(near, __builtin_strlen(near))->kind != KIND_BOOL)
		near = NULL;
	if (near)
		out_snprintf(why, size, "unknown option '%s%s': did you mean '%s%s%s'?", dashes,
			name, dashes, no ? "no-" : "", shown(near, hint, sizeof(hint)));
	else
		out_snprintf(why, size, "unknown option '%s%s'", dashes, name);
	return -EINVAL;
}

void options_parse(struct options *o, const char *text, void (*bad)(const char *why))
{
	char item[OPTION_STR_SIZE + WORD_MAX], why[OPTION_STR_SIZE * 2];
	size_t n = 0;

	for (;; text++) {
		if (*text == ':' || !*text) {
			item[n] = 0;
			if (n && option_set(o, item, "", why, sizeof(why)))
				bad(why);
			n = 0;
			if (!*text)
				return;
			continue;
		}
		if (*text == '\\' && text[1])
			text++;
		if (n + 1 < sizeof(item))
			item[n++] = *text;
	}
}

static size_t format_str(const char *s, char *dst, size_t size)
{
	size_t n = 0;

	for (; *s && n + 2 < size; s++) {
		if (*s == ':' || *s == '\\')
			dst[n++] = '\\';
		dst[n++] = *s;
	}
	if (size)
		dst[n] = 0;
	return n;
}

size_t options_format(const struct options *o, char *dst, size_t size)
{
	char word[WORD_MAX];
	size_t at = 0;

	if (size)
		dst[0] = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (!(o->explicit & bit_of(r)))
			continue;
		at += out_snprintf(dst + at, size - at, "%s%s=", at ? ":" : "", r->name);
		if (r->kind == KIND_STR)
			at += format_str((const char *)o + r->offset, dst + at, size - at);
		else if (r->kind == KIND_ENUM &&
			 word_at(r->words, (unsigned)load(o, r), word, sizeof(word)))
			at += out_snprintf(dst + at, size - at, "%s", word);
		else
			at += out_snprintf(dst + at, size - at, "%lu", load(o, r));
	}
	return at;
}

void options_help(void (*entry)(struct out *o, const char *left, const char *text), struct out *o)
{
	char name[WORD_MAX], left[120], word[WORD_MAX], text[320];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		shown(r->name, name, sizeof(name));
		if (r->kind == KIND_ENUM) {
			out_snprintf(left, sizeof(left), "--%s=%s", name, r->words);
			word_at(r->words, (unsigned)r->dflt, word, sizeof(word));
		} else if (r->kind == KIND_NUM) {
			out_snprintf(left, sizeof(left), "--%s=N", name);
			out_snprintf(word, sizeof(word), "%lu", r->dflt);
		} else if (r->kind == KIND_BOOL) {
			out_snprintf(left, sizeof(left), "--[no-]%s", name);
			out_snprintf(word, sizeof(word), "%s", r->dflt ? "on" : "off");
		} else {
			out_snprintf(left, sizeof(left), "--%s=FILE", name);
			out_snprintf(word, sizeof(word), "none");
		}
		out_snprintf(text, sizeof(text), "%s (default: %s)", r->help, word);
		entry(o, left, text);
	}
}
