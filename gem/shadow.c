// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the shadow
 *
 * On a machine whose GPU does not snoop the CPU's caches there are two truths:
 * what the CPU sees, through its caches, and what is in memory, where the GPU
 * looks. Cache maintenance at the begin and the end of a CPU access makes one
 * of the two. Here the pages of a buffer are what the CPU sees, and a second
 * set of pages, its shadow, is what the GPUs with coherent=0 see. The shadow
 * is there while one of them has the buffer mapped.
 *
 * As in a cache, what is known is known by line. A line that such a GPU wrote
 * is "written" until it has been brought to the CPU; a written line is never
 * overwritten by one that the CPU merely has. So what one side did to a line
 * does not hide what the other did to the next.
 *
 * Everything here is called with the buffer's reservation lock.
 */
#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "gem/shadow.h"

/* As long as a line of most caches, in bytes; a page has 64 of them. */
#define VP_LINE_SIZE	(PAGE_SIZE / 64)

/**
 * struct vp_shadow - what GPUs see that do not snoop
 * @count: pages
 * @cpu: the buffer's pages; owned by this
 * @device: the shadow's pages
 * @written: for each page, a bit for each line that a GPU wrote and the CPU
 *	has not been brought
 */
struct vp_shadow {
	unsigned long count;
	struct page **cpu;
	struct page **device;
	u64 *written;
};

/**
 * vp_shadow_create - give a buffer a shadow
 * @cpu: the buffer's pages, an array for kvfree(), which is the shadow's on
 *	success
 * @count: how many
 * @low: whether the shadow has to lie below 4 GiB
 *
 * Returns the shadow, which holds what the CPU sees, or NULL without memory.
 */
struct vp_shadow *vp_shadow_create(struct page **cpu, unsigned long count,
				   bool low)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN |
		    (low ? GFP_DMA32 : 0);
	struct vp_shadow *shadow;
	unsigned long i;

	shadow = kzalloc(sizeof(*shadow), GFP_KERNEL_ACCOUNT);
	if (!shadow)
		return NULL;
	shadow->count = count;
	shadow->device = kvcalloc(count, sizeof(*shadow->device),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	shadow->written = kvcalloc(count, sizeof(*shadow->written),
				   GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!shadow->device || !shadow->written)
		goto err_destroy;
	for (i = 0; i < count; i++) {
		shadow->device[i] = alloc_page(gfp);
		if (!shadow->device[i])
			goto err_destroy;
		cond_resched();
	}
	shadow->cpu = cpu;
	vp_shadow_to_device(shadow, 0, count << PAGE_SHIFT);
	return shadow;

err_destroy:
	vp_shadow_destroy(shadow);
	return NULL;
}

/**
 * vp_shadow_destroy - take a shadow away
 * @shadow: the shadow; what GPUs wrote there has been brought to the CPU, or is
 *	wanted by nobody
 */
void vp_shadow_destroy(struct vp_shadow *shadow)
{
	unsigned long i;

	for (i = 0; shadow->device && i < shadow->count; i++)
		if (shadow->device[i])
			__free_page(shadow->device[i]);
	kvfree(shadow->device);
	kvfree(shadow->written);
	kvfree(shadow->cpu);
	kfree(shadow);
}

/**
 * vp_shadow_pages - where GPUs look that do not snoop
 * @shadow: the shadow
 *
 * Returns its pages, as many as the buffer has.
 */
struct page **vp_shadow_pages(struct vp_shadow *shadow)
{
	return shadow->device;
}

/* The lines from @first on, one bit each, that the bytes of a page touch. */
static u64 vp_shadow_lines(size_t first, size_t size)
{
	unsigned int from = first / VP_LINE_SIZE;
	unsigned int to = (first + size - 1) / VP_LINE_SIZE;

	return GENMASK_ULL(to, from);
}

static void vp_shadow_copy_lines(struct page *to, struct page *from, u64 lines)
{
	u8 *dst, *src;
	unsigned int line;

	if (!lines)
		return;
	dst = kmap_local_page(to);
	src = kmap_local_page(from);
	if (lines == U64_MAX) {
		memcpy(dst, src, PAGE_SIZE);
	} else {
		for (line = 0; line < 64; line++)
			if (lines & BIT_ULL(line))
				memcpy(dst + line * VP_LINE_SIZE,
				       src + line * VP_LINE_SIZE, VP_LINE_SIZE);
	}
	kunmap_local(src);
	kunmap_local(dst);
}

typedef void vp_shadow_page_fn(struct vp_shadow *shadow, unsigned long page,
			       u64 lines);

/* Do something to each page that the bytes touch, with its lines. */
static void vp_shadow_walk(struct vp_shadow *shadow, size_t offset, size_t size,
			   vp_shadow_page_fn *func)
{
	size_t step;

	for (; size; offset += step, size -= step) {
		step = min_t(size_t, size, PAGE_SIZE - offset_in_page(offset));
		func(shadow, offset >> PAGE_SHIFT,
		     vp_shadow_lines(offset_in_page(offset), step));
	}
}

static void vp_shadow_page_to_device(struct vp_shadow *shadow,
				     unsigned long page, u64 lines)
{
	vp_shadow_copy_lines(shadow->device[page], shadow->cpu[page],
			     lines & ~shadow->written[page]);
}

static void vp_shadow_page_to_cpu(struct vp_shadow *shadow, unsigned long page,
				  u64 lines)
{
	vp_shadow_copy_lines(shadow->cpu[page], shadow->device[page],
			     lines & shadow->written[page]);
	shadow->written[page] &= ~lines;
}

static void vp_shadow_page_written(struct vp_shadow *shadow, unsigned long page,
				   u64 lines)
{
	shadow->written[page] |= lines;
}

/**
 * vp_shadow_to_device - bring what the CPU wrote to the GPUs
 * @shadow: the shadow
 * @offset: where in the buffer, in bytes
 * @size: bytes
 *
 * What cleaning a cache does. Lines that a GPU has written meanwhile stay.
 */
void vp_shadow_to_device(struct vp_shadow *shadow, size_t offset, size_t size)
{
	vp_shadow_walk(shadow, offset, size, vp_shadow_page_to_device);
}

/**
 * vp_shadow_to_cpu - bring what GPUs wrote to the CPU
 * @shadow: the shadow
 * @offset: where in the buffer, in bytes
 * @size: bytes
 *
 * What invalidating a cache does.
 */
void vp_shadow_to_cpu(struct vp_shadow *shadow, size_t offset, size_t size)
{
	vp_shadow_walk(shadow, offset, size, vp_shadow_page_to_cpu);
}

/**
 * vp_shadow_mark_written - a GPU has written to the shadow
 * @shadow: the shadow
 * @offset: where in the buffer, in bytes
 * @size: bytes
 */
void vp_shadow_mark_written(struct vp_shadow *shadow, size_t offset,
			    size_t size)
{
	vp_shadow_walk(shadow, offset, size, vp_shadow_page_written);
}
