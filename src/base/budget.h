/*
 * budget.h - which of the dead die at once, where that may take only a share of the time.
 *
 * pure: time in, decision out. Time that the share allows is saved up, but no more than some seconds
 * give; each kill is taken off it. What is left serves those first that are seldom: a place that
 * frees for the first times may even overdraw it.
 */
#ifndef UD_BASE_BUDGET_H
#define UD_BASE_BUDGET_H

#include "words.h"

/* So many times at a new place, then so many between each two powers of two. */
#define BUDGET_FIRST 16U

enum budget_claim { CLAIM_FIRST, CLAIM_TURN, CLAIM_REST };

/* Nanoseconds that may be saved up, and are there at the start, with a share of so many percent. */
int64_t budget_most(unsigned share);
/* What is left after so many nanoseconds more. */
int64_t budget_earn(int64_t left, unsigned share, uint64_t ns);
/* What a kill costs that took so long, and costs the living so much as they come back. */
int64_t budget_cost(uint64_t ns, uint64_t after);

/* Of a place that has freed so many times before this one. */
enum budget_claim budget_claim(uint32_t before);
/* If that one is refused: so many after it need not ask. One in so many does, and all that are due. */
#define BUDGET_ASKS 16U
uint32_t budget_rest(uint32_t before);
/* `dear`: the memory around it would never be one piece again. */
bool budget_allows(int64_t left, unsigned share, enum budget_claim claim, bool dear);

#endif
