// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the dma-buf core from inside the kernel: the roles that have no
 * ioctl. Loading the module with test=NAME runs one; its parameter "result" is
 * then 0, or -EIO when something does not hold, and a line in the log says
 * what. A test that failed was left in its middle, with all that it held, so
 * the module then stays for good. igt-tests/prime_core.c drives it. Never
 * installed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "prime/dmabuf.h"

static char *test;
module_param(test, charp, 0);
MODULE_PARM_DESC(test, "Which test to run");

static int result;
module_param(result, int, 0444);
MODULE_PARM_DESC(result, "How the test went");

static int fd = -1;
module_param(fd, int, 0);
MODULE_PARM_DESC(fd, "A dma-buf of the loading process, for tests that want one");

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			pr_err("%s, line %d: not so: %s\n", __func__, \
			       __LINE__, #condition); \
			return -EIO; \
		} \
	} while (0)

/* The device that imports; it is on no bus that does DMA, and need not be. */
static struct platform_device *vp_test_pdev;

/*
 * An exporter of two pages that writes down what it is asked for.
 */
#define VP_TEST_SIZE	(2 * PAGE_SIZE)

struct vp_test_buffer {
	struct vp_dmabuf base;
	struct page *pages[2];
	int pins, maps, vmaps, begins;
	int fail_map, fail_vmap;
};

static int vp_test_released;

static struct vp_test_buffer *to_test(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_test_buffer, base);
}

static int vp_test_pin(struct vp_attachment *attach)
{
	to_test(attach->buf)->pins++;
	return 0;
}

static void vp_test_unpin(struct vp_attachment *attach)
{
	to_test(attach->buf)->pins--;
}

static struct sg_table *vp_test_map(struct vp_attachment *attach,
				    enum dma_data_direction dir)
{
	struct vp_test_buffer *buffer = to_test(attach->buf);
	struct sg_table *sgt;

	if (buffer->fail_map)
		return ERR_PTR(buffer->fail_map);
	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	if (sg_alloc_table_from_pages(sgt, buffer->pages, 2, 0, VP_TEST_SIZE,
				      GFP_KERNEL)) {
		kfree(sgt);
		return ERR_PTR(-ENOMEM);
	}
	buffer->maps++;
	return sgt;
}

static void vp_test_unmap(struct vp_attachment *attach, struct sg_table *sgt,
			  enum dma_data_direction dir)
{
	to_test(attach->buf)->maps--;
	sg_free_table(sgt);
	kfree(sgt);
}

static int vp_test_begin(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	to_test(buf)->begins++;
	return 0;
}

static int vp_test_end(struct vp_dmabuf *buf, enum dma_data_direction dir)
{
	to_test(buf)->begins--;
	return 0;
}

static int vp_test_vmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	struct vp_test_buffer *buffer = to_test(buf);
	void *vaddr;

	if (buffer->fail_vmap)
		return buffer->fail_vmap;
	vaddr = vmap(buffer->pages, 2, VM_MAP, PAGE_KERNEL);
	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	buffer->vmaps++;
	return 0;
}

static void vp_test_vunmap(struct vp_dmabuf *buf, struct iosys_map *map)
{
	to_test(buf)->vmaps--;
	vunmap(map->vaddr);
}

static void vp_test_release(struct vp_dmabuf *buf)
{
	struct vp_test_buffer *buffer = to_test(buf);

	__free_page(buffer->pages[0]);
	__free_page(buffer->pages[1]);
	kfree(buffer);
	vp_test_released++;
}

static const struct vp_dmabuf_ops vp_test_ops = {
	.pin = vp_test_pin,
	.unpin = vp_test_unpin,
	.map = vp_test_map,
	.unmap = vp_test_unmap,
	.begin_cpu_access = vp_test_begin,
	.end_cpu_access = vp_test_end,
	.vmap = vp_test_vmap,
	.vunmap = vp_test_vunmap,
	.release = vp_test_release,
};

static struct vp_test_buffer *vp_test_buffer(void)
{
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_test_buffer *buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);

	if (!buffer)
		return NULL;
	buffer->pages[0] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	buffer->pages[1] = alloc_page(GFP_KERNEL | __GFP_ZERO);
	info.ops = &vp_test_ops;
	info.size = VP_TEST_SIZE;
	if (!buffer->pages[0] || !buffer->pages[1] ||
	    vp_dmabuf_export(&buffer->base, &info))
		return NULL;
	return buffer;
}

/* An importer whose mappings are movable. */
struct vp_test_importer {
	struct vp_attachment base;
	int invalidated;
};

static void vp_test_invalidate(struct vp_attachment *attach)
{
	container_of(attach, struct vp_test_importer, base)->invalidated++;
	if (attach->sgt)
		vp_dmabuf_unmap_attachment(attach, attach->sgt, attach->dir);
}

static const struct vp_importer_ops vp_test_movable = {
	.invalidate_mappings = vp_test_invalidate,
};

static long vp_test_violations(void)
{
	return atomic_long_read(&vp_dmabuf_counts.violations);
}

/* An exporter says what it has, and it is asked to take it back once. */
static int test_export(void)
{
	struct vp_dmabuf_ops broken = vp_test_ops;
	DEFINE_VP_DMABUF_EXPORT_INFO(info);
	struct vp_test_buffer *buffer;
	struct vp_dmabuf buf;

	info.ops = &broken;
	info.size = 0;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	info.size = PAGE_SIZE + 1;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	info.size = PAGE_SIZE;
	broken.map = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.unpin = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);
	broken = vp_test_ops;
	broken.vunmap = NULL;
	CHECK(vp_dmabuf_export(&buf, &info) == -EINVAL);

	buffer = vp_test_buffer();
	CHECK(buffer);
	CHECK(buffer->base.size == VP_TEST_SIZE);
	vp_dmabuf_ref(&buffer->base);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A buffer has one face, as a file; from the file one gets the buffer. */
static int test_fd(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_dmabuf *again;
	struct dma_buf *kbuf;
	int first, second;

	CHECK(buffer);
	first = vp_dmabuf_fd(&buffer->base, O_CLOEXEC | O_RDWR);
	CHECK(first >= 0);
	second = vp_dmabuf_fd(&buffer->base, O_RDWR);
	CHECK(second >= 0 && second != first);

	again = vp_dmabuf_get(first);
	CHECK(again == &buffer->base);
	vp_dmabuf_put(again);
	again = vp_dmabuf_get(second);
	CHECK(again == &buffer->base);
	vp_dmabuf_put(again);

	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(kbuf == dma_buf_get(first));
	CHECK(kbuf->size == VP_TEST_SIZE && kbuf->resv == buffer->base.resv);
	dma_buf_put(kbuf);
	dma_buf_put(kbuf);

	/* This exporter has no CPU mappings to offer. */
	CHECK(vm_mmap(kbuf->file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0) ==
	      -EINVAL);

	CHECK(PTR_ERR(vp_dmabuf_get(-1)) == -EBADF);
	close_fd(first);
	close_fd(second);
	CHECK(PTR_ERR(vp_dmabuf_get(first)) == -EBADF);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* Importers that cannot give a mapping up keep the memory where it is. */
static int test_pinned(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_attachment attach;
	struct sg_table *sgt;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	CHECK(buffer->base.attached == 1 && buffer->maps == 0);

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_NONE)) == -EINVAL);
	sgt = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt));
	CHECK(buffer->maps == 1 && buffer->pins == 1);
	CHECK(buffer->base.pins == 1 && buffer->base.mapped == 1);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(buffer->maps == 1 && attach.sgt == sgt);

	CHECK(!vp_dmabuf_pin(&attach));
	CHECK(buffer->pins == 2);
	vp_dmabuf_unpin(&attach);
	vp_dmabuf_unmap_attachment(&attach, sgt, DMA_TO_DEVICE);
	CHECK(buffer->maps == 0 && buffer->pins == 0);

	/* A mapping that fails leaves no pin. */
	buffer->fail_map = -ENOSPC;
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -ENOSPC);
	CHECK(buffer->pins == 0 && buffer->base.pins == 0);
	dma_resv_unlock(buffer->base.resv);

	vp_dmabuf_detach(&attach);
	CHECK(vp_test_violations() == before);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Importers that can are told, drop it, and map again. */
static int test_movable(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer one = {}, two = {};
	struct sg_table *sgt;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &one.base, &vp_test_pdev->dev,
				&vp_test_movable));
	CHECK(!vp_dmabuf_attach(&buffer->base, &two.base, &vp_test_pdev->dev,
				&vp_test_movable));

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(!IS_ERR(vp_dmabuf_map_attachment(&one.base, DMA_BIDIRECTIONAL)));
	CHECK(!IS_ERR(vp_dmabuf_map_attachment(&two.base, DMA_FROM_DEVICE)));
	CHECK(buffer->maps == 2 && buffer->pins == 0);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(one.invalidated == 1 && two.invalidated == 1);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);

	sgt = vp_dmabuf_map_attachment(&one.base, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	vp_dmabuf_unmap_attachment(&one.base, sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(buffer->base.resv);

	vp_dmabuf_detach(&one.base);
	vp_dmabuf_detach(&two.base);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* What breaks the contract is counted, named, and does no harm. */
static int test_misuse(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	long before = vp_test_violations();
	struct vp_attachment attach;
	struct iosys_map map = {};
	struct sg_table *sgt, other;

	CHECK(buffer);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_unmap_attachment(&attach, &other, DMA_TO_DEVICE);
	CHECK(vp_test_violations() == before + 1);
	vp_dmabuf_unpin(&attach);
	CHECK(vp_test_violations() == before + 2);
	vp_dmabuf_vunmap(&buffer->base, &map);
	CHECK(vp_test_violations() == before + 3);
	sgt = vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt));
	CHECK(PTR_ERR(vp_dmabuf_map_attachment(&attach, DMA_TO_DEVICE)) ==
	      -EBUSY);
	CHECK(vp_test_violations() == before + 4);
	CHECK(!vp_dmabuf_pin(&attach));
	dma_resv_unlock(buffer->base.resv);

	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(vp_test_violations() == before + 5);

	/* While mapped, and pinned. */
	vp_dmabuf_detach(&attach);
	CHECK(vp_test_violations() == before + 7);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A whole buffer in the kernel: one mapping for all users, or none. */
static int test_vmap(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct iosys_map one, two;
	u8 *bytes;

	CHECK(buffer);
	dma_resv_lock(buffer->base.resv, NULL);
	buffer->fail_vmap = -ENOMEM;
	CHECK(vp_dmabuf_vmap(&buffer->base, &one) == -ENOMEM);
	CHECK(iosys_map_is_null(&one) && !buffer->base.vmap_users);

	buffer->fail_vmap = 0;
	CHECK(!vp_dmabuf_vmap(&buffer->base, &one));
	CHECK(!vp_dmabuf_vmap(&buffer->base, &two));
	CHECK(buffer->vmaps == 1 && iosys_map_is_equal(&one, &two));

	bytes = one.vaddr;
	bytes[PAGE_SIZE + 5] = 0x5a;
	bytes = kmap_local_page(buffer->pages[1]);
	CHECK(bytes[5] == 0x5a);
	kunmap_local(bytes);

	vp_dmabuf_vunmap(&buffer->base, &one);
	CHECK(buffer->vmaps == 1);
	vp_dmabuf_vunmap(&buffer->base, &two);
	CHECK(buffer->vmaps == 0);
	dma_resv_unlock(buffer->base.resv);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* A fence that a timer signals. */
struct vp_test_fence {
	struct dma_fence base;
	spinlock_t lock;	/* the fence's own */
	struct timer_list timer;
};

static const char *vp_test_fence_name(struct dma_fence *fence)
{
	return "vprime-core-test";
}

static const struct dma_fence_ops vp_test_fence_ops = {
	.get_driver_name = vp_test_fence_name,
	.get_timeline_name = vp_test_fence_name,
};

static void vp_test_fence_expired(struct timer_list *timer)
{
	struct vp_test_fence *fence =
		container_of(timer, struct vp_test_fence, timer);

	dma_fence_signal(&fence->base);
}

/* The CPU waits for the fences its access conflicts with. */
static int test_cpu_access(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	struct vp_attachment attach;
	struct sg_table *sgt;

	CHECK(buffer && fence);
	CHECK(!vp_dmabuf_attach(&buffer->base, &attach, &vp_test_pdev->dev,
				NULL));
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &vp_test_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	timer_setup(&fence->timer, vp_test_fence_expired, 0);

	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(!dma_resv_reserve_fences(buffer->base.resv, 1));
	dma_resv_add_fence(buffer->base.resv, &fence->base,
			   DMA_RESV_USAGE_READ);
	sgt = vp_dmabuf_map_attachment(&attach, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	dma_resv_unlock(buffer->base.resv);

	/* Reading beside a reader waits for nobody. */
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_FROM_DEVICE));
	CHECK(!dma_fence_is_signaled(&fence->base));
	CHECK(buffer->begins == 1);
	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_FROM_DEVICE));
	CHECK(buffer->begins == 0);

	mod_timer(&fence->timer, jiffies + HZ / 10);
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(dma_fence_is_signaled(&fence->base));
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_BIDIRECTIONAL));
	CHECK(buffer->base.cpu_accesses == 2);
	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_BIDIRECTIONAL));
	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_TO_DEVICE));
	CHECK(buffer->base.cpu_accesses == 0);

	dma_resv_lock(buffer->base.resv, NULL);
	vp_dmabuf_unmap_attachment(&attach, sgt, DMA_BIDIRECTIONAL);
	dma_resv_unlock(buffer->base.resv);
	vp_dmabuf_detach(&attach);
	vp_dmabuf_put(&buffer->base);
	dma_fence_put(&fence->base);
	return 0;
}

static int vp_test_kernel_moved;

static void vp_test_kernel_move(struct dma_buf_attachment *kattach)
{
	vp_test_kernel_moved++;
}

static const struct dma_buf_attach_ops vp_test_kernel_ops = {
	.vp_invalidate_mappings = vp_test_kernel_move,
};

/* A driver that knows only the kernel's dma-buf imports what vprime made. */
static int test_kernel_importer(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct dma_buf_attachment *fixed, *moving;
	struct dma_buf *kbuf;
	struct sg_table *sgt;

	CHECK(buffer);
	kbuf = vp_dmabuf_kernel_get(&buffer->base, O_RDWR);
	CHECK(!IS_ERR(kbuf));

	/* One that cannot move its mapping pins, and unpins. */
	fixed = dma_buf_attach(kbuf, &vp_test_pdev->dev);
	CHECK(!IS_ERR(fixed));
	sgt = dma_buf_map_attachment_unlocked(fixed, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt) && sgt->orig_nents >= 1);
	CHECK(buffer->maps == 1 && buffer->base.pins > 0);
	dma_buf_unmap_attachment_unlocked(fixed, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(kbuf, fixed);
	CHECK(buffer->maps == 0 && buffer->pins == 0);
	CHECK(buffer->base.attached == 0);

	/* One that can is told. */
	moving = dma_buf_dynamic_attach(kbuf, &vp_test_pdev->dev,
					&vp_test_kernel_ops, NULL);
	CHECK(!IS_ERR(moving));
	dma_resv_lock(kbuf->resv, NULL);
	vp_dmabuf_invalidate_mappings(&buffer->base);
	CHECK(vp_test_kernel_moved == 1);
	sgt = dma_buf_map_attachment(moving, DMA_TO_DEVICE);
	CHECK(!IS_ERR(sgt) && buffer->maps == 1);
	dma_buf_unmap_attachment(moving, sgt, DMA_TO_DEVICE);
	dma_resv_unlock(kbuf->resv);
	dma_buf_detach(kbuf, moving);
	CHECK(buffer->maps == 0 && buffer->pins == 0);

	CHECK(!dma_buf_begin_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(buffer->base.cpu_accesses == 1);
	CHECK(!dma_buf_end_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(buffer->base.cpu_accesses == 0);

	vp_dmabuf_put(&buffer->base);
	dma_buf_put(kbuf);
	return 0;
}

/* A driver that knows only the kernel's dma-buf, as exporter. */
static struct sg_table *vp_test_foreign_map(struct dma_buf_attachment *kattach,
					    enum dma_data_direction dir)
{
	struct page *page = kattach->dmabuf->priv;
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);

	if (sgt && sg_alloc_table_from_pages(sgt, &page, 1, 0, PAGE_SIZE,
					     GFP_KERNEL)) {
		kfree(sgt);
		sgt = NULL;
	}
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	sg_dma_address(sgt->sgl) = page_to_phys(page);
	sg_dma_len(sgt->sgl) = PAGE_SIZE;
	return sgt;
}

static void vp_test_foreign_unmap(struct dma_buf_attachment *kattach,
				  struct sg_table *sgt,
				  enum dma_data_direction dir)
{
	sg_free_table(sgt);
	kfree(sgt);
}

static int vp_test_foreign_vmap(struct dma_buf *kbuf, struct iosys_map *map)
{
	iosys_map_set_vaddr(map, page_address(kbuf->priv));
	return 0;
}

static void vp_test_foreign_release(struct dma_buf *kbuf)
{
	__free_page(kbuf->priv);
	vp_test_released++;
}

static const struct dma_buf_ops vp_test_foreign_ops = {
	.map_dma_buf = vp_test_foreign_map,
	.unmap_dma_buf = vp_test_foreign_unmap,
	.vmap = vp_test_foreign_vmap,
	.release = vp_test_foreign_release,
};

/* Its buffer is wrapped once, and everything reaches it. */
static int test_kernel_exporter(void)
{
	long imports = atomic_long_read(&vp_dmabuf_counts.imports);
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vp_attachment fixed;
	struct vp_test_importer moving = {};
	struct vp_dmabuf *buf, *again;
	struct dma_buf *kbuf;
	struct iosys_map map;
	struct sg_table *sgt;
	struct page *page;

	info.ops = &vp_test_foreign_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	CHECK(page);
	info.priv = page;
	kbuf = dma_buf_export(&info);
	CHECK(!IS_ERR(kbuf));

	buf = vp_dmabuf_from_kernel(kbuf);
	CHECK(!IS_ERR(buf));
	again = vp_dmabuf_from_kernel(kbuf);
	CHECK(again == buf && buf->resv == kbuf->resv);
	CHECK(atomic_long_read(&vp_dmabuf_counts.imports) == imports + 1);
	vp_dmabuf_put(again);

	CHECK(!vp_dmabuf_attach(buf, &fixed, &vp_test_pdev->dev, NULL));
	CHECK(!vp_dmabuf_attach(buf, &moving.base, &vp_test_pdev->dev,
				&vp_test_movable));
	dma_resv_lock(buf->resv, NULL);
	sgt = vp_dmabuf_map_attachment(&fixed, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	CHECK(sg_dma_address(sgt->sgl) == page_to_phys(page));
	vp_dmabuf_unmap_attachment(&fixed, sgt, DMA_BIDIRECTIONAL);
	sgt = vp_dmabuf_map_attachment(&moving.base, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));
	CHECK(sg_dma_address(sgt->sgl) == page_to_phys(page));
	vp_dmabuf_unmap_attachment(&moving.base, sgt, DMA_BIDIRECTIONAL);

	CHECK(!vp_dmabuf_vmap(buf, &map));
	CHECK(map.vaddr == page_address(page));
	vp_dmabuf_vunmap(buf, &map);
	dma_resv_unlock(buf->resv);

	/* Exporting it again is the foreign buffer itself. */
	CHECK(vp_dmabuf_kernel_get(buf, O_RDWR) == kbuf);
	dma_buf_put(kbuf);

	vp_dmabuf_detach(&fixed);
	vp_dmabuf_detach(&moving.base);
	dma_buf_put(kbuf);
	CHECK(vp_test_released == 0);
	vp_dmabuf_put(buf);
	CHECK(atomic_long_read(&vp_dmabuf_counts.imports) == imports);
	return 0;
}

/*
 * System memory of a vprime GPU, through a kernel mapping and through a
 * foreign driver's table: word 0 of page n is n + 1 when it comes, and n + 2
 * when it goes. The loading process does the other half.
 */
static int test_memory(void)
{
	struct vp_dmabuf *buf = vp_dmabuf_get(fd);
	struct dma_buf_attachment *kattach;
	unsigned long pages, i = 0;
	struct sg_dma_page_iter iter;
	struct iosys_map map;
	struct dma_buf *kbuf;
	struct sg_table *sgt;
	u32 *word;

	/* Importers get addresses, not pages; here they are the CPU's own. */
	CHECK(!device_iommu_mapped(&vp_test_pdev->dev));
	CHECK(!IS_ERR(buf));
	pages = buf->size >> PAGE_SHIFT;
	kbuf = vp_dmabuf_kernel_get(buf, O_RDWR);
	kattach = dma_buf_attach(kbuf, &vp_test_pdev->dev);
	CHECK(!IS_ERR(kattach));
	sgt = dma_buf_map_attachment_unlocked(kattach, DMA_BIDIRECTIONAL);
	CHECK(!IS_ERR(sgt));

	dma_resv_lock(buf->resv, NULL);
	CHECK(!vp_dmabuf_vmap(buf, &map));
	for_each_sgtable_dma_page(sgt, &iter, 0) {
		CHECK(i < pages);
		word = kmap_local_pfn(PHYS_PFN(sg_page_iter_dma_address(&iter)));
		CHECK(*word == i + 1);
		*word = i + 2;
		kunmap_local(word);
		CHECK(*(u32 *)(map.vaddr + i * PAGE_SIZE) == i + 2);
		i++;
	}
	CHECK(i == pages);
	vp_dmabuf_vunmap(buf, &map);
	/* Takes down the program's mapping too: it finds its way back. */
	vp_dmabuf_invalidate_mappings(buf);
	dma_resv_unlock(buf->resv);

	CHECK(!dma_buf_begin_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	CHECK(!dma_buf_end_cpu_access(kbuf, DMA_BIDIRECTIONAL));
	dma_buf_unmap_attachment_unlocked(kattach, sgt, DMA_BIDIRECTIONAL);
	dma_buf_detach(kbuf, kattach);
	dma_buf_put(kbuf);
	vp_dmabuf_put(buf);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} vp_tests[] = {
	{ "export", test_export },
	{ "fd", test_fd },
	{ "pinned", test_pinned },
	{ "movable", test_movable },
	{ "misuse", test_misuse },
	{ "vmap", test_vmap },
	{ "cpu-access", test_cpu_access },
	{ "kernel-importer", test_kernel_importer },
	{ "kernel-exporter", test_kernel_exporter },
	{ "memory", test_memory },
};

static int __init vp_test_init(void)
{
	int (*run)(void) = NULL;
	unsigned int i;

	for (i = 0; test && i < ARRAY_SIZE(vp_tests); i++)
		if (!strcmp(vp_tests[i].name, test))
			run = vp_tests[i].run;
	if (!run)
		return -ENOENT;

	vp_test_pdev = platform_device_register_simple("vprime-core-test", -1,
						       NULL, 0);
	if (IS_ERR(vp_test_pdev))
		return PTR_ERR(vp_test_pdev);
	dma_coerce_mask_and_coherent(&vp_test_pdev->dev, DMA_BIT_MASK(64));

	result = run();
	if (result)
		__module_get(THIS_MODULE);
	else
		platform_device_unregister(vp_test_pdev);
	return 0;
}

static void __exit vp_test_exit(void)
{
}

module_init(vp_test_init);
module_exit(vp_test_exit);

MODULE_DESCRIPTION("Tests of vprime's dma-buf core");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "DMA_BUF");
