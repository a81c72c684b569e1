// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: storages
 *
 * A storage is the pages of a buffer: those of a file on a tmpfs mount of
 * vprime's own, mounted so that it uses huge pages wherever one fits into the
 * buffer. Each page is made when it is touched itself.
 *
 * Pages are handed out as bare frame numbers, to CPU mappings and to devices,
 * so they may not be moved or swapped behind the buffer's back: a reference is
 * held on each from its first touch to the end.
 *
 * A storage is guarded by the reservation lock of the buffer that has it.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/xarray.h>

#include "compat.h"
#include "gem/storage.h"

/**
 * struct vp_storage - the pages of a buffer
 * @file: the tmpfs file
 * @folios: page offset -> folio, with one reference on each; a large folio
 *	takes all of its offsets
 * @pages: how many pages of PAGE_SIZE exist
 * @older: a storage that the buffer had before and that is still in use, as
 *	vp_storage_chain() has it
 */
struct vp_storage {
	struct file *file;
	struct xarray folios;
	unsigned long pages;
	struct vp_storage *older;
};

static struct vfsmount *vp_storage_mnt;
static bool vp_storage_has_huge;
static atomic_long_t vp_storage_pages;

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
	return atomic_long_read(&vp_storage_pages);
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
 * Returns it, -ENOMEM or -ENFILE.
 */
struct vp_storage *vp_storage_create(size_t size, bool low)
{
	gfp_t gfp = GFP_HIGHUSER | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct address_space *mapping;
	struct vp_storage *storage;
	struct file *file;

	storage = kmalloc(sizeof(*storage), GFP_KERNEL_ACCOUNT);
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
	mapping = file->f_mapping;
	if (low)
		gfp = (gfp & ~__GFP_HIGHMEM) | __GFP_DMA32;
	mapping_set_gfp_mask(mapping, gfp);
	mapping_set_unevictable(mapping);

	storage->file = file;
	xa_init(&storage->folios);
	storage->pages = 0;
	storage->older = NULL;
	return storage;
}

static void vp_storage_free(struct vp_storage *storage)
{
	struct folio *folio;
	unsigned long index;

	xa_for_each(&storage->folios, index, folio)
		folio_put(folio);
	xa_destroy(&storage->folios);
	fput(storage->file);
	atomic_long_sub(storage->pages, &vp_storage_pages);
	kfree(storage);
}

/**
 * vp_storage_destroy - free a storage with its pages, and all older ones
 * @storage: the storage; nobody has a way to its pages
 */
void vp_storage_destroy(struct vp_storage *storage)
{
	struct vp_storage *older;

	for (; storage; storage = older) {
		older = storage->older;
		vp_storage_free(storage);
	}
}

/**
 * vp_storage_chain - keep a storage that the buffer no longer has
 * @storage: the storage
 * @older: those that were kept before, or NULL
 *
 * Returns all of them, for vp_storage_destroy().
 */
struct vp_storage *vp_storage_chain(struct vp_storage *storage,
				    struct vp_storage *older)
{
	storage->older = older;
	return storage;
}

static int vp_storage_store(struct vp_storage *storage, struct folio *folio)
{
	XA_STATE_ORDER(xas, &storage->folios, folio->index, folio_order(folio));

	do {
		xas_lock(&xas);
		xas_store(&xas, folio);
		xas_unlock(&xas);
	} while (xas_nomem(&xas, GFP_KERNEL));
	return xas_error(&xas);
}

/**
 * vp_storage_find - a page that may be there
 * @storage: the storage
 * @index: which page
 *
 * Returns the folio that has it, NULL when there is none yet.
 */
struct folio *vp_storage_find(struct vp_storage *storage, pgoff_t index)
{
	return xa_load(&storage->folios, index);
}

/**
 * vp_storage_folio - a page, made if it is not there
 * @storage: the storage
 * @index: which page
 * @made: where it is stored whether it has been made now
 *
 * Returns the folio that has it, zeroed when it is new; -ENOMEM, or -EINTR when
 * the process is being killed.
 */
struct folio *vp_storage_folio(struct vp_storage *storage, pgoff_t index,
			       bool *made)
{
	struct folio *folio;
	struct page *page;
	int ret;

	*made = false;
	folio = xa_load(&storage->folios, index);
	if (folio)
		return folio;

	page = shmem_read_mapping_page(storage->file->f_mapping, index);
	if (IS_ERR(page))
		return ERR_PTR(vp_storage_error(PTR_ERR(page)));

	folio = page_folio(page);
	ret = vp_storage_store(storage, folio);
	if (ret) {
		folio_put(folio);
		return ERR_PTR(ret);
	}
	*made = true;
	storage->pages += folio_nr_pages(folio);
	atomic_long_add(folio_nr_pages(folio), &vp_storage_pages);
	return folio;
}

/**
 * vp_storage_bytes - how much of a storage there is
 * @storage: the storage
 *
 * Returns bytes.
 */
size_t vp_storage_bytes(struct vp_storage *storage)
{
	return storage->pages << PAGE_SHIFT;
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
	struct folio *folio = NULL;
	pgoff_t index;
	bool made;

	for (index = from->index; index < folio_next_index(from); index++) {
		if (!folio || index >= folio_next_index(folio))
			folio = vp_storage_folio(to, index, &made);
		if (IS_ERR(folio))
			return PTR_ERR(folio);
		copy_highpage(folio_page(folio, index - folio->index),
			      folio_page(from, index - from->index));
		cond_resched();
	}
	return 0;
}

/**
 * vp_storage_copy - the same bytes in other pages
 * @from: the storage that has them; nobody writes to it
 * @size: bytes, whole pages
 * @low: whether the pages have to lie below 4 GiB
 *
 * What does not exist in @from does not in the copy either.
 *
 * Returns the copy; -EBUSY when somebody has taken references on the pages of
 * @from; -ENOMEM, -ENFILE or -EINTR.
 */
struct vp_storage *vp_storage_copy(struct vp_storage *from, size_t size,
				   bool low)
{
	struct mem_cgroup *payer, *old;
	struct vp_storage *to;
	struct folio *folio;
	unsigned long index;
	int ret = 0;

	to = vp_storage_create(size, low);
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
	vp_storage_destroy(to);
	return ERR_PTR(ret);
}
