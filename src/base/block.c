/* block.c - see block.h: who answers, and what is said before anybody does. any context. */
#include "block.h"

static void none_find(vaddr_t addr, struct block *b)
{
	*b = (struct block){.state = BLOCK_NONE};
}

static bool none_appears(vaddr_t addr)
{
	return false;
}

static bool none_copied(const void *p)
{
	return false;
}

static void none_own(vaddr_t lo, vaddr_t hi)
{
}

static void none_prepare(bool child_on_this_stack)
{
}

static void none_after(void)
{
}

const struct block_source block_none = {
	none_find, none_appears, none_copied, none_own, NULL, none_prepare, none_after, none_after};
const struct block_source *block_source = &block_none;
