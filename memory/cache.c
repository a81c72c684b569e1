// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the CPU's cache
 *
 * On a machine with a GPU that does not snoop the CPU's caches there are two truths:
 * what is in memory, where that GPU and foreign devices look, and what the CPU has in
 * its caches. Cache maintenance at the begin and the end of a CPU access makes one of
 * the two. Here the storage of a buffer is its memory, and a second set of pages is
 * what the CPU sees. It is there as long as the buffer is known to a GPU with
 * coherent=0, and has the pages that the CPU has touched meanwhile.
 *
 * As in a cache, what is known is known by line. For each page it is kept what CPU
 * and memory last agreed on: a line of either that differs from that has been written
 * there. Nobody has to tell who wrote, so that mappings of both may be written. Of a
 * line that was written on both sides, memory's wins: what is in a cache may be lost at
 * any time, what is in memory is not.
 */
#include <linux/compiler.h>
#include <linux/highmem.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "memory/cache.h"
#include "memory/storage.h"

/* As long as a line of most caches, in bytes. */
#define VP_LINE_SIZE	64u

/**
 * struct vp_cache_page - a page that the CPU has touched
 * @cpu: what the CPU sees
 * @agreed: what it and memory last agreed on
 */
struct vp_cache_page {
	struct page *cpu;
	struct page *agreed;
};

/**
 * struct vp_cache - what the CPU sees of a buffer
 * @ref: the buffer, and each access that syncs it
 * @lock: see there
 * @pages: page of the buffer -> &struct vp_cache_page; entries stay to the end
 */
struct vp_cache {
	struct kref ref;

	/*
	 * Guards what is agreed on, and that a page is filled once. Held on the way
	 * to a fence's signal: nothing is allocated and no other lock taken under it.
	 */
	struct mutex lock;
	struct xarray pages;
};

/**
 * vp_cache_create - a cache with nothing in it
 *
 * Context: sleeps.
 *
 * Return: the cache, with one reference; NULL without memory.
 */
struct vp_cache *vp_cache_create(void)
{
	struct vp_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL_ACCOUNT);

	if (!cache)
		return NULL;
	kref_init(&cache->ref);
	mutex_init(&cache->lock);
	xa_init_flags(&cache->pages, XA_FLAGS_ACCOUNT);
	return cache;
}

/**
 * vp_cache_get - one more reference
 * @cache: the cache
 *
 * Context: any.
 *
 * Return: @cache.
 */
struct vp_cache *vp_cache_get(struct vp_cache *cache)
{
	kref_get(&cache->ref);
	return cache;
}

static void vp_cache_free_page(struct vp_cache_page *page)
{
	if (page->cpu)
		__free_page(page->cpu);
	if (page->agreed)
		__free_page(page->agreed);
	kfree(page);
}

static void vp_cache_free(struct kref *ref)
{
	struct vp_cache *cache = container_of(ref, struct vp_cache, ref);
	struct vp_cache_page *page;
	unsigned long index;

	xa_for_each(&cache->pages, index, page)
		vp_cache_free_page(page);
	xa_destroy(&cache->pages);
	kfree(cache);
}

/**
 * vp_cache_put - one reference less
 * @cache: the cache
 *
 * Context: any that may free memory. Allocates nothing.
 */
void vp_cache_put(struct vp_cache *cache)
{
	kref_put(&cache->ref, vp_cache_free);
}

static struct vp_cache_page *vp_cache_new_page(void)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_ACCOUNT | __GFP_RETRY_MAYFAIL |
		    __GFP_NOWARN;
	struct vp_cache_page *page = kzalloc(sizeof(*page), GFP_KERNEL_ACCOUNT);

	if (!page)
		return NULL;
	page->cpu = alloc_page(gfp);
	page->agreed = alloc_page(gfp);
	if (page->cpu && page->agreed)
		return page;
	vp_cache_free_page(page);
	return NULL;
}

/**
 * vp_cache_touch - the CPU touches a page
 * @cache: the cache
 * @storage: the buffer's memory, where the page has been populated
 * @index: which page
 *
 * What is in memory now is what the CPU sees from now on, unless it has the page.
 *
 * Context: the buffer's reservation is locked, so that @storage is where the buffer
 * is when the cache has the page. Allocates.
 *
 * Return: the page that the CPU sees, NULL without memory.
 */
struct page *vp_cache_touch(struct vp_cache *cache, struct vp_storage *storage,
			    pgoff_t index)
{
	struct vp_cache_page *page = xa_load(&cache->pages, index);

	if (page)
		return page->cpu;
	page = vp_cache_new_page();
	if (!page)
		return NULL;
	/* Room first: under the lock nothing is allocated. */
	if (xa_reserve(&cache->pages, index, GFP_KERNEL)) {
		vp_cache_free_page(page);
		return NULL;
	}

	mutex_lock(&cache->lock);
	copy_highpage(page->agreed, vp_storage_page(storage, index));
	copy_highpage(page->cpu, page->agreed);
	xa_store(&cache->pages, index, page, 0);
	mutex_unlock(&cache->lock);
	return page->cpu;
}

/*
 * Programs and devices write to both meanwhile, which is theirs to order: each byte
 * is taken over once, by way of @agreed.
 */
static void vp_cache_sync_line(u8 *cpu, u8 *agreed, u8 *memory, bool to_cpu,
			       bool to_device)
{
	if (data_race(memcmp(memory, agreed, VP_LINE_SIZE))) {
		if (!to_cpu)
			return;
		data_race(memcpy(agreed, memory, VP_LINE_SIZE));
		data_race(memcpy(cpu, agreed, VP_LINE_SIZE));
	} else if (to_device && data_race(memcmp(cpu, agreed, VP_LINE_SIZE))) {
		data_race(memcpy(agreed, cpu, VP_LINE_SIZE));
		data_race(memcpy(memory, agreed, VP_LINE_SIZE));
	}
}

/* The lines that the bytes from @first to before @end of a page touch. */
static void vp_cache_sync_page(struct vp_cache_page *page, struct page *memory,
			       size_t first, size_t end, bool to_cpu,
			       bool to_device)
{
	u8 *cpu = kmap_local_page(page->cpu);
	u8 *agreed = kmap_local_page(page->agreed);
	u8 *there = kmap_local_page(memory);
	size_t at;

	for (at = round_down(first, VP_LINE_SIZE); at < end; at += VP_LINE_SIZE)
		vp_cache_sync_line(cpu + at, agreed + at, there + at, to_cpu,
				   to_device);
	kunmap_local(there);
	kunmap_local(agreed);
	kunmap_local(cpu);
}

/**
 * vp_cache_sync - let CPU and memory agree
 * @cache: the cache
 * @storage: the buffer's memory
 * @offset: where in the buffer, in bytes
 * @size: bytes
 * @to_cpu: whether the CPU is to see what was written to memory
 * @to_device: whether what the CPU wrote is to go to memory, where memory has not
 *	been written meanwhile, or @to_cpu is set as well
 *
 * Context: may sleep. The buffer does not move meanwhile: its reservation is locked,
 * or the caller is a job with its fence on it.
 */
void vp_cache_sync(struct vp_cache *cache, struct vp_storage *storage,
		   size_t offset, size_t size, bool to_cpu, bool to_device)
{
	pgoff_t last = (offset + size - 1) >> PAGE_SHIFT;
	struct vp_cache_page *page;
	unsigned long index;

	mutex_lock(&cache->lock);
	xa_for_each_range(&cache->pages, index, page, offset >> PAGE_SHIFT,
			  last) {
		size_t start = (size_t)index << PAGE_SHIFT;

		vp_cache_sync_page(page, vp_storage_page(storage, index),
				   max(offset, start) - start,
				   min(offset + size, start + PAGE_SIZE) - start,
				   to_cpu, to_device);
		cond_resched();
	}
	mutex_unlock(&cache->lock);
}
