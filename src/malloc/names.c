/* names.c - see names.h. app context. */
#include "names.h"
#include "base/base.h"

#include <string.h>

/* Their addresses, whatever their types. */
#define FAMILY(name, ours) extern char family_##name[] __asm__(#ours);
#include "family.def"
#undef FAMILY

const struct family family[] = {
#define FAMILY(name, ours) {#name, family_##name},
#include "family.def"
#undef FAMILY
};
const size_t family_n = ARRAY_LEN(family);

void *family_find(const char *name)
{
	for (size_t i = 0; i < family_n; i++)
		if (!strcmp(family[i].name, name))
			return family[i].ours;
	return NULL;
}
