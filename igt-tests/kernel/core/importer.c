// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers: from one that only hands a buffer on, to 64 that have it mapped at
 * once; and an exporter that refuses what they ask for.
 */
#include "core_test.h"

/* A dma-buf comes in, a dma-buf goes out; the exporter is asked for nothing. */
static int test_hand_on(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf *in, *out;
	struct vp_dmabuf *got;

	CHECK(buffer);
	in = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(in) && in->size == VP_TEST_SIZE);
	CHECK(in->resv == buffer->base.resv);
	got = vp_dmabuf_from_kernel(in);
	CHECK(got == &buffer->base);
	/* To everyone who gets it, it is the same dma-buf. */
	out = vp_dmabuf_kernel_get(got, O_RDWR);
	CHECK(out == in);
	CHECK(!got->attached && !buffer->places && !buffer->maps &&
	      !buffer->pins && !buffer->begins);

	vp_dmabuf_put(got);
	vp_dmabuf_put(&buffer->base);
	dma_buf_put(in);
	dma_buf_put(out);
	return 0;
}

/* Attach, map, read and write, unmap, detach. */
static int test_import(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;

	CHECK(buffer);
	*(u32 *)page_address(buffer->pages[1]) = 0x600d;
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer));
	/* The place holds the buffer. */
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	CHECK(buffer->places == 1 && buffer->maps == 0);

	CHECK(!vp_test_map(importer));
	CHECK(buffer->maps == 1);
	CHECK(vp_test_sees(importer, PAGE_SIZE, 0x600d));
	CHECK(!vp_test_poke(importer, PAGE_SIZE - 4, 0xda7a));
	CHECK(((u32 *)page_address(buffer->pages[0]))[PAGE_SIZE / 4 - 1] ==
	      0xda7a);

	vp_test_unmap(importer);
	CHECK(buffer->maps == 0 && !buffer->wronged);
	vp_test_detach(importer);
	CHECK(vp_test_released == 1);
	return 0;
}

#define VP_TEST_MANY	64

/* All at once, and each sees what the one before has written. */
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
	struct vp_mapping *mapping;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	CHECK(buffer->base.attached == 1 && buffer->maps == 0);

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_NONE)) == -EINVAL);
	mapping = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	CHECK(!IS_ERR(mapping));
	CHECK(buffer->maps == 1 && buffer->pins == 1);
	CHECK(buffer->base.pins == 1 && buffer->base.mapped == 1);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(buffer->maps == 1 && !mapping->stale);

	CHECK(!vp_dmabuf_pin(&attach));
	CHECK(buffer->pins == 2);
	vp_dmabuf_unpin(&attach);
	vp_dmabuf_unmap_attachment(&attach, mapping, DMA_TO_DEVICE);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
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
	struct dma_resv *resv;

	CHECK(buffer);
	resv = buffer->base.resv;
	one = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	two = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(one) && !IS_ERR(two));
	CHECK(!vp_test_map(one) && !vp_test_map(two));
	CHECK(buffer->maps == 2 && buffer->pins == 0);

	dma_resv_lock(resv, NULL);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	dma_resv_unlock(resv);
	CHECK(one->told == 1 && two->told == 1);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);

	/* While one pins the memory stays, and so does every mapping of it. */
	CHECK(!vp_test_map(one) && !vp_test_pin(one));
	dma_resv_lock(resv, NULL);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	dma_resv_unlock(resv);
	CHECK(one->told == 1 && two->told == 1);
	CHECK(one->mapping && !one->mapping->stale);
	vp_test_unpin(one);

	vp_test_unmap(one);
	vp_test_detach(one);
	vp_test_detach(two);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/*
 * One place at the buffer, two mappings: each works, has the pin that it needs,
 * and goes by itself, whichever was first. With the second one the device writes.
 */
static int vp_test_two_mappings(enum vp_test_manners manners)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_test_importer *importer;
	struct vp_mapping *first;
	int pins = manners == VP_TEST_FIXED;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, manners);
	CHECK(!IS_ERR(importer));
	dma_resv_lock(buffer->base.resv, NULL);
	first = vp_dmabuf_map_attachment(&importer->base, DMA_TO_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	CHECK(!IS_ERR(first) && !vp_test_map(importer));
	CHECK(importer->mapping != first);
	CHECK(buffer->maps == 2 && buffer->base.mapped == 2);
	CHECK(buffer->pins == 2 * pins && buffer->base.pins == 2 * pins);

	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_unmap_attachment(&importer->base, first, DMA_TO_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	CHECK(buffer->maps == 1 && buffer->base.mapped == 1);
	CHECK(buffer->pins == pins && buffer->base.pins == pins);
	CHECK(!vp_test_poke(importer, 4, 4) && vp_test_sees(importer, 4, 4));
	vp_test_unmap(importer);
	CHECK(!buffer->maps && !buffer->pins && !buffer->wronged);
	CHECK(vp_test_violations() == before);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

static int test_two_mappings(void)
{
	CHECK(!vp_test_two_mappings(VP_TEST_FIXED));
	CHECK(!vp_test_two_mappings(VP_TEST_PROMPT));
	CHECK(vp_test_released == 2);
	return 0;
}

/* A device that only reads, or only writes, says so, and is held to it. */
static int test_directions(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_mapping *reads, *writes;
	struct vp_attachment attach;
	u32 word = 7;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	dma_resv_lock(buffer->base.resv, NULL);
	reads = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	writes = vp_dmabuf_map_attachment(&attach, DMA_FROM_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	CHECK(!IS_ERR(reads) && !IS_ERR(writes));

	CHECK(!vp_dmabuf_access(writes, 0, &word, sizeof(word), true));
	CHECK(vp_dmabuf_access(reads, 0, &word, sizeof(word), true) == -EINVAL);
	word = 0;
	CHECK(vp_dmabuf_access(writes, 0, &word, sizeof(word), false) ==
	      -EINVAL);
	CHECK(!vp_dmabuf_access(reads, 0, &word, sizeof(word), false));
	CHECK(word == 7);

	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_unmap_attachment(&attach, reads, DMA_TO_DEVICE);
	vp_dmabuf_unmap_attachment(&attach, writes, DMA_FROM_DEVICE);
	dma_resv_unlock(buffer->base.resv);
	vp_dmabuf_detach(&attach);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* An exporter may refuse what it is asked for; then nothing has happened. */
static int test_exporter_refuses(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed, *moving;

	CHECK(buffer);
	buffer->fail_attach = -EPERM;
	CHECK(PTR_ERR(vp_test_attach(&buffer->base, VP_TEST_FIXED)) == -EPERM);
	CHECK(buffer->base.attached == 0 && buffer->places == 0);
	buffer->fail_attach = 0;
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(fixed) && !IS_ERR(moving));
	CHECK(buffer->base.attached == 2 && buffer->places == 2);

	buffer->fail_pin = -ENOSPC;
	CHECK(vp_test_pin(moving) == -ENOSPC);
	CHECK(vp_test_map(fixed) == -ENOSPC);
	CHECK(!vp_test_map(moving));
	CHECK(buffer->base.pins == 0 && buffer->base.mapped == 1);
	vp_test_unmap(moving);
	buffer->fail_pin = 0;

	buffer->fail_map = -EINTR;
	CHECK(vp_test_map(moving) == -EINTR);
	CHECK(vp_test_map(fixed) == -EINTR);
	CHECK(!buffer->pins && !buffer->base.pins && !buffer->base.mapped);
	buffer->fail_map = 0;

	CHECK(!vp_test_map(fixed) && !vp_test_map(moving));
	vp_test_unmap(fixed);
	vp_test_unmap(moving);
	CHECK(!buffer->pins && !buffer->maps);
	vp_test_detach(fixed);
	vp_test_detach(moving);
	CHECK(buffer->places == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

const struct vp_test vp_importer_tests[] = {
	{ "hand-on", test_hand_on },
	{ "import", test_import },
	{ "import-many", test_import_many },
	{ "pinned", test_pinned },
	{ "movable", test_movable },
	{ "two-mappings", test_two_mappings },
	{ "directions", test_directions },
	{ "exporter-refuses", test_exporter_refuses },
	{}
};
