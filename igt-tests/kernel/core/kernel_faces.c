// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that know only the kernel's dma-buf, on either side of a file: as
 * importers of what vprime exports, and as exporters to it.
 */
#include "core_test.h"

#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

static int vp_test_kernel_moved;

static void vp_test_kernel_move(struct dma_buf_attachment *kattach)
{
	vp_test_kernel_moved++;
}

static const struct dma_buf_attach_ops vp_test_kernel_ops = {
	.vp_invalidate_mappings = vp_test_kernel_move,
};

/* A driver that knows only the kernel's dma-buf imports what vprime made. */
static int test_kernel_importer(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf_attachment *fixed, *moving;
	struct dma_buf *kbuf;
	struct sg_table *sgt;

	CHECK(buffer);
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(kbuf));

	/* One that cannot move its mapping pins, and unpins. */
	fixed = dma_buf_attach(kbuf, &vp_test_pdev->dev);
	CHECK(!IS_ERR(fixed));
	sgt = dma_buf_map_attachment_unlocked(fixed, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt) && sgt->orig_nents >= 1);
	CHECK(buffer->maps == 1 && buffer->base.pins > 0);
	dma_buf_unmap_attachment_unlocked(fixed, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(kbuf, fixed);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	CHECK(buffer->base.attached == 0);

	/* One that can is told. */
	moving = dma_buf_dynamic_attach(kbuf, &vp_test_pdev->dev,
					&vp_test_kernel_ops, NULL);
	CHECK(!IS_ERR(moving));
	vp_test_kernel_moved = 0;
	dma_resv_lock(kbuf->resv, NULL);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(vp_test_kernel_moved == 1);
	sgt = dma_buf_map_attachment(moving, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt) && buffer->maps == 1);
	dma_buf_unmap_attachment(moving, sgt, DMA_TO_DEVICE);
	dma_resv_unlock(kbuf->resv);
	dma_buf_detach(kbuf, moving);
	CHECK(buffer->maps == 0 && buffer->pins == 0);

	CHECK(!dma_buf_begin_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(buffer->begins == 1);
	CHECK(!dma_buf_end_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(buffer->begins == 0);

	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/* One that cannot be told holds the memory for as long as it is attached. */
static int test_kernel_importer_static(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf_attachment *kattach;
	struct dma_buf *kbuf;
	struct sg_table *sgt;

	CHECK(buffer);
	*(u32 *)page_address(buffer->pages[0]) = 0xface;
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(kbuf));
	kattach = dma_buf_attach(kbuf, &vp_test_pdev->dev);
	CHECK(!IS_ERR(kattach));
	sgt = dma_buf_map_attachment_unlocked(kattach, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	CHECK(sg_dma_address(sgt->sgl) == page_to_phys(buffer->pages[0]));

	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);
	CHECK(!buffer->base.revoked && !buffer->moves && !buffer->revokes);

	dma_buf_unmap_attachment_unlocked(kattach, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(kbuf, kattach);
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(PTR_ERR(dma_buf_attach(kbuf, &vp_test_pdev->dev)) == -ENODEV);
	CHECK(dma_buf_begin_cpu_access(kbuf, DMA_FROM_DEVICE) == -ENODEV);
	CHECK(!buffer->wronged);
	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/* One that maps twice has two mappings, and gives back whichever it likes. */
static int test_kernel_importer_two_mappings(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf_attachment *kattach;
	struct sg_table *one, *two;
	struct dma_buf *kbuf;

	CHECK(buffer);
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(kbuf));
	kattach = dma_buf_dynamic_attach(kbuf, &vp_test_pdev->dev,
					 &vp_test_kernel_ops, NULL);
	CHECK(!IS_ERR(kattach));
	dma_resv_lock(kbuf->resv, NULL);
	one = dma_buf_map_attachment(kattach, DMA_TO_DEVICE);
	two = dma_buf_map_attachment(kattach, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(one) && !IS_ERR(two) && one != two);
	CHECK(buffer->maps == 2);
	dma_buf_unmap_attachment(kattach, one, DMA_TO_DEVICE);
	CHECK(buffer->maps == 1);
	CHECK(sg_dma_address(two->sgl) == page_to_phys(buffer->pages[0]));
	dma_buf_unmap_attachment(kattach, two, DMA_BIDIRECTIONAL);
	dma_resv_unlock(kbuf->resv);
	dma_buf_detach(kbuf, kattach);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/* One that is told and unmaps, with what it needs for that. */
struct vp_test_kernel_importer {
	struct dma_buf_attachment *kattach;
	struct sg_table *sgt;
	int told;
};

static void vp_test_kernel_unmap(struct dma_buf_attachment *kattach)
{
	struct vp_test_kernel_importer *importer = kattach->importer_priv;

	importer->told++;
	if (importer->sgt)
		dma_buf_unmap_attachment(kattach, importer->sgt,
					 DMA_BIDIRECTIONAL);
	importer->sgt = NULL;
}

/* The same by its own will. */
static void vp_test_kernel_drop(struct vp_test_kernel_importer *importer)
{
	struct dma_resv *resv = importer->kattach->dmabuf->resv;

	dma_resv_lock(resv, NULL);
	dma_buf_unmap_attachment(importer->kattach, importer->sgt,
				 DMA_BIDIRECTIONAL);
	importer->sgt = NULL;
	dma_resv_unlock(resv);
}

static const struct dma_buf_attach_ops vp_test_kernel_unmap_ops = {
	.vp_invalidate_mappings = vp_test_kernel_unmap,
};

static int vp_test_kernel_map(struct vp_test_kernel_importer *importer)
{
	struct dma_buf *kbuf = importer->kattach->dmabuf;
	struct sg_table *sgt;

	dma_resv_lock(kbuf->resv, NULL);
	sgt = dma_buf_map_attachment(importer->kattach, DMA_BIDIRECTIONAL);
	dma_resv_unlock(kbuf->resv);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	importer->sgt = sgt;
	return 0;
}

static int vp_test_kernel_pin(struct vp_test_kernel_importer *importer)
{
	struct dma_buf *kbuf = importer->kattach->dmabuf;
	int ret;

	dma_resv_lock(kbuf->resv, NULL);
	ret = dma_buf_pin(importer->kattach);
	dma_resv_unlock(kbuf->resv);
	return ret;
}

static void vp_test_kernel_unpin(struct vp_test_kernel_importer *importer)
{
	struct dma_buf *kbuf = importer->kattach->dmabuf;

	dma_resv_lock(kbuf->resv, NULL);
	dma_buf_unpin(importer->kattach);
	dma_resv_unlock(kbuf->resv);
}

/* Those that can be told move along, as far as their kernel lets them. */
static int test_kernel_importer_moves(void)
{
	struct vp_test_kernel_importer importers[2] = {};
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf *kbuf;
	unsigned int i;

	CHECK(buffer);
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(kbuf));
	for (i = 0; i < ARRAY_SIZE(importers); i++) {
		importers[i].kattach =
			dma_buf_dynamic_attach(kbuf, &vp_test_pdev->dev,
					       &vp_test_kernel_unmap_ops,
					       &importers[i]);
		CHECK(!IS_ERR(importers[i].kattach));
		CHECK(!vp_test_kernel_map(&importers[i]));
	}
	/* A kernel without move notification pins for them. */
	if (buffer->pins) {
		CHECK(buffer->pins == 2);
		CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
		for (i = 0; i < ARRAY_SIZE(importers); i++) {
			CHECK(importers[i].told == 0 && importers[i].sgt);
			vp_test_kernel_drop(&importers[i]);
		}
	}
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(buffer->maps == 0);
	for (i = 0; i < ARRAY_SIZE(importers); i++) {
		CHECK(importers[i].told == 1 && !importers[i].sgt);
		CHECK(!vp_test_kernel_map(&importers[i]));
		CHECK(sg_dma_address(importers[i].sgt->sgl) ==
		      page_to_phys(buffer->pages[0]));
	}

	/* One of them pins: to be told would be the end of its mapping. */
	CHECK(!vp_test_kernel_pin(&importers[0]));
	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	for (i = 0; i < ARRAY_SIZE(importers); i++)
		CHECK(importers[i].told == 1 && importers[i].sgt);

	/*
	 * That it is when the memory is taken away, from all of them; where the
	 * kernel does not know of that, it is not, until they let go.
	 */
	if (!VP_HAVE_ATTACH_REVOCABLE) {
		CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);
		CHECK(!buffer->base.revoked && !buffer->revokes);
		for (i = 0; i < ARRAY_SIZE(importers); i++) {
			CHECK(importers[i].told == 1 && importers[i].sgt);
			vp_test_kernel_drop(&importers[i]);
		}
		vp_test_kernel_unpin(&importers[0]);
	}
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged && buffer->maps == 0);
	for (i = 0; i < ARRAY_SIZE(importers); i++) {
		CHECK(importers[i].told == 2 && !importers[i].sgt);
		CHECK(vp_test_kernel_map(&importers[i]) == -ENODEV);
	}
	if (VP_HAVE_ATTACH_REVOCABLE)
		vp_test_kernel_unpin(&importers[0]);
	CHECK(buffer->pins == 0);
	for (i = 0; i < ARRAY_SIZE(importers); i++)
		dma_buf_detach(kbuf, importers[i].kattach);
	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/*
 * One that maps through a file that is to be read only. In both directions map
 * also those that only read; one that maps to be written by its device, twice
 * here, wants to write.
 */
static int test_kernel_importer_read_only(void)
{
	static const enum dma_data_direction dirs[] = {
		DMA_TO_DEVICE, DMA_BIDIRECTIONAL, DMA_FROM_DEVICE,
		DMA_FROM_DEVICE,
	};
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_kernel_importer importer = {};
	struct dma_buf *kbuf;
	struct sg_table *sgt;
	unsigned int i;

	CHECK(buffer);
	buffer->base.read_only = VP_READ_ONLY_REPORTED;
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDONLY);
	CHECK(!IS_ERR(kbuf));
	importer.kattach = dma_buf_dynamic_attach(kbuf, &vp_test_pdev->dev,
						  &vp_test_kernel_unmap_ops,
						  &importer);
	CHECK(!IS_ERR(importer.kattach));
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		dma_resv_lock(kbuf->resv, NULL);
		sgt = dma_buf_map_attachment(importer.kattach, dirs[i]);
		if (!IS_ERR(sgt))
			dma_buf_unmap_attachment(importer.kattach, sgt,
						 dirs[i]);
		dma_resv_unlock(kbuf->resv);
		CHECK(!IS_ERR(sgt));
	}
	dma_buf_detach(kbuf, importer.kattach);
	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/* A driver that knows only the kernel's dma-buf, as exporter. */
static struct sg_table *vp_test_foreign_map(struct dma_buf_attachment *kattach,
					    enum dma_data_direction dir)
{
	struct page *page = kattach->dmabuf->priv;

	return vp_test_table(&page, 1);
}

static void vp_test_foreign_unmap(struct dma_buf_attachment *kattach,
				  struct sg_table *sgt,
				  enum dma_data_direction dir)
{
	vp_test_free_table(sgt);
}

static int vp_test_foreign_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, page_address(kbuf->priv));
	return 0;
}

static void vp_test_foreign_release(struct dma_buf *kbuf)
{
	__free_page(kbuf->priv);
	vp_test_released++;
}

static const struct dma_buf_ops vp_test_foreign_ops = {
	.map_dma_buf = vp_test_foreign_map,
	.unmap_dma_buf = vp_test_foreign_unmap,
	.vmap = vp_test_foreign_vmap,
	.release = vp_test_foreign_release,
};

/* One whose memory moves has these two as well. */
static int vp_test_foreign_pins;

static int vp_test_foreign_pin(struct dma_buf_attachment *kattach)
{
	vp_test_foreign_pins++;
	return 0;
}

static void vp_test_foreign_unpin(struct dma_buf_attachment *kattach)
{
	vp_test_foreign_pins--;
}

static const struct dma_buf_ops vp_test_foreign_moving_ops = {
	.pin = vp_test_foreign_pin,
	.unpin = vp_test_foreign_unpin,
	.map_dma_buf = vp_test_foreign_map,
	.unmap_dma_buf = vp_test_foreign_unmap,
	.vmap = vp_test_foreign_vmap,
	.release = vp_test_foreign_release,
};

static struct dma_buf *vp_test_foreign(const struct dma_buf_ops *ops)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return ERR_PTR(-ENOMEM);
	info.ops = ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	info.priv = page;
	return dma_buf_export(&info);
}

/* Its buffer is wrapped once, and everything reaches it. */
static int test_kernel_exporter(void)
{
	long imports = vp_count_read(&vp_dmabuf_counts.imports);
	struct vp_test_importer *fixed, *moving;
	struct vp_dmabuf *buf, *again;
	struct dma_buf *kbuf;
	struct iosys_map map;
	struct page *page;

	kbuf = vp_test_foreign(&vp_test_foreign_ops);
	CHECK(!IS_ERR(kbuf));
	page = kbuf->priv;

	buf = vp_dmabuf_from_kernel(kbuf);
	CHECK(!IS_ERR(buf));
	again = vp_dmabuf_from_kernel(kbuf);
	CHECK(again == buf && buf->resv == kbuf->resv);
	CHECK(vp_count_read(&vp_dmabuf_counts.imports) == imports + 1);
	vp_dmabuf_put(again);

	fixed = vp_test_attach(buf, VP_TEST_FIXED);
	moving = vp_test_attach(buf, VP_TEST_PROMPT);
	CHECK(!IS_ERR(fixed) && !IS_ERR(moving));
	CHECK(!vp_test_map(fixed));
	CHECK(vp_test_address(fixed->mapping) == page_to_phys(page));
	CHECK(!vp_test_poke(fixed, 16, 0xf0e));
	vp_test_unmap(fixed);
	CHECK(!vp_test_map(moving));
	CHECK(vp_test_address(moving->mapping) == page_to_phys(page));
	CHECK(vp_test_sees(moving, 16, 0xf0e));
	vp_test_unmap(moving);

	dma_resv_lock(buf->resv, NULL);
	CHECK(!vp_dmabuf_vmap(buf, &map));
	CHECK(map.vaddr == page_address(page));
	vp_dmabuf_vunmap(buf, &map);
	dma_resv_unlock(buf->resv);

	/* Exporting it again is the foreign buffer itself. */
	CHECK(vp_dmabuf_kernel_get(buf, O_RDWR) == kbuf);
	dma_buf_put(kbuf);

	/* Where it is, and whether it is, is not for vprime to say. */
	CHECK(vp_dmabuf_move(buf) == -EOPNOTSUPP);
	CHECK(vp_dmabuf_revoke(buf) == -EOPNOTSUPP);
	CHECK(!buf->revoked && moving->told == 0);

	vp_test_detach(fixed);
	vp_test_detach(moving);
	dma_buf_put(kbuf);
	CHECK(vp_test_released == 0);
	vp_dmabuf_put(buf);
	CHECK(vp_count_read(&vp_dmabuf_counts.imports) == imports);
	return 0;
}

/* When it takes its memory away, vprime's importers hear of it. */
static int test_kernel_exporter_moves(void)
{
	struct vp_test_importer *prompt, *keeper;
	struct vp_dmabuf *buf;
	struct dma_buf *kbuf;

	vp_test_foreign_pins = 0;
	kbuf = vp_test_foreign(&vp_test_foreign_moving_ops);
	CHECK(!IS_ERR(kbuf));
	buf = vp_dmabuf_from_kernel(kbuf);
	CHECK(!IS_ERR(buf));
	prompt = vp_test_attach(buf, VP_TEST_PROMPT);
	keeper = vp_test_attach(buf, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(prompt) && !IS_ERR(keeper));
	CHECK(!vp_test_map(prompt) && !vp_test_map(keeper));

	dma_resv_lock(kbuf->resv, NULL);
	vp_kernel_invalidate_mappings(kbuf);
	dma_resv_unlock(kbuf->resv);
	CHECK(prompt->told == 1 && keeper->told == 1);
	CHECK(!prompt->mapping && buf->mapped == 1);
	CHECK(!vp_test_map(prompt) && vp_test_sees(prompt, 0, 0));

	/* The same holds as for a buffer of vprime's own. */
	CHECK(keeper->mapping->stale && !prompt->mapping->stale);
	vp_test_unmap(keeper);
	CHECK(!vp_test_map(keeper) && !keeper->mapping->stale);
	CHECK(vp_test_sees(keeper, 0, 0));

	vp_test_unmap(keeper);
	vp_test_unmap(prompt);
	CHECK(vp_test_foreign_pins == 0);

	/* A pin through vprime is a pin there. */
	CHECK(!vp_test_pin(prompt));
	CHECK(vp_test_foreign_pins == 1);
	vp_test_unpin(prompt);
	CHECK(vp_test_foreign_pins == 0);
	vp_test_detach(keeper);
	vp_test_detach(prompt);
	dma_buf_put(kbuf);
	vp_dmabuf_put(buf);
	return 0;
}

/* In whole pages: as much as the device takes in one entry of a table. */
#define VP_TEST_SEGMENT	(2 * PAGE_SIZE)

/*
 * System memory of a vprime GPU, through a kernel mapping and through a
 * foreign driver's table: word 0 of page n is n + 1 when it comes, and n + 2
 * when it goes. The process does the other half.
 */
static int test_memory(void)
{
	struct vp_dmabuf *buf = vp_test_fd_buffer();
	struct dma_buf_attachment *kattach;
	struct scatterlist *sg;
	unsigned int segment;
	unsigned long pages, i = 0;
	struct sg_dma_page_iter iter;
	struct iosys_map map;
	struct dma_buf *kbuf;
	struct sg_table *sgt;
	dma_addr_t address;
	u32 *word;

	/* Importers get addresses, not pages; here they are the CPU's own. */
	CHECK(!device_iommu_mapped(&vp_test_pdev->dev));
	CHECK(!IS_ERR(buf));
	pages = buf->size >> PAGE_SHIFT;
	kbuf = vp_dmabuf_kernel_get(buf, O_RDWR);
	dma_set_max_seg_size(&vp_test_pdev->dev, VP_TEST_SEGMENT);
	kattach = dma_buf_attach(kbuf, &vp_test_pdev->dev);
	CHECK(!IS_ERR(kattach));
	sgt = dma_buf_map_attachment_unlocked(kattach, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	for_each_sgtable_dma_sg(sgt, sg, segment) {
		CHECK(sg_dma_len(sg) && PAGE_ALIGNED(sg_dma_len(sg)));
		CHECK(sg_dma_len(sg) <= VP_TEST_SEGMENT);
	}

	dma_resv_lock(buf->resv, NULL);
	CHECK(!vp_dmabuf_vmap(buf, &map));
	for_each_sgtable_dma_page(sgt, &iter, 0) {
		CHECK(i < pages);
		address = sg_page_iter_dma_address(&iter);
		word = kmap_local_pfn(PHYS_PFN(address));
		CHECK(*word == i + 1);
		*word = i + 2;
		kunmap_local(word);
		CHECK(*(u32 *)(map.vaddr + i * PAGE_SIZE) == i + 2);
		i++;
	}
	CHECK(i == pages);
	vp_dmabuf_vunmap(buf, &map);
	/* Takes down the program's mapping too: it finds its way back. */
	vp_dmabuf_invalidate_mappings(buf);
	dma_resv_unlock(buf->resv);

	CHECK(!dma_buf_begin_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(!dma_buf_end_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	dma_buf_unmap_attachment_unlocked(kattach, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(kbuf, kattach);
	dma_buf_put(kbuf);
	vp_dmabuf_put(buf);
	return 0;
}

const struct vp_test vp_face_tests[] = {
	{ "kernel-importer", test_kernel_importer },
	{ "kernel-importer-static", test_kernel_importer_static },
	{ "kernel-importer-two-mappings", test_kernel_importer_two_mappings },
	{ "kernel-importer-moves", test_kernel_importer_moves },
	{ "kernel-importer-read-only", test_kernel_importer_read_only },
	{ "kernel-exporter", test_kernel_exporter },
	{ "kernel-exporter-moves", test_kernel_exporter_moves },
	{ "memory", test_memory },
	{}
};
