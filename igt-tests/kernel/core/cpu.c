// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers do with the CPU: access between begin and end, and kernel mappings
 * of whole buffers. For programs see prime_cpu.c and prime_cpu_fence.c.
 */
#include "core_test.h"

#include <linux/highmem.h>

static int vp_test_begin_and_end(void *buf)
{
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));
	return 0;
}

/* A process and a kernel thread: each ends what it has begun. */
static int test_cpu_access_of_two(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_test_thread *thread;

	CHECK(buffer);
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_TO_DEVICE));
	thread = vp_test_start(vp_test_begin_and_end, &buffer->base);
	CHECK(thread && !vp_test_join(thread));
	CHECK(buffer->begins == 1);
	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(buffer->begins == 0);
	CHECK(vp_test_violations() == before);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A whole buffer in the kernel: one mapping for all users, or none. */
static int test_vmap(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct iosys_map one, two;
	u8 *bytes;

	CHECK(buffer);
	dma_resv_lock(buffer->base.resv, NULL);
	buffer->fail_vmap = -ENOMEM;
	CHECK(vp_dmabuf_vmap(&buffer->base, &one) == -ENOMEM);
	CHECK(iosys_map_is_null(&one) && !buffer->base.vmap_users);

	buffer->fail_vmap = 0;
	CHECK(!vp_dmabuf_vmap(&buffer->base, &one));
	CHECK(!vp_dmabuf_vmap(&buffer->base, &two));
	CHECK(buffer->vmaps == 1 && iosys_map_is_equal(&one, &two));

	bytes = one.vaddr;
	bytes[PAGE_SIZE + 5] = 0x5a;
	bytes = kmap_local_page(buffer->pages[1]);
	CHECK(bytes[5] == 0x5a);
	kunmap_local(bytes);

	vp_dmabuf_vunmap(&buffer->base, &one);
	CHECK(buffer->vmaps == 1);
	vp_dmabuf_vunmap(&buffer->base, &two);
	CHECK(buffer->vmaps == 0);
	dma_resv_unlock(buffer->base.resv);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* A kernel mapping holds the memory; nobody is told of anything. */
static int test_vmap_holds(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct iosys_map map;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(!vp_dmabuf_vmap(&buffer->base, &map));
	dma_resv_unlock(buffer->base.resv);

	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);
	CHECK(!buffer->moves && !buffer->revokes && !importer->told);
	CHECK(!buffer->base.revoked);
	*(u32 *)map.vaddr = 0xcafe;
	CHECK(vp_test_sees(importer, 0, 0xcafe));

	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_vunmap(&buffer->base, &map);
	dma_resv_unlock(buffer->base.resv);
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(!vp_test_map(importer));
	CHECK(vp_test_sees(importer, 0, 0xcafe));
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->moves == 1 && buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

const struct vp_test vp_cpu_tests[] = {
	{ "cpu-access-of-two", test_cpu_access_of_two },
	{ "vmap", test_vmap },
	{ "vmap-holds", test_vmap_holds },
	{}
};
