/* SPDX-License-Identifier: GPL-2.0-only */
/* The exporting adapter, for the core and for importers. */
#ifndef VP_PRIME_EXPORT_H
#define VP_PRIME_EXPORT_H

#include <linux/dma-buf.h>
#include <linux/fs.h>

#include "prime/dmabuf.h"

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
 * vp_export_is_read_only - whether a dma_buf was exported to be read
 * @kbuf: any dma_buf; the caller keeps it alive
 *
 * Context: Any context.
 * Return: Whether it was asked for without O_RDWR. The file of one of vprime's
 *	may be writable even so: &vp_dmabuf.export_writable.
 */
static inline bool vp_export_is_read_only(struct dma_buf *kbuf)
{
	struct vp_dmabuf *buf = vp_export_unwrap(kbuf);

	return buf ? READ_ONCE(buf->exported_read_only) :
		     !(kbuf->file->f_mode & FMODE_WRITE);
}

void vp_export_invalidate_mappings(struct vp_dmabuf *buf);
void vp_export_zap_cpu_mappings(struct vp_dmabuf *buf);

#endif /* VP_PRIME_EXPORT_H */
