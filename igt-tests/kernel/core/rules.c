// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers that break a rule of the contract. Each does so twice on one buffer.
 * It does no harm: the buffer works afterwards, and goes. How often it was counted,
 * and that the log has it once, is looked at by prime_core.c.
 */
#include "core_test.h"

/* The buffer does all that it should, and goes with its last user. */
static int vp_test_is_unharmed(struct vp_test_buffer *buffer)
{
	struct vp_dmabuf *buf = &buffer->base;
	long before = vp_test_violations();
	struct vp_test_importer *moving, *fixed;
	int released = vp_test_released;
	struct iosys_map map;

	CHECK(buf->attached == 0 && buf->mapped == 0 && buf->pins == 0);
	CHECK(buf->vmap_users == 0);
	CHECK(!buffer->places && !buffer->maps && !buffer->pins &&
	      !buffer->vmaps);

	moving = vp_test_attach(buf, VP_TEST_PROMPT);
	fixed = vp_test_attach(buf, VP_TEST_FIXED);
	CHECK(!IS_ERR(moving) && !IS_ERR(fixed));
	CHECK(!vp_test_map(moving) && !vp_test_poke(moving, 12, 0x900d));
	CHECK(!vp_dmabuf_move(buf));
	CHECK(!vp_test_map(moving) && !vp_test_map(fixed));
	CHECK(vp_test_sees(moving, 12, 0x900d));
	CHECK(vp_test_sees(fixed, 12, 0x900d));
	CHECK(!vp_test_pin(moving));
	vp_test_unpin(moving);
	vp_test_unmap(moving);
	vp_test_unmap(fixed);

	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	dma_resv_lock(buf->resv, NULL);
	CHECK(!vp_dmabuf_vmap(buf, &map));
	CHECK(*(u32 *)(map.vaddr + 12) == 0x900d);
	vp_dmabuf_vunmap(buf, &map);
	dma_resv_unlock(buf->resv);
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));

	vp_test_detach(moving);
	vp_test_detach(fixed);
	CHECK(!buffer->maps && !buffer->pins && !buffer->vmaps);
	CHECK(vp_test_violations() == before && !buffer->wronged);
	vp_dmabuf_put(buf);
	CHECK(vp_test_released == released + 1);
	return 0;
}

/* Another device's mapping, and one that has been given back. */
static int test_unmap_without_map(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer, *other;
	struct vp_mapping *mapping;
	struct dma_resv *resv;

	CHECK(buffer);
	resv = buffer->base.resv;
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	other = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !IS_ERR(other));
	CHECK(!vp_test_map(importer) && !vp_test_map(other));
	dma_resv_lock(resv, NULL);
	vp_dmabuf_unmap_attachment(&importer->base, other->mapping,
				   DMA_BIDIRECTIONAL);
	dma_resv_unlock(resv);
	CHECK(buffer->maps == 2 && buffer->base.mapped == 2);

	mapping = importer->mapping;
	vp_test_unmap(importer);
	dma_resv_lock(resv, NULL);
	vp_dmabuf_unmap_attachment(&importer->base, mapping, DMA_BIDIRECTIONAL);
	dma_resv_unlock(resv);
	CHECK(buffer->maps == 1 && buffer->base.mapped == 1);
	vp_test_unmap(other);
	vp_test_detach(importer);
	vp_test_detach(other);
	return vp_test_is_unharmed(buffer);
}

/* It is taken down all the same, in the direction it has. */
static int test_unmap_direction(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct dma_resv *resv;
	unsigned int i;

	CHECK(buffer);
	resv = buffer->base.resv;
	importer = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(importer));
	for (i = 0; i < 2; i++) {
		CHECK(!vp_test_map(importer));
		dma_resv_lock(resv, NULL);
		vp_dmabuf_unmap_attachment(&importer->base, importer->mapping,
					   DMA_FROM_DEVICE);
		dma_resv_unlock(resv);
		CHECK(buffer->maps == 0 && buffer->pins == 0);
	}
	vp_test_detach(importer);
	return vp_test_is_unharmed(buffer);
}

/* The mapping goes with its place; a stale one too. */
static int test_detach_while_mapped(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed, *stale;

	CHECK(buffer);
	stale = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(stale) && !vp_test_map(stale));
	CHECK(!vp_dmabuf_move(&buffer->base) && stale->mapping->stale);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(fixed) && !vp_test_map(fixed) && !vp_test_map(fixed));
	vp_test_detach(fixed);
	CHECK(buffer->maps == 1 && buffer->pins == 0);
	vp_test_detach(stale);
	return vp_test_is_unharmed(buffer);
}

/* So do all its pins. */
static int test_detach_while_pinned(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	unsigned int i;

	CHECK(buffer);
	for (i = 0; i < 2; i++) {
		importer = vp_test_attach(&buffer->base,
					  i ? VP_TEST_FIXED : VP_TEST_PROMPT);
		CHECK(!IS_ERR(importer));
		CHECK(!vp_test_pin(importer) && !vp_test_pin(importer));
		vp_test_detach(importer);
		CHECK(buffer->pins == 0 && buffer->base.pins == 0);
	}
	return vp_test_is_unharmed(buffer);
}

/* Another's pin, and the one a mapping holds, are not his to give back. */
static int test_unpin_without_pin(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *one, *other;

	CHECK(buffer);
	one = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	other = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(one) && !IS_ERR(other));
	CHECK(!vp_test_pin(other));
	vp_test_unpin(one);
	CHECK(!vp_test_map(one));
	vp_test_unpin(one);
	CHECK(buffer->pins == 2 && buffer->base.pins == 2);
	vp_test_unmap(one);
	vp_test_unpin(other);
	vp_test_detach(one);
	vp_test_detach(other);
	return vp_test_is_unharmed(buffer);
}

const struct vp_test vp_rule_tests[] = {
	{ "unmap-without-map", test_unmap_without_map },
	{ "unmap-direction", test_unmap_direction },
	{ "detach-while-mapped", test_detach_while_mapped },
	{ "detach-while-pinned", test_detach_while_pinned },
	{ "unpin-without-pin", test_unpin_without_pin },
	{}
};
