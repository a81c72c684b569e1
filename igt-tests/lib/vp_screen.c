// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_module.h"
#include "vp_screen.h"

static uint32_t property(int fd, uint32_t object, uint32_t type,
			 const char *name)
{
	drmModeObjectPropertiesPtr all;
	uint32_t id = 0;

	all = drmModeObjectGetProperties(fd, object, type);
	igt_assert(all);
	for (uint32_t i = 0; i < all->count_props && !id; i++) {
		drmModePropertyPtr one = drmModeGetProperty(fd, all->props[i]);

		if (one && !strcmp(one->name, name))
			id = one->prop_id;
		drmModeFreeProperty(one);
	}
	drmModeFreeObjectProperties(all);
	igt_assert_f(id, "no property %s\n", name);
	return id;
}

static void add(const struct vp_screen *screen, drmModeAtomicReqPtr request,
		uint32_t object, uint32_t type, const char *name,
		uint64_t value)
{
	uint32_t id = property(screen->fd, object, type, name);

	igt_assert_lte(0, drmModeAtomicAddProperty(request, object, id, value));
}

/* The smallest, because the processor draws it. */
static drmModeModeInfo smallest_mode(const drmModeConnector *connector)
{
	drmModeModeInfo mode = connector->modes[0];

	for (int i = 1; i < connector->count_modes; i++)
		if (connector->modes[i].hdisplay * connector->modes[i].vdisplay <
		    mode.hdisplay * mode.vdisplay)
			mode = connector->modes[i];
	return mode;
}

static void find_connector(struct vp_screen *screen,
			   const drmModeRes *resources)
{
	drmModeModeInfo mode;

	for (int i = 0; i < resources->count_connectors; i++) {
		drmModeConnectorPtr connector =
			drmModeGetConnector(screen->fd,
					    resources->connectors[i]);

		igt_assert(connector);
		if (connector->connector_type == DRM_MODE_CONNECTOR_WRITEBACK &&
		    connector->count_modes) {
			screen->writeback = connector->connector_id;
			mode = smallest_mode(connector);
		}
		drmModeFreeConnector(connector);
	}
	igt_assert(screen->writeback);
	screen->width = mode.hdisplay;
	screen->height = mode.vdisplay;
	screen->size = (size_t)screen->width * screen->height * 4;
	igt_assert_eq(drmModeCreatePropertyBlob(screen->fd, &mode, sizeof(mode),
						&screen->mode), 0);
}

static void find_plane(struct vp_screen *screen)
{
	drmModePlaneResPtr planes = drmModeGetPlaneResources(screen->fd);
	uint64_t type;

	igt_assert(planes);
	for (uint32_t i = 0; i < planes->count_planes && !screen->plane; i++) {
		drmModeObjectPropertiesPtr all;
		uint32_t id = property(screen->fd, planes->planes[i],
				       DRM_MODE_OBJECT_PLANE, "type");

		all = drmModeObjectGetProperties(screen->fd, planes->planes[i],
						 DRM_MODE_OBJECT_PLANE);
		type = DRM_PLANE_TYPE_OVERLAY;
		for (uint32_t p = 0; all && p < all->count_props; p++)
			if (all->props[p] == id)
				type = all->prop_values[p];
		drmModeFreeObjectProperties(all);
		if (type == DRM_PLANE_TYPE_PRIMARY)
			screen->plane = planes->planes[i];
	}
	drmModeFreePlaneResources(planes);
	igt_assert(screen->plane);
}

struct vp_screen vp_screen_open(const char *driver)
{
	struct vp_screen screen = {};
	drmModeResPtr resources;

	vp_require_foreign(driver);
	screen.fd = vp_open_foreign(driver);
	igt_assert_eq(drmSetClientCap(screen.fd, DRM_CLIENT_CAP_ATOMIC, 1), 0);
	igt_assert_eq(drmSetClientCap(screen.fd,
				      DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1),
		      0);
	resources = drmModeGetResources(screen.fd);
	igt_assert(resources && resources->count_crtcs);
	screen.crtc = resources->crtcs[0];
	find_connector(&screen, resources);
	drmModeFreeResources(resources);
	find_plane(&screen);
	return screen;
}

static void commit(const struct vp_screen *screen, drmModeAtomicReqPtr request,
		   uint32_t flags)
{
	int ret = drmModeAtomicCommit(screen->fd, request, flags, NULL);

	drmModeAtomicFree(request);
	igt_assert_f(!ret, "commit: %s\n", strerror(-ret));
}

void vp_screen_close(struct vp_screen *screen)
{
	drmModeAtomicReqPtr request = drmModeAtomicAlloc();

	add(screen, request, screen->plane, DRM_MODE_OBJECT_PLANE, "FB_ID", 0);
	add(screen, request, screen->plane, DRM_MODE_OBJECT_PLANE, "CRTC_ID",
	    0);
	add(screen, request, screen->writeback, DRM_MODE_OBJECT_CONNECTOR,
	    "CRTC_ID", 0);
	add(screen, request, screen->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", 0);
	add(screen, request, screen->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 0);
	commit(screen, request, DRM_MODE_ATOMIC_ALLOW_MODESET);
	drmModeDestroyPropertyBlob(screen->fd, screen->mode);
	close(screen->fd);
}

struct vp_frame vp_screen_frame(const struct vp_screen *screen, int dmabuf)
{
	struct vp_frame frame = { .handle = vp_import(screen->fd, dmabuf) };
	uint32_t handles[4] = { frame.handle };
	uint32_t pitches[4] = { screen->width * 4 };
	uint32_t offsets[4] = {};
	int ret;

	ret = drmModeAddFB2(screen->fd, screen->width, screen->height,
			    DRM_FORMAT_XRGB8888, handles, pitches, offsets,
			    &frame.fb, 0);
	igt_assert_f(!ret, "framebuffer: %s\n", strerror(-ret));
	return frame;
}

void vp_screen_drop(const struct vp_screen *screen, struct vp_frame *frame)
{
	igt_assert_eq(drmModeRmFB(screen->fd, frame->fb), 0);
	vp_close(screen->fd, frame->handle);
}

int vp_screen_show(const struct vp_screen *screen,
		   const struct vp_frame *frame,
		   const struct vp_frame *written)
{
	const struct {
		uint32_t object, type;
		const char *name;
		uint64_t value;
	} wanted[] = {
#define PLANE(name, value) \
	{ screen->plane, DRM_MODE_OBJECT_PLANE, name, value }
		PLANE("FB_ID", frame->fb),
		PLANE("CRTC_ID", screen->crtc),
		PLANE("SRC_X", 0),
		PLANE("SRC_Y", 0),
		PLANE("SRC_W", (uint64_t)screen->width << 16),
		PLANE("SRC_H", (uint64_t)screen->height << 16),
		PLANE("CRTC_X", 0),
		PLANE("CRTC_Y", 0),
		PLANE("CRTC_W", screen->width),
		PLANE("CRTC_H", screen->height),
#undef PLANE
		{ screen->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID",
		  screen->mode },
		{ screen->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 1 },
		{ screen->writeback, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID",
		  screen->crtc },
		{ screen->writeback, DRM_MODE_OBJECT_CONNECTOR,
		  "WRITEBACK_FB_ID", written->fb },
	};
	drmModeAtomicReqPtr request = drmModeAtomicAlloc();
	int32_t done = -1;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		add(screen, request, wanted[i].object, wanted[i].type,
		    wanted[i].name, wanted[i].value);
	add(screen, request, screen->writeback, DRM_MODE_OBJECT_CONNECTOR,
	    "WRITEBACK_OUT_FENCE_PTR", (uintptr_t)&done);
	commit(screen, request, DRM_MODE_ATOMIC_ALLOW_MODESET |
				DRM_MODE_ATOMIC_NONBLOCK);
	igt_assert_lte(0, done);
	return done;
}
