/* late.c - see late.h. app context. */
#include "late.h"

#define LATE_MOST 32

enum { EMPTY, FULL, TAKEN };

static struct {
	_Atomic uint8_t state;
	struct late l;
} waits[LATE_MOST] UD_TABLE;

_Atomic bool late_waits;

void late_note(enum late_what what, vaddr_t at, uint64_t value)
{
	for (unsigned i = 0; i < ARRAY_LEN(waits); i++) {
		if (waits[i].state == FULL && waits[i].l.at == at)
			return;
		if (waits[i].state != EMPTY)
			continue;
		waits[i].l = (struct late){.what = what, .at = at, .value = value};
		block_find(at, &waits[i].l.block);
		waits[i].state = FULL;
		late_waits = true;
		return;
	}
}

bool late_take(struct late *l)
{
	if (!late_waits)
		return false;
	late_waits = false;
	for (unsigned i = 0; i < ARRAY_LEN(waits); i++) {
		uint8_t full = FULL;

		if (!atomic_compare_exchange_strong(&waits[i].state, &full, TAKEN))
			continue;
		*l = waits[i].l;
		waits[i].state = EMPTY;
		late_waits = true; /* there may be more */
		return true;
	}
	return false;
}
