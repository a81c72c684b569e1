// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter, importers, jobs and threads of the core's tests.
 */
#include "core_test.h"

#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

int vp_test_released;

/* ---- an exporter ---- */

/* Pages that nobody should look at any more. */
static void vp_test_wreck(struct page *page)
{
	void *bytes = kmap_local_page(page);

	memset(bytes, VP_TEST_WRECK & 0xff, PAGE_SIZE);
	kunmap_local(bytes);
}

/**
 * vp_test_table - a table of pages, as a GPU has it: with physical addresses
 * @pages: the pages
 * @count: how many
 *
 * Returns the table or -ENOMEM.
 */
struct sg_table *vp_test_table(struct page **pages, unsigned int count)
{
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i;

	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table_from_pages(sgt, pages, count, 0, count * PAGE_SIZE,
				      GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}
	for_each_sgtable_sg(sgt, sg, i) {
		sg_dma_address(sg) = sg_phys(sg);
		sg_dma_len(sg) = sg->length;
	}
	return sgt;
}

/**
 * vp_test_free_table - free what vp_test_table() returned
 * @sgt: the table
 */
void vp_test_free_table(struct sg_table *sgt)
{
	sg_free_table(sgt);
	kfree(sgt);
}

static int vp_test_buffer_attach(struct vp_dmabuf *buf,
				 struct vp_attachment *attach)
{
	if (to_test(buf)->fail_attach)
		return to_test(buf)->fail_attach;
	to_test(buf)->places++;
	return 0;
}

static void vp_test_buffer_detach(struct vp_dmabuf *buf,
				  struct vp_attachment *attach)
{
	to_test(buf)->places--;
}

static int vp_test_buffer_reach(struct vp_attachment *attach)
{
	struct vp_test_buffer *buffer = to_test(attach->buf);
	int ret;

	if (!buffer->out_of_reach)
		return 0;
	ret = vp_dmabuf_move_locked(&buffer->base);
	if (!ret)
		buffer->out_of_reach = false;
	return ret;
}

static int vp_test_buffer_pin(struct vp_attachment *attach)
{
	struct vp_test_buffer *buffer = to_test(attach->buf);

	if (buffer->revokes)
		buffer->wronged = true;
	if (buffer->fail_pin)
		return buffer->fail_pin;
	buffer->pins++;
	return 0;
}

static void vp_test_buffer_unpin(struct vp_attachment *attach)
{
	to_test(attach->buf)->pins--;
}

static struct vp_mapping *vp_test_buffer_map(struct vp_attachment *attach,
					     enum dma_data_direction dir)
{
	struct vp_test_buffer *buffer = to_test(attach->buf);
	struct vp_mapping *mapping;

	if (buffer->revokes)
		buffer->wronged = true;
	if (buffer->fail_map)
		return ERR_PTR(buffer->fail_map);
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL | __GFP_NOFAIL);
	mapping->sgt = vp_test_table(buffer->pages, VP_TEST_PAGES);
	if (IS_ERR(mapping->sgt)) {
		kfree(mapping);
		return ERR_PTR(-ENOMEM);
	}
	buffer->maps++;
	return mapping;
}

static void vp_test_buffer_unmap(struct vp_mapping *mapping)
{
	struct vp_test_buffer *buffer = to_test(mapping->attach->buf);

	if (refcount_read(&mapping->users))
		buffer->wronged = true;
	buffer->maps--;
	vp_test_free_table(mapping->sgt);
	kfree(mapping);
}

/* A word, which lies in one page. */
static int vp_test_buffer_access(struct vp_mapping *mapping, size_t offset,
				 void *data, size_t size, bool write)
{
	struct scatterlist *sg;
	unsigned int i;
	void *word;

	for_each_sgtable_dma_sg(mapping->sgt, sg, i) {
		if (offset < sg_dma_len(sg))
			break;
		offset -= sg_dma_len(sg);
	}
	word = phys_to_virt(sg_dma_address(sg) + offset);
	memcpy(write ? word : data, write ? data : word, size);
	return 0;
}

static int vp_test_buffer_begin(struct vp_dmabuf *buf,
				enum dma_data_direction dir)
{
	struct vp_test_buffer *buffer = to_test(buf);

	if (buffer->revokes)
		buffer->wronged = true;
	buffer->begins++;
	return 0;
}

static int vp_test_buffer_end(struct vp_dmabuf *buf,
			      enum dma_data_direction dir)
{
	to_test(buf)->begins--;
	return 0;
}

static int vp_test_buffer_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct vp_test_buffer *buffer = to_test(buf);
	void *vaddr;

	if (buffer->revokes)
		buffer->wronged = true;
	if (buffer->fail_vmap)
		return buffer->fail_vmap;
	vaddr = vmap(buffer->pages, VP_TEST_PAGES, VM_MAP, PAGE_KERNEL);
	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	buffer->vmaps++;
	return 0;
}

static void vp_test_buffer_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	to_test(buf)->vmaps--;
	vunmap(map->vaddr);
}

/*
 * May the memory go away from where it is? Not while somebody is at it who has
 * not been told.
 */
static bool vp_test_is_busy(struct vp_test_buffer *buffer)
{
	struct vp_attachment *attach;
	struct vp_mapping *mapping;

	list_for_each_entry(attach, &buffer->base.attachments, node)
		list_for_each_entry(mapping, &attach->mappings, node)
			if (!mapping->stale)
				return true;
	return buffer->vmaps ||
	       !dma_resv_test_signaled(buffer->base.resv,
				       DMA_RESV_USAGE_BOOKKEEP);
}

static int vp_test_buffer_move(struct vp_dmabuf *buf)
{
	struct vp_test_buffer *buffer = to_test(buf);
	unsigned int i;

	if (vp_test_is_busy(buffer) || buffer->revokes ||
	    buffer->pins)
		buffer->wronged = true;
	if (buffer->fail_move)
		return buffer->fail_move;
	for (i = 0; i < VP_TEST_PAGES; i++) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);

		copy_highpage(page, buffer->pages[i]);
		vp_test_wreck(buffer->pages[i]);
		list_add(&buffer->pages[i]->lru, &buffer->old);
		buffer->pages[i] = page;
	}
	buffer->moves++;
	return 0;
}

static void vp_test_buffer_revoke(struct vp_dmabuf *buf)
{
	struct vp_test_buffer *buffer = to_test(buf);
	unsigned int i;

	if (vp_test_is_busy(buffer) || buffer->maps)
		buffer->wronged = true;
	for (i = 0; i < VP_TEST_PAGES; i++)
		vp_test_wreck(buffer->pages[i]);
	buffer->revokes++;
}

static void vp_test_buffer_release(struct vp_dmabuf *buf)
{
	struct vp_test_buffer *buffer = to_test(buf);
	struct page *page, *next;
	unsigned int i;

	for (i = 0; i < VP_TEST_PAGES; i++)
		list_add(&buffer->pages[i]->lru, &buffer->old);
	list_for_each_entry_safe(page, next, &buffer->old, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	kfree(buffer);
	vp_test_released++;
}

static const struct vp_dmabuf_ops vp_test_ops = {
	.attach = vp_test_buffer_attach,
	.detach = vp_test_buffer_detach,
	.reach = vp_test_buffer_reach,
	.pin = vp_test_buffer_pin,
	.unpin = vp_test_buffer_unpin,
	.map = vp_test_buffer_map,
	.unmap = vp_test_buffer_unmap,
	.access = vp_test_buffer_access,
	.begin_cpu_access = vp_test_buffer_begin,
	.end_cpu_access = vp_test_buffer_end,
	.vmap = vp_test_buffer_vmap,
	.vunmap = vp_test_buffer_vunmap,
	.move = vp_test_buffer_move,
	.revoke = vp_test_buffer_revoke,
	.release = vp_test_buffer_release,
};

/**
 * vp_test_buffer - a buffer full of zeros
 *
 * Returns the buffer with one reference, or NULL.
 */
struct vp_test_buffer *vp_test_buffer(void)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_test_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	unsigned int i;

	if (!buffer)
		return NULL;
	INIT_LIST_HEAD(&buffer->old);
	for (i = 0; i < VP_TEST_PAGES; i++) {
		buffer->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!buffer->pages[i])
			return NULL;
	}
	info.ops = &vp_test_ops;
	info.size = VP_TEST_SIZE;
	return vp_dmabuf_export(&buffer->base, &info) ? NULL : buffer;
}

/* ---- importers ---- */

static struct vp_test_importer *to_importer(struct vp_attachment *attach)
{
	return container_of(attach, struct vp_test_importer, base);
}

static void vp_test_begin_job(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;

	if (!importer->job || dma_resv_reserve_fences(resv, 1))
		return;
	dma_resv_add_fence(resv, importer->job, DMA_RESV_USAGE_BOOKKEEP);
	vp_test_job_ends_in(importer->job, 100);
}

/**
 * vp_test_drop - the device gives its mapping up, if it has one
 * @importer: the device
 *
 * Context: the buffer's reservation is locked.
 */
void vp_test_drop(struct vp_test_importer *importer)
{
	struct vp_mapping *mapping = importer->mapping;

	importer->mapping = NULL;
	if (mapping)
		vp_dmabuf_unmap_attachment(&importer->base, mapping,
					   mapping->dir);
}

static void vp_test_unmap_later(struct work_struct *work)
{
	struct vp_test_importer *importer =
		container_of(work, struct vp_test_importer, later.work);
	struct dma_resv *resv = importer->base.buf->resv;

	dma_resv_lock(resv, NULL);
	vp_test_begin_job(importer);
	vp_test_drop(importer);
	dma_resv_unlock(resv);
}

#define VP_TEST_LAZY_MS	200

static void vp_test_invalidate(struct vp_attachment *attach)
{
	struct vp_test_importer *importer = to_importer(attach);

	dma_resv_assert_held(attach->buf->resv);

	importer->told++;
	switch (importer->manners) {
	case VP_TEST_PROMPT:
	case VP_TEST_HOLDING:
		vp_test_begin_job(importer);
		vp_test_drop(importer);
		break;
	case VP_TEST_LAZY:
		schedule_delayed_work(&importer->later,
				      msecs_to_jiffies(VP_TEST_LAZY_MS));
		break;
	default:
		break;
	}
}

static const struct vp_importer_ops vp_test_importer_ops = {
	.revocable = true,
	.invalidate_mappings = vp_test_invalidate,
};

static const struct vp_importer_ops vp_test_holding_ops = {
	.invalidate_mappings = vp_test_invalidate,
};

/**
 * vp_test_attach - a device gets a place at a buffer
 * @buf: the buffer
 * @manners: what it does when told that its mapping has to go
 *
 * Returns the device, or an ERR_PTR.
 */
struct vp_test_importer *vp_test_attach(struct vp_dmabuf *buf,
					enum vp_test_manners manners)
{
	struct vp_test_importer *importer =
		kzalloc(sizeof(*importer), GFP_KERNEL);
	const struct vp_importer_ops *ops = NULL;
	int ret;

	if (!importer)
		return ERR_PTR(-ENOMEM);
	importer->manners = manners;
	INIT_DELAYED_WORK(&importer->later, vp_test_unmap_later);
	if (manners != VP_TEST_FIXED)
		ops = manners == VP_TEST_HOLDING ? &vp_test_holding_ops :
						   &vp_test_importer_ops;
	ret = vp_dmabuf_attach(buf, &importer->base, &vp_test_pdev->dev, ops);
	if (!ret)
		return importer;
	kfree(importer);
	return ERR_PTR(ret);
}

/**
 * vp_test_detach - the device gives its place up
 * @importer: the device, which goes as well
 */
void vp_test_detach(struct vp_test_importer *importer)
{
	cancel_delayed_work_sync(&importer->later);
	vp_dmabuf_detach(&importer->base);
	kfree(importer);
}

/**
 * vp_test_map - the device maps the buffer, to read and to write
 * @importer: the device
 *
 * Returns 0 or an errno.
 */
int vp_test_map(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;
	struct vp_mapping *mapping;

	dma_resv_lock(resv, NULL);
	mapping = vp_dmabuf_map_attachment(&importer->base, DMA_BIDIRECTIONAL);
	if (!IS_ERR(mapping))
		importer->mapping = mapping;
	dma_resv_unlock(resv);
	return PTR_ERR_OR_ZERO(mapping);
}

/**
 * vp_test_unmap - the device gives its mapping up
 * @importer: the device
 */
void vp_test_unmap(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;

	dma_resv_lock(resv, NULL);
	vp_test_drop(importer);
	dma_resv_unlock(resv);
}

/**
 * vp_test_pin - the device wants the memory to stay where it is
 * @importer: the device
 *
 * Returns 0 or an errno.
 */
int vp_test_pin(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;
	int ret;

	dma_resv_lock(resv, NULL);
	ret = vp_dmabuf_pin(&importer->base);
	dma_resv_unlock(resv);
	return ret;
}

/**
 * vp_test_unpin - the device no longer does
 * @importer: the device
 */
void vp_test_unpin(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;

	dma_resv_lock(resv, NULL);
	vp_dmabuf_unpin(&importer->base);
	dma_resv_unlock(resv);
}

static int vp_test_access(struct vp_test_importer *importer, size_t offset,
			  u32 *word, bool write)
{
	struct dma_resv *resv = importer->base.buf->resv;
	struct vp_mapping *mapping = NULL;
	int ret;

	dma_resv_lock(resv, NULL);
	if (importer->mapping)
		mapping = vp_mapping_get(importer->mapping);
	dma_resv_unlock(resv);
	if (!mapping)
		return -ENXIO;
	ret = vp_dmabuf_access(mapping, offset, word, sizeof(*word), write);
	vp_mapping_put(mapping);
	return ret;
}

int vp_test_peek(struct vp_test_importer *importer, size_t offset, u32 *word)
{
	return vp_test_access(importer, offset, word, false);
}

int vp_test_poke(struct vp_test_importer *importer, size_t offset, u32 word)
{
	return vp_test_access(importer, offset, &word, true);
}

bool vp_test_sees(struct vp_test_importer *importer, size_t offset, u32 word)
{
	u32 seen;

	return !vp_test_peek(importer, offset, &seen) && seen == word;
}

/* ---- jobs ---- */

struct vp_test_fence {
	struct dma_fence base;
	spinlock_t lock;	/* the fence's own */
	struct delayed_work end;
};

static const char *vp_test_fence_name(struct dma_fence *fence)
{
	return "vprime-core-test";
}

static const struct dma_fence_ops vp_test_fence_ops = {
	.get_driver_name = vp_test_fence_name,
	.get_timeline_name = vp_test_fence_name,
};

static void vp_test_fence_end(struct work_struct *work)
{
	struct vp_test_fence *fence =
		container_of(work, struct vp_test_fence, end.work);

	dma_fence_signal(&fence->base);
}

/**
 * vp_test_new_job - a job that runs until it is told to end
 *
 * Returns its fence with a reference, or NULL.
 */
struct dma_fence *vp_test_new_job(void)
{
	struct vp_test_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	spin_lock_init(&fence->lock);
	INIT_DELAYED_WORK(&fence->end, vp_test_fence_end);
	dma_fence_init(&fence->base, &vp_test_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return &fence->base;
}

/**
 * vp_test_job - a job on a buffer that runs until it is told to end
 * @buf: the buffer
 * @usage: what it does there
 *
 * Returns its fence with a reference, or NULL.
 */
struct dma_fence *vp_test_job(struct vp_dmabuf *buf, enum dma_resv_usage usage)
{
	struct dma_fence *job = vp_test_new_job();

	if (!job)
		return NULL;
	dma_resv_lock(buf->resv, NULL);
	if (!dma_resv_reserve_fences(buf->resv, 1)) {
		dma_resv_add_fence(buf->resv, job, usage);
	} else {
		dma_fence_put(job);
		job = NULL;
	}
	dma_resv_unlock(buf->resv);
	return job;
}

/**
 * vp_test_job_ends_in - let a job end by itself
 * @job: its fence
 * @ms: when
 */
void vp_test_job_ends_in(struct dma_fence *job, unsigned int ms)
{
	struct vp_test_fence *fence =
		container_of(job, struct vp_test_fence, base);

	schedule_delayed_work(&fence->end, msecs_to_jiffies(ms));
}

/**
 * vp_test_job_end - end a job, unless it has ended
 * @job: its fence, whose reference goes
 */
void vp_test_job_end(struct dma_fence *job)
{
	struct vp_test_fence *fence =
		container_of(job, struct vp_test_fence, base);

	cancel_delayed_work_sync(&fence->end);
	if (!dma_fence_is_signaled(job))
		dma_fence_signal(job);
	dma_fence_put(job);
}

/* ---- threads ---- */

/* Only to end a hang. */
#define VP_TEST_THREAD_TIMEOUT	(60 * HZ)

static int vp_test_thread_main(void *data)
{
	struct vp_test_thread *thread = data;

	allow_signal(SIGINT);
	thread->result = thread->func(thread->arg);
	complete(&thread->done);
	return 0;
}

/**
 * vp_test_start - begin something, and go on meanwhile
 * @func: what to do
 * @arg: what with
 *
 * Returns the thread, or NULL.
 */
struct vp_test_thread *vp_test_start(int (*func)(void *arg), void *arg)
{
	struct vp_test_thread *thread = kzalloc(sizeof(*thread), GFP_KERNEL);
	struct task_struct *task;

	if (!thread)
		return NULL;
	thread->func = func;
	thread->arg = arg;
	init_completion(&thread->done);
	task = kthread_create(vp_test_thread_main, thread, "vprime-test");
	if (IS_ERR(task)) {
		kfree(thread);
		return NULL;
	}
	thread->task = get_task_struct(task);
	wake_up_process(task);
	return thread;
}

bool vp_test_is_running(struct vp_test_thread *thread)
{
	return !completion_done(&thread->done);
}

/**
 * vp_test_is_waiting - let a thread come to where it waits
 * @thread: the thread
 *
 * Returns true once it sleeps in a wait that a signal can end, false when its
 * function has returned instead, or does not get there.
 */
bool vp_test_is_waiting(struct vp_test_thread *thread)
{
	unsigned long end = jiffies + VP_TEST_THREAD_TIMEOUT;

	while (READ_ONCE(thread->task->__state) != TASK_INTERRUPTIBLE) {
		if (!vp_test_is_running(thread) || time_after(jiffies, end))
			return false;
		msleep(1);
	}
	return vp_test_is_running(thread);
}

/**
 * vp_test_interrupt - send a signal to a thread
 * @thread: the thread
 */
void vp_test_interrupt(struct vp_test_thread *thread)
{
	send_sig(SIGINT, thread->task, 1);
}

/**
 * vp_test_join - wait for a thread
 * @thread: the thread, which is gone then
 *
 * Returns what its function did, -ETIME when that does not end.
 */
int vp_test_join(struct vp_test_thread *thread)
{
	int ret;

	if (!wait_for_completion_timeout(&thread->done,
					 VP_TEST_THREAD_TIMEOUT))
		return -ETIME;
	kthread_stop(thread->task);
	put_task_struct(thread->task);
	ret = thread->result;
	kfree(thread);
	return ret;
}

int vp_test_thread_move(void *buf)
{
	return vp_dmabuf_move(buf);
}

int vp_test_thread_revoke(void *buf)
{
	return vp_dmabuf_revoke(buf);
}
