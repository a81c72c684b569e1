/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's life: loading with a number of GPUs, unplugging one, other
 * drivers beside it.
 */
#ifndef VP_MODULE_H
#define VP_MODULE_H

#include <stdbool.h>

#define VP_DEFAULT_GPUS	2

/* The kernel looks for mistakes in all it does, and takes several times as long. */
bool vp_kernel_is_debug(void);

/*
 * finit_module(2) and delete_module(2) themselves, for their errno. The file is
 * vprime.ko in the folder that the environment variable VPRIME_BUILD names.
 */
int vp_try_load(const char *params);
int vp_try_unload(void);
/* The file, opened to be read, for who wants to make these calls himself. */
int vp_module_file(void);
bool vp_loaded(void);
/* How many GPUs are plugged in. */
unsigned int vp_gpus(void);

/* The same for another module that is built beside vprime.ko. */
int vp_try_load_module(const char *module);
int vp_try_unload_module(const char *module);

/* Have the module with exactly that many GPUs, all plugged in. */
void vp_reload(unsigned int gpus);
void vp_unload(void);
void vp_ensure(unsigned int gpus);
/*
 * From now on have these GPUs refuse writes to what they exported read-only, or
 * only report them, which is the default.
 */
void vp_enforce_read_only(bool on);

/* By way of the driver's bind and unbind files. */
void vp_unplug(unsigned int gpu);
void vp_plug(unsigned int gpu);

/* Drivers of the distribution's kernel: "vgem", "virtio_gpu", "vivid". */
void vp_load_foreign(const char *driver);
/* The same, but skips where the kernel has no such driver. */
void vp_require_foreign(const char *driver);
void vp_reload_foreign(const char *driver, const char *params);
void vp_unload_foreign(const char *driver);
/* A primary node of that driver; dumb buffers are to be had there only. */
int vp_open_foreign(const char *driver);

#endif /* VP_MODULE_H */
