// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers: from one that only hands a buffer on, to 64 that have it mapped at
 * once.
 */
#include "core_test.h"

#include <linux/fdtable.h>
#include <linux/file.h>

/* A file comes in, a file goes out; nobody asks the exporter for anything. */
static int test_hand_on(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_dmabuf *got;
	struct dma_buf *kbuf;
	int in, out;

	CHECK(buffer);
	in = vp_dmabuf_fd(&buffer->base, O_CLOEXEC | O_RDWR);
	CHECK(in >= 0);
	got = vp_dmabuf_get(in);
	CHECK(got == &buffer->base);
	out = vp_dmabuf_fd(got, O_CLOEXEC | O_RDWR);
	CHECK(out >= 0 && out != in);

	/* To whoever gets it, it is the same dma-buf. */
	kbuf = dma_buf_get(out);
	CHECK(!IS_ERR(kbuf) && kbuf == got->exported);
	dma_buf_put(kbuf);
	CHECK(!got->attached && !buffer->places && !buffer->maps &&
	      !buffer->pins && !buffer->begins);

	vp_dmabuf_put(got);
	vp_dmabuf_put(&buffer->base);
	close_fd(in);
	close_fd(out);
	return 0;
}

/* Get, attach, map, read and write, unmap, detach, put. */
static int test_import(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct vp_dmabuf *got;
	int in;

	CHECK(buffer);
	in = vp_dmabuf_fd(&buffer->base, O_CLOEXEC | O_RDWR);
	CHECK(in >= 0);
	*(u32 *)page_address(buffer->pages[1]) = 0x600d;

	got = vp_dmabuf_get(in);
	CHECK(!IS_ERR(got));
	importer = vp_test_attach(got, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer));
	/* The place holds the buffer; who got it need not. */
	vp_dmabuf_put(got);
	close_fd(in);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	CHECK(buffer->places == 1 && buffer->maps == 0);

	CHECK(!vp_test_map(importer));
	CHECK(buffer->maps == 1);
	CHECK(vp_test_sees(importer, PAGE_SIZE, 0x600d));
	CHECK(!vp_test_poke(importer, PAGE_SIZE - 4, 0xda7a));
	CHECK(((u32 *)page_address(buffer->pages[0]))[PAGE_SIZE / 4 - 1] ==
	      0xda7a);

	/* Not beyond the end. */
	CHECK(vp_test_poke(importer, VP_TEST_SIZE, 1) == -EFAULT);
	vp_test_unmap(importer);
	CHECK(buffer->maps == 0);
	vp_test_detach(importer);
	return 0;
}

#define VP_TEST_MANY	64

/* Everybody at once, and each sees what the one before has written. */
static int test_import_many(void)
{
	struct vp_test_importer *many[VP_TEST_MANY];
	struct vp_test_buffer *buffer = vp_test_buffer();
	unsigned int i;

	CHECK(buffer);
	for (i = 0; i < VP_TEST_MANY; i++) {
		many[i] = vp_test_attach(&buffer->base,
					 i % 2 ? VP_TEST_FIXED :
						 VP_TEST_PROMPT);
		CHECK(!IS_ERR(many[i]));
		CHECK(!vp_test_map(many[i]));
	}
	CHECK(buffer->base.attached == VP_TEST_MANY);
	CHECK(buffer->base.mapped == VP_TEST_MANY);
	CHECK(buffer->maps == VP_TEST_MANY);
	CHECK(buffer->pins == VP_TEST_MANY / 2);

	for (i = 0; i < VP_TEST_MANY; i++) {
		CHECK(vp_test_sees(many[i], PAGE_SIZE, i));
		CHECK(!vp_test_poke(many[i], PAGE_SIZE, i + 1));
	}

	/* They go one by one, and the others do not notice. */
	for (i = 0; i < VP_TEST_MANY; i++) {
		CHECK(vp_test_sees(many[i], PAGE_SIZE, VP_TEST_MANY));
		vp_test_unmap(many[i]);
		CHECK(buffer->maps == VP_TEST_MANY - 1 - i);
		vp_test_detach(many[i]);
		CHECK(buffer->base.attached == VP_TEST_MANY - 1 - i);
	}
	CHECK(buffer->pins == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Importers that cannot give a mapping up keep the memory where it is. */
static int test_pinned(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_attachment attach;
	struct sg_table *sgt;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	CHECK(buffer->base.attached == 1 && buffer->maps == 0);

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_NONE)) == -EINVAL);
	sgt = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt));
	CHECK(buffer->maps == 1 && buffer->pins == 1);
	CHECK(buffer->base.pins == 1 && buffer->base.mapped == 1);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(buffer->maps == 1 && attach.sgt == sgt);

	CHECK(!vp_dmabuf_pin(&attach));
	CHECK(buffer->pins == 2);
	vp_dmabuf_unpin(&attach);
	vp_dmabuf_unmap_attachment(&attach, sgt, DMA_TO_DEVICE);
	CHECK(buffer->maps == 0 && buffer->pins == 0);

	/* A mapping that fails leaves no pin. */
	buffer->fail_map = -ENOSPC;
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -ENOSPC);
	CHECK(buffer->pins == 0 && buffer->base.pins == 0);
	dma_resv_unlock(buffer->base.resv);

	vp_dmabuf_detach(&attach);
	CHECK(vp_test_violations() == before);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Importers that can are told, drop it, and map again. */
static int test_movable(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *one, *two;
	struct sg_table *sgt;

	CHECK(buffer);
	one = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	two = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(one) && !IS_ERR(two));

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(!IS_ERR(vp_dmabuf_map_attachment(&one->base,
					       DMA_BIDIRECTIONAL)));
	CHECK(!IS_ERR(vp_dmabuf_map_attachment(&two->base, DMA_FROM_DEVICE)));
	CHECK(buffer->maps == 2 && buffer->pins == 0);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(one->told == 1 && two->told == 1);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);

	sgt = vp_dmabuf_map_attachment(&one->base, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));

	/* While one pins the memory stays, and so does every mapping of it. */
	CHECK(!vp_dmabuf_pin(&one->base));
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(one->told == 1 && two->told == 1);
	CHECK(one->base.sgt == sgt && !one->base.stale);
	vp_dmabuf_unpin(&one->base);

	vp_dmabuf_unmap_attachment(&one->base, sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(buffer->base.resv);

	vp_test_detach(one);
	vp_test_detach(two);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A device that only reads, or only writes, says so, and is held to it. */
static int test_directions(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct sg_table *sgt;
	u32 word;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer));

	dma_resv_lock(buffer->base.resv, NULL);
	sgt = vp_dmabuf_map_attachment(&importer->base, DMA_TO_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	CHECK(!IS_ERR(sgt));
	CHECK(!vp_test_peek(importer, 0, &word));
	CHECK(vp_test_poke(importer, 0, 7) == -EINVAL);
	vp_test_unmap(importer);

	dma_resv_lock(buffer->base.resv, NULL);
	sgt = vp_dmabuf_map_attachment(&importer->base, DMA_FROM_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	CHECK(!IS_ERR(sgt));
	CHECK(!vp_test_poke(importer, 0, 7));
	CHECK(vp_test_peek(importer, 0, &word) == -EINVAL);
	vp_test_unmap(importer);

	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

const struct vp_test vp_importer_tests[] = {
	{ "hand-on", test_hand_on },
	{ "import", test_import },
	{ "import-many", test_import_many },
	{ "pinned", test_pinned },
	{ "movable", test_movable },
	{ "directions", test_directions },
	{}
};
