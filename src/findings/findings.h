/*
 * findings.h - the face of findings/: a fault or a bad call, classified, told, and answered.
 */
#ifndef UD_FINDINGS_H
#define UD_FINDINGS_H

#include "report.h"
#include "fault.h"
#include "signals.h"
#include "efault.h"
#include "fork.h"
#include "summary.h"
#include "helper.h"

#endif
