/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two modules named vgem, of which one can be loaded at a time: that of the
 * distribution's kernel, and ours.
 *
 * The nodes take vp_gpu.h's calls for dumb buffers, PRIME and mappings, and
 * vp_fence.h's for fences on buffers. Programs that load ours end with
 *
 *	igt_fixture
 *		vp_vgem_end();
 *
 * as others find their vgem by modprobe, which is content with what is there.
 */
#ifndef VP_VGEM_H
#define VP_VGEM_H

#include <limits.h>
#include <stdbool.h>

#include "vp_gpu.h"
#include "vp_test.h"

enum vp_vgem {
	VP_VGEM_STOCK,
	VP_VGEM_OURS,
};

/* Have this one loaded, freshly. */
void vp_vgem_load(enum vp_vgem which);
/* Ours, by finit_module(2) itself, for its errno. */
int vp_try_vgem_load(void);
bool vp_vgem_loaded(void);
/* Which one it is, by what the kernel says of where it came from. */
enum vp_vgem vp_vgem_which(void);

/*
 * Whether the kernel's vgem maps a buffer when it imports it. Where the DRM
 * core's helper can do without (in Linux 7.x) it does not, and never does later.
 */
bool vp_vgem_maps_imports(void);

/* The first one waits for what is being let go of. */
void vp_vgem_unload(void);
int vp_try_vgem_unload(void);
void vp_vgem_end(void);

/* Its nodes, which there must be when one is opened. */
int vp_vgem_open(enum vp_node node);
/* Returns a negative errno when there is none. */
int vp_vgem_node_path(enum vp_node node, char *path, size_t len);
/* Its device's folder in sysfs, on the bus that it is on. */
void vp_vgem_device_dir(char path[PATH_MAX]);

/* Something keeps the module where it is. */
#define vp_assert_vgem_kept() \
	igt_assert_eq(vp_try_vgem_unload(), -EWOULDBLOCK)

/*
 * A vp_subtest with ours loaded, which must be free to go at its end: what it
 * leaves behind would keep it.
 */
#define vp_vgem_subtest(name) \
	vp_subtest(name) \
		for (bool vp_vgem__ = (vp_vgem_load(VP_VGEM_OURS), true); \
		     vp_vgem__; vp_vgem__ = (vp_vgem_unload(), false))

#endif /* VP_VGEM_H */
