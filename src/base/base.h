/*
 * base.h - the face of base/: what every other folder may use. Nothing here knows a block.
 *
 * From words and system calls up to options and memory for our own structures; each header says
 * who may call it, from where.
 */
#ifndef UD_BASE_FACE_H
#define UD_BASE_FACE_H

#include "words.h"
#include "filter.h"
#include "sys.h"
#include "file.h"
#include "clock.h"
#include "lock.h"
#include "panic.h"
#include "out.h"
#include "options.h"
#include "log.h"
#include "look.h"
#include "ownlimit.h"
#include "memlimit.h"
#include "meta.h"
#include "metrics.h"
#include "extable.h"
#include "ticks.h"
#include "poison.h"
#include "sizes.h"
#include "policy.h"
#include "atonce.h"
#include "mode.h"
#include "livebits.h"
#include "owner.h"
#include "pace.h"
#include "mortal.h"
#include "sweep.h"
#include "record.h"
#include "stamp.h"
#include "vspace.h"
#include "space.h"
#include "suppress.h"
#include "altstack.h"
#include "block.h"
#include "late.h"
#include "calls.h"
#include "symtab.h"
#include "threadend.h"

#endif
