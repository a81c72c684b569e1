/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One call for each thing a program asks of a video device (V4L2), and the
 * virtual one of the distribution's kernel, vivid.
 *
 * As in vp_gpu.h, vp_x() fails the subtest when it does not work, and
 * vp_try_x() returns 0 or a negative errno.
 */
#ifndef VP_V4L2_H
#define VP_V4L2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/videodev2.h>

/* How vivid makes its own buffers, and what it asks of those of others. */
enum vp_vivid_allocator {
	VP_VIVID_VMALLOC,	/* the kernel can map them */
	VP_VIVID_CONTIG,	/* and they have one DMA address */
};

/*
 * One instance, with a picture input and a picture output. It is loaded anew
 * when it has another allocator, which nothing may be open for.
 */
void vp_load_vivid(enum vp_vivid_allocator allocator);

/*
 * A video node, set to pictures of 32 bits a pixel without space between the
 * rows. The caller closes @fd, which ends all that was done through it.
 */
struct vp_video {
	int fd;
	uint32_t type;	/* V4L2_BUF_TYPE_VIDEO_CAPTURE or _OUTPUT */
	size_t size;	/* of a picture, in bytes */
};

/* vivid's nodes. Frames that are captured bear no text, so none differ. */
struct vp_video vp_open_vivid_capture(uint32_t width, uint32_t height);
struct vp_video vp_open_vivid_output(uint32_t width, uint32_t height);
/* What is captured: the picture that is put out, or a test pattern by name. */
void vp_vivid_loop(const struct vp_video *capture, bool on);
void vp_vivid_pattern(const struct vp_video *capture, const char *pattern);

/*
 * Buffers: as many as asked for or more, of V4L2_MEMORY_MMAP (its own) or
 * V4L2_MEMORY_DMABUF. None gives back those that there are.
 */
void vp_video_buffers(const struct vp_video *video, uint32_t memory,
		      uint32_t count);
void *vp_video_map(const struct vp_video *video, uint32_t index);
int vp_video_export(const struct vp_video *video, uint32_t index);
int vp_try_video_export(const struct vp_video *video, uint32_t index);

/* Give the driver its own buffer @index, or @dmabuf as that. */
void vp_video_queue(const struct vp_video *video, uint32_t index);
void vp_video_queue_dmabuf(const struct vp_video *video, uint32_t index,
			   int dmabuf);
int vp_try_video_queue_dmabuf(const struct vp_video *video, uint32_t index,
			      int dmabuf);
/* The next buffer the driver is done with, which it must be without error. */
uint32_t vp_video_dequeue(const struct vp_video *video, uint32_t memory);

void vp_video_start(const struct vp_video *video);
void vp_video_stop(const struct vp_video *video);

#endif /* VP_V4L2_H */
