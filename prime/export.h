/* SPDX-License-Identifier: GPL-2.0-only */
/* The exporting adapter, for the core and for importers. */
#ifndef VP_PRIME_EXPORT_H
#define VP_PRIME_EXPORT_H

#include <linux/dma-buf.h>
#include <linux/fs.h>

struct vp_dmabuf;

extern const struct dma_buf_ops vp_export_ops;

/**
 * vp_export_unwrap - the buffer that a dma_buf of vprime's exports
 * @kbuf: any dma_buf; the caller keeps it alive
 *
 * Context: Any context.
 * Return: The buffer, without a reference; NULL if @kbuf is foreign.
 */
static inline struct vp_dmabuf *vp_export_unwrap(struct dma_buf *kbuf)
{
	return kbuf->ops == &vp_export_ops ? kbuf->priv : NULL;
}

/**
 * vp_export_is_writable - whether a dma_buf can be written through its file
 * @kbuf: any dma_buf
 *
 * Context: Any context.
 * Return: Whether it was exported with O_RDWR.
 */
static inline bool vp_export_is_writable(struct dma_buf *kbuf)
{
	return kbuf->file->f_mode & FMODE_WRITE;
}

void vp_export_invalidate_mappings(struct vp_dmabuf *buf);
void vp_export_zap_cpu_mappings(struct vp_dmabuf *buf);

#endif /* VP_PRIME_EXPORT_H */
