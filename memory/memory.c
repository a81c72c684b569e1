// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: system memory
 *
 * The exporter of the buffers that GPUs of vprime's allocate. The pages are in
 * a storage, see storage.c, which is made when the first page is touched. A
 * move gives the buffer another storage; users of the old one keep their
 * references on it.
 *
 * An emulated device accesses the pages of the storage by the CPU. A foreign
 * device gets a table from the DMA API. While a GPU that does not snoop the
 * CPU's caches is attached, the CPU has its own view of the buffer, see
 * cache.c.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "memory/cache.h"
#include "memory/memory.h"
#include "memory/storage.h"
#include "prime/dmabuf.h"

/**
 * struct vp_memory_mapping - a device mapping of system memory
 * @base: the core's part; its sgt is @table, or NULL for an emulated device
 * @storage: the storage at the time of the mapping; referenced
 * @table: the table of a foreign device
 */
struct vp_memory_mapping {
	struct vp_mapping base;
	struct vp_storage *storage;
	struct sg_table table;
};

static inline struct vp_memory *to_vp_memory(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_memory, base);
}

/**
 * vp_memory_max_size - the largest size of a buffer without overcommit
 *
 * Context: Any context.
 * Return: Bytes: all memory of the machine.
 */
u64 vp_memory_max_size(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

static bool vp_memory_is_foreign(struct vp_attachment *attach)
{
	return !attach->ops || !attach->ops->emulated;
}

/* Is there memory that the device does not reach? */
static bool vp_memory_is_limited(struct vp_attachment *attach)
{
	return vp_memory_is_foreign(attach) ?
	       dma_addressing_limited(attach->dev) : attach->ops->limited;
}

/* ---- storage and cache ---- */

/* The storage, with a reference; NULL if there is none. */
static struct vp_storage *vp_memory_find_storage(struct vp_memory *mem)
{
	struct vp_storage *storage;

	spin_lock(&mem->lock);
	storage = mem->storage ? vp_storage_get(mem->storage) : NULL;
	spin_unlock(&mem->lock);
	return storage;
}

/* The storage, with a reference; made if there is none. */
static struct vp_storage *vp_memory_get_storage(struct vp_memory *mem)
{
	struct vp_storage *storage = vp_memory_find_storage(mem), *first;
	int ret = 0;

	if (storage)
		return storage;
	first = vp_storage_create(mem->base.size, READ_ONCE(mem->low));
	if (IS_ERR(first))
		return first;

	spin_lock(&mem->lock);
	/* A revocation sets the flag before it takes the storage away. */
	if (READ_ONCE(mem->base.revoked))
		ret = -ENODEV;
	else if (!mem->storage)
		WRITE_ONCE(mem->storage, vp_storage_get(first));
	if (!ret)
		storage = vp_storage_get(mem->storage);
	/* A device with fewer address bits has attached meanwhile. */
	if (mem->low)
		vp_storage_set_low(first);
	spin_unlock(&mem->lock);
	vp_storage_put(first);
	return ret ? ERR_PTR(ret) : storage;
}

/* Takes over the caller's reference on @storage, which may be NULL. */
static void vp_memory_set_storage(struct vp_memory *mem,
				  struct vp_storage *storage)
{
	struct vp_storage *old;

	dma_resv_assert_held(mem->base.resv);

	spin_lock(&mem->lock);
	old = mem->storage;
	WRITE_ONCE(mem->storage, storage);
	spin_unlock(&mem->lock);
	if (old)
		vp_storage_put(old);
}

static struct vp_cache *vp_memory_get_cache(struct vp_memory *mem)
{
	struct vp_cache *cache;

	if (!READ_ONCE(mem->cache))
		return NULL;
	spin_lock(&mem->lock);
	cache = mem->cache ? vp_cache_get(mem->cache) : NULL;
	spin_unlock(&mem->lock);
	return cache;
}

static void vp_memory_set_cache(struct vp_memory *mem, struct vp_cache *cache)
{
	struct vp_cache *old;

	dma_resv_assert_held(mem->base.resv);

	spin_lock(&mem->lock);
	old = mem->cache;
	mem->cache = cache;
	spin_unlock(&mem->lock);
	if (old)
		vp_cache_put(old);
}

static void vp_memory_sync(struct vp_memory *mem, size_t offset, size_t size,
			   bool to_cpu, bool to_device)
{
	struct vp_cache *cache = vp_memory_get_cache(mem);
	struct vp_storage *storage;

	if (!cache)
		return;
	storage = vp_memory_find_storage(mem);
	if (storage) {
		vp_cache_sync(cache, storage, offset, size, to_cpu, to_device);
		vp_storage_put(storage);
	}
	vp_cache_put(cache);
}

static int vp_memory_populate(struct vp_dmabuf *buf, size_t offset, size_t size)
{
	pgoff_t first = offset >> PAGE_SHIFT;
	unsigned long count = ((offset + size - 1) >> PAGE_SHIFT) - first + 1;
	struct vp_storage *storage;
	int ret;

	storage = vp_memory_get_storage(to_vp_memory(buf));
	if (IS_ERR(storage))
		return PTR_ERR(storage);
	ret = vp_storage_populate(storage, first, count);
	vp_storage_put(storage);
	return ret;
}

/* ---- devices ---- */

/*
 * The first device that does not snoop gives the CPU its own view, with all
 * that the CPU has written before.
 */
static int vp_memory_attach(struct vp_dmabuf *buf, struct vp_attachment *attach)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct vp_cache *cache;

	if (vp_memory_is_limited(attach)) {
		spin_lock(&mem->lock);
		if (!mem->storage)
			mem->low = true;
		spin_unlock(&mem->lock);
	}
	if (!attach->ops || !attach->ops->noncoherent)
		return 0;

	cache = vp_cache_create();
	if (!cache)
		return -ENOMEM;
	dma_resv_lock(buf->resv, NULL);
	if (!mem->noncoherent++) {
		/*
		 * CPU mappings go first: writes through them would bypass the new
		 * cache.
		 */
		vp_dmabuf_zap_cpu_mappings(buf);
		vp_memory_set_cache(mem, cache);
		cache = NULL;
	}
	dma_resv_unlock(buf->resv);
	if (cache)
		vp_cache_put(cache);
	return 0;
}

/* Keeps what either side has written and the other has not seen. */
static void vp_memory_detach(struct vp_dmabuf *buf, struct vp_attachment *attach)
{
	struct vp_memory *mem = to_vp_memory(buf);

	if (!attach->ops || !attach->ops->noncoherent)
		return;
	dma_resv_lock(buf->resv, NULL);
	if (!--mem->noncoherent) {
		vp_dmabuf_zap_cpu_mappings(buf);
		vp_memory_sync(mem, 0, buf->size, true, true);
		vp_memory_set_cache(mem, NULL);
	}
	dma_resv_unlock(buf->resv);
}

/*
 * Move a buffer to where a device with few address bits reaches it. Bouncing
 * would need a sync around each access, which dma-buf does not have.
 */
static int vp_memory_reach(struct vp_attachment *attach)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	u64 limit = dma_get_mask(attach->dev);
	struct vp_storage *storage;
	int ret = 0;
	u64 end;

	dma_resv_assert_held(attach->buf->resv);

	if (!vp_memory_is_limited(attach))
		return 0;
	spin_lock(&mem->lock);
	mem->low = true;
	storage = mem->storage ? vp_storage_get(mem->storage) : NULL;
	/* For pages that do not exist yet. */
	if (storage)
		vp_storage_set_low(storage);
	spin_unlock(&mem->lock);
	if (!storage)
		return 0;

	/* A foreign device maps all. Pages that are just being allocated may lie high. */
	if (vp_memory_is_foreign(attach))
		ret = vp_storage_populate(storage, 0,
					  mem->base.size >> PAGE_SHIFT);
	end = vp_storage_end(storage);
	vp_storage_put(storage);
	if (ret)
		return ret;
	if (!end || end - 1 <= limit)
		return 0;

	/* An emulated device can wait for the fences without the lock. */
	if (!vp_memory_is_foreign(attach) && !vp_dmabuf_is_idle(&mem->base))
		return -EAGAIN;
	return vp_dmabuf_move_locked(&mem->base);
}

/* Make the DMA table of a foreign device. */
static int vp_memory_map_table(struct vp_memory_mapping *mapping,
			       struct device *dev, enum dma_data_direction dir,
			       size_t size)
{
	struct page **pages = vp_storage_pages(mapping->storage);
	int ret;

	if (IS_ERR(pages))
		return PTR_ERR(pages);
	ret = sg_alloc_table_from_pages_segment(&mapping->table, pages,
						size >> PAGE_SHIFT, 0, size,
						dma_get_max_seg_size(dev),
						GFP_KERNEL);
	kvfree(pages);
	if (ret)
		return ret;
	/*
	 * If several devices have the buffer mapped, DMA API debugging takes an
	 * implicit sync for a mistake: sync explicitly.
	 */
	ret = dma_map_sgtable(dev, &mapping->table, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret) {
		sg_free_table(&mapping->table);
		return ret;
	}
	dma_sync_sgtable_for_device(dev, &mapping->table, dir);
	mapping->base.sgt = &mapping->table;
	return 0;
}

static struct vp_mapping *vp_memory_map(struct vp_attachment *attach,
					enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct vp_memory_mapping *mapping;
	int ret;

	dma_resv_assert_held(attach->buf->resv);

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->storage = vp_memory_get_storage(mem);
	if (IS_ERR(mapping->storage)) {
		ret = PTR_ERR(mapping->storage);
		goto err_free;
	}
	if (vp_memory_is_foreign(attach)) {
		ret = vp_memory_map_table(mapping, attach->dev, dir,
					  mem->base.size);
		if (ret)
			goto err_put;
		WRITE_ONCE(mem->foreign, mem->foreign + 1);
	}
	/* Mapping a buffer for a device cleans the CPU caches. */
	vp_memory_sync(mem, 0, mem->base.size, false, true);
	return &mapping->base;

err_put:
	vp_storage_put(mapping->storage);
err_free:
	kfree(mapping);
	return ERR_PTR(ret);
}

static void vp_memory_unmap(struct vp_mapping *base)
{
	struct vp_memory_mapping *mapping =
		container_of(base, struct vp_memory_mapping, base);
	struct vp_memory *mem = to_vp_memory(base->attach->buf);
	struct device *dev = base->attach->dev;

	if (base->sgt) {
		dma_sync_sgtable_for_cpu(dev, base->sgt, base->dir);
		dma_unmap_sgtable(dev, base->sgt, base->dir,
				  DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(base->sgt);
		WRITE_ONCE(mem->foreign, mem->foreign - 1);
	}
	vp_storage_put(mapping->storage);
	kfree(mapping);
}

static void vp_memory_copy(struct vp_storage *storage, size_t offset, u8 *data,
			   size_t size, bool write)
{
	size_t bytes;
	u8 *page;

	for (; size; offset += bytes, data += bytes, size -= bytes) {
		bytes = min_t(size_t, size, PAGE_SIZE - offset_in_page(offset));
		page = kmap_local_page(vp_storage_page(storage,
						       offset >> PAGE_SHIFT));
		if (write)
			memcpy(page + offset_in_page(offset), data, bytes);
		else
			memcpy(data, page + offset_in_page(offset), bytes);
		kunmap_local(page);
	}
}

/*
 * A GPU that snoops sees what the CPU wrote, and the CPU sees what it writes;
 * one that does not snoop accesses only memory.
 */
static int vp_memory_access(struct vp_mapping *base, size_t offset, void *data,
			    size_t size, bool write)
{
	struct vp_memory_mapping *mapping =
		container_of(base, struct vp_memory_mapping, base);
	struct vp_memory *mem = to_vp_memory(base->attach->buf);
	struct vp_cache *cache = NULL;

	if (!base->attach->ops->noncoherent)
		cache = vp_memory_get_cache(mem);
	if (cache && write)
		vp_cache_write(cache, mapping->storage, offset, data, size);
	else if (cache)
		vp_cache_sync(cache, mapping->storage, offset, size, true, true);
	if (!cache || !write)
		vp_memory_copy(mapping->storage, offset, data, size, write);
	if (cache)
		vp_cache_put(cache);
	return 0;
}

/* ---- CPU access ---- */

/*
 * Sync the machine's own caches with the foreign devices that have the buffer
 * mapped. Mapping and unmapping sync by themselves.
 */
static void vp_memory_sync_foreign(struct vp_memory *mem,
				   enum dma_data_direction dir, bool for_cpu)
{
	struct vp_attachment *attach;
	enum dma_data_direction way;
	struct vp_mapping *mapping;

	dma_resv_assert_held(mem->base.resv);

	if (!mem->foreign)
		return;
	list_for_each_entry(attach, &mem->base.attachments, node) {
		list_for_each_entry(mapping, &attach->mappings, node) {
			if (!mapping->sgt)
				continue;
			/*
			 * A mapping of one direction is not synced in the other.
			 */
			way = mapping->dir == DMA_BIDIRECTIONAL ? dir :
								  mapping->dir;
			if (for_cpu)
				dma_sync_sgtable_for_cpu(attach->dev,
							 mapping->sgt, way);
			else
				dma_sync_sgtable_for_device(attach->dev,
							    mapping->sgt, way);
		}
	}
}

/* May the CPU and devices see different data? */
static bool vp_memory_has_views(struct vp_memory *mem)
{
	return READ_ONCE(mem->foreign) || READ_ONCE(mem->cache);
}

static int vp_memory_begin_cpu_access(struct vp_dmabuf *buf,
				      enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(buf);

	if (!vp_memory_has_views(mem))
		return 0;
	/*
	 * With the lock, because a sync with the old storage of a moved buffer
	 * would be lost.
	 */
	dma_resv_lock(buf->resv, NULL);
	vp_memory_sync_foreign(mem, dir, true);
	/* Also before writing: a sync works on whole lines. */
	vp_memory_sync(mem, 0, buf->size, true, false);
	dma_resv_unlock(buf->resv);
	return 0;
}

static int vp_memory_end_cpu_access(struct vp_dmabuf *buf,
				    enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(buf);

	if (!vp_memory_has_views(mem))
		return 0;
	dma_resv_lock(buf->resv, NULL);
	if (dir != DMA_FROM_DEVICE)
		vp_memory_sync(mem, 0, buf->size, false, true);
	vp_memory_sync_foreign(mem, dir, false);
	dma_resv_unlock(buf->resv);
	return 0;
}

/* ---- moving ---- */

static int vp_memory_move(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct vp_storage *storage = READ_ONCE(mem->storage);

	dma_resv_assert_held(buf->resv);

	if (!storage)
		return 0;
	storage = vp_storage_copy(storage, mem->low);
	if (IS_ERR(storage))
		return PTR_ERR(storage);
	vp_memory_set_storage(mem, storage);
	return 0;
}

static void vp_memory_revoke(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);

	dma_resv_assert_held(buf->resv);

	vp_memory_set_cache(mem, NULL);
	vp_memory_set_storage(mem, NULL);
}

/* ---- CPU mappings ---- */

/*
 * Map a huge page with one entry if the mapping is aligned for it. The entry is
 * made in the fault callback, because older kernels do not call huge_fault for
 * VM_PFNMAP mappings. Kernels before 6.12 cannot mark the entry special, so
 * get_user_pages_fast() can take a reference on its pages, which keeps them
 * alive and does no other harm.
 */
static bool vp_memory_fault_huge(struct vm_fault *vmf, struct folio *folio,
				 pgoff_t pgoff)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & PMD_MASK;
	pgoff_t first = pgoff - ((vmf->address - start) >> PAGE_SHIFT);

	if (folio_order(folio) != PMD_SHIFT - PAGE_SHIFT ||
	    first != folio->index || start < vma->vm_start ||
	    start + PMD_SIZE > vma->vm_end || !pmd_none(*vmf->pmd))
		return false;

	return vp_insert_pfn_pmd(vmf, folio_pfn(folio),
				 vmf->flags & FAULT_FLAG_WRITE) ==
	       VM_FAULT_NOPAGE;
}

/*
 * Map existing pages from the touched one on: neighbours were likely touched
 * together. Ends at the end of the mapping or of the page table.
 */
static vm_fault_t vp_memory_fault_run(struct vp_storage *storage,
				      struct vm_fault *vmf,
				      struct folio *folio, pgoff_t pgoff)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long end = min(vma->vm_end, (address & PMD_MASK) + PMD_SIZE);
	pgprot_t prot = vp_dmabuf_fault_prot(vmf);
	vm_fault_t ret, first = 0;

	while (folio) {
		ret = vmf_insert_pfn_prot(vma, address,
					  folio_pfn(folio) + pgoff - folio->index,
					  prot);
		/*
		 * Mapping the touched page has to succeed, the others may fail.
		 */
		if (!first)
			first = ret;
		if (ret != VM_FAULT_NOPAGE)
			break;

		address += PAGE_SIZE;
		pgoff++;
		if (address >= end)
			break;
		if (pgoff >= folio_next_index(folio))
			folio = vp_storage_find(storage, pgoff);
	}
	return first;
}

static vm_fault_t vp_memory_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
				  unsigned long pgoff, bool for_cpu)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct vp_storage *storage = READ_ONCE(mem->storage);
	struct folio *folio;
	struct page *page;

	dma_resv_assert_held(buf->resv);

	/*
	 * Another thread has mapped the huge page while this one waited for the
	 * lock: there is no page table for single pages.
	 */
	if (pmd_trans_huge(*vmf->pmd))
		return VM_FAULT_NOPAGE;

	folio = storage ? vp_storage_find(storage, pgoff) : NULL;
	if (!folio)
		return 0;
	if (for_cpu && mem->cache) {
		page = vp_cache_touch(mem->cache, storage, pgoff);
		return page ? vmf_insert_pfn_prot(vmf->vma,
						  vmf->address & PAGE_MASK,
						  page_to_pfn(page),
						  vp_dmabuf_fault_prot(vmf)) :
			      VM_FAULT_SIGBUS;
	}
	if (vp_memory_fault_huge(vmf, folio, pgoff))
		return VM_FAULT_NOPAGE;
	return vp_memory_fault_run(storage, vmf, folio, pgoff);
}

/*
 * Maps memory, not the CPU's view: kernel mappings are for drivers of emulated
 * devices.
 */
static int vp_memory_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct vp_storage *storage;
	struct page **pages;
	void *vaddr;

	dma_resv_assert_held(buf->resv);

	storage = vp_memory_get_storage(mem);
	if (IS_ERR(storage))
		return PTR_ERR(storage);
	/* The buffer does not move while it is mapped into the kernel. */
	pages = vp_storage_pages(storage);
	vp_storage_put(storage);
	if (IS_ERR(pages))
		return PTR_ERR(pages);

	vaddr = vmap(pages, mem->base.size >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!vaddr)
		return -ENOMEM;
	vp_memory_sync(mem, 0, mem->base.size, false, true);
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void vp_memory_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static size_t vp_memory_resident(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);
	size_t bytes = 0;

	spin_lock(&mem->lock);
	if (mem->storage)
		bytes = vp_storage_bytes(mem->storage);
	spin_unlock(&mem->lock);
	return bytes;
}

static void vp_memory_release(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);

	if (mem->storage)
		vp_storage_put(mem->storage);
	mem->free(mem);
}

static const struct vp_dmabuf_ops vp_memory_ops = {
	.attach = vp_memory_attach,
	.detach = vp_memory_detach,
	.reach = vp_memory_reach,
	.map = vp_memory_map,
	.unmap = vp_memory_unmap,
	.populate = vp_memory_populate,
	.access = vp_memory_access,
	.begin_cpu_access = vp_memory_begin_cpu_access,
	.end_cpu_access = vp_memory_end_cpu_access,
	.move = vp_memory_move,
	.revoke = vp_memory_revoke,
	.fault = vp_memory_fault,
	.vmap = vp_memory_vmap,
	.vunmap = vp_memory_vunmap,
	.resident = vp_memory_resident,
	.release = vp_memory_release,
};

/**
 * vp_memory_export - initialise a buffer of system memory
 * @mem: the buffer, zeroed but for its free callback and what its base says the exporter sets
 * @size: in bytes; rounded up to whole pages
 * @name: the allocating device; copied
 * @low: whether its memory has to be below 4 GiB
 *
 * No page of it exists yet.
 *
 * Context: May sleep.
 * Return: 0, and the caller has the first reference; -EINVAL for a size of 0 or
 *	beyond that of a file.
 */
int vp_memory_export(struct vp_memory *mem, size_t size, const char *name,
		     bool low)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);

	if (!size || size > (MAX_LFS_FILESIZE & PAGE_MASK))
		return -EINVAL;

	spin_lock_init(&mem->lock);
	mem->low = low;
	info.name = name;
	info.ops = &vp_memory_ops;
	info.size = PAGE_ALIGN(size);
	return vp_dmabuf_export(&mem->base, &info);
}
