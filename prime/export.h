/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the core and the importing adapter know of the exporting one.
 */
#ifndef VP_PRIME_EXPORT_H
#define VP_PRIME_EXPORT_H

struct dma_buf;
struct vp_dmabuf;

struct vp_dmabuf *vp_export_unwrap(struct dma_buf *kbuf);
void vp_export_zap_cpu_mappings(struct vp_dmabuf *buf);

#endif /* VP_PRIME_EXPORT_H */
