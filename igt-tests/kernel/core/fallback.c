// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose memory only its device can reach, and which lies there in
 * an order of the device's own, as tiles do. What the CPU sees is a staging
 * area: begin_cpu_access puts the data there, in the CPU's order, and
 * end_cpu_access puts them back.
 *
 * What is copied, and when:
 *  - a begin brings everything in, also to write, because what the CPU leaves
 *    alone has to survive; unless the staging area has it already;
 *  - an end takes everything back, unless the access was to read;
 *  - what the device writes makes the staging area out of date.
 */
#include "core_test.h"

#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define VP_TEST_WORDS	(VP_TEST_SIZE / sizeof(u32))

struct vp_test_tiled {
	struct vp_dmabuf base;
	struct page *device[VP_TEST_PAGES];
	struct page *staging[VP_TEST_PAGES];
	bool staged;		/* the staging area has what the device has */
	int begins;
	int copies_in, copies_back;
	int fail_begin;
};

static struct vp_test_tiled *to_tiled(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_test_tiled, base);
}

/* Where word @i is in the device's memory; and which word is there. */
static unsigned int vp_test_tile(unsigned int i)
{
	return i ^ 0x6a5;
}

static u32 *vp_test_word(struct page **pages, unsigned int i)
{
	const unsigned int in_page = PAGE_SIZE / sizeof(u32);

	return (u32 *)page_address(pages[i / in_page]) + i % in_page;
}

static struct sg_table *vp_test_tiled_map(struct vp_attachment *attach,
					  enum dma_data_direction dir)
{
	return vp_test_table(to_tiled(attach->buf)->device, VP_TEST_PAGES);
}

static void vp_test_tiled_unmap(struct vp_attachment *attach,
				struct sg_table *sgt,
				enum dma_data_direction dir)
{
	vp_test_free_table(sgt);
}

static int vp_test_tiled_begin(struct vp_dmabuf *buf,
			       enum dma_data_direction dir)
{
	struct vp_test_tiled *tiled = to_tiled(buf);
	unsigned int i;

	if (tiled->fail_begin)
		return tiled->fail_begin;
	dma_resv_lock(buf->resv, NULL);
	tiled->begins++;
	if (!tiled->staged) {
		for (i = 0; i < VP_TEST_WORDS; i++)
			*vp_test_word(tiled->staging, i) =
				*vp_test_word(tiled->device, vp_test_tile(i));
		tiled->copies_in++;
		tiled->staged = true;
	}
	dma_resv_unlock(buf->resv);
	return 0;
}

static int vp_test_tiled_end(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	struct vp_test_tiled *tiled = to_tiled(buf);
	unsigned int i;

	dma_resv_lock(buf->resv, NULL);
	tiled->begins--;
	if (dir != DMA_FROM_DEVICE) {
		for (i = 0; i < VP_TEST_WORDS; i++)
			*vp_test_word(tiled->device, vp_test_tile(i)) =
				*vp_test_word(tiled->staging, i);
		tiled->copies_back++;
	}
	dma_resv_unlock(buf->resv);
	return 0;
}

static vm_fault_t vp_test_tiled_fault(struct vp_dmabuf *buf,
				      struct vm_fault *vmf, unsigned long pgoff)
{
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(to_tiled(buf)->staging[pgoff]));
}

static int vp_test_tiled_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	void *vaddr = vmap(to_tiled(buf)->staging, VP_TEST_PAGES, VM_MAP,
			   PAGE_KERNEL);

	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void vp_test_tiled_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static void vp_test_tiled_begin_device(struct vp_attachment *attach,
				       size_t offset, size_t size, bool write)
{
	if (write)
		to_tiled(attach->buf)->staged = false;
}

static void vp_test_tiled_end_device(struct vp_attachment *attach,
				     size_t offset, size_t size, bool write)
{
}

static void vp_test_tiled_release(struct vp_dmabuf *buf)
{
	struct vp_test_tiled *tiled = to_tiled(buf);
	unsigned int i;

	for (i = 0; i < VP_TEST_PAGES; i++) {
		__free_page(tiled->device[i]);
		__free_page(tiled->staging[i]);
	}
	kfree(tiled);
	vp_test_released++;
}

static const struct vp_dmabuf_ops vp_test_tiled_ops = {
	.map = vp_test_tiled_map,
	.unmap = vp_test_tiled_unmap,
	.begin_cpu_access = vp_test_tiled_begin,
	.end_cpu_access = vp_test_tiled_end,
	.begin_device_access = vp_test_tiled_begin_device,
	.end_device_access = vp_test_tiled_end_device,
	.fault = vp_test_tiled_fault,
	.vmap = vp_test_tiled_vmap,
	.vunmap = vp_test_tiled_vunmap,
	.release = vp_test_tiled_release,
};

/* The staging area begins as rubbish: nobody is to see it without a begin. */
static struct vp_test_tiled *vp_test_tiled(void)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_test_tiled *tiled = kzalloc(sizeof(*tiled), GFP_KERNEL);
	unsigned int i;

	if (!tiled)
		return NULL;
	for (i = 0; i < VP_TEST_PAGES; i++) {
		tiled->device[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		tiled->staging[i] = alloc_page(GFP_KERNEL);
		if (!tiled->device[i] || !tiled->staging[i])
			return NULL;
		memset(page_address(tiled->staging[i]), 0xdd, PAGE_SIZE);
	}
	info.ops = &vp_test_tiled_ops;
	info.size = VP_TEST_SIZE;
	return vp_dmabuf_export(&tiled->base, &info) ? NULL : tiled;
}

/* The device draws: word i is @seed + i. */
static int vp_test_draw(struct vp_test_importer *gpu, u32 seed)
{
	unsigned int i;

	for (i = 0; i < VP_TEST_WORDS; i++)
		CHECK(!vp_test_poke(gpu, vp_test_tile(i) * sizeof(u32),
				    seed + i));
	return 0;
}

/* The device reads word @i, where it has it. */
static bool vp_test_has_drawn(struct vp_test_importer *gpu, unsigned int i,
			      u32 word)
{
	return vp_test_sees(gpu, vp_test_tile(i) * sizeof(u32), word);
}

static bool vp_test_is_picture(const u32 *words, u32 seed)
{
	unsigned int i;

	for (i = 0; i < VP_TEST_WORDS; i++)
		if (words[i] != seed + i)
			return false;
	return true;
}

/* Such a buffer, the device that draws to it, and the CPU's view of it. */
struct vp_test_scene {
	struct vp_test_tiled *tiled;
	struct vp_test_importer *gpu;
	struct iosys_map map;
	u32 *words;
};

static int vp_test_set_up(struct vp_test_scene *scene)
{
	struct vp_test_tiled *tiled = vp_test_tiled();

	CHECK(tiled);
	scene->tiled = tiled;
	scene->gpu = vp_test_attach(&tiled->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(scene->gpu) && !vp_test_map(scene->gpu));
	dma_resv_lock(tiled->base.resv, NULL);
	CHECK(!vp_dmabuf_vmap(&tiled->base, &scene->map));
	dma_resv_unlock(tiled->base.resv);
	scene->words = scene->map.vaddr;
	return vp_test_draw(scene->gpu, 1000);
}

static int vp_test_tear_down(struct vp_test_scene *scene)
{
	struct vp_dmabuf *buf = &scene->tiled->base;

	CHECK(scene->tiled->begins == 0 && buf->cpu_accesses == 0);
	dma_resv_lock(buf->resv, NULL);
	vp_dmabuf_vunmap(buf, &scene->map);
	dma_resv_unlock(buf->resv);
	vp_test_unmap(scene->gpu);
	vp_test_detach(scene->gpu);
	vp_dmabuf_put(buf);
	CHECK(vp_test_released == 1);
	return 0;
}

/* To read: everything comes in order, once, and nothing goes back. */
static int test_fallback_read(void)
{
	struct vp_test_scene scene;
	struct vp_test_tiled *tiled;
	struct vp_dmabuf *buf;

	CHECK(!vp_test_set_up(&scene));
	tiled = scene.tiled;
	buf = &tiled->base;
	CHECK(!vp_test_is_picture(scene.words, 1000));

	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(vp_test_is_picture(scene.words, 1000));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(tiled->copies_in == 1 && tiled->copies_back == 0);

	/* Nothing has changed, so nothing is copied. */
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(vp_test_is_picture(scene.words, 1000));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(tiled->copies_in == 1 && tiled->copies_back == 0);

	/* The device draws anew. */
	CHECK(!vp_test_draw(scene.gpu, 5000));
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(vp_test_is_picture(scene.words, 5000));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(tiled->copies_in == 2 && tiled->copies_back == 0);
	return vp_test_tear_down(&scene);
}

/* To write: the device finds it at its place, and the rest as it was. */
static int test_fallback_write(void)
{
	struct vp_test_scene scene;
	struct vp_test_tiled *tiled;
	struct vp_dmabuf *buf;

	CHECK(!vp_test_set_up(&scene));
	tiled = scene.tiled;
	buf = &tiled->base;

	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_TO_DEVICE));
	scene.words[3] = 0xc0de;
	scene.words[VP_TEST_WORDS - 1] = 0xbeef;
	CHECK(vp_test_has_drawn(scene.gpu, 3, 1003));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(tiled->copies_in == 1 && tiled->copies_back == 1);

	CHECK(vp_test_has_drawn(scene.gpu, 3, 0xc0de));
	CHECK(vp_test_has_drawn(scene.gpu, VP_TEST_WORDS - 1, 0xbeef));
	CHECK(vp_test_has_drawn(scene.gpu, 0, 1000));
	CHECK(vp_test_has_drawn(scene.gpu, 4, 1004));
	CHECK(vp_test_has_drawn(scene.gpu, VP_TEST_WORDS - 2,
				1000 + VP_TEST_WORDS - 2));
	return vp_test_tear_down(&scene);
}

/* Reading while writing while reading: one copy in, one back per writer. */
static int test_fallback_nested(void)
{
	struct vp_test_scene scene;
	struct vp_test_tiled *tiled;
	struct vp_dmabuf *buf;

	CHECK(!vp_test_set_up(&scene));
	tiled = scene.tiled;
	buf = &tiled->base;

	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_BIDIRECTIONAL));
	CHECK(tiled->begins == 3 && buf->cpu_accesses == 3);
	CHECK(tiled->copies_in == 1);
	CHECK(vp_test_is_picture(scene.words, 1000));
	scene.words[9] = 0x1d1d;
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_BIDIRECTIONAL));
	CHECK(tiled->copies_back == 1);
	CHECK(vp_test_has_drawn(scene.gpu, 9, 0x1d1d));
	scene.words[10] = 0x2d2d;
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_TO_DEVICE));
	CHECK(tiled->copies_back == 2);
	CHECK(vp_test_has_drawn(scene.gpu, 10, 0x2d2d));
	CHECK(scene.words[9] == 0x1d1d);
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_FROM_DEVICE));
	CHECK(tiled->copies_in == 1 && tiled->copies_back == 2);
	return vp_test_tear_down(&scene);
}

/* A device that is still drawing is waited for before its data come in. */
static int test_fallback_waits(void)
{
	struct vp_test_scene scene;
	struct vp_test_tiled *tiled;
	struct dma_fence *job;

	CHECK(!vp_test_set_up(&scene));
	tiled = scene.tiled;
	job = vp_test_job(&tiled->base, DMA_RESV_USAGE_WRITE);
	CHECK(job);
	vp_test_job_ends_in(job, 100);
	CHECK(!vp_dmabuf_begin_cpu_access(&tiled->base, DMA_FROM_DEVICE));
	CHECK(dma_fence_is_signaled(job));
	CHECK(vp_test_is_picture(scene.words, 1000));
	CHECK(!vp_dmabuf_end_cpu_access(&tiled->base, DMA_FROM_DEVICE));
	vp_test_job_end(job);
	return vp_test_tear_down(&scene);
}

/* No room to bring it to: nothing is begun, nothing ended, nothing copied. */
static int test_fallback_fails(void)
{
	struct vp_test_scene scene;
	struct vp_test_tiled *tiled;
	struct vp_dmabuf *buf;

	CHECK(!vp_test_set_up(&scene));
	tiled = scene.tiled;
	buf = &tiled->base;

	tiled->fail_begin = -ENOSPC;
	CHECK(vp_dmabuf_begin_cpu_access(buf, DMA_BIDIRECTIONAL) == -ENOSPC);
	CHECK(buf->cpu_accesses == 0 && tiled->begins == 0);
	CHECK(tiled->copies_in == 0 && tiled->copies_back == 0);

	tiled->fail_begin = 0;
	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_BIDIRECTIONAL));
	CHECK(vp_test_is_picture(scene.words, 1000));
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_BIDIRECTIONAL));
	return vp_test_tear_down(&scene);
}

/* What a program has mapped is the staging area. */
static int test_fallback_mmap(void)
{
	struct vp_test_scene scene;
	struct vp_dmabuf *buf;
	unsigned long address;
	u32 word;

	CHECK(!vp_test_set_up(&scene));
	buf = &scene.tiled->base;
	address = vp_test_mmap(buf);
	CHECK(!IS_ERR_VALUE(address));

	CHECK(!vp_dmabuf_begin_cpu_access(buf, DMA_BIDIRECTIONAL));
	CHECK(!vp_test_load(address + PAGE_SIZE, &word));
	CHECK(word == 1000 + PAGE_SIZE / sizeof(u32));
	CHECK(!vp_test_load(address, &word) && word == 1000);
	CHECK(!vp_test_store(address + 4, 0xfeed));
	CHECK(scene.words[1] == 0xfeed);
	CHECK(!vp_dmabuf_end_cpu_access(buf, DMA_BIDIRECTIONAL));
	CHECK(vp_test_has_drawn(scene.gpu, 1, 0xfeed));

	vp_test_munmap(address);
	/* The file goes when this returns, and the buffer with it. */
	dma_resv_lock(buf->resv, NULL);
	vp_dmabuf_vunmap(buf, &scene.map);
	dma_resv_unlock(buf->resv);
	vp_test_unmap(scene.gpu);
	vp_test_detach(scene.gpu);
	vp_dmabuf_put(buf);
	return 0;
}

const struct vp_test vp_fallback_tests[] = {
	{ "fallback-read", test_fallback_read },
	{ "fallback-write", test_fallback_write },
	{ "fallback-nested", test_fallback_nested },
	{ "fallback-waits", test_fallback_waits },
	{ "fallback-fails", test_fallback_fails },
	{ "fallback-mmap", test_fallback_mmap },
	{}
};
