/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a buffer there has to be. Memory comes from tmpfs in whole
 * folios: on all kernels single pages and huge ones, and in Linux 7.x those in
 * between as well, wherever one fits into the buffer.
 */
#ifndef VP_RESIDENT_H
#define VP_RESIDENT_H

#include <stddef.h>
#include <stdint.h>

/*
 * As much as was touched, and for each page at most what this kernel's tmpfs
 * gives for one: exact where that is a page, or where all was touched. All three
 * are in bytes.
 */
void vp_assert_resident(uint64_t resident, size_t touched, size_t size);

#endif /* VP_RESIDENT_H */
