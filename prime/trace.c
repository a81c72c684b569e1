// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints, made here and nowhere else.
 */
#ifdef VP_WATCH
#define CREATE_TRACE_POINTS
#endif
#include "prime/trace.h"
