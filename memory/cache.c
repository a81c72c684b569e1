// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the CPU's cache
 *
 * Where a GPU does not snoop the CPU's caches, memory and caches may differ:
 * the GPU and foreign devices access memory, the CPU its caches. Cache
 * maintenance at the begin and at the end of a CPU access makes them agree.
 * Here the storage of a buffer is the memory, and a second set of pages, the
 * cache, is what the CPU sees. The cache exists while a GPU with coherent=0 is
 * attached to the buffer, and has the pages that the CPU has touched meanwhile.
 *
 * As in hardware the unit is a line. For each page the cache keeps what CPU and
 * memory last agreed on: a line that differs from that on one side has been
 * written there. So both sides can be written through mappings. If both sides
 * of a line have been written, memory wins: a cache may lose its content at any
 * time, memory does not.
 */
#include <linux/highmem.h>
#include <linux/kcsan-checks.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "memory/cache.h"
#include "memory/storage.h"

/* The length of a cache line, in bytes, as in most CPUs. */
#define VP_LINE_SIZE	64u

/**
 * struct vp_cache_page - a page that the CPU has touched
 * @cpu: what the CPU sees
 * @agreed: what CPU and memory last agreed on
 */
struct vp_cache_page {
	struct page *cpu;
	struct page *agreed;
};

/**
 * struct vp_cache - the CPU's view of a buffer
 * @ref: references of the buffer and of each sync in progress
 * @lock: see there
 * @pages: page of the buffer -> &struct vp_cache_page; entries stay until it is
 *	freed
 */
struct vp_cache {
	struct kref ref;

	/*
	 * Guards the content of the pages and filling @pages. Held on the way
	 * to a fence's signal: no allocation and no other lock under it.
	 */
	struct mutex lock;
	struct xarray pages;
};

/**
 * vp_cache_create - make an empty cache
 *
 * Context: May sleep.
 * Return: The cache, with one reference; NULL without memory.
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
 * vp_cache_get - take a reference
 * @cache: the cache
 *
 * Context: Any context.
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
 * vp_cache_put - drop a reference
 * @cache: the cache
 *
 * Context: May sleep. Allocates nothing.
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
 * vp_cache_touch - get the page that the CPU sees
 * @cache: the cache
 * @storage: the buffer's memory
 * @index: the page; it has been populated
 *
 * If the cache does not have the page, it gets what is in memory now.
 *
 * Context: May sleep. The buffer's reservation is locked, so that the buffer
 *	does not move to another storage meanwhile.
 * Return: The page; NULL without memory.
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
	/* Nothing is allocated under the lock. */
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

static void vp_cache_sync_line(u8 *cpu, u8 *agreed, u8 *memory, bool to_cpu,
			       bool to_device)
{
	if (memcmp(memory, agreed, VP_LINE_SIZE)) {
		if (!to_cpu)
			return;
		memcpy(agreed, memory, VP_LINE_SIZE);
		memcpy(cpu, agreed, VP_LINE_SIZE);
	} else if (to_device && memcmp(cpu, agreed, VP_LINE_SIZE)) {
		memcpy(agreed, cpu, VP_LINE_SIZE);
		memcpy(memory, agreed, VP_LINE_SIZE);
	}
}

/* Sync the lines of a page that have bytes from @first to before @end. */
static void vp_cache_sync_page(struct vp_cache_page *page, struct page *memory,
			       size_t first, size_t end, bool to_cpu,
			       bool to_device)
{
	u8 *cpu = kmap_local_page(page->cpu);
	u8 *agreed = kmap_local_page(page->agreed);
	u8 *there = kmap_local_page(memory);
	size_t at;

	/*
	 * Programs and devices may write to both sides meanwhile, and that is theirs
	 * to order. What is taken over is read once, into what is agreed.
	 */
	kcsan_disable_current();
	for (at = round_down(first, VP_LINE_SIZE); at < end; at += VP_LINE_SIZE)
		vp_cache_sync_line(cpu + at, agreed + at, there + at, to_cpu,
				   to_device);
	kcsan_enable_current();
	kunmap_local(there);
	kunmap_local(agreed);
	kunmap_local(cpu);
}

/**
 * vp_cache_sync - let CPU and memory agree
 * @cache: the cache
 * @storage: the buffer's memory
 * @offset: in bytes
 * @size: in bytes
 * @to_cpu: whether the CPU gets lines that were written in memory
 * @to_device: whether memory gets lines that the CPU wrote, unless they were
 *	also written in memory
 *
 * Context: May sleep. The buffer does not move meanwhile: its reservation is
 *	locked, or the fence of the calling job is on it.
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

/**
 * vp_cache_write - write on behalf of a device that snoops
 * @cache: the cache
 * @storage: the buffer's memory, populated where it is written
 * @offset: in bytes
 * @data: what to write
 * @size: in bytes
 *
 * CPU and memory agree on the lines then. What else the CPU has written in them
 * stays.
 *
 * Context: As vp_cache_sync().
 */
void vp_cache_write(struct vp_cache *cache, struct vp_storage *storage,
		    size_t offset, const void *data, size_t size)
{
	struct vp_cache_page *page;
	struct page *memory;
	size_t at, bytes;
	pgoff_t index;

	mutex_lock(&cache->lock);
	for (; size; offset += bytes, data += bytes, size -= bytes) {
		index = offset >> PAGE_SHIFT;
		at = offset_in_page(offset);
		bytes = min_t(size_t, size, PAGE_SIZE - at);
		memory = vp_storage_page(storage, index);
		page = xa_load(&cache->pages, index);
		if (page) {
			vp_cache_sync_page(page, memory, at, at + bytes, true,
					   true);
			memcpy_to_page(page->agreed, at, data, bytes);
			memcpy_to_page(page->cpu, at, data, bytes);
		}
		memcpy_to_page(memory, at, data, bytes);
	}
	mutex_unlock(&cache->lock);
}
