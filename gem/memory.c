// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: system memory
 *
 * The exporter behind every buffer that a vprime GPU allocates. The pages are
 * those of a file on a tmpfs mount of vprime's own, mounted so that it uses
 * huge pages wherever one fits into the buffer. The file is made when the
 * first page is touched, and each page when it is touched itself.
 *
 * Pages are handed out as bare frame numbers, to CPU mappings and to devices,
 * so they may not be moved or swapped while the buffer lives: a reference is
 * held on each from its first touch to the end.
 */
#include <linux/dma-mapping.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/scatterlist.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/vmalloc.h>
#include <linux/xarray.h>

#include "compat.h"
#include "gem/memory.h"
#include "prime/dmabuf.h"

/**
 * struct vp_memory - a buffer of system memory
 * @base: the core's part
 * @file: the tmpfs file, NULL before the first touch
 * @folios: page offset -> folio, with one reference on each; a large folio
 *	takes all of its offsets
 * @pages: how many pages of 4 KiB exist; read without the lock
 *
 * All but @base is guarded by the buffer's reservation lock.
 */
struct vp_memory {
	struct vp_dmabuf base;
	struct file *file;
	struct xarray folios;
	unsigned long pages;
};

static inline struct vp_memory *to_vp_memory(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_memory, base);
}

static struct vfsmount *vp_memory_mnt;
static struct kmem_cache *vp_memory_cache;
static bool vp_memory_has_huge;
static atomic_long_t vp_memory_count;

static struct vfsmount *vp_memory_mount(void)
{
	static const char huge[] = "huge=within_size";
	char options[sizeof(huge)];
	struct file_system_type *type;
	struct vfsmount *mnt;

	type = get_fs_type("tmpfs");
	if (!type)
		return ERR_PTR(-ENODEV);

	/* Mounting takes the option string apart. */
	strscpy(options, huge, sizeof(options));
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "vprime", options);
	vp_memory_has_huge = !IS_ERR(mnt);
	/* A kernel or processor without huge pages refuses the option. */
	if (IS_ERR(mnt))
		mnt = vfs_kern_mount(type, SB_KERNMOUNT, "vprime", NULL);
	module_put(type->owner);
	return mnt;
}

/**
 * vp_memory_init - make the exporter of system memory ready
 *
 * Returns 0, -ENODEV on a kernel without tmpfs, -ENOMEM, or what mounting gave.
 */
int vp_memory_init(void)
{
	vp_memory_cache = VP_KMEM_CACHE(vp_memory);
	if (!vp_memory_cache)
		return -ENOMEM;

	vp_memory_mnt = vp_memory_mount();
	if (IS_ERR(vp_memory_mnt)) {
		kmem_cache_destroy(vp_memory_cache);
		return PTR_ERR(vp_memory_mnt);
	}
	return 0;
}

/**
 * vp_memory_fini - undo vp_memory_init(), when no buffer is left
 */
void vp_memory_fini(void)
{
	kern_unmount(vp_memory_mnt);
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

/**
 * vp_memory_huge_page_size - the size of the pages in large buffers
 *
 * Returns bytes, 0 where there are no huge pages.
 */
u64 vp_memory_huge_page_size(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return vp_memory_has_huge ? HPAGE_PMD_SIZE : 0;
#else
	return 0;
#endif
}

/**
 * vp_memory_pages - how much memory all buffers have
 *
 * Returns pages of PAGE_SIZE.
 */
long vp_memory_pages(void)
{
	return atomic_long_read(&vp_memory_count);
}

static int vp_memory_open(struct vp_memory *mem)
{
	struct address_space *mapping;
	struct file *file;

	file = shmem_file_setup_with_mnt(vp_memory_mnt, "vprime", mem->base.size,
					 VM_NORESERVE);
	if (IS_ERR(file))
		return PTR_ERR(file);

	/*
	 * A program that touches more than there is gets SIGBUS; nobody else
	 * is killed to make room for it.
	 */
	mapping = file->f_mapping;
	mapping_set_gfp_mask(mapping, GFP_HIGHUSER | __GFP_RETRY_MAYFAIL |
				      __GFP_NOWARN);
	mapping_set_unevictable(mapping);
	mem->file = file;
	return 0;
}

static int vp_memory_store(struct vp_memory *mem, struct folio *folio)
{
	XA_STATE_ORDER(xas, &mem->folios, folio->index, folio_order(folio));

	do {
		xas_lock(&xas);
		xas_store(&xas, folio);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL));
	return xas_error(&xas);
}

/*
 * The folio with page @index, made if it is not there, which @made tells. The
 * reservation lock is held.
 */
static struct folio *vp_memory_folio(struct vp_memory *mem, pgoff_t index,
				     bool *made)
{
	struct folio *folio;
	struct page *page;
	int ret;

	*made = false;
	folio = xa_load(&mem->folios, index);
	if (folio)
		return folio;

	if (!mem->file) {
		ret = vp_memory_open(mem);
		if (ret)
			return ERR_PTR(ret);
	}

	page = shmem_read_mapping_page(mem->file->f_mapping, index);
	if (IS_ERR(page))
		return ERR_CAST(page);

	folio = page_folio(page);
	ret = vp_memory_store(mem, folio);
	if (ret) {
		folio_put(folio);
		return ERR_PTR(ret);
	}
	*made = true;
	WRITE_ONCE(mem->pages, mem->pages + folio_nr_pages(folio));
	atomic_long_add(folio_nr_pages(folio), &vp_memory_count);
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

	pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return ERR_PTR(-ENOMEM);

	while (index < count) {
		folio = vp_memory_folio(mem, index, &made);
		if (IS_ERR(folio)) {
			kvfree(pages);
			return ERR_CAST(folio);
		}
		for (; index < count && index < folio_next_index(folio); index++)
			pages[index] = folio_page(folio, index - folio->index);
	}
	return pages;
}

static struct sg_table *vp_memory_map(struct vp_attachment *attach,
				      enum dma_data_direction dir)
{
	struct vp_memory *mem = to_vp_memory(attach->buf);
	struct sg_table *sgt;
	struct page **pages;
	int ret;

	dma_resv_assert_held(attach->buf->resv);

	pages = vp_memory_get_pages(mem);
	if (IS_ERR(pages))
		return ERR_CAST(pages);

	ret = -ENOMEM;
	sgt = kmalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		goto err_pages;

	ret = sg_alloc_table_from_pages_segment(sgt, pages,
						mem->base.size >> PAGE_SHIFT, 0,
						mem->base.size,
						dma_get_max_seg_size(attach->dev),
						GFP_KERNEL);
	if (ret)
		goto err_sgt;

	ret = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (ret)
		goto err_table;

	kvfree(pages);
	return sgt;

err_table:
	sg_free_table(sgt);
err_sgt:
	kfree(sgt);
err_pages:
	kvfree(pages);
	return ERR_PTR(ret);
}

static void vp_memory_unmap(struct vp_attachment *attach, struct sg_table *sgt,
			    enum dma_data_direction dir)
{
	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
}

/*
 * Caches between the CPU and the devices that have the buffer mapped. Those
 * that map later find it synced: mapping does that. A device whose mapping
 * goes meanwhile has synced at unmap.
 */
static void vp_memory_sync(struct vp_dmabuf *buf, enum dma_data_direction dir,
			   bool for_cpu)
{
	struct vp_attachment *attach;

	dma_resv_lock(buf->resv, NULL);
	list_for_each_entry(attach, &buf->attachments, node) {
		if (!attach->sgt)
			continue;
		if (for_cpu)
			dma_sync_sgtable_for_cpu(attach->dev, attach->sgt, dir);
		else
			dma_sync_sgtable_for_device(attach->dev, attach->sgt,
						    dir);
	}
	dma_resv_unlock(buf->resv);
}

static int vp_memory_begin_cpu_access(struct vp_dmabuf *buf,
				      enum dma_data_direction dir)
{
	vp_memory_sync(buf, dir, true);
	return 0;
}

static int vp_memory_end_cpu_access(struct vp_dmabuf *buf,
				    enum dma_data_direction dir)
{
	vp_memory_sync(buf, dir, false);
	return 0;
}

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
			folio = made ? NULL : xa_load(&mem->folios, pgoff);
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
	struct vp_memory *mem = to_vp_memory(buf);

	return READ_ONCE(mem->pages) << PAGE_SHIFT;
}

static void vp_memory_release(struct vp_dmabuf *buf)
{
	struct vp_memory *mem = to_vp_memory(buf);
	struct folio *folio;
	unsigned long index;

	if (mem->file) {
		xa_for_each(&mem->folios, index, folio)
			folio_put(folio);
		xa_destroy(&mem->folios);
		fput(mem->file);
		atomic_long_sub(mem->pages, &vp_memory_count);
	}
	kmem_cache_free(vp_memory_cache, mem);
}

static const struct vp_dmabuf_ops vp_memory_ops = {
	.map = vp_memory_map,
	.unmap = vp_memory_unmap,
	.begin_cpu_access = vp_memory_begin_cpu_access,
	.end_cpu_access = vp_memory_end_cpu_access,
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
 *
 * No page of it exists yet. Unlocked.
 *
 * Returns the buffer with one reference; -EINVAL for a size of 0 or beyond what
 * a file can have; -ENOMEM for one beyond vp_memory_max_size(), or when there
 * is no memory for the bookkeeping.
 */
struct vp_dmabuf *vp_memory_create(size_t size, const char *name)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_memory *mem;
	int ret;

	if (!size || size > (MAX_LFS_FILESIZE & PAGE_MASK))
		return ERR_PTR(-EINVAL);
	size = PAGE_ALIGN(size);
	if (size > vp_memory_max_size())
		return ERR_PTR(-ENOMEM);

	mem = kmem_cache_alloc(vp_memory_cache, GFP_KERNEL);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	info.name = name;
	info.ops = &vp_memory_ops;
	info.size = size;
	ret = vp_dmabuf_export(&mem->base, &info);
	if (ret) {
		kmem_cache_free(vp_memory_cache, mem);
		return ERR_PTR(ret);
	}
	mem->file = NULL;
	mem->pages = 0;
	xa_init(&mem->folios);
	return &mem->base;
}
