// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and mapping buffers by the ioctls that vgem and vprime both have.
 */
#include <drm.h>
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include "bench.h"

/* bytes in a row of a dumb buffer; any driver's pitch is a divisor of a page */
#define ROW	4096

void create_or_die(const struct subject *subject, uint64_t size, struct buffer *buffer)
{
	int error = buffer_create_dumb(subject->gpu, ROW / 4, (uint32_t)(size / ROW), buffer);

	if (error)
		errx(1, "%s: create: %s", subject->name, strerror(-error));
	if (buffer->size != size)
		errx(1, "%s: create: %llu bytes wanted, got %llu", subject->name,
		     (unsigned long long)size, (unsigned long long)buffer->size);
}

void *map_or_die(const struct buffer *buffer)
{
	struct drm_mode_map_dumb where = { .handle = buffer->handle };
	void *map;

	if (drmIoctl(buffer->gpu, DRM_IOCTL_MODE_MAP_DUMB, &where))
		err(1, "map: offset");
	map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->gpu,
		   (off_t)where.offset);
	if (map == MAP_FAILED)
		err(1, "mmap");
	return map;
}
