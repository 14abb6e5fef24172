/*
 * whole.c - a file that is there whole or not at all (cli.h): written beside its place, and put there at the end.
 *
 * What is at its place and no plain file (a link, a pipe, a terminal) is written as it is.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *whole_open(struct whole *f, const char *path)
{
	struct stat st;
	bool there = !lstat(path, &st);

	f->path = path;
	f->fresh = there && !S_ISREG(st.st_mode) ? path : claim_text("%s.new", path);
	f->out = fopen(f->fresh, "we");
	if (f->out && there && f->fresh != path)
		fchmod(fileno(f->out), st.st_mode & 07777);
	return f->out;
}

bool whole_close(struct whole *f)
{
	bool bad = ferror(f->out);
	int err;

	if (!(fclose(f->out) || bad) && (f->fresh == f->path || !rename(f->fresh, f->path)))
		return true;
	err = errno;
	if (f->fresh != f->path)
		unlink(f->fresh);
	errno = err;
	return false;
}
