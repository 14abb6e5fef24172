/*
 * helper.h - the report completed by another process: `undangle symbolize`, found beside the
 * library.
 *
 * app context, fault path: raw system calls, no malloc. Only who is inside report_print's gate
 * calls. Where it cannot run (seccomp, chroot, no helper, no process to be had), or takes longer
 * than its time, the report stands as print.c writes it.
 */
#ifndef UD_HELPER_H
#define UD_HELPER_H

#include "base/base.h"

/* Once, before the program runs: which filters it was given. */
void helper_start(void);

/* A pipe's end to write the report into; < 0 if no helper is wanted or possible. */
int helper_open(void);

/*
 * Closes that end and asks the helper which rule of --suppress matches what was written: its answer,
 * a line with a number, in dst. False: no answer.
 */
bool helper_ask(int fd, char *dst, size_t size);

/* Nothing is to be made of it. */
void helper_drop(int fd);

/*
 * Closes that end, runs the helper on what was written and copies its answer to log_fd(). False
 * if there was none: then nothing was written. Changes errno.
 */
bool helper_answer(int fd);

#endif
