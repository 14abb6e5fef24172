/*
 * enable.c - undangle enable UNIT, undangle disable UNIT: a drop-in file that has systemd start a service
 * with the library in LD_PRELOAD.
 *
 * Writes the one file and says what is to be run; systemd itself is never called, so that it works in
 * an image that is being built, too (--root=DIR). What breaks it: a value that systemd.exec(5) reads
 * otherwise than it was meant: quoted() knows what it makes of \, " and %.
 */
#include "cli.h"
#include "utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[PATH_MAX], file[PATH_MAX + 16], whole[PATH_MAX / 2];
static const char *root = "", *unit; /* as it was called; whole: with its suffix */

/* --root=DIR, first; how many arguments that takes. */
static int root_take(int argc, char **argv)
{
	if (argc < 2 || strncmp(argv[1], "--root=", 7))
		return 0;
	root = argv[1] + 7;
	if (*root != '/')
		refuse("%s: --root=%s: is no absolute path", argv[0], root);
	return 1;
}

static void unit_take(const char *verb, const char *name)
{
	static const char *const others[] = {".socket", ".mount", ".swap", ".timer", ".path",
		".target", ".slice", ".scope", ".device", ".automount"};
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		":-_.\\@";
	const char *end = name ? strrchr(name, '.') : NULL;

	if (!name)
		refuse("%s: no unit given: undangle %s UNIT", verb, verb);
	if (*name == '-')
		refuse("%s: unknown option '%s'", verb, name);
	if (!*name || *name == '.' || name[strspn(name, allowed)])
		refuse("%s: '%s' is no name of a unit", verb, name);
	for (size_t i = 0; end && i < ARRAY_LEN(others); i++)
		if (!strcmp(end, others[i]))
			refuse("%s: '%s' is no service", verb, name);
	unit = name;
	if (strlen(root) + strlen(name) > PATH_MAX / 2)
		refuse("%s: %s: the path of its file is too long", verb, name);
	snprintf(whole, sizeof(whole), "%s%s", name,
		end && !strcmp(end, ".service") ? "" : ".service");
	snprintf(directory, sizeof(directory), "%s/etc/systemd/system/%s.d", root, whole);
	snprintf(file, sizeof(file), "%s/undangle.conf", directory);
}

/* Where systemd looks for units; x@y.service is made of x@.service. What is not there may come. */
static void unit_look(void)
{
	static const char *const in[] = {"/etc/systemd/system", "/run/systemd/system",
		"/run/systemd/generator", "/run/systemd/generator.late",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"};
	const char *end = strrchr(whole, '.');
	int at = (int)strcspn(whole, "@");
	char path[sizeof(file)];

	for (size_t i = 0; i < ARRAY_LEN(in); i++) {
		snprintf(path, sizeof(path), "%s%s/%s", root, in[i], whole);
		if (access(path, F_OK) == 0)
			return;
		snprintf(path, sizeof(path), "%s%s/%.*s@%s", root, in[i], at, whole, end);
		if (whole[at] && access(path, F_OK) == 0)
			return;
	}
	fprintf(stderr, "undangle: warning: enable: no unit %s is here yet\n", whole);
}

/* An image has a library of its own, at the same place. */
static void library_look(const char *lib)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, lib);
	if (access(path, F_OK))
		fprintf(stderr, "undangle: warning: enable: %s is not there yet\n", path);
}

/* As systemd reads it back. */
static void quoted(FILE *out, const char *name, const char *value)
{
	fprintf(out, "Environment=\"%s=", name);
	for (; *value; value++) {
		if (strchr("\\\"", *value))
			fputc('\\', out);
		if (*value == '%')
			fputc('%', out);
		fputc(*value, out);
	}
	fputs("\"\n", out);
}

/* A service starts in a folder of its own; and what systemd cannot hold would make it start without. */
static void values_check(const struct options *o, const char *lib)
{
	const struct {
		const char *option, *value;
	} names[] = {{"log", o->log}, {"metrics", o->metrics}, {"heap-profile", o->heap_profile},
		{"suppress", o->suppress}, {"summary", o->summary}, {"library", lib}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = names[i].value, *at = value;

		if (*value && *value != '/')
			refuse("enable: --%s=%s: is no absolute path", names[i].option, value);
		while (*at && !iscntrl((unsigned char)*at) && utf8_length(at))
			at += utf8_length(at);
		if (*at)
			refuse("enable: %s: systemd takes no such characters", value);
	}
}

static void make_directories(void)
{
	for (char *at = directory + strlen(root) + 1;; at++) {
		char was = *at;

		if (was && was != '/')
			continue;
		*at = 0;
		if (mkdir(directory, 0755) && errno != EEXIST)
			refuse("enable: %s: %s", directory, strerror(errno));
		*at = was;
		if (!was)
			return;
	}
}

static void write_file(const struct options *o, const char *lib)
{
	struct whole f;
	char text[4096];
	FILE *out = whole_open(&f, file);

	if (!out)
		refuse("enable: %s: %s", file, strerror(errno));
	options_format(o, text, sizeof(text));
	fprintf(out, "# written by: undangle enable %s\n[Service]\n", unit);
	quoted(out, "LD_PRELOAD", lib);
	quoted(out, "UNDANGLE_OPTIONS", text);
	if (!whole_close(&f)) {
		int err = errno;

		rmdir(directory); /* if nothing else is in it */
		refuse("enable: %s: %s", file, strerror(err));
	}
}

int verb_enable(int argc, char **argv)
{
	char lib[PATH_MAX], why[OPTION_STR_SIZE];
	struct options o;
	int at = root_take(argc, argv);

	options_default(&o);
	option_set(&o, "profile=production", "", why, sizeof(why));
	at += options_take(&o, argc - at, argv + at);
	unit_take("enable", at < argc ? argv[at] : NULL);
	if (at + 1 < argc)
		refuse("enable: '%s': options come before the unit, and there is one unit",
			argv[at + 1]);
	library_find(LIBRARY, lib);
	values_check(&o, lib);
	make_directories();
	write_file(&o, lib);
	unit_look();
	library_look(lib);
	printf("%s\ntakes effect with: systemctl daemon-reload && systemctl restart %s\n", file,
		unit);
	return 0;
}

int verb_disable(int argc, char **argv)
{
	int at = 1 + root_take(argc, argv);

	unit_take("disable", at < argc ? argv[at] : NULL);
	if (at + 1 < argc)
		refuse("disable: '%s': there is one unit", argv[at + 1]);
	if (unlink(file))
		refuse("disable: %s: %s", file,
			errno == ENOENT ? "is not there: the unit is not enabled"
					: strerror(errno));
	rmdir(directory); /* others' files may be there */
	printf("%s is gone\ntakes effect with: systemctl daemon-reload && systemctl restart %s\n",
		file, unit);
	return 0;
}
