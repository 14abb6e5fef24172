/*
 * survive.h - --on-error=continue: what the program gets in place of a dead page, and how it ends.
 *
 * app context, fault path; host backend only (start.c refuses it on kvm).
 */
#ifndef UD_SURVIVE_H
#define UD_SURVIVE_H

#include "report.h"

/* From the constructor: arranges for the exit status and for the line at the end. */
void survive_init(void);

/* Does the program go on after r where nothing suppresses it? */
bool survive_can(const struct report *r);

/* Are there ways on at all: not from a jump, nor where no block ever was. */
bool survive_possible(const struct report *r);

/* Makes one: zeros of the process's own at the dead page. False: no memory or mapping for it. */
bool survive_mend(const struct report *r);

/* The process ends with this status: has the summary told; the status instead. */
int survive_status(int status);

#endif
