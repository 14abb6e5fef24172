/* names.h - our malloc family by libc's names. app context. */
#ifndef UD_NAMES_H
#define UD_NAMES_H

#include <stddef.h>

struct family {
	const char *name;
	void *ours;
};
extern const struct family family[];
extern const size_t family_n;

/* Ours of that name, or NULL. */
void *family_find(const char *name);

#endif
