/*
 * trace.h - the face of trace/: stacks taken, kept and named; what an instruction accesses.
 */
#ifndef UD_TRACE_H
#define UD_TRACE_H

#include "stack.h"
#include "depot.h"
#include "symbol.h"
#include "place.h"
#include "decode.h"

#endif
