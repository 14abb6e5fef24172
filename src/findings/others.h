/*
 * others.h - what the process's other threads are doing. app context, no malloc.
 */
#ifndef UD_FINDINGS_OTHERS_H
#define UD_FINDINGS_OTHERS_H

#include "base/base.h"

/* Is another thread running, or ready to? False, too, where the kernel does not say. */
bool others_run(void);

#endif
