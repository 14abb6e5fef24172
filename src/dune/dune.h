/*
 * dune.h - the face of dune/ for kvm/: include/dune.h is what everybody else may use.
 */
#ifndef UD_DUNE_H
#define UD_DUNE_H

#include <dune.h>

#include "cpu.h"
#include "hooks.h"
#include "mappings.h"
#include "page.h"
#include "procmap.h"
#include "signal.h"

#endif
