/*
 * demangle.c - names for people (dwarf.h): C++'s by the one demangler that every machine with C++
 * programs has, libstdc++'s, looked up when it is needed, for the command is C; and Rust's older
 * ones, which are C++ names with a hash at the end and escapes for what C++ has not.
 */
#include "dwarf.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define HASH "::h0123456789abcdef"

/* Where its hash begins; NULL: it is not Rust's. */
static char *rust_hash(char *name)
{
	size_t n = strlen(name), hash = strlen(HASH);
	char *at = name + n - hash;

	if (n <= hash || strncmp(at, "::h", 3) || strspn(at + 3, "0123456789abcdef") != hash - 3)
		return NULL;
	return at;
}

/* Of $WORD$ at s the character, to *c; its length, or 0 if it is none. */
static size_t rust_escape(const char *s, char *c)
{
	static const char words[][3] = {"LT", "GT", "RF", "BP", "LP", "RP", "SP", "C"};
	const char *end = strchr(s + 1, '$');
	size_t n = end ? (size_t)(end - s) - 1 : 0;

	if (n == 3 && s[1] == 'u') {
		unsigned long v = strtoul(s + 2, NULL, 16);

		if (v < ' ' || v > '~')
			return 0;
		*c = (char)v;
		return n + 2;
	}
	for (size_t i = 0; n && i < ARRAY_LEN(words); i++)
		if (strlen(words[i]) == n && !strncmp(s + 1, words[i], n)) {
			*c = "<>&*()@,"[i];
			return n + 2;
		}
	return 0;
}

/* In place: it only gets shorter. */
static void rust_plain(char *s, const char *end)
{
	char *to = s, *first = s;
	size_t n;

	while (s < end) {
		if (s[0] == '_' && s[1] == '$' && (s == first || s[-1] == ':')) /* as it begins */
			s++;
		n = *s == '$' ? rust_escape(s, to) : 0;
		if (n) {
			s += n;
			to++;
		} else if (s[0] == '.' && s[1] == '.') {
			*to++ = ':';
			*to++ = ':';
			s += 2;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

const char *demangle(const char *name)
{
	static char *(*fn)(const char *, char *, size_t *, int *);
	static bool tried;
	char *plain, *hash;
	int status;

	if (!name || strncmp(name, "_Z", 2))
		return name;
	if (!tried) {
		void *lib = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

		*(void **)&fn = lib ? dlsym(lib, "__cxa_demangle") : NULL;
		tried = true;
	}
	plain = fn ? fn(name, NULL, NULL, &status) : NULL;
	hash = plain ? rust_hash(plain) : NULL;
	if (hash)
		rust_plain(plain, hash);
	return plain ? plain : name;
}
