/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's fault injection, as vp_failslab.h uses it: for this thread only.
 */
#ifndef VP_FAULT_KNOBS_H
#define VP_FAULT_KNOBS_H

#include <stdbool.h>

/* What fails; what is not swept does not count either. */
enum vp_fault_kind {
	VP_FAULT_OBJECTS_FAIL,
	VP_FAULT_PAGES_FAIL,
	VP_FAULT_DROUGHT,
	VP_FAULT_SWEEPS,
};

/*
 * Save the settings, and choose our own. Returns 0, or a negative errno on a
 * kernel that cannot do it. They are put back at the close, or the exit.
 */
int vp_fault_knobs_open(void);
void vp_fault_knobs_close(void);

void vp_fault_choose(enum vp_fault_kind sweep);

/*
 * The @n-th allocation from here on fails, if @n is not 0. From here to the
 * other call the thread makes no system call but the one that is swept, and
 * touches nothing that is not there. That returns whether the fault was met.
 */
void vp_fault_arm(unsigned int n);
bool vp_fault_disarm(void);
/*
 * The same with so many bytes that are left; what needs more is refused. @used
 * is how many were had until the end.
 */
void vp_fault_begin_drought(unsigned int bytes);
bool vp_fault_end_drought(unsigned int bytes, unsigned int *used);

/*
 * By the functions of the kernel's that an allocation is made for: only what
 * @within calls fails, and nothing that @spare calls. NULL for @within is all;
 * for @spare it is what no sweep is to meet, the DMA API's debugging. To be
 * called before vp_fault_choose().
 */
void vp_fault_filter(const char *within, const char *spare);

/* To the kernel's log, when the environment asks for it. */
void vp_fault_announce(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* One write to a file of the kernel's; 0 or a negative errno. */
int vp_fault_write(const char *path, const char *text);

#endif /* VP_FAULT_KNOBS_H */
