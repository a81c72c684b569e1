// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: system memory
 *
 * The exporter behind every buffer that a vprime GPU allocates. The pages are
 * in a storage, see storage.c, which is made when the first page is touched.
 * Moving a buffer is giving it another storage.
 *
 * A vprime GPU reads and writes what the CPU plays for it, so its DMA addresses
 * are the CPU's physical ones, and GPUs that take long table entries share one
 * table. A foreign device gets a table of its own, through the DMA API. A GPU
 * that does not snoop gets the addresses of the buffer's shadow, see shadow.c.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "gem/gpu.h"
#include "gem/memory.h"
#include "gem/object.h"
#include "gem/shadow.h"
#include "gem/storage.h"
#include "prime/dmabuf.h"

/**
 * struct vp_memory - a buffer of system memory
 * @base: the core's part
 * @storage: its pages, NULL before the first touch
 * @old: storages it has moved from, while devices keep mappings of them
 * @table: what GPUs share that are coherent and take long entries; NULL before
 *	the first of them, and when the memory has moved
 * @end: where the page of @table with the highest address ends
 * @shadow: what GPUs see that do not snoop, NULL when none has it mapped
 * @shadow_users: how many have
 * @low: whether new pages have to lie below 4 GiB
 * @resident: bytes that exist; read without the lock
 *
 * All but @base is guarded by the buffer's reservation lock.
 */
struct vp_memory {
	struct vp_dmabuf base;
	struct vp_storage *storage;
	struct vp_storage *old;
	struct sg_table *table;
	phys_addr_t end;
	struct vp_shadow *shadow;
	unsigned int shadow_users;
	bool low;
	size_t resident;
};

static inline struct vp_memory *to_vp_memory(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_memory, base);
}

static struct kmem_cache *vp_memory_cache;

/**
 * vp_memory_init - make the exporter of system memory ready
 *
 * Returns 0, -ENODEV on a kernel without tmpfs, -ENOMEM, or what mounting gave.
 */
int vp_memory_init(void)
{
	int ret;

	vp_memory_cache = VP_KMEM_CACHE(vp_memory);
	if (!vp_memory_cache)
		return -ENOMEM;

	ret = vp_storage_init();
	if (ret)
		kmem_cache_destroy(vp_memory_cache);
	return ret;
}

/**
 * vp_memory_fini - undo vp_memory_init(), when no buffer is left
 */
void vp_memory_fini(void)
{
	vp_storage_fini();
	kmem_cache_destroy(vp_memory_cache);
}

/**
 * vp_memory_max_size - the largest buffer there can be
 *
 * Returns bytes: what the machine has.
 */
u64 vp_memory_max_size(void)
{
	return (u64)totalram_pages() << PAGE_SHIFT;
}

/* The GPU that an attachment is for, NULL when the importer is not vprime. */
static struct vp_gpu *vp_memory_gpu(struct vp_attachment *attach)
{
	struct vp_gem *gem = vp_gem_from_attachment(attach);

	return gem ? to_vp_gpu(gem->base.dev) : NULL;
}

/*
 * The folio with page @index, made if it is not there, which @made tells. The
 * reservation lock is held.
 */
static struct folio *vp_memory_folio(struct vp_memory *mem, pgoff_t index,
				     bool *made)
{
	struct vp_storage *storage;
	struct folio *folio;

	if (!mem->storage) {
		storage = vp_storage_create(mem->base.size, mem->low);
		if (IS_ERR(storage))
			return ERR_CAST(storage);
		mem->storage = storage;
	}

	folio = vp_storage_folio(mem->storage, index, made);
	if (!IS_ERR(folio) && *made)
		WRITE_ONCE(mem->resident, mem->resident + folio_size(folio));
	return folio;
}

/* All pages of a buffer, made where they are not there; kvfree() the array. */
static struct page **vp_memory_get_pages(struct vp_memory *mem)
{
	unsigned long count = mem->base.size >> PAGE_SHIFT;
	struct page **pages;
	struct folio *folio;
	pgoff_t index = 0;
	bool made;

	/* The client chose how many, so the lack of them is no news to the log. */
	pages = kvmalloc_array(count, sizeof(*pages),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return ERR_PTR(-ENOMEM);

	while (index < count) {
		folio = vp_memory_folio(mem, index, &made);
		if (IS_ERR(folio)) {
			kvfree(pages);
			return ERR_CAST(folio);
		}
		for (; index < count && index < folio_next_index(folio);
		     index++)
			pages[index] = folio_page(folio, index - folio->index);
	}
	return pages;
}

/* ---- tables ---- */

/* No entry is longer than @max_segment, in bytes. */
static struct sg_table *vp_memory_table(struct vp_memory *mem,
					struct page **pages,
					unsigned int max_segment)
{
	struct sg_table *sgt;
	int ret;

	sgt = kmalloc(sizeof(*sgt), GFP_KERNEL_ACCOUNT);
	if (!sgt)
		return ERR_PTR(-ENOMEM);

	ret = sg_alloc_table_from_pages_segment(sgt, pages,
						mem->base.size >> PAGE_SHIFT, 0,
						mem->base.size, max_segment,
						GFP_KERNEL);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}
	return sgt;
}

static void vp_memory_free_table(struct sg_table *sgt)
{
	sg_free_table(sgt);
	kfree(sgt);
}

/* A table for GPUs: the addresses in it are the CPU's. */
static struct sg_table *vp_memory_gpu_table(struct vp_memory *mem,
					    struct page **pages,
					    unsigned int max_segment)
{
	struct scatterlist *sg;
	struct sg_table *sgt;
	unsigned int i;

	sgt = vp_memory_table(mem, pages, max_segment);
	if (IS_ERR(sgt))
		return sgt;
	for_each_sgtable_sg(sgt, sg, i) {
		sg_dma_address(sg) = sg_phys(sg);
		sg_dma_len(sg) = sg->length;
	}
	return sgt;
}

static void vp_memory_drop_table(struct vp_memory *mem)
{
	if (mem->table)
		vp_memory_free_table(mem->table);
	mem->table = NULL;
	mem->end = 0;
}

/* Make the table that GPUs share, if it is not there. */
static int vp_memory_share_table(struct vp_memory *mem)
{
	struct scatterlist *sg;
	struct page **pages;
	struct sg_table *sgt;
	unsigned int i;

	if (mem->table)
		return 0;

	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	sgt = vp_memory_gpu_table(mem, pages, VP_MAX_SEGMENT);
	kvfree(pages);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);

	for_each_sgtable_sg(sgt, sg, i)
		mem->end = max_t(phys_addr_t, mem->end,
				 sg_phys(sg) + sg->length);
	mem->table = sgt;
	return 0;
}

/* ---- mapping for devices ---- */

/*
 * Bring a buffer to where a device with few address bits reaches it. Bouncing
 * would do for one that syncs around each of its accesses, but with dma-bufs
 * nobody does.
 */
static int vp_memory_reach(struct vp_attachment *attach)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	u64 limit = dma_get_mask(attach->dev);
	bool was_low = mem->low;
	int ret;

	if (!dma_addressing_limited(attach->dev))
		return 0;
	ret = vp_memory_share_table(mem);
	if (ret)
		return ret;

	/* For a shadow that is made later too; one that is there stays. */
	mem->low = true;
	if (mem->end - 1 <= limit && (was_low || !mem->shadow))
		return 0;

	/* Our own GPUs wait for the fences where it is in nobody's way. */
	if (vp_memory_gpu(attach) && !vp_dmabuf_is_idle(&mem->base))
		ret = -EAGAIN;
	else
		ret = vp_dmabuf_move_locked(&mem->base);
	if (ret)
		mem->low = was_low;
	return ret ?: vp_memory_share_table(mem);
}

/* What is pinned stays where it is, so this is when to bring it there. */
static int vp_memory_pin(struct vp_attachment *attach)
{
	dma_resv_assert_held(attach->buf->resv);

	return vp_memory_reach(attach);
}

/* The core counts pins. */
static void vp_memory_unpin(struct vp_attachment *attach)
{
}

/* A foreign device sees what the CPU sees. */
static struct sg_table *vp_memory_map_foreign(struct vp_attachment *attach,
					      enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct sg_table *sgt;
	struct page **pages;
	int ret;

	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return ERR_CAST(pages);
	if (mem->shadow)
		vp_shadow_to_cpu(mem->shadow, 0, mem->base.size);

	sgt = vp_memory_table(mem, pages, dma_get_max_seg_size(attach->dev));
	kvfree(pages);
	if (IS_ERR(sgt))
		return sgt;

	/*
	 * Several devices may have it mapped, which the DMA API's debugging
	 * takes for a mistake unless syncing is left to us.
	 */
	ret = dma_map_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret) {
		vp_memory_free_table(sgt);
		return ERR_PTR(ret);
	}
	dma_sync_sgtable_for_device(attach->dev, sgt, dir);
	return sgt;
}

static int vp_memory_use_shadow(struct vp_memory *mem)
{
	struct page **pages;

	if (mem->shadow) {
		/* What mapping does on a machine with such a GPU. */
		vp_shadow_to_device(mem->shadow, 0, mem->base.size);
		return 0;
	}
	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return PTR_ERR(pages);
	mem->shadow = vp_shadow_create(pages, mem->base.size >> PAGE_SHIFT,
				       mem->low);
	if (mem->shadow)
		return 0;
	kvfree(pages);
	return -ENOMEM;
}

static void vp_memory_drop_shadow(struct vp_memory *mem)
{
	if (!mem->shadow || mem->shadow_users)
		return;
	vp_shadow_to_cpu(mem->shadow, 0, mem->base.size);
	vp_shadow_destroy(mem->shadow);
	mem->shadow = NULL;
}

static struct sg_table *vp_memory_map_shadow(struct vp_memory *mem,
					     struct vp_gpu *gpu)
{
	struct sg_table *sgt;
	int ret;

	ret = vp_memory_use_shadow(mem);
	if (ret)
		return ERR_PTR(ret);
	sgt = vp_memory_gpu_table(mem, vp_shadow_pages(mem->shadow),
				  gpu->max_segment);
	if (!IS_ERR(sgt))
		mem->shadow_users++;
	vp_memory_drop_shadow(mem);
	return sgt;
}

static struct sg_table *vp_memory_map_gpu(struct vp_memory *mem,
					  struct vp_gpu *gpu)
{
	struct sg_table *sgt;
	struct page **pages;
	int ret;

	if (!gpu->coherent)
		return vp_memory_map_shadow(mem, gpu);

	if (gpu->max_segment == VP_MAX_SEGMENT) {
		ret = vp_memory_share_table(mem);
		return ret ? ERR_PTR(ret) : mem->table;
	}
	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return ERR_CAST(pages);
	sgt = vp_memory_gpu_table(mem, pages, gpu->max_segment);
	kvfree(pages);
	return sgt;
}

static struct sg_table *vp_memory_map(struct vp_attachment *attach,
				      enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct vp_gpu *gpu = vp_memory_gpu(attach);
	int ret;

	dma_resv_assert_held(attach->buf->resv);

	ret = vp_memory_reach(attach);
	if (ret)
		return ERR_PTR(ret);
	if (gpu)
		return vp_memory_map_gpu(mem, gpu);
	return vp_memory_map_foreign(attach, dir);
}

/* Storages that the buffer has moved from, once nobody has them mapped. */
static void vp_memory_drop_old(struct vp_memory *mem)
{
	if (mem->old && !mem->base.stale) {
		vp_storage_destroy(mem->old);
		mem->old = NULL;
	}
}

static void vp_memory_unmap(struct vp_attachment *attach, struct sg_table *sgt,
			    enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct vp_gpu *gpu = vp_memory_gpu(attach);

	if (!gpu) {
		dma_sync_sgtable_for_cpu(attach->dev, sgt, dir);
		dma_unmap_sgtable(attach->dev, sgt, dir,
				  DMA_ATTR_SKIP_CPU_SYNC);
		/* Up to here the two truths had to be one, see below. */
		if (mem->shadow)
			vp_shadow_to_device(mem->shadow, 0, mem->base.size);
	}
	if (sgt != mem->table)
		vp_memory_free_table(sgt);
	if (gpu && !gpu->coherent) {
		mem->shadow_users--;
		vp_memory_drop_shadow(mem);
	}
	vp_memory_drop_old(mem);
}

/* ---- caches ---- */

/*
 * Caches between the CPU and the devices that have the buffer mapped. Those
 * that map later find it synced: mapping does that. A device whose mapping
 * goes meanwhile has synced at unmap.
 */
static void vp_memory_sync(struct vp_dmabuf *buf, enum dma_data_direction dir,
			   bool for_cpu)
{
	struct vp_attachment *attach;
	enum dma_data_direction way;

	list_for_each_entry(attach, &buf->attachments, node) {
		if (!attach->sgt || vp_memory_gpu(attach))
			continue;
		/* A mapping of one direction is not synced in the other. */
		way = attach->dir == DMA_BIDIRECTIONAL ? dir : attach->dir;
		if (for_cpu)
			dma_sync_sgtable_for_cpu(attach->dev, attach->sgt, way);
		else
			dma_sync_sgtable_for_device(attach->dev, attach->sgt,
						    way);
	}
}

static int vp_memory_begin_cpu_access(struct vp_dmabuf *buf,
				      enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(buf);

	/* Taking a mapping down has made visible what was written by it. */
	if (!READ_ONCE(buf->mapped))
		return 0;

	dma_resv_lock(buf->resv, NULL);
	/* To write as well: what lies in between is not to be lost. */
	if (mem->shadow)
		vp_shadow_to_cpu(mem->shadow, 0, buf->size);
	vp_memory_sync(buf, dir, true);
	dma_resv_unlock(buf->resv);
	return 0;
}

static int vp_memory_end_cpu_access(struct vp_dmabuf *buf,
				    enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(buf);

	if (!READ_ONCE(buf->mapped))
		return 0;

	dma_resv_lock(buf->resv, NULL);
	if (mem->shadow && dir != DMA_FROM_DEVICE)
		vp_shadow_to_device(mem->shadow, 0, buf->size);
	vp_memory_sync(buf, dir, false);
	dma_resv_unlock(buf->resv);
	return 0;
}

/* Does a device have it mapped whose reads and writes are not seen here? */
static bool vp_memory_has_foreign(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	list_for_each_entry(attach, &buf->attachments, node)
		if (attach->sgt && !vp_memory_gpu(attach))
			return true;
	return false;
}

/*
 * Between devices nothing has to be synced, whether they snoop or not. GPUs
 * that snoop read what the CPU sees, so that has to have what the others
 * wrote. As long as a foreign device may read or write behind our back, the
 * two truths are kept the same.
 */
static void vp_memory_begin_device_access(struct vp_attachment *attach,
					  size_t offset, size_t size,
					  bool write)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct vp_gpu *gpu = vp_memory_gpu(attach);

	if (!mem->shadow)
		return;
	if (!gpu || gpu->coherent)
		vp_shadow_to_cpu(mem->shadow, offset, size);
	else if (vp_memory_has_foreign(attach->buf))
		vp_shadow_to_device(mem->shadow, offset, size);
}

static void vp_memory_end_device_access(struct vp_attachment *attach,
					size_t offset, size_t size, bool write)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct vp_gpu *gpu = vp_memory_gpu(attach);

	if (!mem->shadow || !write)
		return;
	if (!gpu || gpu->coherent) {
		vp_shadow_to_device(mem->shadow, offset, size);
		return;
	}
	vp_shadow_mark_written(mem->shadow, offset, size);
	if (vp_memory_has_foreign(attach->buf))
		vp_shadow_to_cpu(mem->shadow, offset, size);
}

/* ---- moving ---- */

static int vp_memory_move(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct vp_storage *storage;

	dma_resv_assert_held(buf->resv);

	if (!mem->storage)
		return 0;
	storage = vp_storage_copy(mem->storage, buf->size, mem->low);
	if (IS_ERR(storage))
		return PTR_ERR(storage);

	vp_memory_drop_table(mem);
	mem->old = vp_storage_chain(mem->storage, mem->old);
	mem->storage = storage;
	WRITE_ONCE(mem->resident, vp_storage_bytes(storage));
	vp_memory_drop_old(mem);
	return 0;
}

static void vp_memory_free(struct vp_memory *mem)
{
	vp_memory_drop_table(mem);
	if (mem->old)
		vp_storage_destroy(mem->old);
	if (mem->storage)
		vp_storage_destroy(mem->storage);
	mem->old = NULL;
	mem->storage = NULL;
	WRITE_ONCE(mem->resident, 0);
}

static void vp_memory_revoke(struct vp_dmabuf *buf)
{
	dma_resv_assert_held(buf->resv);

	vp_memory_free(to_vp_memory(buf));
}

/* ---- the CPU ---- */

/*
 * Map a whole huge page with one entry, where the mapping lies so that it can
 * be. The entry goes in from the ordinary fault, because older kernels do not
 * call huge_fault for mappings of bare frames. Kernels before 6.12 cannot mark
 * the entry special, and there get_user_pages_fast() can take a reference on a
 * page of it; that keeps the page alive and does no other harm.
 */
static bool vp_memory_fault_huge(struct vm_fault *vmf, struct folio *folio,
				 pgoff_t pgoff)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	struct vm_area_struct *vma = vmf->vma;
	unsigned long start = vmf->address & HPAGE_PMD_MASK;
	pgoff_t first = pgoff - ((vmf->address - start) >> PAGE_SHIFT);

	if (folio_order(folio) != HPAGE_PMD_ORDER || first != folio->index ||
	    start < vma->vm_start || start + HPAGE_PMD_SIZE > vma->vm_end ||
	    !pmd_none(*vmf->pmd))
		return false;

	return vp_insert_pfn_pmd(vmf, folio_pfn(folio),
				 vmf->flags & FAULT_FLAG_WRITE) ==
	       VM_FAULT_NOPAGE;
#else
	return false;
#endif
}

/*
 * Map pages one by one from the touched one on: to the end of its folio, and
 * when that had been made before, on through all that exist (they were likely
 * touched together); in any case no further than the mapping and the page
 * table of the touched page go.
 */
static vm_fault_t vp_memory_fault_run(struct vp_memory *mem,
				      struct vm_fault *vmf,
				      struct folio *folio, pgoff_t pgoff,
				      bool made)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long end = min(vma->vm_end, (address & PMD_MASK) + PMD_SIZE);
	vm_fault_t ret, first = 0;

	while (folio) {
		ret = vmf_insert_pfn(vma, address,
				     folio_pfn(folio) + pgoff - folio->index);
		/* Only the touched page has to succeed. */
		if (!first)
			first = ret;
		if (ret != VM_FAULT_NOPAGE)
			break;

		address += PAGE_SIZE;
		pgoff++;
		if (address >= end)
			break;
		if (pgoff >= folio_next_index(folio))
			folio = made ? NULL : vp_storage_find(mem->storage,
								    pgoff);
	}
	return first;
}

static vm_fault_t vp_memory_fault(struct vp_dmabuf *buf, struct vm_fault *vmf,
				  unsigned long pgoff)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct folio *folio;
	bool made;

	dma_resv_assert_held(buf->resv);

	/*
	 * Another thread has mapped the huge page while this one waited for the
	 * lock. Where its entry is there is no page table to put pages into.
	 */
	if (pmd_trans_huge(*vmf->pmd))
		return VM_FAULT_NOPAGE;

	folio = vp_memory_folio(mem, pgoff, &made);
	if (IS_ERR(folio))
		return PTR_ERR(folio) == -EINTR ? VM_FAULT_NOPAGE :
						  VM_FAULT_SIGBUS;
	if (vp_memory_fault_huge(vmf, folio, pgoff))
		return VM_FAULT_NOPAGE;
	return vp_memory_fault_run(mem, vmf, folio, pgoff, made);
}

static int vp_memory_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct page **pages;
	void *vaddr;

	dma_resv_assert_held(buf->resv);

	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return PTR_ERR(pages);

	vaddr = vmap(pages, mem->base.size >> PAGE_SHIFT, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void vp_memory_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static size_t vp_memory_resident(struct vp_dmabuf *buf)
{
	return READ_ONCE(to_vp_memory(buf)->resident);
}

static void vp_memory_release(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);

	vp_memory_free(mem);
	kmem_cache_free(vp_memory_cache, mem);
}

static const struct vp_dmabuf_ops vp_memory_ops = {
	.pin = vp_memory_pin,
	.unpin = vp_memory_unpin,
	.map = vp_memory_map,
	.unmap = vp_memory_unmap,
	.begin_cpu_access = vp_memory_begin_cpu_access,
	.end_cpu_access = vp_memory_end_cpu_access,
	.one_end = true,
	.begin_device_access = vp_memory_begin_device_access,
	.end_device_access = vp_memory_end_device_access,
	.move = vp_memory_move,
	.revoke = vp_memory_revoke,
	.fault = vp_memory_fault,
	.vmap = vp_memory_vmap,
	.vunmap = vp_memory_vunmap,
	.resident = vp_memory_resident,
	.release = vp_memory_release,
};

/**
 * vp_memory_create - a buffer of system memory
 * @size: bytes, rounded up to whole pages here
 * @name: the device it is allocated on; copied
 * @low: whether its memory has to lie below 4 GiB
 *
 * No page of it exists yet. Unlocked.
 *
 * Returns the buffer with one reference; -EINVAL for a size of 0 or beyond what
 * a file can have; -ENOMEM when there is no memory for the bookkeeping.
 */
struct vp_dmabuf *vp_memory_create(size_t size, const char *name, bool low)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_memory *mem;
	int ret;

	if (!size || size > (MAX_LFS_FILESIZE & PAGE_MASK))
		return ERR_PTR(-EINVAL);
	size = PAGE_ALIGN(size);

	mem = kmem_cache_alloc(vp_memory_cache, GFP_KERNEL);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	mem->storage = NULL;
	mem->old = NULL;
	mem->table = NULL;
	mem->end = 0;
	mem->shadow = NULL;
	mem->shadow_users = 0;
	mem->low = low;
	mem->resident = 0;

	info.name = name;
	info.ops = &vp_memory_ops;
	info.size = size;
	ret = vp_dmabuf_export(&mem->base, &info);
	if (ret) {
		kmem_cache_free(vp_memory_cache, mem);
		return ERR_PTR(ret);
	}
	return &mem->base;
}
