// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a place at a buffer costs: attach, map, unmap and detach, in ns for each
 * importer, the best of several rounds. The parameters below have the results
 * as long as the module is loaded; "fd" is a buffer of a vprime GPU that has
 * its view of it still.
 */
#include "core_test.h"

#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

#include "gem/object.h"

/*
 * So often the best is looked for, and so many times in a row each is done. In a
 * kernel that looks on at every access, that it works is all there is to learn.
 */
#if IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN)
#define VP_BENCH_ROUNDS	1
#define VP_BENCH_REPEAT	4
#else
#define VP_BENCH_ROUNDS	20
#define VP_BENCH_REPEAT	256
#endif

#define VP_BENCH_MANY	64

static unsigned long own_ns;
module_param(own_ns, ulong, 0444);
MODULE_PARM_DESC(own_ns, "A vprime GPU, through the core");

static unsigned long core_ns;
module_param(core_ns, ulong, 0444);
MODULE_PARM_DESC(core_ns, "Any other device, through the core");

static unsigned long foreign_ns;
module_param(foreign_ns, ulong, 0444);
MODULE_PARM_DESC(foreign_ns, "The same device, through the kernel's dma-buf");

static unsigned long one_ns;
module_param(one_ns, ulong, 0444);
MODULE_PARM_DESC(one_ns, "A vprime GPU that is the only one");

static unsigned long many_ns;
module_param(many_ns, ulong, 0444);
MODULE_PARM_DESC(many_ns, "Each of 64 that are attached and mapped at once");

/*
 * A vprime GPU as memory sees it: it is known by the callbacks of its place,
 * and what it can reach is its device's affair. This borrows both from the view
 * that the exporting GPU has, and is a second GPU of its kind, without what
 * makes a view a GEM object.
 */
struct vp_bench_gpu {
	const struct vp_importer_ops *ops;
	struct device *dev;
	struct drm_device *drm;
};

/* The places; allocated once, as a driver's own structures would be. */
static struct vp_gem *vp_bench_places;

static bool vp_bench_borrow(struct vp_dmabuf *buf, struct vp_bench_gpu *gpu)
{
	struct vp_attachment *attach;

	dma_resv_lock(buf->resv, NULL);
	attach = list_first_entry_or_null(&buf->attachments,
					  struct vp_attachment, node);
	if (attach) {
		gpu->ops = attach->ops;
		gpu->dev = attach->dev;
		gpu->drm = container_of(attach, struct vp_gem,
					attach)->base.dev;
	}
	dma_resv_unlock(buf->resv);
	return attach;
}

static int vp_bench_begin(struct vp_dmabuf *buf, struct vp_gem *place,
			  const struct vp_bench_gpu *gpu)
{
	int ret;

	ret = vp_dmabuf_attach(buf, &place->attach, gpu->dev, gpu->ops);
	if (ret)
		return ret;
	dma_resv_lock(buf->resv, NULL);
	place->mapping = vp_dmabuf_map_attachment(&place->attach,
						  DMA_BIDIRECTIONAL);
	dma_resv_unlock(buf->resv);
	return PTR_ERR_OR_ZERO(place->mapping);
}

static void vp_bench_end(struct vp_dmabuf *buf, struct vp_gem *place)
{
	dma_resv_lock(buf->resv, NULL);
	vp_dmabuf_unmap_attachment(&place->attach, place->mapping,
				   DMA_BIDIRECTIONAL);
	dma_resv_unlock(buf->resv);
	vp_dmabuf_detach(&place->attach);
}

/*
 * @count at once; each of them, in ns. 0 when something fails. A guest that could
 * not calibrate its clock as it started has one that moves every few milliseconds:
 * it is gone on until it has.
 */
static unsigned long vp_bench_core(struct vp_dmabuf *buf, unsigned int count,
				   const struct vp_bench_gpu *gpu)
{
	unsigned int repeat = max(VP_BENCH_REPEAT / count, 1u), i, n;
	u64 start = ktime_get_ns();
	int ret;

	for (n = 0; n < repeat || ktime_get_ns() == start; n++) {
		for (i = 0; i < count; i++) {
			ret = vp_bench_begin(buf, &vp_bench_places[i], gpu);
			if (ret) {
				pr_err("bench: attachment %u of %u: %d\n",
				       i, count, ret);
				return 0;
			}
		}
		for (i = 0; i < count; i++)
			vp_bench_end(buf, &vp_bench_places[i]);
	}
	return (ktime_get_ns() - start) / (n * count);
}

static unsigned long vp_bench_kernel(struct dma_buf *kbuf)
{
	struct dma_buf_attachment *kattach;
	u64 start = ktime_get_ns();
	struct sg_table *sgt;
	unsigned int n;

	for (n = 0; n < VP_BENCH_REPEAT || ktime_get_ns() == start; n++) {
		kattach = dma_buf_attach(kbuf, &vp_test_pdev->dev);
		if (IS_ERR(kattach)) {
			pr_err("bench: attach: %ld\n", PTR_ERR(kattach));
			return 0;
		}
		sgt = dma_buf_map_attachment_unlocked(kattach,
						      DMA_BIDIRECTIONAL);
		if (IS_ERR(sgt)) {
			pr_err("bench: map: %ld\n", PTR_ERR(sgt));
			return 0;
		}
		dma_buf_unmap_attachment_unlocked(kattach, sgt,
						  DMA_BIDIRECTIONAL);
		dma_buf_detach(kbuf, kattach);
	}
	return (ktime_get_ns() - start) / n;
}

static void vp_bench_keep_best(unsigned long *best, unsigned long ns)
{
	if (!*best || ns < *best)
		*best = ns;
	cond_resched();
}

/* Attach, map, unmap, detach. */
static int test_bench_attach(void)
{
	struct vp_bench_gpu device = { .dev = &vp_test_pdev->dev };
	struct vp_dmabuf *buf = vp_test_fd_buffer();
	struct vp_test_importer *stays;
	struct vp_bench_gpu gpu;
	struct dma_buf *kbuf;
	unsigned int i;

	CHECK(!IS_ERR(buf));
	kbuf = vp_dmabuf_kernel_get(buf, O_RDWR);
	CHECK(!IS_ERR(kbuf));
	CHECK(vp_bench_borrow(buf, &gpu));
	vp_bench_places = kcalloc(VP_BENCH_MANY, sizeof(*vp_bench_places),
				  GFP_KERNEL);
	CHECK(vp_bench_places);
	for (i = 0; i < VP_BENCH_MANY; i++)
		vp_bench_places[i].base.dev = gpu.drm;

	/* All pages are there already: nobody pays for the first touch. */
	stays = vp_test_attach(buf, VP_TEST_PROMPT);
	CHECK(!IS_ERR(stays) && !vp_test_map(stays));
	vp_test_unmap(stays);
	vp_test_detach(stays);

	own_ns = core_ns = foreign_ns = many_ns = 0;
	for (i = 0; i < VP_BENCH_ROUNDS; i++) {
		vp_bench_keep_best(&own_ns, vp_bench_core(buf, 1, &gpu));
		vp_bench_keep_best(&core_ns, vp_bench_core(buf, 1, &device));
		vp_bench_keep_best(&foreign_ns, vp_bench_kernel(kbuf));
		vp_bench_keep_best(&many_ns,
				   vp_bench_core(buf, VP_BENCH_MANY, &gpu));
	}
	one_ns = own_ns;
	CHECK(own_ns && core_ns && foreign_ns && many_ns);
	pr_info("bench-attach: own %lu ns, core %lu ns, foreign %lu ns, each of 1 %lu ns, of %u %lu ns\n",
		own_ns, core_ns, foreign_ns, one_ns, VP_BENCH_MANY, many_ns);

	kfree(vp_bench_places);
	dma_buf_put(kbuf);
	vp_dmabuf_put(buf);
	return 0;
}

/* One move; whoever asks for it looks at the clock. */
static int test_bench_move(void)
{
	struct vp_dmabuf *buf = vp_test_fd_buffer();
	int ret;

	CHECK(!IS_ERR(buf));
	ret = vp_dmabuf_move(buf);
	vp_dmabuf_put(buf);
	return ret;
}

const struct vp_test vp_bench_tests[] = {
	{ "bench-attach", test_bench_attach },
	{ "bench-move", test_bench_move },
	{}
};
