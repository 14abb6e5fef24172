/*
 * finding_in.h - what finding.c and asan.c share to read reports, line by line. For those two only.
 *
 * What is read may be anything; nothing here believes a number or the end of a word before it saw it.
 */
#ifndef UD_FINDING_IN_H
#define UD_FINDING_IN_H

#include "finding.h"

/* Does *s begin so? Then it stands behind that. */
bool scan(const char **s, const char *word);
/* Likewise a number; of base 16 with its 0x. */
bool scan_number(const char **s, int base, uint64_t *v);

/* The first line behind "undangle: ERROR: ". */
void finding_message(struct finding *f, const char *s);
/* "about 3.204 s and at most 12 allocations ago", or not. */
void finding_age(struct age *a, const char *s);
/* "FUNCTION FILE:LINE[:COLUMN]" and what may follow. */
bool frame_line(struct frame *f, struct line *l, const char *s);
/* "(PATH+0xOFF)[ (BuildId: HEX)]" */
bool frame_module(struct frame *f, const char *s);
/* f with l, or one line more of the frame before, into which that was inlined. */
void frame_add(struct stack *k, const struct frame *f, const struct line *l);

/* AddressSanitizer's form: NULL: it does not begin here; false: it ends there. */
struct finding *asan_begin(const char *s);
bool asan_more(struct finding *f, const char *s);

#endif
