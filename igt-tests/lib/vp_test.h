/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A vprime test includes this one header.
 *
 *	igt_main
 *	{
 *		igt_describe("what must hold");
 *		vp_subtest("its-name")
 *			a_function();
 *	}
 *
 * A vp_subtest starts with the module loaded with its default number of GPUs,
 * all plugged in and none made with configfs, opens what it needs by itself,
 * and fails when the module's object counts are not the same after it as
 * before, or a GPU of its own is left.
 */
#ifndef VP_TEST_H
#define VP_TEST_H

#include "vp_config.h"
#include "vp_counts.h"
#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_log.h"
#include "vp_module.h"
#include "vp_pattern.h"
#include "vp_process.h"

#define VP_PAGE		4096ull
#define VP_KIB		1024ull
#define VP_MIB		(1024ull * VP_KIB)
#define VP_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * What was read of files is kept in memory as long as there is some, and after many
 * tests all that lies above 4 GiB may be full of it: for who wants a buffer there.
 */
void vp_drop_file_pages(void);

void vp_begin(void);
void vp_end(void);

#define vp_subtest(name) \
	igt_subtest(name) \
		for (bool vp_once__ = (vp_begin(), true); vp_once__; \
		     vp_once__ = (vp_end(), false))

#endif /* VP_TEST_H */
