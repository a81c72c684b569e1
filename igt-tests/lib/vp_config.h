/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GPUs that are made with configfs: a folder each, with a file per attribute.
 *
 * As in vp_gpu.h, vp_x() fails the subtest when it does not work, and
 * vp_try_x() returns 0 or a negative errno.
 */
#ifndef VP_CONFIG_H
#define VP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#define VP_CONFIG_DIR	"/sys/kernel/config/vprime"
/* Room for what an attribute reads as. */
#define VP_CONFIG_LEN	64

void vp_config_make(const char *gpu);
int vp_try_config_make(const char *gpu);
/* Also unplugs it. */
void vp_config_remove(const char *gpu);
int vp_try_config_remove(const char *gpu);

/* @value is written as it is, in one write without a newline at its end. */
void vp_config_set(const char *gpu, const char *attribute, const char *value);
int vp_try_config_set(const char *gpu, const char *attribute,
		      const char *value);
int vp_try_config_write(const char *gpu, const char *attribute,
			const void *value, size_t len);
/* @value gets what is read, without the newline, which must be there. */
void vp_config_get(const char *gpu, const char *attribute,
		   char value[VP_CONFIG_LEN]);
int vp_try_config_get(const char *gpu, const char *attribute,
		      char value[VP_CONFIG_LEN]);
bool vp_config_is(const char *gpu, const char *attribute, const char *value);

/* Plug it in; returns the N of its name vprimeN. */
unsigned int vp_config_enable(const char *gpu);
int vp_try_config_enable(const char *gpu);
void vp_config_disable(const char *gpu);
/* Make one with these "attribute=value" words, and plug it in. */
unsigned int vp_config_plug(const char *gpu, const char *settings);
/* The N of its name vprimeN, from its file "device"; -1 when unplugged. */
int vp_config_index(const char *gpu);
/* Make, set, plug in and open the render node. */
int vp_config_open(const char *gpu, const char *settings);

/* How many folders there are, and an end to all of them. */
unsigned int vp_config_gpus(void);
void vp_config_clean(void);

#define vp_assert_config(gpu, attribute, value) \
	do { \
		char vp_is__[VP_CONFIG_LEN]; \
		vp_config_get(gpu, attribute, vp_is__); \
		igt_assert_f(!strcmp(vp_is__, value), \
			     "%s of %s is \"%s\", not \"%s\"\n", attribute, \
			     gpu, vp_is__, value); \
	} while (0)

#endif /* VP_CONFIG_H */
