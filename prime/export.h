/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core and the importing adapter know of the exporting one.
 */
#ifndef VP_PRIME_EXPORT_H
#define VP_PRIME_EXPORT_H

#include <linux/dma-buf.h>
#include <linux/fs.h>

struct vp_dmabuf;

extern const struct dma_buf_ops vp_export_ops;

/**
 * vp_export_unwrap - the core buffer behind a dma_buf of vprime's
 * @kbuf: any dma_buf, which the caller keeps alive
 *
 * Returns the buffer without a reference, NULL when @kbuf is another driver's.
 */
static inline struct vp_dmabuf *vp_export_unwrap(struct dma_buf *kbuf)
{
	return kbuf->ops == &vp_export_ops ? kbuf->priv : NULL;
}

/**
 * vp_export_is_writable - can a dma_buf be written through its file
 * @kbuf: any dma_buf
 *
 * Returns whether it was exported with O_RDWR.
 */
static inline bool vp_export_is_writable(struct dma_buf *kbuf)
{
	return kbuf->file->f_mode & FMODE_WRITE;
}

void vp_export_invalidate_mappings(struct vp_dmabuf *buf);
void vp_export_zap_cpu_mappings(struct vp_dmabuf *buf);

#endif /* VP_PRIME_EXPORT_H */
