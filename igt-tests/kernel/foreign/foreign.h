/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of vprime_foreign have in common: the open file, the device,
 * and what each part has for main.c. Each keeps its own structures to itself.
 *
 * Locks: the file's mutex makes attachments and kernel mappings of one file
 * wait for each other, and is outside the reservation lock. That guards what an
 * attachment is right now. Inside it is the mutex of an exported buffer, that
 * guards its pages: older kernels call a static exporter without the former.
 */
#ifndef VP_FOREIGN_H
#define VP_FOREIGN_H

#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat.h"
#include "igt-tests/kernel/vprime_foreign.h"

struct dma_buf;
struct vp_foreign_attachment;
struct vp_foreign_fence_object;
struct vp_foreign_mapping;

/**
 * struct vp_foreign_file - an open file
 * @lock: one ioctl about attachments and kernel mappings at a time
 * @attachments: number -> &struct vp_foreign_attachment
 * @vmaps: number -> &struct vp_foreign_mapping
 * @fences: number -> &struct vp_foreign_fence_object, with a reference
 */
struct vp_foreign_file {
	struct mutex lock;
	struct xarray attachments;
	struct xarray vmaps;
	struct xarray fences;
};

/* The device that imports. */
extern struct platform_device *vp_foreign_pdev;

/* Where lazy attachments unmap, and fences come to their time. */
extern struct workqueue_struct *vp_foreign_wq;

/* ---- the importer ------------------------------------------------------- */

void vp_foreign_detach(struct vp_foreign_attachment *attach);
int vp_foreign_attach_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_detach_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_map_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_unmap_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_pin_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_unpin_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_read_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_write_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_state_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_address_ioctl(struct vp_foreign_file *file, void *data);

void vp_foreign_vunmap(struct vp_foreign_mapping *mapping);
int vp_foreign_vmap_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_vunmap_ioctl(struct vp_foreign_file *file, void *data);

/* ---- the exporter ------------------------------------------------------- */

int vp_foreign_export_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_fail_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_move_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_buffer_ioctl(struct vp_foreign_file *file, void *data);

/* ---- fences ------------------------------------------------------------- */

int vp_foreign_fence_late(struct dma_buf *kbuf);
void vp_foreign_signal(struct vp_foreign_fence_object *fence);
int vp_foreign_fence_ioctl(struct vp_foreign_file *file, void *data);
int vp_foreign_signal_ioctl(struct vp_foreign_file *file, void *data);

#endif /* VP_FOREIGN_H */
