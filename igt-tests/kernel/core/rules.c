// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importers, users and drivers that break a rule of the contract. Each does so
 * twice on one buffer. It does no harm: the buffer works afterwards, and goes.
 * How often it was counted, and that the log has it once, is looked at by
 * prime_core.c.
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
	CHECK(buf->stale == 0 && buf->vmap_users == 0);
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

/* What breaks the contract is counted, named, and does no harm. */
static int test_misuse(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_attachment attach;
	struct iosys_map map = {};
	struct sg_table *sgt, other;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_unmap_attachment(&attach, &other, DMA_TO_DEVICE);
	CHECK(vp_test_violations() == before + 1);
	vp_dmabuf_unpin(&attach);
	CHECK(vp_test_violations() == before + 2);
	vp_dmabuf_vunmap(&buffer->base, &map);
	CHECK(vp_test_violations() == before + 3);
	sgt = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt));
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -EBUSY);
	CHECK(vp_test_violations() == before + 4);
	CHECK(!vp_dmabuf_pin(&attach));
	dma_resv_unlock(buffer->base.resv);

	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(vp_test_violations() == before + 5);

	/* While mapped, and pinned. */
	vp_dmabuf_detach(&attach);
	CHECK(vp_test_violations() == before + 7);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A place that has not been taken yet, and one that has been given up. */
static int test_map_without_attach(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_attachment attach = { .dev = &vp_test_pdev->dev };

	CHECK(buffer);
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -EINVAL);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	vp_dmabuf_detach(&attach);
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -EINVAL);
	return vp_test_is_unharmed(buffer);
}

/* Nor can it do anything else there. */
static int test_without_attach(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_attachment attach = { .dev = &vp_test_pdev->dev };
	struct sg_table other = {};
	u32 word;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	vp_dmabuf_detach(&attach);
	CHECK(vp_dmabuf_pin(&attach) == -EINVAL);
	vp_dmabuf_unpin(&attach);
	vp_dmabuf_unmap_attachment(&attach, &other, DMA_TO_DEVICE);
	CHECK(vp_dmabuf_device_access(&attach, 0, &word, sizeof(word), false) ==
	      -EINVAL);
	return vp_test_is_unharmed(buffer);
}

/* The first mapping stays what it is. */
static int test_double_map(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed, *moving;
	struct sg_table *sgt;

	CHECK(buffer);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(fixed) && !IS_ERR(moving));
	CHECK(!vp_test_map(fixed) && !vp_test_map(moving));
	sgt = fixed->base.sgt;
	CHECK(vp_test_map(fixed) == -EBUSY && vp_test_map(moving) == -EBUSY);
	CHECK(fixed->base.sgt == sgt && buffer->maps == 2 && buffer->pins == 1);
	CHECK(!vp_test_poke(fixed, 4, 4) && vp_test_sees(moving, 4, 4));
	vp_test_unmap(fixed);
	vp_test_unmap(moving);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	vp_test_detach(fixed);
	vp_test_detach(moving);
	return vp_test_is_unharmed(buffer);
}

/* A table that never was, and one that has been given back. */
static int test_unmap_without_map(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct sg_table other = {};
	struct dma_resv *resv;

	CHECK(buffer);
	resv = buffer->base.resv;
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	dma_resv_lock(resv, NULL);
	vp_dmabuf_unmap_attachment(&importer->base, &other, DMA_BIDIRECTIONAL);
	dma_resv_unlock(resv);
	CHECK(importer->base.sgt && buffer->maps == 1);
	vp_test_unmap(importer);
	vp_test_unmap(importer);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);
	vp_test_detach(importer);
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
		vp_dmabuf_unmap_attachment(&importer->base, importer->base.sgt,
					   DMA_FROM_DEVICE);
		dma_resv_unlock(resv);
		CHECK(buffer->maps == 0 && buffer->pins == 0);
	}
	vp_test_detach(importer);
	return vp_test_is_unharmed(buffer);
}

/* A device that starts before it has addresses, or goes on without. */
static int test_access_without_map(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	u32 word;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer));
	CHECK(vp_test_peek(importer, 0, &word) == -EINVAL);
	CHECK(!vp_test_map(importer));
	vp_test_unmap(importer);
	CHECK(vp_test_poke(importer, 0, 0xbad) == -EINVAL);
	CHECK(*(u32 *)page_address(buffer->pages[0]) == 0);
	vp_test_detach(importer);
	return vp_test_is_unharmed(buffer);
}

static int test_detach_without_attach(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_attachment attach = { .dev = &vp_test_pdev->dev };

	CHECK(buffer);
	vp_dmabuf_detach(&attach);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	vp_dmabuf_detach(&attach);
	vp_dmabuf_detach(&attach);
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
	CHECK(!vp_dmabuf_move(&buffer->base) && buffer->base.stale == 1);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(fixed) && !vp_test_map(fixed));
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

/* One too many, and one of another address. */
static int test_vunmap_without_vmap(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct iosys_map map = {}, other;

	CHECK(buffer);
	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_vunmap(&buffer->base, &map);
	CHECK(!vp_dmabuf_vmap(&buffer->base, &map));
	other = map;
	iosys_map_incr(&other, PAGE_SIZE);
	vp_dmabuf_vunmap(&buffer->base, &other);
	CHECK(buffer->vmaps == 1 && buffer->base.vmap_users == 1);
	vp_dmabuf_vunmap(&buffer->base, &map);
	dma_resv_unlock(buffer->base.resv);
	return vp_test_is_unharmed(buffer);
}

static int test_end_without_begin(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_dmabuf *buf;

	CHECK(buffer);
	buf = &buffer->base;
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(buf->cpu_accesses == 0);
	return vp_test_is_unharmed(buffer);
}

/* Its begins when a buffer went. */
static int vp_test_left_begins;

static void vp_test_release_begun(struct vp_dmabuf *buf)
{
	vp_test_left_begins = to_test(buf)->begins;
	vp_test_ops.release(buf);
}

/* What is open when the buffer goes is ended, once for each begin. */
static int test_begin_left_open(void)
{
	static struct vp_dmabuf_ops ops;
	struct vp_test_buffer *buffer;

	ops = vp_test_ops;
	ops.release = vp_test_release_begun;
	buffer = vp_test_buffer_with(&ops, NULL);
	CHECK(buffer);
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_FROM_DEVICE));
	vp_test_left_begins = -1;
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	CHECK(vp_test_left_begins == 0);
	return 0;
}

/* The kernel told, the memory may be elsewhere: no access by old addresses. */
static int test_use_after_invalidate(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *keeper;
	u32 word;

	CHECK(buffer);
	keeper = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(keeper) && !vp_test_map(keeper));
	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	dma_resv_unlock(buffer->base.resv);
	CHECK(vp_test_peek(keeper, 0, &word) == -ESTALE);
	CHECK(vp_test_poke(keeper, 0, 0xbad) == -ESTALE);
	CHECK(*(u32 *)page_address(buffer->pages[0]) == 0);
	vp_test_unmap(keeper);
	CHECK(!vp_test_map(keeper) && vp_test_sees(keeper, 0, 0));
	vp_test_unmap(keeper);
	vp_test_detach(keeper);
	return vp_test_is_unharmed(buffer);
}

/* Nor when it has been taken away, whether there was a move before or not. */
static int test_use_after_revoke(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_thread *revoke;
	struct vp_test_importer *one, *two;
	struct dma_fence *job;
	u32 word;

	CHECK(buffer);
	one = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	two = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(one) && !IS_ERR(two));
	CHECK(!vp_test_map(two) && !vp_dmabuf_move(&buffer->base));
	CHECK(!vp_test_map(one));
	/* The time that they have begins when this ends. */
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_BOOKKEEP);
	CHECK(job);
	revoke = vp_test_start(vp_test_thread_revoke, &buffer->base);
	CHECK(revoke);
	CHECK(vp_test_is_waiting(revoke) && READ_ONCE(buffer->base.revoked));
	CHECK(vp_test_poke(one, 0, 0xbad) == -ESTALE);
	CHECK(vp_test_peek(two, 0, &word) == -ESTALE);
	CHECK(*(u32 *)page_address(buffer->pages[0]) == 0);
	CHECK(buffer->base.stale == 2 && vp_test_is_running(revoke));
	vp_test_unmap(one);
	vp_test_unmap(two);
	vp_test_job_end(job);
	CHECK(vp_test_join(revoke) == 0);
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(one);
	vp_test_detach(two);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Every call that has to give up names who it waited for. */
static int test_not_unmapped(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	CHECK(vp_dmabuf_revoke(&buffer->base) == -ETIMEDOUT);
	CHECK(vp_dmabuf_revoke(&buffer->base) == -ETIMEDOUT);
	CHECK(!buffer->revokes);
	vp_test_unmap(importer);
	vp_test_detach(importer);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Somebody drops references that were not his; the importer can go on. */
static int test_release_with_attachments(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	CHECK(!vp_test_poke(importer, 0, 5) && vp_test_sees(importer, 0, 5));
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	CHECK(vp_test_sees(importer, 0, 5));

	vp_dmabuf_ref(&buffer->base);
	vp_test_unmap(importer);
	vp_test_detach(importer);
	CHECK(vp_test_released == 0);
	return vp_test_is_unharmed(buffer);
}

const struct vp_test vp_rule_tests[] = {
	{ "misuse", test_misuse },
	{ "map-without-attach", test_map_without_attach },
	{ "without-attach", test_without_attach },
	{ "double-map", test_double_map },
	{ "unmap-without-map", test_unmap_without_map },
	{ "unmap-direction", test_unmap_direction },
	{ "access-without-map", test_access_without_map },
	{ "detach-without-attach", test_detach_without_attach },
	{ "detach-while-mapped", test_detach_while_mapped },
	{ "detach-while-pinned", test_detach_while_pinned },
	{ "unpin-without-pin", test_unpin_without_pin },
	{ "vunmap-without-vmap", test_vunmap_without_vmap },
	{ "end-without-begin", test_end_without_begin },
	{ "begin-left-open", test_begin_left_open },
	{ "use-after-invalidate", test_use_after_invalidate },
	{ "use-after-revoke", test_use_after_revoke },
	{ "not-unmapped", test_not_unmapped },
	{ "release-with-attachments", test_release_with_attachments },
	{}
};
