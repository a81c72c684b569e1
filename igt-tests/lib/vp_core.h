/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tests that run inside the kernel, those of igt-tests/kernel/core.
 */
#ifndef VP_CORE_H
#define VP_CORE_H

/* The module that has them, built beside vprime.ko; it may be there still. */
void vp_core_load(void);
/* Once one has failed, it stays, and this does nothing. */
void vp_core_unload(void);

/*
 * Have the loaded module run a test, on a dma-buf of ours or -1. Returns 0 or
 * a negative errno; the kernel log says what did not hold.
 */
int vp_core_try_run(const char *test, int dmabuf);
/* Load, run a test that must not fail, and unload. */
void vp_core_run(const char *test, int dmabuf);

/* What a test has measured, by the name of the parameter. */
long vp_core_result(const char *name);

#endif /* VP_CORE_H */
