// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter: it has pages that can be pinned and moved, or not, and each of
 * its steps can be made to fail.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "foreign.h"

static unsigned int fail_attach;
module_param(fail_attach, uint, 0644);
MODULE_PARM_DESC(fail_attach, "errno that attaching to our buffers fails with");

static unsigned int fail_map;
module_param(fail_map, uint, 0644);
MODULE_PARM_DESC(fail_map, "errno that mapping our buffers fails with");

/**
 * struct vp_foreign_exported - memory of ours, the exported buffer's priv
 * @ops: the dma_buf's, which differ between buffers
 * @count: how many pages
 * @deaf: whether it hands out addresses without asking the DMA API
 * @late: whether mapping makes it move for a while
 * @fail_lock: guards @fail; taken in any context of a callback
 * @fail: for each step, with what errno and how often to fail
 * @lock: guards all below
 * @pages: the memory
 * @attachments: how many devices have it
 * @maps: how many have it mapped
 * @pins: how often they have pinned it
 * @vmaps: whether the kernel has it mapped
 * @accesses: CPU accesses begun and not ended
 * @moves: how often it has moved
 * @dma_mask: what the device reaches that attached last
 * @max_segment: the longest entry of a table that it takes
 */
struct vp_foreign_exported {
	struct dma_buf_ops ops;
	unsigned int count;
	bool deaf;
	bool late;

	spinlock_t fail_lock;	/* see above */
	struct {
		unsigned int error;
		unsigned int count;
	} fail[VP_FOREIGN_FAIL_STEPS];

	struct mutex lock;	/* see above */
	struct page **pages;
	unsigned int attachments;
	unsigned int maps;
	unsigned int pins;
	unsigned int vmaps;
	unsigned int accesses;
	unsigned int moves;
	u64 dma_mask;
	unsigned int max_segment;
};

static void vp_foreign_free_pages(struct page **pages, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count && pages[i]; i++)
		__free_page(pages[i]);
	kvfree(pages);
}

static struct page **vp_foreign_alloc_pages(unsigned int count)
{
	struct page **pages;
	unsigned int i;

	pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i]) {
			vp_foreign_free_pages(pages, count);
			return NULL;
		}
	}
	return pages;
}

/* What a step is to fail with this time: 0 or a negative errno. */
static int vp_foreign_failure(struct vp_foreign_exported *exported,
			      enum vp_foreign_step step)
{
	int ret = 0;

	if (step == VP_FOREIGN_FAIL_ATTACH)
		ret = -(int)READ_ONCE(fail_attach);
	if (step == VP_FOREIGN_FAIL_MAP)
		ret = -(int)READ_ONCE(fail_map);

	spin_lock(&exported->fail_lock);
	if (exported->fail[step].count) {
		ret = -(int)exported->fail[step].error;
		if (exported->fail[step].count != ~0u)
			exported->fail[step].count--;
	}
	spin_unlock(&exported->fail_lock);
	return ret;
}

/* One more, or one less, of something that is counted. */
static void vp_foreign_count(struct vp_foreign_exported *exported,
			     unsigned int *counter, int change)
{
	mutex_lock(&exported->lock);
	*counter += change;
	mutex_unlock(&exported->lock);
}

static int vp_foreign_op_attach(struct dma_buf *kbuf,
				struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_ATTACH);

	if (ret)
		return ret;
	mutex_lock(&exported->lock);
	exported->attachments++;
	exported->dma_mask = dma_get_mask(kattach->dev);
	exported->max_segment = dma_get_max_seg_size(kattach->dev);
	mutex_unlock(&exported->lock);
	return 0;
}

static void vp_foreign_op_detach(struct dma_buf *kbuf,
				 struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vp_foreign_count(exported, &exported->attachments, -1);
}

static int vp_foreign_op_pin(struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_PIN);

	dma_resv_assert_held(kattach->dmabuf->resv);

	if (!ret)
		vp_foreign_count(exported, &exported->pins, 1);
	return ret;
}

static void vp_foreign_op_unpin(struct dma_buf_attachment *kattach)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;

	dma_resv_assert_held(kattach->dmabuf->resv);

	vp_foreign_count(exported, &exported->pins, -1);
}

/*
 * Who imports from here has its device played by the CPU: no cache is between.
 * And the DMA API's debugging takes several mappings of a page for a mistake
 * unless syncing is left to us.
 */
#define VP_FOREIGN_DMA_ATTRS	DMA_ATTR_SKIP_CPU_SYNC

static void vp_foreign_fill_deaf(struct sg_table *sgt)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		sg_dma_address(sg) = sg_phys(sg);
		sg_dma_len(sg) = sg->length;
	}
}

static int vp_foreign_fill(struct vp_foreign_exported *exported,
			   struct device *dev, struct sg_table *sgt,
			   enum dma_data_direction dir)
{
	size_t size = (size_t)exported->count << PAGE_SHIFT;
	int ret;

	lockdep_assert_held(&exported->lock);

	ret = sg_alloc_table_from_pages_segment(sgt, exported->pages,
						exported->count, 0, size,
						dma_get_max_seg_size(dev),
						GFP_KERNEL);
	if (ret)
		return ret;
	if (exported->deaf)
		vp_foreign_fill_deaf(sgt);
	else
		ret = dma_map_sgtable(dev, sgt, dir, VP_FOREIGN_DMA_ATTRS);
	if (ret)
		sg_free_table(sgt);
	else
		exported->maps++;
	return ret;
}

static struct sg_table *vp_foreign_op_map(struct dma_buf_attachment *kattach,
					  enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_MAP);
	struct sg_table *sgt;

	if (!ret && exported->late)
		ret = vp_foreign_fence_late(kattach->dmabuf);
	if (ret)
		return ERR_PTR(ret);
	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&exported->lock);
	ret = vp_foreign_fill(exported, kattach->dev, sgt, dir);
	mutex_unlock(&exported->lock);
	if (!ret)
		return sgt;
	kfree(sgt);
	return ERR_PTR(ret);
}

static void vp_foreign_op_unmap(struct dma_buf_attachment *kattach,
				struct sg_table *sgt,
				enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kattach->dmabuf->priv;

	if (!exported->deaf)
		dma_unmap_sgtable(kattach->dev, sgt, dir, VP_FOREIGN_DMA_ATTRS);
	sg_free_table(sgt);
	kfree(sgt);
	vp_foreign_count(exported, &exported->maps, -1);
}

static int vp_foreign_op_begin(struct dma_buf *kbuf,
			       enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_BEGIN);

	if (!ret)
		vp_foreign_count(exported, &exported->accesses, 1);
	return ret;
}

static int vp_foreign_op_end(struct dma_buf *kbuf, enum dma_data_direction dir)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vp_foreign_count(exported, &exported->accesses, -1);
	return 0;
}

/*
 * The page goes into the page table under the lock: a move that comes in
 * between would miss it.
 */
static vm_fault_t vp_foreign_fault(struct vm_fault *vmf)
{
	struct vp_foreign_exported *exported = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	mutex_lock(&exported->lock);
	if (vmf->pgoff < exported->count)
		ret = vmf_insert_pfn(vmf->vma, vmf->address & PAGE_MASK,
				     page_to_pfn(exported->pages[vmf->pgoff]));
	mutex_unlock(&exported->lock);
	return ret;
}

static const struct vm_operations_struct vp_foreign_vm_ops = {
	.fault = vp_foreign_fault,
};

static int vp_foreign_op_mmap(struct dma_buf *kbuf, struct vm_area_struct *vma)
{
	int ret = vp_foreign_failure(kbuf->priv, VP_FOREIGN_FAIL_MMAP);

	if (ret)
		return ret;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vp_vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &vp_foreign_vm_ops;
	vma->vm_private_data = kbuf->priv;
	return 0;
}

static int vp_foreign_op_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	int ret = vp_foreign_failure(exported, VP_FOREIGN_FAIL_VMAP);
	void *address;

	if (ret)
		return ret;

	mutex_lock(&exported->lock);
	address = vmap(exported->pages, exported->count, VM_MAP, PAGE_KERNEL);
	if (address)
		exported->vmaps++;
	mutex_unlock(&exported->lock);
	if (!address)
		return -ENOMEM;
	iosys_map_set_vaddr(map, address);
	return 0;
}

static void vp_foreign_op_vunmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	vunmap(map->vaddr);
	vp_foreign_count(exported, &exported->vmaps, -1);
}

static void vp_foreign_free(struct vp_foreign_exported *exported)
{
	vp_foreign_free_pages(exported->pages, exported->count);
	mutex_destroy(&exported->lock);
	kfree(exported);
}

static void vp_foreign_op_release(struct dma_buf *kbuf)
{
	struct vp_foreign_exported *exported = kbuf->priv;

	/* Whoever counts wrong, it shows here. */
	WARN_ON(exported->attachments || exported->maps || exported->pins ||
		exported->vmaps);
	vp_foreign_free(exported);
}

static struct vp_foreign_exported *vp_foreign_alloc(unsigned int count,
						    u32 flags)
{
	struct vp_foreign_exported *exported;

	exported = kzalloc(sizeof(*exported), GFP_KERNEL);
	if (!exported)
		return NULL;
	exported->pages = vp_foreign_alloc_pages(count);
	if (!exported->pages) {
		kfree(exported);
		return NULL;
	}
	exported->count = count;
	exported->deaf = flags & VP_FOREIGN_DEAF;
	exported->late = flags & VP_FOREIGN_LATE;
	exported->ops = (struct dma_buf_ops) {
		.attach = vp_foreign_op_attach,
		.detach = vp_foreign_op_detach,
		.map_dma_buf = vp_foreign_op_map,
		.unmap_dma_buf = vp_foreign_op_unmap,
		.begin_cpu_access = vp_foreign_op_begin,
		.end_cpu_access = vp_foreign_op_end,
		.release = vp_foreign_op_release,
	};
	if (flags & VP_FOREIGN_DYNAMIC) {
		exported->ops.pin = vp_foreign_op_pin;
		exported->ops.unpin = vp_foreign_op_unpin;
	}
	if (!(flags & VP_FOREIGN_NO_MMAP))
		exported->ops.mmap = vp_foreign_op_mmap;
	if (!(flags & VP_FOREIGN_NO_VMAP)) {
		exported->ops.vmap = vp_foreign_op_vmap;
		exported->ops.vunmap = vp_foreign_op_vunmap;
	}
	spin_lock_init(&exported->fail_lock);
	mutex_init(&exported->lock);
	return exported;
}

/**
 * vp_foreign_export_ioctl - make a buffer of ours and export it
 * @file: the open file
 * @data: a &struct vp_foreign_export; the size is in bytes
 *
 * No lock is held.
 *
 * Returns 0; -EINVAL for a size that is 0 or too large, or flags that
 * are unknown or do not go together; -ENOMEM; -EMFILE or -ENFILE when there are too many files.
 */
int vp_foreign_export_ioctl(struct vp_foreign_file *file, void *data)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vp_foreign_export *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (!arg->size || arg->size > VP_FOREIGN_MAX_SIZE ||
	    arg->flags & ~(VP_FOREIGN_DYNAMIC | VP_FOREIGN_NO_MMAP |
			   VP_FOREIGN_NO_VMAP | VP_FOREIGN_DEAF |
			   VP_FOREIGN_LATE) ||
	    (arg->flags & VP_FOREIGN_LATE && !(arg->flags & VP_FOREIGN_DYNAMIC)))
		return -EINVAL;

	exported = vp_foreign_alloc(DIV_ROUND_UP(arg->size, PAGE_SIZE), arg->flags);
	if (!exported)
		return -ENOMEM;

	info.ops = &exported->ops;
	info.size = arg->size;
	info.flags = O_RDWR;
	info.priv = exported;
	kbuf = dma_buf_export(&info);
	if (IS_ERR(kbuf)) {
		vp_foreign_free(exported);
		return PTR_ERR(kbuf);
	}
	arg->fd = dma_buf_fd(kbuf, O_CLOEXEC);
	if (arg->fd < 0)
		dma_buf_put(kbuf);
	return min(arg->fd, 0);
}

/* The dma_buf behind a descriptor, with a reference, if it is one of ours. */
static struct dma_buf *vp_foreign_own(int fd)
{
	struct dma_buf *kbuf = dma_buf_get(fd);

	if (IS_ERR(kbuf) || kbuf->ops->release == vp_foreign_op_release)
		return kbuf;
	dma_buf_put(kbuf);
	return ERR_PTR(-EINVAL);
}

/**
 * vp_foreign_fail_ioctl - let a step fail for a buffer of ours
 * @file: the open file
 * @data: a &struct vp_foreign_fail
 *
 * No lock is held; takes the buffer's fail_lock.
 *
 * Returns 0; -EINVAL for an unknown step or an errno that is none; -EBADF or
 * -EINVAL when it is no dma-buf of ours.
 */
int vp_foreign_fail_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fail *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (arg->step >= VP_FOREIGN_FAIL_STEPS || !arg->error ||
	    arg->error > MAX_ERRNO)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	exported = kbuf->priv;

	spin_lock(&exported->fail_lock);
	exported->fail[arg->step].error = arg->error;
	exported->fail[arg->step].count = arg->count;
	spin_unlock(&exported->fail_lock);
	dma_buf_put(kbuf);
	return 0;
}

/*
 * Swap a buffer's pages with others. Nobody can fault a page in meanwhile, and
 * programs lose theirs before the first byte is copied.
 */
static int vp_foreign_swap(struct dma_buf *kbuf, struct page ***pages)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	unsigned int i;

	lockdep_assert_held(&exported->lock);

	if (exported->maps || exported->pins || exported->vmaps)
		return -EBUSY;

	unmap_mapping_range(kbuf->file->f_mapping, 0, 0, 1);
	for (i = 0; i < exported->count; i++)
		copy_highpage((*pages)[i], exported->pages[i]);
	swap(*pages, exported->pages);
	exported->moves++;
	return 0;
}

/*
 * An importer that has pinned takes being told for the end, so it is not. A pin
 * that the kernel made with a mapping, as those without move notification do, is
 * no such pin: it goes when told.
 */
static bool vp_foreign_is_pinned(struct vp_foreign_exported *exported)
{
	bool notifies = VP_HAVE_ATTACH_REVOCABLE ||
			IS_ENABLED(CONFIG_DMABUF_MOVE_NOTIFY);
	bool pinned;

	mutex_lock(&exported->lock);
	pinned = exported->pins && notifies;
	mutex_unlock(&exported->lock);
	return pinned;
}

static int vp_foreign_move(struct dma_buf *kbuf)
{
	struct vp_foreign_exported *exported = kbuf->priv;
	struct page **pages;
	long left;
	int ret;

	if (!exported->ops.pin)
		return -EOPNOTSUPP;
	pages = vp_foreign_alloc_pages(exported->count);
	if (!pages)
		return -ENOMEM;

	dma_resv_lock(kbuf->resv, NULL);
	left = dma_resv_wait_timeout(kbuf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
	ret = left < 0 ? left : 0;
	if (!ret && vp_foreign_is_pinned(exported))
		ret = -EBUSY;
	if (!ret) {
		vp_kernel_invalidate_mappings(kbuf);
		mutex_lock(&exported->lock);
		ret = vp_foreign_swap(kbuf, &pages);
		mutex_unlock(&exported->lock);
	}
	dma_resv_unlock(kbuf->resv);
	vp_foreign_free_pages(pages, exported->count);
	return ret;
}

/**
 * vp_foreign_move_ioctl - move a buffer of ours to other pages
 * @file: the open file
 * @data: a &struct vp_foreign_fd
 *
 * Waits for all fences on it, without a limit of time. No lock is held; takes
 * the reservation lock and in it the buffer's mutex.
 *
 * Returns 0; -EINVAL when padding is not 0; -EBADF or -EINVAL when it is no
 * dma-buf of ours; -EOPNOTSUPP when it is not a dynamic one; -ENOMEM; -EBUSY
 * when somebody still has it mapped or pinned; -ERESTARTSYS when a signal came.
 */
int vp_foreign_move_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_fd *arg = data;
	struct dma_buf *kbuf;
	int ret;

	if (arg->pad)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	ret = vp_foreign_move(kbuf);
	dma_buf_put(kbuf);
	return ret;
}

/**
 * vp_foreign_buffer_ioctl - say how a buffer of ours is used
 * @file: the open file
 * @data: a &struct vp_foreign_buffer; the longest segment is in bytes
 *
 * No lock is held; takes the buffer's mutex.
 *
 * Returns 0; -EINVAL when padding is not 0; -EBADF or -EINVAL when it is no
 * dma-buf of ours.
 */
int vp_foreign_buffer_ioctl(struct vp_foreign_file *file, void *data)
{
	struct vp_foreign_buffer *arg = data;
	struct vp_foreign_exported *exported;
	struct dma_buf *kbuf;

	if (arg->pad)
		return -EINVAL;
	kbuf = vp_foreign_own(arg->fd);
	if (IS_ERR(kbuf))
		return PTR_ERR(kbuf);
	exported = kbuf->priv;

	mutex_lock(&exported->lock);
	arg->attachments = exported->attachments;
	arg->maps = exported->maps;
	arg->pins = exported->pins;
	arg->vmaps = exported->vmaps;
	arg->accesses = exported->accesses;
	arg->moves = exported->moves;
	arg->dma_mask = exported->dma_mask;
	arg->max_segment = exported->max_segment;
	mutex_unlock(&exported->lock);
	dma_buf_put(kbuf);
	return 0;
}
