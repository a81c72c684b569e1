// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: storages
 *
 * A storage has the pages of a buffer: those of a file on a tmpfs mount of
 * vprime's own, with huge pages wherever one fits into the buffer. Each page is
 * made when it is first touched. The buffer has a reference on its storage, and
 * so has each user of the pages, which may keep it after the buffer has moved to
 * another storage.
 *
 * CPU mappings and devices get bare page frame numbers, so pages must not be
 * moved or swapped: a reference is held on each page from its first touch until
 * the storage is freed. The xarray of folios has these pages.
 *
 * A storage has its own locks, so that pages can be made without a lock of the
 * buffer.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/kref.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pfn.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "compat.h"
#include "memory/storage.h"

/**
 * struct vp_storage - the pages of a buffer
 * @ref: references of the buffer and of each user of the pages
 * @file: the tmpfs file
 * @size: in bytes, whole pages
 * @folios: page offset -> folio, with one reference on each; a large folio has
 *	all of its offsets
 * @pages: how many pages of PAGE_SIZE exist; written under the lock of @folios
 * @end: the end of the highest page, as a physical address; likewise
 */
struct vp_storage {
	struct kref ref;
	struct file *file;
	size_t size;
	struct xarray folios;
	unsigned long pages;
	u64 end;
};

static struct vfsmount *vp_storage_mnt;
static bool vp_storage_has_huge;

DEFINE_PER_CPU(long, vp_storage_page_count);

static struct vfsmount *vp_storage_mount(void)
{
	static const char huge[] = "huge=within_size";
	char options[sizeof(huge)];
	struct file_system_type *type;
	struct vfsmount *mnt;

	type = get_fs_type("tmpfs");
	if (!type)
		return ERR_PTR(-ENODEV);

	/* Mounting modifies the option string. */
	strscpy(options, huge, sizeof(options));
	mnt = vfs_kern_mount(type, SB_KERNMOUNT, "vprime", options);
	vp_storage_has_huge = !IS_ERR(mnt);
	/* A kernel or processor without huge pages refuses the option. */
	if (IS_ERR(mnt))
		mnt = vfs_kern_mount(type, SB_KERNMOUNT, "vprime", NULL);
	module_put(type->owner);
	return mnt;
}

/**
 * vp_storage_init - prepare for storages
 *
 * Context: May sleep.
 * Return: 0; -ENODEV on a kernel without tmpfs; -ENOMEM; or an errno of the
 *	mount.
 */
int vp_storage_init(void)
{
	vp_storage_mnt = vp_storage_mount();
	return PTR_ERR_OR_ZERO(vp_storage_mnt);
}

/**
 * vp_storage_fini - undo vp_storage_init(), when no storage is left
 *
 * Context: May sleep.
 */
void vp_storage_fini(void)
{
	kern_unmount(vp_storage_mnt);
}

/**
 * vp_storage_huge_page_size - the size of the huge pages in large buffers
 *
 * Context: Any context.
 * Return: Bytes; 0 where there are no huge pages.
 */
u64 vp_storage_huge_page_size(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return vp_storage_has_huge ? HPAGE_PMD_SIZE : 0;
#else
	return 0;
#endif
}

/* The mount has no size limit: tmpfs reports a lack of memory as ENOSPC, too. */
static int vp_storage_error(int ret)
{
	return ret == -ENOSPC ? -ENOMEM : ret;
}

/**
 * vp_storage_create - make a storage without pages
 * @size: in bytes, whole pages
 * @low: whether its pages have to be below 4 GiB
 *
 * Context: May sleep. Any reservation may be locked.
 * Return: The storage, with one reference; -ENOMEM or -ENFILE.
 */
struct vp_storage *vp_storage_create(size_t size, bool low)
{
	struct vp_storage *storage;
	struct file *file;

	storage = kzalloc(sizeof(*storage), GFP_KERNEL_ACCOUNT);
	if (!storage)
		return ERR_PTR(-ENOMEM);
	file = vp_shmem_file_setup(vp_storage_mnt, "vprime", size);
	if (IS_ERR(file)) {
		kfree(storage);
		return ERR_PTR(vp_storage_error(PTR_ERR(file)));
	}

	/*
	 * A program that touches more memory than there is gets SIGBUS; the OOM
	 * killer is not called for it.
	 */
	mapping_set_gfp_mask(file->f_mapping, GFP_HIGHUSER |
			     __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	mapping_set_unevictable(file->f_mapping);

	kref_init(&storage->ref);
	storage->file = file;
	storage->size = size;
	xa_init_flags(&storage->folios, XA_FLAGS_ACCOUNT);
	if (low)
		vp_storage_set_low(storage);
	return storage;
}

/**
 * vp_storage_set_low - make new pages of a storage below 4 GiB
 * @storage: the storage
 *
 * Pages that are being made concurrently may be higher.
 *
 * Context: Any context.
 */
void vp_storage_set_low(struct vp_storage *storage)
{
	struct address_space *mapping = storage->file->f_mapping;
	gfp_t gfp = mapping_gfp_mask(mapping);

	mapping_set_gfp_mask(mapping, (gfp & ~__GFP_HIGHMEM) | __GFP_DMA32);
}

static void vp_storage_free(struct kref *ref)
{
	struct vp_storage *storage = container_of(ref, struct vp_storage, ref);
	struct folio *folio;
	unsigned long index;

	xa_for_each(&storage->folios, index, folio)
		folio_put(folio);
	xa_destroy(&storage->folios);
	fput(storage->file);
	this_cpu_sub(vp_storage_page_count, storage->pages);
	kfree(storage);
}

/**
 * vp_storage_get - take a reference
 * @storage: the storage
 *
 * Context: Any context.
 * Return: @storage.
 */
struct vp_storage *vp_storage_get(struct vp_storage *storage)
{
	kref_get(&storage->ref);
	return storage;
}

/**
 * vp_storage_put - drop a reference
 * @storage: the storage
 *
 * The last reference frees the storage and its pages.
 *
 * Context: May sleep.
 */
void vp_storage_put(struct vp_storage *storage)
{
	kref_put(&storage->ref, vp_storage_free);
}

/*
 * Keep a folio, with the caller's reference, unless another thread has done so.
 */
static int vp_storage_keep(struct vp_storage *storage, struct folio *folio)
{
	XA_STATE_ORDER(xas, &storage->folios, folio->index, folio_order(folio));
	bool kept = false;

	do {
		xas_lock(&xas);
		if (!xas_find_conflict(&xas)) {
			xas_store(&xas, folio);
			kept = !xas_error(&xas);
		}
		if (kept) {
			storage->pages += folio_nr_pages(folio);
			storage->end = max_t(u64, storage->end,
					     PFN_PHYS(folio_pfn(folio) +
						      folio_nr_pages(folio)));
		}
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL | __GFP_RETRY_MAYFAIL |
				       __GFP_NOWARN));

	if (kept)
		this_cpu_add(vp_storage_page_count, folio_nr_pages(folio));
	else
		folio_put(folio);
	return xas_error(&xas);
}

/**
 * vp_storage_find - find the folio of a page
 * @storage: the storage
 * @index: the page
 *
 * Context: Any context.
 * Return: The folio, without a reference; NULL if the page does not exist.
 */
struct folio *vp_storage_find(struct vp_storage *storage, pgoff_t index)
{
	return xa_load(&storage->folios, index);
}

/**
 * vp_storage_page - get a page that exists
 * @storage: the storage
 * @index: the page; it has been populated
 *
 * Context: Any context.
 * Return: The page, without a reference.
 */
struct page *vp_storage_page(struct vp_storage *storage, pgoff_t index)
{
	struct folio *folio = vp_storage_find(storage, index);

	return folio_page(folio, index - folio->index);
}

/**
 * vp_storage_populate - make pages that do not exist
 * @storage: the storage
 * @first: the first page
 * @count: how many; they lie within the storage
 *
 * New pages are zeroed. A huge page is made as a whole.
 *
 * Context: May sleep. Any reservation may be locked.
 * Return: 0; -ENOMEM; -EINTR if the process is being killed.
 */
int vp_storage_populate(struct vp_storage *storage, pgoff_t first,
			unsigned long count)
{
	pgoff_t index = first;
	struct folio *folio;
	struct page *page;
	int ret;

	while (index - first < count) {
		folio = vp_storage_find(storage, index);
		if (folio) {
			index = folio_next_index(folio);
			continue;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		page = shmem_read_mapping_page(storage->file->f_mapping, index);
		if (IS_ERR(page))
			return vp_storage_error(PTR_ERR(page));
		ret = vp_storage_keep(storage, page_folio(page));
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

/**
 * vp_storage_pages - get all pages of a storage
 * @storage: the storage
 *
 * Makes those that do not exist.
 *
 * Context: May sleep. Any reservation may be locked.
 * Return: An array of the pages, for kvfree(); -ENOMEM; -EINTR if the process
 *	is being killed.
 */
struct page **vp_storage_pages(struct vp_storage *storage)
{
	unsigned long count = storage->size >> PAGE_SHIFT;
	struct page **pages;
	struct folio *folio;
	pgoff_t index = 0;
	int ret;

	ret = vp_storage_populate(storage, 0, count);
	if (ret)
		return ERR_PTR(ret);
	/* The client chose the size: no warning if it is too much. */
	pages = kvmalloc_array(count, sizeof(*pages),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!pages)
		return ERR_PTR(-ENOMEM);

	while (index < count) {
		folio = vp_storage_find(storage, index);
		for (; index < count && index < folio_next_index(folio);
		     index++)
			pages[index] = folio_page(folio, index - folio->index);
	}
	return pages;
}

/**
 * vp_storage_end - the highest physical address of a storage
 * @storage: the storage
 *
 * Context: Any context.
 * Return: The address of the end of its highest page; 0 if it has no pages.
 */
u64 vp_storage_end(struct vp_storage *storage)
{
	return READ_ONCE(storage->end);
}

/**
 * vp_storage_bytes - the size of the pages that exist
 * @storage: the storage
 *
 * Context: Any context.
 * Return: Bytes.
 */
size_t vp_storage_bytes(struct vp_storage *storage)
{
	return READ_ONCE(storage->pages) << PAGE_SHIFT;
}

/*
 * On kernels before 6.12 get_user_pages_fast() can take references on huge
 * pages that are mapped as bare frames, and their holder may go on writing to
 * them. The kernel takes references for a moment too.
 */
static bool vp_storage_has_extra_refs(struct folio *folio)
{
	int tries;

	if (!folio_test_large(folio))
		return false;
	for (tries = 0; tries < 10; tries++) {
		/* The page cache has one per page, and the storage has one. */
		if (folio_ref_count(folio) == folio_nr_pages(folio) + 1)
			return false;
		usleep_range(1000, 2000);
	}
	return true;
}

/* The memory cgroup that a folio is charged to, with a reference, or NULL. */
static struct mem_cgroup *vp_storage_payer(struct folio *folio)
{
	struct mem_cgroup *payer = NULL;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	payer = folio_memcg(folio);
	if (payer && !css_tryget(&payer->css))
		payer = NULL;
	rcu_read_unlock();
#endif
	return payer;
}

static int vp_storage_copy_folio(struct vp_storage *to, struct folio *from)
{
	unsigned long count = folio_nr_pages(from), i;
	int ret;

	/* The last folio may extend beyond the end. */
	count = min(count, (to->size >> PAGE_SHIFT) - from->index);
	ret = vp_storage_populate(to, from->index, count);
	for (i = 0; !ret && i < count; i++) {
		copy_highpage(vp_storage_page(to, from->index + i),
			      folio_page(from, i));
		cond_resched();
	}
	return ret;
}

/**
 * vp_storage_copy - copy a storage
 * @from: the storage; nothing writes to it
 * @low: whether the pages of the copy have to be below 4 GiB
 *
 * Pages that do not exist in @from do not exist in the copy.
 *
 * Context: May sleep. Any reservation may be locked.
 * Return: The copy, with one reference; -EBUSY if pages of @from have extra
 *	references; -ENOMEM; -ENFILE; -EINTR if the process is being killed.
 */
struct vp_storage *vp_storage_copy(struct vp_storage *from, bool low)
{
	struct mem_cgroup *payer, *old;
	struct vp_storage *to;
	struct folio *folio;
	unsigned long index;
	int ret = 0;

	to = vp_storage_create(from->size, low);
	if (IS_ERR(to))
		return to;

	xa_for_each(&from->folios, index, folio) {
		/* The copy is charged to the cgroup of the original. */
		payer = vp_storage_payer(folio);
		old = set_active_memcg(payer);
		ret = vp_storage_has_extra_refs(folio) ? -EBUSY :
			vp_storage_copy_folio(to, folio);
		set_active_memcg(old);
		mem_cgroup_put(payer);
		if (ret)
			break;
	}
	if (!ret)
		return to;
	vp_storage_put(to);
	return ERR_PTR(ret);
}
