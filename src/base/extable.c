/* extable.c - see extable.h. pure. */
#include "extable.h"

struct entry {
	int32_t at, to;
};

/* Made by the linker: the section's begin and end. */
extern const struct entry __start_ud_extable[], __stop_ud_extable[];

bool extable_find(uintptr_t *ip)
{
	for (const struct entry *e = __start_ud_extable; e < __stop_ud_extable; e++)
		if (*ip == (uintptr_t)&e->at + (uintptr_t)(intptr_t)e->at) {
			*ip = (uintptr_t)&e->to + (uintptr_t)(intptr_t)e->to;
			return true;
		}
	return false;
}
