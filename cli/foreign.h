/*
 * foreign.h - asks the library of another process about its blocks, without touching that process.
 *
 * A child of the command runs ud_look (base/look.h) of the very library at the address where it was: its
 * text comes from the file, and each page that it reads is fetched when it first faults. So there is
 * one reader of the engines' structures, their own, for living processes and cores alike.
 */
#ifndef UD_FOREIGN_H
#define UD_FOREIGN_H

#include "base/look.h"
#include "base/metrics.h"

#include <sys/types.h>

struct foreign {
	const char *verb; /* that asks, in refusals */
	/* The page at `at` as it is in that process; false: it is not there. */
	bool (*page)(vaddr_t at, void *dst);
	vaddr_t base;	     /* where its library is loaded; or 0, and */
	vaddr_t look;	     /* where its ud_look is */
	const char *library; /* the same file                */
	pid_t child;
	int ask, answer; /* pipes */
};

/* Is the file at path the library that is loaded at f->base? By build id. */
bool foreign_is(const struct foreign *f, const char *path);

/*
 * Starts the child; refuses if that cannot be. False: this process happens to lie where that one
 * did, and another one must try.
 */
bool foreign_start(struct foreign *f);

/* Then: this program again, with the same arguments, at other addresses. */
__attribute__((noreturn)) void foreign_elsewhere(const struct foreign *f, char **argv);

#define FOREIGN_REPORT (64 << 10)

/*
 * What ud_look(addr) answers there; the report, shorter than FOREIGN_REPORT, to text unless that is
 * NULL. False: memory that it needs is not there.
 */
bool foreign_look(struct foreign *f, vaddr_t addr, struct lookup *l, char *text);

/*
 * What it counts. False: memory that it needs is not there, or what is there makes no sense, for the
 * process changed it meanwhile: the child has ended, another one may be started.
 */
bool foreign_count(struct foreign *f, struct metrics *m);

#endif
