// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: storages
 *
 * A storage is where the pages of a buffer are: those of a file on a tmpfs mount of
 * vprime's own, mounted so that it uses huge pages wherever one fits into the
 * buffer. Each page is made when it is touched itself. The buffer has a reference,
 * and whoever still uses the pages after the buffer has moved to another storage.
 *
 * Pages are handed out as bare frame numbers, to CPU mappings and to devices,
 * so they may not be moved or swapped behind the buffer's back: a reference is
 * held on each from its first touch to the end. Which those are, the tree of
 * folios says.
 *
 * A storage has locks of its own, so that a page can be made without a lock of the
 * buffer's.
 */
#include <linux/delay.h>
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
#include <linux/swap.h>
#include <linux/xarray.h>

#include "compat.h"
#include "count.h"
#include "memory/storage.h"

/**
 * struct vp_storage - where the pages of a buffer are
 * @ref: the buffer, and each who still uses the pages
 * @file: the tmpfs file
 * @size: bytes, whole pages
 * @folios: page offset -> folio, with one reference on each; a large folio
 *	takes all of its offsets
 * @pages: how many pages of PAGE_SIZE exist; written under the lock of @folios
 * @end: the highest physical address of any, and one; likewise
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
static DEFINE_PER_CPU(long, vp_storage_total);

static struct vfsmount *vp_storage_mount(void)
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
	vp_storage_has_huge = !IS_ERR(mnt);
	/* A kernel or processor without huge pages refuses the option. */
	if (IS_ERR(mnt))
		mnt = vfs_kern_mount(type, SB_KERNMOUNT, "vprime", NULL);
	module_put(type->owner);
	return mnt;
}

/**
 * vp_storage_init - make storages possible
 *
 * Returns 0, -ENODEV on a kernel without tmpfs, -ENOMEM, or what mounting gave.
 */
int vp_storage_init(void)
{
	vp_storage_mnt = vp_storage_mount();
	return PTR_ERR_OR_ZERO(vp_storage_mnt);
}

/**
 * vp_storage_fini - undo vp_storage_init(), when no storage is left
 */
void vp_storage_fini(void)
{
	kern_unmount(vp_storage_mnt);
}

/**
 * vp_storage_huge_page_size - the size of the pages in large buffers
 *
 * Returns bytes, 0 where there are no huge pages.
 */
u64 vp_storage_huge_page_size(void)
{
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	return vp_storage_has_huge ? HPAGE_PMD_SIZE : 0;
#else
	return 0;
#endif
}

/**
 * vp_storage_total_pages - how much memory all buffers have
 *
 * Returns pages of PAGE_SIZE.
 */
long vp_storage_total_pages(void)
{
	return vp_count_read(&vp_storage_total);
}

/* tmpfs calls a lack of memory a lack of space, too; ours has no limit. */
static int vp_storage_error(int ret)
{
	return ret == -ENOSPC ? -ENOMEM : ret;
}

/**
 * vp_storage_create - a storage without a page yet
 * @size: bytes, whole pages
 * @low: whether its pages have to lie below 4 GiB
 *
 * Context: may sleep, with whatever lock.
 *
 * Return: the storage, with one reference; -ENOMEM or -ENFILE.
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
	 * A program that touches more than there is gets SIGBUS; nobody else
	 * is killed to make room for it.
	 */
	mapping_set_gfp_mask(file->f_mapping, GFP_HIGHUSER |
			     __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	mapping_set_unevictable(file->f_mapping);

	kref_init(&storage->ref);
	storage->file = file;
	storage->size = size;
	xa_init(&storage->folios);
	if (low)
		vp_storage_set_low(storage);
	return storage;
}

/**
 * vp_storage_set_low - make the pages of a storage below 4 GiB from now on
 * @storage: the storage
 *
 * Context: any lock. Pages that are being made just now may lie higher.
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
	this_cpu_sub(vp_storage_total, storage->pages);
	kfree(storage);
}

/**
 * vp_storage_get - one more reference
 * @storage: the storage
 *
 * Context: any.
 *
 * Return: @storage.
 */
struct vp_storage *vp_storage_get(struct vp_storage *storage)
{
	kref_get(&storage->ref);
	return storage;
}

/**
 * vp_storage_put - one reference less
 * @storage: the storage
 *
 * The last one frees it with its pages.
 *
 * Context: may sleep.
 */
void vp_storage_put(struct vp_storage *storage)
{
	kref_put(&storage->ref, vp_storage_free);
}

/* Keep a folio, with the caller's reference, unless another thread was faster. */
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
	} while (xas_nomem(&xas, GFP_KERNEL));

	if (kept)
		this_cpu_add(vp_storage_total, folio_nr_pages(folio));
	else
		folio_put(folio);
	return xas_error(&xas);
}

/**
 * vp_storage_find - a page that may be there
 * @storage: the storage
 * @index: which page
 *
 * Context: any.
 *
 * Return: the folio that has it, NULL when there is none yet.
 */
struct folio *vp_storage_find(struct vp_storage *storage, pgoff_t index)
{
	return xa_load(&storage->folios, index);
}

/**
 * vp_storage_page - a page that is there
 * @storage: the storage
 * @index: which page; it has been populated
 *
 * Context: any.
 *
 * Return: the page.
 */
struct page *vp_storage_page(struct vp_storage *storage, pgoff_t index)
{
	struct folio *folio = vp_storage_find(storage, index);

	return folio_page(folio, index - folio->index);
}

/**
 * vp_storage_populate - make pages where there are none
 * @storage: the storage
 * @first: the first page
 * @count: how many; they lie within the storage
 *
 * New pages are zeroed. What lies in the same huge page comes as well.
 *
 * Context: may sleep, with whatever lock.
 *
 * Return: 0; -ENOMEM; -EINTR when the process is being killed.
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
 * vp_storage_pages - all pages of a storage
 * @storage: the storage
 *
 * Makes those that are not there.
 *
 * Context: may sleep, with whatever lock.
 *
 * Return: an array of them, for kvfree(); -ENOMEM; -EINTR when the process is being
 * killed.
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
	/* The client chose how many, so the lack of them is no news to the log. */
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
 * vp_storage_end - how far up in the machine's memory a storage reaches
 * @storage: the storage
 *
 * Context: any.
 *
 * Return: the physical address behind its highest page, 0 if it has none.
 */
u64 vp_storage_end(struct vp_storage *storage)
{
	return READ_ONCE(storage->end);
}

/**
 * vp_storage_bytes - how much of a storage there is
 * @storage: the storage
 *
 * Context: any.
 *
 * Return: bytes.
 */
size_t vp_storage_bytes(struct vp_storage *storage)
{
	return READ_ONCE(storage->pages) << PAGE_SHIFT;
}

/*
 * On kernels before 6.12 get_user_pages_fast() can take references on huge
 * pages that are mapped as bare frames, and whoever did may go on writing to
 * them. The kernel looks at pages for a moment too, for reasons of its own.
 */
static bool vp_storage_is_borrowed(struct folio *folio)
{
	int tries;

	if (!folio_test_large(folio))
		return false;
	for (tries = 0; tries < 10; tries++) {
		/* The page cache has one on each page, and we have one. */
		if (folio_ref_count(folio) == folio_nr_pages(folio) + 1)
			return false;
		usleep_range(1000, 2000);
	}
	return true;
}

/* Whom a page is charged to, with a reference; NULL when that is nobody. */
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

	/* The last folio may reach beyond the end. */
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
 * vp_storage_copy - the same bytes in other pages
 * @from: the storage that has them; nobody writes to it
 * @low: whether the pages have to lie below 4 GiB
 *
 * What does not exist in @from does not in the copy either.
 *
 * Context: may sleep, with whatever lock.
 *
 * Return: the copy, with one reference; -EBUSY when somebody has taken references
 * on the pages of @from; -ENOMEM, -ENFILE, or -EINTR when the process is being
 * killed.
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
		/* Moving is no reason for another to pay. */
		payer = vp_storage_payer(folio);
		old = set_active_memcg(payer);
		ret = vp_storage_is_borrowed(folio) ? -EBUSY :
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
