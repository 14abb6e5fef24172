/*
 * summary.h - what was found in all processes of a run, said by the first one at its end.
 *
 * app context, fault path; no lock but report.c's gate. Each process with findings has a record in a
 * file (--summary), made with the first of them and removed by the process that says it. Who finds
 * nothing, and brings no malloc, opens nothing; no descriptor stays open. Host backend only.
 */
#ifndef UD_SUMMARY_H
#define UD_SUMMARY_H

#include "base/base.h"

#define SUMMARY_RULES 512 /* of --suppress, of which it is known whether they matched */

enum summary_kind { SUMMARY_TOLD, SUMMARY_REPEATED, SUMMARY_HUSHED };

/* From the constructor. */
void summary_init(void);

/* Is this the process that says it? */
bool summary_is_mine(void);

/* One more. `fatal`: this process ends of it now. */
void summary_count(enum summary_kind kind, bool fatal);

/*
 * Is this the first process of the run that warns about the program in that file? In a run that the command
 * began; elsewhere always.
 */
bool summary_warns(const char *path);

/* That rule of --suppress matched; told with the next count. */
void summary_rule(size_t nth);

/* Says it, once, where it is this process's to say and there is anything that nobody said yet. */
void summary_tell(void);

/* Were there findings in this very process? In a child of vfork these are not its own. */
bool summary_any(void);

#endif
