// SPDX-License-Identifier: GPL-2.0-only
/* The bodies of the tracepoints. */
#ifdef VP_WATCH
#define CREATE_TRACE_POINTS
#endif
#include "prime/trace.h"
