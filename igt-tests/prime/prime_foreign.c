// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing with the kernel's other drivers: vgem, virtio_gpu, and vkms where the
 * kernel has it, whose imports are in prime_vkms.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("PRIME between vprime and other drivers, both ways");

#define RW	(PROT_READ | PROT_WRITE)

/* The name its exporter gave a dma-buf, as the kernel shows it. */
static void exporter_name(int dmabuf, char *name, size_t len)
{
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dmabuf);
	file = fopen(path, "re");
	igt_assert(file);
	name[0] = 0;
	while (fgets(line, sizeof(line), file)) {
		char *value = strchr(line, '\t');

		if (strncmp(line, "exp_name:", 9) || !value)
			continue;
		value[strcspn(value, "\n")] = 0;
		snprintf(name, len, "%s", value + 1);
	}
	fclose(file);
	igt_assert_neq(name[0], 0);
}

static void foreign_exports(const char *driver)
{
	int foreign, gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	char name[DRM_VPRIME_NAME_LEN];
	struct drm_vprime_gem_info info;
	uint32_t handle0, handle1;
	void *own, *map0, *map1;
	struct vp_dumb dumb;

	vp_load_foreign(driver);
	foreign = vp_open_foreign(driver);
	dumb = vp_create_dumb(foreign, 128, 64, 32);
	own = vp_map_dumb(foreign, dumb.handle, dumb.size);
	dmabuf = vp_export(foreign, dumb.handle);
	vp_fill_synced(dmabuf, own, dumb.size, 1);

	handle0 = vp_import(gpu0, dmabuf);
	handle1 = vp_import(gpu1, dmabuf);
	igt_assert_eq(vp_import(gpu0, dmabuf), handle0);
	map0 = vp_map(gpu0, handle0, dumb.size, RW);
	map1 = vp_map(gpu1, handle1, dumb.size, RW);
	igt_assert(vp_sees(dmabuf, map0, dumb.size, 1));
	igt_assert(vp_sees(dmabuf, map1, dumb.size, 1));
	vp_fill_synced(dmabuf, map0, dumb.size, 2);
	igt_assert(vp_sees(dmabuf, own, dumb.size, 2));
	igt_assert(vp_sees(dmabuf, map1, dumb.size, 2));
	vp_fill_synced(dmabuf, map1, dumb.size, 3);
	igt_assert(vp_sees(dmabuf, own, dumb.size, 3));

	info = vp_info(gpu1, handle1);
	exporter_name(dmabuf, name, sizeof(name));
	igt_assert_f(!strcmp(info.origin, name), "origin %s, exporter %s\n",
		     info.origin, name);
	igt_assert_eq(info.size, dumb.size);
	igt_assert_eq(info.resident, 0);
	igt_assert_eq(info.attached_gpus, 3);
	igt_assert_eq(info.flags & (DRM_VPRIME_INFO_IMPORTED |
				    DRM_VPRIME_INFO_FOREIGN),
		      DRM_VPRIME_INFO_IMPORTED | DRM_VPRIME_INFO_FOREIGN);

	vp_unmap(own, dumb.size);
	vp_unmap(map0, dumb.size);
	vp_unmap(map1, dumb.size);
	close(dmabuf);
	close(foreign);
	close(gpu0);
	close(gpu1);
}

static void foreign_reexport(const char *driver)
{
	int foreign, gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf, again;
	uint32_t handle;
	struct vp_dumb dumb;
	uint64_t id;

	vp_load_foreign(driver);
	foreign = vp_open_foreign(driver);
	dumb = vp_create_dumb(foreign, 64, 64, 32);
	dmabuf = vp_export(foreign, dumb.handle);
	id = vp_dmabuf_id(dmabuf);

	handle = vp_import(gpu0, dmabuf);
	again = vp_export(gpu0, handle);
	igt_assert_eq(vp_dmabuf_id(again), id);
	/* Its exporter knows it, and the other GPU meets a foreign buffer. */
	igt_assert_eq(vp_import(foreign, again), dumb.handle);
	igt_assert(vp_info(gpu1, vp_import(gpu1, again)).flags &
		   DRM_VPRIME_INFO_FOREIGN);

	close(again);
	close(dmabuf);
	close(foreign);
	close(gpu0);
	close(gpu1);
}

/* The exporter lets go of everything; vprime's import must carry it alone. */
static void foreign_exporter_goes(const char *driver)
{
	int foreign, gpu = vp_open(0), dmabuf, again;
	uint32_t handle;
	struct vp_dumb dumb;
	void *map;

	vp_load_foreign(driver);
	foreign = vp_open_foreign(driver);
	dumb = vp_create_dumb(foreign, 64, 64, 32);
	map = vp_map_dumb(foreign, dumb.handle, dumb.size);
	dmabuf = vp_export(foreign, dumb.handle);
	vp_fill_synced(dmabuf, map, dumb.size, 1);
	handle = vp_import(gpu, dmabuf);
	vp_unmap(map, dumb.size);
	close(dmabuf);
	close(foreign);

	/* Its code is needed as long as its memory is. */
	igt_assert_eq(syscall(SYS_delete_module, driver, O_NONBLOCK), -1);
	igt_assert_eq(errno, EWOULDBLOCK);

	again = vp_export(gpu, handle);
	map = vp_map(gpu, handle, dumb.size, RW);
	igt_assert(vp_sees(again, map, dumb.size, 1));

	/* The mapping alone is enough. */
	close(again);
	vp_close(gpu, handle);
	close(gpu);
	vp_assert_pattern(map, dumb.size, 1);
	vp_unmap(map, dumb.size);
}

static void foreign_import_unplugged(void)
{
	int foreign, gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle0, handle1;
	struct vp_dumb dumb;
	void *map;

	vp_load_foreign("vgem");
	foreign = vp_open_foreign("vgem");
	dumb = vp_create_dumb(foreign, 64, 64, 32);
	dmabuf = vp_export(foreign, dumb.handle);
	handle0 = vp_import(gpu0, dmabuf);
	handle1 = vp_import(gpu1, dmabuf);
	map = vp_map(gpu0, handle0, dumb.size, RW);
	vp_fill_synced(dmabuf, map, dumb.size, 1);

	/* GPU 0 imported it first; it goes, GPU 1 is not to notice. */
	vp_unplug(0);
	igt_assert(vp_sees(dmabuf, map, dumb.size, 1));
	vp_unmap(map, dumb.size);
	close(gpu0);
	igt_assert_eq(vp_info(gpu1, handle1).attached_gpus, 2);
	map = vp_map(gpu1, handle1, dumb.size, RW);
	igt_assert(vp_sees(dmabuf, map, dumb.size, 1));
	vp_plug(0);

	vp_unmap(map, dumb.size);
	close(dmabuf);
	close(foreign);
	close(gpu1);
}

static void vgem_imports(void)
{
	int foreign, gpu = vp_open(0), dmabuf, again;
	const size_t size = 64 * VP_KIB;
	uint32_t handle = vp_create(gpu, size), imported;
	struct vp_counts before;
	uint64_t id;
	void *map;

	vp_load_foreign("vgem");
	foreign = vp_open_foreign("vgem");
	map = vp_map(gpu, handle, size, RW);
	vp_fill(map, size, 1);
	dmabuf = vp_export(gpu, handle);
	id = vp_dmabuf_id(dmabuf);
	before = vp_counts();

	imported = vp_import(foreign, dmabuf);
	igt_assert_eq(vp_import(foreign, dmabuf), imported);
	igt_assert_eq(vp_info(gpu, handle).attached, 2);
	igt_assert_eq(vp_info(gpu, handle).attached_gpus, 1);
	igt_assert_eq(vp_counts().attachments, before.attachments + 1);

	/* Its import keeps the buffer when its maker has let go. */
	vp_unmap(map, size);
	close(dmabuf);
	close(gpu);
	again = vp_export(foreign, imported);
	igt_assert_eq(vp_dmabuf_id(again), id);
	map = vp_map_dmabuf(again, size, RW);
	vp_assert_pattern(map, size, 1);
	vp_fill(map, size, 2);
	vp_unmap(map, size);

	/* And it is no foreign buffer when it comes back through vgem. */
	gpu = vp_open(1);
	handle = vp_import(gpu, again);
	igt_assert_eq(strcmp(vp_info(gpu, handle).origin, "vprime0"), 0);
	igt_assert_eq(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_FOREIGN, 0);
	igt_assert_eq(vp_info(gpu, handle).attached, 2);
	map = vp_map(gpu, handle, size, RW);
	vp_assert_pattern(map, size, 2);
	vp_unmap(map, size);

	close(again);
	close(foreign);
	igt_assert_eq(vp_info(gpu, handle).attached, 1);
	close(gpu);
}

/* From GPU 0 through vgem to GPU 1 and back to GPU 0: there is one buffer. */
static void vgem_chain(void)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), foreign, dmabuf, again, last;
	const size_t size = 64 * VP_KIB;
	uint32_t handle0 = vp_create(gpu0, size), handle1;
	struct vp_counts before;
	void *map0, *map1;

	vp_load_foreign("vgem");
	foreign = vp_open_foreign("vgem");
	dmabuf = vp_export(gpu0, handle0);
	before = vp_counts();
	again = vp_export(foreign, vp_import(foreign, dmabuf));
	igt_assert_eq(vp_import(gpu0, again), handle0);
	handle1 = vp_import(gpu1, again);
	last = vp_export(gpu1, handle1);
	igt_assert_eq(vp_import(gpu0, last), handle0);
	igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(dmabuf));
	igt_assert_eq(vp_dmabuf_id(last), vp_dmabuf_id(dmabuf));
	igt_assert_eq(vp_id(gpu1, handle1), vp_id(gpu0, handle0));
	igt_assert_eq(vp_counts().buffers, before.buffers);
	igt_assert_eq(vp_counts().imports, before.imports);
	igt_assert_eq(vp_counts().views, before.views + 1);

	map0 = vp_map(gpu0, handle0, size, RW);
	map1 = vp_map(gpu1, handle1, size, RW);
	vp_fill(map0, size, 1);
	vp_assert_pattern(map1, size, 1);
	vp_fill(map1, size, 2);
	vp_assert_pattern(map0, size, 2);

	vp_unmap(map0, size);
	vp_unmap(map1, size);
	close(dmabuf);
	close(again);
	close(last);
	close(foreign);
	close(gpu0);
	close(gpu1);
}

/* What vgem's node does not do with what it has imported; see docs/kernels.md. */
static void vgem_refuses_mmap(void)
{
	int foreign, gpu = vp_open(0);
	const size_t size = 64 * VP_KIB;
	int dmabuf = vp_export(gpu, vp_create(gpu, size));
	uint64_t offset;
	int ret;

	vp_load_foreign("vgem");
	foreign = vp_open_foreign("vgem");
	ret = vp_try_map_dumb(foreign, vp_import(foreign, dmabuf), &offset);
	if (!ret)
		ret = vp_try_mmap(foreign, offset, size, RW, MAP_SHARED, NULL);
	igt_assert_eq(ret, -EINVAL);
	close(dmabuf);
	close(foreign);
	close(gpu);
}

/* virtio_gpu has never imported others' buffers in 6.1 and 6.12, but may. */
static void virtio_gpu_imports(void)
{
	int foreign, gpu = vp_open(0), dmabuf, ret;
	const size_t size = 64 * VP_KIB;
	uint32_t handle = vp_create(gpu, size), imported = 0;
	void *map = vp_map(gpu, handle, size, RW);
	struct vp_counts before;

	vp_load_foreign("virtio_gpu");
	foreign = vp_open_foreign("virtio_gpu");
	vp_fill(map, size, 1);
	dmabuf = vp_export(gpu, handle);
	before = vp_counts();
	ret = vp_try_import(foreign, dmabuf, &imported);
	if (ret) {
		/* Refused halfway, after attaching: nothing may stay behind. */
		igt_assert_eq(ret, -ENODEV);
		vp_assert_counts(&before);
		igt_assert_eq(vp_info(gpu, handle).attached, 1);
	} else {
		int again = vp_export(foreign, imported);

		igt_assert_eq(vp_info(gpu, handle).attached, 2);
		igt_assert_eq(vp_dmabuf_id(again), vp_dmabuf_id(dmabuf));
		close(again);
		vp_close(foreign, imported);
		vp_assert_counts(&before);
	}
	vp_assert_pattern(map, size, 1);
	vp_unmap(map, size);
	close(dmabuf);
	close(foreign);
	close(gpu);
}

/* Skipped where the kernel does not have it, as Debian's do not have vkms. */
static void exporter_subtests(const char *driver)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-exports", driver);
	igt_describe("Two GPUs import that driver's buffer; pixels go both ways");
	vp_subtest(name) {
		vp_require_foreign(driver);
		foreign_exports(driver);
	}

	snprintf(name, sizeof(name), "%s-reexport", driver);
	igt_describe("vprime's export of an import is that driver's own dma-buf");
	vp_subtest(name) {
		vp_require_foreign(driver);
		foreign_reexport(driver);
	}

	snprintf(name, sizeof(name), "%s-exporter-goes", driver);
	igt_describe("An import keeps that driver's buffer, and its module, by itself");
	vp_subtest(name) {
		vp_require_foreign(driver);
		foreign_exporter_goes(driver);
	}
}

igt_main
{
	exporter_subtests("vgem");
	exporter_subtests("virtio_gpu");
	exporter_subtests("vkms");

	igt_describe("A foreign buffer that two GPUs have survives the unplugging of the first");
	vp_subtest("vgem-import-unplugged")
		foreign_import_unplugged();

	igt_describe("vgem imports a vprime buffer, keeps it, and gives it on");
	vp_subtest("vgem-imports")
		vgem_imports();

	igt_describe("GPU 0, vgem and GPU 1 in a row: one dma-buf, one buffer, and GPU 0's own handle again");
	vp_subtest("vgem-chain")
		vgem_chain();

	igt_describe("vgem does not map through its node what it has imported, and says EINVAL");
	vp_subtest("vgem-refuses-mmap")
		vgem_refuses_mmap();

	igt_describe("virtio_gpu imports a vprime buffer, or refuses and leaves no trace");
	vp_subtest("virtio_gpu-imports")
		virtio_gpu_imports();

	/* Once, and not in each subtest: modprobe takes its time. */
	igt_fixture {
		vp_unload_foreign("vgem");
		vp_unload_foreign("virtio_gpu");
		vp_unload_foreign("vkms");
	}
}
