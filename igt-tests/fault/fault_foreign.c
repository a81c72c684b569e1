// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out while buffers are shared with other drivers: vgem, udmabuf and
 * the system heap of the kernel's, and vprime_foreign, which imports in each way
 * there is. What fails may be a part of theirs, but vprime stands in the middle.
 *
 * Mapping into the kernel is not swept: the kernel's dma_buf_vmap() WARNs when an
 * exporter fails.
 */
#define _GNU_SOURCE	/* memfd_create, F_ADD_SEALS, SYS_getcpu */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "vp_failslab.h"
#include "vp_foreign.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Each allocation in sharing with other drivers fails, one after the other");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * VP_PAGE)

#define UDMABUF_NODE	"/dev/udmabuf"
#define HEAP_NODE	"/dev/dma_heap/system"

/* What the call that is swept needs, and what it has made. */
static struct {
	int gpu, other;
	int vgem, foreign, heap;
	int dmabuf;
	uint32_t handle, theirs, made;
	void *map;
	uint8_t bytes[SIZE];
	/* Who makes the dma-buf that vprime imports. */
	int (*source)(void);
} s;

/* ---- who else there is ---- */

static void open_gpu(void)
{
	s.gpu = vp_open(0);
}

static void close_gpu(void)
{
	close(s.gpu);
}

static void open_vgem(void)
{
	vp_load_foreign("vgem");
	s.vgem = vp_open_foreign("vgem");
	open_gpu();
}

static void close_vgem(void)
{
	close(s.vgem);
	close_gpu();
}

static void open_foreign(void)
{
	s.foreign = vp_foreign_open_fresh();
	open_gpu();
}

static void close_foreign(void)
{
	close(s.foreign);
	close_gpu();
}

/* ---- dma-bufs of others ---- */

static int vgem_dmabuf(void)
{
	uint32_t handle = vp_create_dumb(s.vgem, 64, 64, 32).handle;
	int dmabuf = vp_export(s.vgem, handle);

	vp_close(s.vgem, handle);
	return dmabuf;
}

static int udmabuf(void)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE,
	};
	int memfd = memfd_create("fault", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int dmabuf;

	igt_assert_lte(0, memfd);
	igt_assert_eq(ftruncate(memfd, SIZE), 0);
	igt_assert_eq(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	create.memfd = (uint32_t)memfd;
	dmabuf = ioctl(s.heap, UDMABUF_CREATE, &create);
	igt_assert_lte(0, dmabuf);
	close(memfd);
	return dmabuf;
}

static int heap_dmabuf(void)
{
	struct dma_heap_allocation_data allocation = {
		.len = SIZE, .fd_flags = O_RDWR | O_CLOEXEC,
	};

	igt_assert_eq(vp_try_ioctl(s.heap, DMA_HEAP_IOCTL_ALLOC, &allocation),
		      0);
	return (int)allocation.fd;
}

static int static_dmabuf(void)
{
	return vp_foreign_export(s.foreign, SIZE, 0);
}

static int dynamic_dmabuf(void)
{
	return vp_foreign_export(s.foreign, SIZE, VP_FOREIGN_DYNAMIC);
}

static void from_vgem(void)
{
	open_vgem();
	s.source = vgem_dmabuf;
}

static void open_heap(const char *node, int flags)
{
	s.heap = open(node, flags | O_CLOEXEC);
	igt_require_f(s.heap >= 0, "there is no %s\n", node);
	open_gpu();
}

static void from_udmabuf(void)
{
	open_heap(UDMABUF_NODE, O_RDWR);
	s.source = udmabuf;
}

static void from_heap(void)
{
	open_heap(HEAP_NODE, O_RDONLY);
	s.source = heap_dmabuf;
}

static void close_heap(void)
{
	close(s.heap);
	close_gpu();
}

static void from_static(void)
{
	open_foreign();
	s.source = static_dmabuf;
}

static void from_dynamic(void)
{
	open_foreign();
	s.source = dynamic_dmabuf;
}

/* ---- vprime imports ---- */

static void make_theirs(void)
{
	s.dmabuf = s.source();
}

static void drop_theirs(void)
{
	close(s.dmabuf);
}

static int import_it(void)
{
	return vp_try_import(s.gpu, s.dmabuf, &s.handle);
}

static void use_import(void)
{
	struct drm_vprime_gem_info info = vp_info(s.gpu, s.handle);

	igt_assert(info.flags & DRM_VPRIME_INFO_FOREIGN);
	igt_assert_eq(info.attached, 1);
}

static void close_import(void)
{
	vp_close(s.gpu, s.handle);
}

static void make_imported(void)
{
	make_theirs();
	s.handle = vp_import(s.gpu, s.dmabuf);
}

static void drop_imported(void)
{
	close_import();
	drop_theirs();
}

/* On the other GPU: the wrapper is there, the attachment is not. */
static void open_other(void)
{
	from_vgem();
	s.other = vp_open(1);
}

static void close_other(void)
{
	close(s.other);
	close_vgem();
}

static int import_other(void)
{
	return vp_try_import(s.other, s.dmabuf, &s.made);
}

static void close_made(void)
{
	vp_close(s.other, s.made);
}

static int close_imported(void)
{
	return vp_try_close(s.gpu, s.handle);
}

static int poke(void)
{
	return vp_try_poke(s.gpu, s.handle, 0, s.bytes, SIZE);
}

static int export_it(void)
{
	s.made = (uint32_t)vp_try_export(s.gpu, s.handle,
					 DRM_CLOEXEC | DRM_RDWR);
	return (int)s.made < 0 ? (int)s.made : 0;
}

static void use_export(void)
{
	igt_assert_eq(vp_dmabuf_id((int)s.made), vp_dmabuf_id(s.dmabuf));
}

static void close_export(void)
{
	close((int)s.made);
}

static uint64_t offset;

static void make_offset(void)
{
	make_imported();
	offset = vp_mmap_offset(s.gpu, s.handle);
}

static int map_it(void)
{
	s.map = mmap(NULL, SIZE, RW, MAP_SHARED, s.gpu, (off_t)offset);
	return s.map == MAP_FAILED ? -errno : 0;
}

static void unmap_it(void)
{
	vp_unmap(s.map, SIZE);
}

static int begin_access(void)
{
	return vp_try_sync(s.dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
}

static void end_access(void)
{
	vp_sync_end(s.dmabuf, DMA_BUF_SYNC_RW);
}

/* The first fence on a buffer makes what all of its file share. */
static void from_vgem_attached(void)
{
	uint32_t handle;

	from_vgem();
	handle = vp_create(s.gpu, SIZE);
	vp_fence_signal(s.gpu, vp_fence_attach(s.gpu, handle, true));
	vp_close(s.gpu, handle);
}

/* A fence on a buffer of theirs. */
static int attach_fence(void)
{
	return vp_try_fence_attach(s.gpu, s.handle, DRM_VPRIME_FENCE_WRITE, 0,
				   &s.made);
}

static void signal_fence(void)
{
	vp_fence_signal(s.gpu, s.made);
}

/* ---- others import ---- */

static void make_ours(void)
{
	s.handle = vp_create(s.gpu, SIZE);
	s.dmabuf = vp_export(s.gpu, s.handle);
}

static void drop_ours(void)
{
	close(s.dmabuf);
	vp_close(s.gpu, s.handle);
}

static int vgem_import(void)
{
	return vp_try_import(s.vgem, s.dmabuf, &s.theirs);
}

static void close_vgems(void)
{
	vp_close(s.vgem, s.theirs);
}

static int attach_dynamic(void)
{
	return vp_foreign_try_attach(s.foreign, s.dmabuf, 0, &s.theirs);
}

static void detach(void)
{
	vp_foreign_detach(s.foreign, s.theirs);
}

static void make_attached(void)
{
	make_ours();
	s.theirs = vp_foreign_attach(s.foreign, s.dmabuf, 0);
}

static void drop_attached(void)
{
	detach();
	drop_ours();
}

static int map_theirs(void)
{
	return vp_foreign_try_map(s.foreign, s.theirs,
				  VP_FOREIGN_BIDIRECTIONAL);
}

static void unmap_theirs(void)
{
	igt_assert_eq(vp_foreign_try_unmap(s.foreign, s.theirs), 0);
}

/* Older kernels map at attach, newer ones when the importer asks for it. */
static int map_static(void)
{
	int ret = vp_foreign_try_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC,
					&s.theirs);

	if (ret)
		return ret;
	ret = map_theirs();
	if (ret)
		detach();
	return ret;
}

static void unmap_static(void)
{
	unmap_theirs();
	detach();
}

static int pin_theirs(void)
{
	return vp_foreign_try_pin(s.foreign, s.theirs);
}

static void unpin_theirs(void)
{
	igt_assert_eq(vp_foreign_try_unpin(s.foreign, s.theirs), 0);
}

static void make_mapped(void)
{
	make_attached();
	igt_assert_eq(map_theirs(), 0);
}

static int unmap_call(void)
{
	return vp_foreign_try_unmap(s.foreign, s.theirs);
}

/* With their mapping of it, on a GPU that does not snoop and has one, too. */
static void open_incoherent(void)
{
	s.foreign = vp_foreign_open_fresh();
	s.gpu = vp_config_open("fault", "coherent=0");
}

static void make_poked(void)
{
	make_attached();
	vp_poke(s.gpu, s.handle, 0, s.bytes, SIZE);
}

static void use_poked(void)
{
	igt_assert(vp_foreign_sees(s.foreign, s.theirs, SIZE, 7));
}

static void close_incoherent(void)
{
	close_foreign();
	vp_config_remove("fault");
}

/* Maps of ours make its pages and stay as they are when a later step fails. */
#define MAPS	VP_FAULT_PAGES

#define IMPORTS(name_, what_, begin_, end_, least_, least_poke_) \
	{ .name = name_ "-import", .what = "Importing " what_, \
	  .begin = begin_, .prepare = make_theirs, .call = import_it, \
	  .verify = use_import, .undo = close_import, \
	  .finish = drop_theirs, .end = end_, .least = least_ }, \
	{ .name = name_ "-poke", .what = "GEM_POKE to " what_, \
	  .begin = begin_, .prepare = make_imported, .call = poke, \
	  .finish = drop_imported, .end = end_, \
	  .may = VP_FAULT_MAPPINGS, .least = least_poke_ }, \
	{ .name = name_ "-mmap", .what = "mmap of a view of " what_, \
	  .begin = begin_, .prepare = make_offset, .call = map_it, \
	  .undo = unmap_it, .finish = drop_imported, .end = end_, .least = 1 }

static const struct vp_fault_op ops[] = {
	IMPORTS("vgem", "vgem's", from_vgem, close_vgem, 4, 1),
	IMPORTS("udmabuf", "udmabuf's", from_udmabuf, close_heap, 4, 1),
	/* The heap makes at attach what it needs to map. */
	IMPORTS("heap", "the system heap's", from_heap, close_heap, 4, 0),
	IMPORTS("static", "a static exporter's", from_static, close_foreign,
		4, 1),
	IMPORTS("dynamic", "a dynamic exporter's", from_dynamic,
		close_foreign, 4, 1),
	{ .name = "vgem-import-other",
	  .what = "Importing vgem's on a second GPU",
	  .begin = open_other, .prepare = make_imported,
	  .call = import_other, .undo = close_made, .finish = drop_imported,
	  .end = close_other, .least = 3 },
	{ .name = "vgem-close", .what = "GEM_CLOSE of a view of vgem's",
	  .begin = from_vgem, .prepare = make_imported,
	  .call = close_imported, .finish = drop_theirs, .end = close_vgem,
	  .may = VP_FAULT_NEVER },
	{ .name = "vgem-export-again",
	  .what = "PRIME_HANDLE_TO_FD of what is vgem's",
	  .begin = from_vgem, .prepare = make_imported, .call = export_it,
	  .verify = use_export, .undo = close_export,
	  .finish = drop_imported, .end = close_vgem },
	{ .name = "vgem-sync", .what = "DMA_BUF_IOCTL_SYNC of vgem's",
	  .begin = from_vgem, .prepare = make_imported,
	  .call = begin_access, .undo = end_access,
	  .finish = drop_imported, .end = close_vgem },
	{ .name = "vgem-fence", .what = "FENCE_ATTACH to vgem's buffer",
	  .begin = from_vgem_attached, .prepare = make_imported,
	  .call = attach_fence, .undo = signal_fence,
	  .finish = drop_imported, .end = close_vgem, .least = 2 },

	{ .name = "vgem-imports", .what = "vgem imports ours",
	  .begin = open_vgem, .prepare = make_ours, .call = vgem_import,
	  .undo = close_vgems, .finish = drop_ours, .end = close_vgem,
	  .least = 8, .may = MAPS },
	{ .name = "attach", .what = "A dynamic importer attaches",
	  .begin = open_foreign, .prepare = make_ours,
	  .call = attach_dynamic, .undo = detach, .finish = drop_ours,
	  .end = close_foreign, .least = 4 },
	{ .name = "attach-static",
	  .what = "A static importer attaches and maps, which pins",
	  .begin = open_foreign, .prepare = make_ours,
	  .call = map_static, .undo = unmap_static, .finish = drop_ours,
	  .end = close_foreign, .least = 10, .may = MAPS },
	{ .name = "map", .what = "A dynamic importer maps",
	  .begin = open_foreign, .prepare = make_attached,
	  .call = map_theirs, .undo = unmap_theirs, .finish = drop_attached,
	  .end = close_foreign, .least = 8, .may = MAPS },
	{ .name = "map-incoherent",
	  .what = "A dynamic importer maps what a GPU that does not snoop has",
	  .begin = open_incoherent, .prepare = make_poked,
	  .call = map_theirs, .verify = use_poked, .undo = unmap_theirs,
	  .finish = drop_attached, .end = close_incoherent, .least = 3 },
	{ .name = "unmap", .what = "A dynamic importer unmaps",
	  .begin = open_foreign, .prepare = make_mapped, .call = unmap_call,
	  .finish = drop_attached, .end = close_foreign,
	  .may = VP_FAULT_NEVER },
	{ .name = "pin", .what = "A dynamic importer pins",
	  .begin = open_foreign, .prepare = make_attached,
	  .call = pin_theirs, .undo = unpin_theirs, .finish = drop_attached,
	  .end = close_foreign, .may = VP_FAULT_NEVER },
};

igt_main
{
	vp_fault_begin();
	igt_fixture
		vp_fill(s.bytes, sizeof(s.bytes), 7);
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
	igt_fixture {
		vp_unload_foreign("vgem");
		vp_foreign_unload();
	}
	vp_fault_end();
}
