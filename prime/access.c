// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: devices that the CPU plays
 *
 * A virtual GPU reads and writes memory where a real one would: at the DMA
 * addresses of its own mapping, and nowhere else. What is wrong with the
 * mapping is then seen as on a real one.
 */
#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/pfn.h>
#include <linux/scatterlist.h>

#include "compat.h"
#include "prime/dmabuf.h"

/* Copy within one page of the CPU's, which stands for a bus address. */
static int vp_access_page(dma_addr_t address, void *data, size_t size,
			  bool write)
{
	unsigned long pfn = PHYS_PFN(address);
	u8 *page;

	/* Memory of a device, or an IOMMU in between: not for the CPU. */
	if (!pfn_valid(pfn))
		return -EOPNOTSUPP;

	page = kmap_local_page(pfn_to_page(pfn));
	if (write)
		memcpy(page + offset_in_page(address), data, size);
	else
		memcpy(data, page + offset_in_page(address), size);
	kunmap_local(page);
	return 0;
}

static int vp_access_table(struct sg_table *sgt, size_t offset, u8 *data,
			   size_t size, bool write)
{
	struct scatterlist *sg;
	unsigned int i;
	int ret;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (offset >= sg_dma_len(sg)) {
			offset -= sg_dma_len(sg);
			continue;
		}
		while (size && offset < sg_dma_len(sg)) {
			dma_addr_t address = sg_dma_address(sg) + offset;
			size_t bytes = min3(size,
					    (size_t)(sg_dma_len(sg) - offset),
					    (size_t)(PAGE_SIZE -
						     offset_in_page(address)));

			ret = vp_access_page(address, data, bytes, write);
			if (ret)
				return ret;
			offset += bytes;
			data += bytes;
			size -= bytes;
		}
		if (!size)
			return 0;
		offset = 0;
	}
	return -EFAULT;
}

/**
 * vp_dmabuf_device_access - a device reads or writes through its mapping
 * @attach: the device's place at the buffer
 * @offset: where in the buffer, in bytes
 * @data: kernel memory that is written from, or read into
 * @size: bytes; what is asked for lies within the buffer
 * @write: whether the device writes
 *
 * The caller has waited for the fences. Locked.
 *
 * Returns 0; -EINVAL without a mapping, or with one in another direction;
 * -ESTALE with one that was invalidated or revoked; -EOPNOTSUPP when the
 * addresses are none of the CPU's memory; -EFAULT when the exporter's table is
 * too short.
 */
int vp_dmabuf_device_access(struct vp_attachment *attach, size_t offset,
			    void *data, size_t size, bool write)
{
	struct vp_dmabuf *buf = attach->buf;
	enum dma_data_direction dir = write ? DMA_FROM_DEVICE : DMA_TO_DEVICE;
	int ret;

	if (buf)
		dma_resv_assert_held(buf->resv);

	if (!attach->sgt) {
		vp_dmabuf_misuse(buf, attach->dev, VP_RULE_ACCESS_WITHOUT_MAP);
		return -EINVAL;
	}
	if (attach->stale) {
		vp_dmabuf_misuse(buf, attach->dev,
				 buf->revoked ? VP_RULE_USE_AFTER_REVOKE :
						VP_RULE_USE_AFTER_INVALIDATE);
		return -ESTALE;
	}
	if (attach->dir != dir && attach->dir != DMA_BIDIRECTIONAL)
		return -EINVAL;

	if (buf->ops->begin_device_access)
		buf->ops->begin_device_access(attach, offset, size, write);
	ret = vp_access_table(attach->sgt, offset, data, size, write);
	if (buf->ops->end_device_access)
		buf->ops->end_device_access(attach, offset, size, write);
	return ret;
}
EXPORT_SYMBOL_GPL(vp_dmabuf_device_access);
