/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A screen that a program can read back: a display driver's write-back connector
 * (vkms has one), which writes what it shows into another buffer.
 */
#ifndef VP_SCREEN_H
#define VP_SCREEN_H

#include <stddef.h>
#include <stdint.h>

struct vp_screen {
	int fd;
	uint32_t crtc, plane, writeback;
	uint32_t width, height;
	size_t size;			/* of a frame, in bytes: XRGB8888 */
	uint32_t mode;			/* the property blob */
};

/* A framebuffer on a dma-buf, imported here. */
struct vp_frame {
	uint32_t handle, fb;
};

/* Skips when the kernel has no such driver. Its smallest mode. */
struct vp_screen vp_screen_open(const char *driver);
/* Shows nothing any more, and closes its file. */
void vp_screen_close(struct vp_screen *screen);

struct vp_frame vp_screen_frame(const struct vp_screen *screen, int dmabuf);
void vp_screen_drop(const struct vp_screen *screen, struct vp_frame *frame);

/*
 * Show one frame from the next vertical blank on that comes after its fences,
 * and write what is on the screen then into another. Does not wait: returns a
 * sync_file that signals when that is written.
 */
int vp_screen_show(const struct vp_screen *screen,
		   const struct vp_frame *frame,
		   const struct vp_frame *written);

#endif /* VP_SCREEN_H */
