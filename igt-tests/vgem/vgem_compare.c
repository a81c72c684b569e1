// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our vgem against the kernel's own: the same questions go to both, one after
 * the other, and the answers have to be the same. No answer is written down
 * here, so that nothing is compared with what somebody believes vgem to do.
 *
 * Not asked is what the kernel's gets wrong: it can be unloaded while a
 * sync_file of its fences is open, and shows a buffer's beginning wherever in
 * the dma-buf a mapping begins.
 */
#define _GNU_SOURCE	/* vmsplice, mremap */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_answers.h"
#include "vp_test.h"
#include "vp_vgem.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Our vgem answers as the kernel's own does");

#define RW		(PROT_READ | PROT_WRITE)

static const char *const node_names[] = {
	[VP_RENDER] = "render node", [VP_PRIMARY] = "primary node",
};

#define for_each_node(node) \
	for (enum vp_node node = VP_RENDER; node <= VP_PRIMARY; node++)

static void ask_version(struct vp_answers *to)
{
	for_each_node(node) {
		const char *name = node_names[node];
		int fd = vp_vgem_open(node);
		drmVersionPtr version = drmGetVersion(fd);
		drmSetVersion set = {
			.drm_di_major = 1, .drm_di_minor = 4,
			.drm_dd_major = -1, .drm_dd_minor = -1,
		};
		char dir[PATH_MAX], *busid;
		drmDevicePtr device;
		int ret;

		igt_assert(version);
		vp_say(to, version->name, "name, %s", name);
		vp_say(to, version->desc, "description, %s", name);
		vp_say(to, version->date, "date, %s", name);
		vp_say_number(to, version->version_major, "major, %s", name);
		vp_say_number(to, version->version_minor, "minor, %s", name);
		vp_say_number(to, version->version_patchlevel, "patch, %s",
			      name);
		drmFreeVersion(version);

		vp_say_number(to, vp_try_ioctl(fd, DRM_IOCTL_SET_VERSION, &set),
			      "SET_VERSION, %s", name);
		vp_say_number(to, set.drm_dd_major, "set major, %s", name);
		vp_say_number(to, set.drm_dd_minor, "set minor, %s", name);
		busid = drmGetBusid(fd);
		vp_say(to, busid ? busid : "none", "bus id, %s", name);
		drmFreeBusid(busid);

		vp_vgem_device_dir(dir);
		vp_say(to, dir, "device, %s", name);
		/* libdrm before 2.4.126 does not know the faux bus. */
		ret = drmGetDevice2(fd, 0, &device);
		vp_say_number(to, ret, "drmGetDevice2, %s", name);
		if (!ret) {
			vp_say_number(to, device->bustype, "bus, %s", name);
			vp_say_number(to, device->available_nodes, "nodes, %s",
				      name);
			drmFreeDevice(&device);
		}
		close(fd);
	}
}

static void ask_capabilities(struct vp_answers *to)
{
	for_each_node(node) {
		const char *name = node_names[node];
		int fd = vp_vgem_open(node);

		for (uint32_t i = 0; i < 0x20; i++) {
			struct drm_get_cap get = { .capability = i };
			struct drm_set_client_cap set = {
				.capability = i, .value = 1,
			};

			int ret;

			ret = vp_try_ioctl(fd, DRM_IOCTL_GET_CAP, &get);
			vp_say_number(to, ret, "GET_CAP %u, %s", i, name);
			vp_say_number(to, get.value, "cap %u, %s", i, name);
			ret = vp_try_ioctl(fd, DRM_IOCTL_SET_CLIENT_CAP, &set);
			vp_say_number(to, ret, "SET_CLIENT_CAP %u, %s", i,
				      name);
		}
		close(fd);
	}
}

/* Every ioctl there could be, with nothing but zeros, on a file of its own. */
static void ask_ioctls(struct vp_answers *to)
{
	for_each_node(node) {
		for (unsigned int nr = 0; nr < 256; nr++) {
			unsigned char zeros[256] = {};
			int fd = vp_vgem_open(node);

			vp_say_number(to, vp_try_ioctl(fd, DRM_IOWR(nr, zeros),
						       zeros),
				      "ioctl %#x, %s", nr, node_names[node]);
			close(fd);
		}
	}
}

static const struct {
	uint32_t width, height, bpp;
} dumb_sizes[] = {
	{ 0, 0, 0 }, { 0, 64, 32 }, { 64, 0, 32 }, { 64, 64, 0 },
	{ 1, 1, 1 }, { 3, 1, 1 }, { 9, 1, 1 }, { 3, 1, 12 }, { 5, 7, 24 },
	{ 1, 1, 8 }, { 641, 3, 16 }, { 33, 65, 32 }, { 64, 64, 32 },
	{ 1024, 1024, 8 }, { 1024, 1, 32 }, { 1025, 1, 32 }, { 1, 4097, 8 },
	{ 1 << 15, 1 << 15, 16 }, { 1 << 15, 1 << 15, 32 },
	{ 1 << 16, 1 << 16, 8 }, { 1, 1, UINT32_MAX }, { 1, UINT32_MAX, 8 },
	{ UINT32_MAX, 1, 8 }, { UINT32_MAX, UINT32_MAX, 32 },
	{ 4096, 0xfffff, 8 }, { 1, 1, 100 },
};

static void ask_dumb(struct vp_answers *to)
{
	for_each_node(node) {
		const char *name = node_names[node];
		int fd = vp_vgem_open(node);
		struct vp_dumb dumb = {};
		uint64_t offset = 1;

		for (size_t i = 0; i < VP_ARRAY_SIZE(dumb_sizes); i++) {
			uint32_t width = dumb_sizes[i].width,
				 height = dumb_sizes[i].height,
				 bpp = dumb_sizes[i].bpp;

			memset(&dumb, 0, sizeof(dumb));
			vp_say_number(to, vp_try_create_dumb(fd, width, height,
							     bpp, &dumb),
				      "CREATE %ux%ux%u, %s", width, height, bpp,
				      name);
			vp_say_number(to, dumb.handle, "handle %zu, %s", i,
				      name);
			vp_say_number(to, dumb.pitch, "pitch %zu, %s", i, name);
			vp_say_number(to, dumb.size, "size %zu, %s", i, name);
			if (dumb.handle && i % 2)
				vp_close(fd, dumb.handle);
		}
		vp_try_create_dumb(fd, 64, 64, 32, &dumb);
		vp_say_number(to, vp_try_map_dumb(fd, dumb.handle, &offset),
			      "MAP, %s", name);
		vp_say_number(to, offset % VP_PAGE, "offset in page, %s", name);
		vp_say_number(to, vp_try_map_dumb(fd, 0, &offset), "MAP 0, %s",
			      name);
		vp_say_number(to, vp_try_map_dumb(fd, 999, &offset),
			      "MAP no handle, %s", name);
		for (int i = 0; i < 2; i++)
			vp_say_number(to, vp_try_destroy_dumb(fd, dumb.handle),
				      "DESTROY %d, %s", i, name);
		vp_say_number(to, vp_try_destroy_dumb(fd, 0), "DESTROY 0, %s",
			      name);
		close(fd);
	}
}

static void say_map(struct vp_answers *to, int fd, uint64_t offset, size_t size,
		    int prot, int flags, const char *question)
{
	void *map;
	int ret = vp_try_mmap(fd, offset, size, prot, flags, &map);

	vp_say_number(to, ret, "%s", question);
	if (!ret)
		munmap(map, size);
}

static void ask_map(struct vp_answers *to)
{
	int fd = vp_vgem_open(VP_PRIMARY), other = vp_vgem_open(VP_PRIMARY);
	struct vp_dumb dumb = vp_create_dumb(fd, 64, 64, 32);
	uint64_t offset = 0;
	int read_only, tube[2];
	struct iovec data;
	char path[300];
	void *map, *moved;

	igt_assert_eq(dumb.size, 4 * VP_PAGE);
	igt_assert_eq(vp_try_map_dumb(fd, dumb.handle, &offset), 0);
	igt_assert_eq(vp_vgem_node_path(VP_PRIMARY, path, sizeof(path)), 0);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_lte(0, read_only);

	say_map(to, fd, offset, dumb.size, RW, MAP_SHARED, "map");
	say_map(to, fd, offset, VP_PAGE, RW, MAP_SHARED, "map a page");
	say_map(to, fd, offset, dumb.size, PROT_NONE, MAP_SHARED, "map none");
	say_map(to, fd, offset, dumb.size, RW | PROT_EXEC, MAP_SHARED,
		"map to execute");
	say_map(to, fd, offset, dumb.size + VP_PAGE, RW, MAP_SHARED,
		"map too much");
	say_map(to, fd, offset + VP_PAGE, VP_PAGE, RW, MAP_SHARED,
		"map the second page");
	say_map(to, fd, offset + dumb.size, VP_PAGE, RW, MAP_SHARED,
		"map beyond");
	say_map(to, fd, 0, VP_PAGE, RW, MAP_SHARED, "map offset 0");
	say_map(to, fd, offset, dumb.size, RW, MAP_PRIVATE, "map privately");
	say_map(to, fd, offset, dumb.size, PROT_READ, MAP_PRIVATE,
		"map privately to read");
	say_map(to, other, offset, dumb.size, RW, MAP_SHARED,
		"map in another file");
	say_map(to, read_only, offset, dumb.size, RW, MAP_SHARED,
		"map in a read-only file");

	map = vp_map_dumb(fd, dumb.handle, dumb.size);
	vp_say_number(to, vp_all_zero(map, dumb.size), "zero at first");
	vp_say_number(to, mprotect(map, VP_PAGE, PROT_READ) ? errno : 0,
		      "read only");
	vp_say_number(to, vp_touch(map, true), "write then");
	moved = mremap(map, dumb.size, 2 * dumb.size, MREMAP_MAYMOVE);
	vp_say_number(to, moved == MAP_FAILED ? errno : 0, "grow");
	vp_say_number(to, madvise(map, dumb.size, MADV_DONTNEED) ? errno : 0,
		      "not needed");
	vp_say_number(to, madvise(map, dumb.size, MADV_DOFORK) ? errno : 0,
		      "inherited");
	vp_say_number(to, msync(map, dumb.size, MS_SYNC) ? errno : 0, "msync");
	/* The pages are lent to nobody. */
	igt_assert_eq(pipe(tube), 0);
	data = (struct iovec){ map, 16 };
	vp_say_number(to, vmsplice(tube[1], &data, 1, 0) < 0 ? errno : 0,
		      "vmsplice");
	vp_say_number(to, write(tube[1], map, 16), "write from it");
	munmap(map, dumb.size);
	vp_close(fd, dumb.handle);
	say_map(to, fd, offset, dumb.size, RW, MAP_SHARED, "map a closed one");

	close(tube[0]);
	close(tube[1]);
	close(read_only);
	close(other);
	close(fd);
}

static void ask_dmabuf_itself(struct vp_answers *to, int vgem, uint32_t handle,
			      size_t size)
{
	int dmabuf = vp_export(vgem, handle);
	int again = vp_try_export(vgem, handle, O_CLOEXEC), read_only;
	char path[64], line[128];
	FILE *file;

	/* How the first one was exported holds for all. */
	vp_say_number(to, vp_dmabuf_id(dmabuf) == vp_dmabuf_id(again),
		      "one dma-buf");
	say_map(to, again, 0, size, RW, MAP_SHARED, "map the second export");
	close(again);
	handle = vp_create_dumb(vgem, 64, 64, 32).handle;
	read_only = vp_try_export(vgem, handle, O_CLOEXEC);
	vp_say_number(to, lseek(dmabuf, 0, SEEK_END), "its size");
	vp_say_number(to, lseek(dmabuf, 1, SEEK_SET) < 0 ? errno : 0, "seek");
	vp_say_number(to, read(dmabuf, line, 1) < 0 ? errno : 0, "read");
	vp_say_number(to, vp_poll(dmabuf, POLLIN | POLLOUT, 0), "poll");
	for (uint64_t flags = 0; flags < 16; flags++)
		vp_say_number(to, vp_try_sync(dmabuf, flags), "SYNC %llu",
			      (unsigned long long)flags);
	say_map(to, dmabuf, 0, size, RW, MAP_SHARED, "map the dma-buf");
	say_map(to, dmabuf, 0, size + VP_PAGE, RW, MAP_SHARED,
		"map too much of it");
	say_map(to, dmabuf, size, VP_PAGE, RW, MAP_SHARED, "map beyond it");
	say_map(to, dmabuf, 0, size, RW, MAP_PRIVATE, "map it privately");
	say_map(to, read_only, 0, size, RW, MAP_SHARED,
		"map it read-only to write");
	say_map(to, read_only, 0, size, PROT_READ, MAP_SHARED,
		"map it read-only to read");

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dmabuf);
	file = fopen(path, "re");
	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "exp_name:", 9))
			vp_say(to, strtok(line + 9, "\t\n"),
			       "name of its exporter");
	fclose(file);
	close(read_only);
	close(dmabuf);
}

/* A buffer that only its dma-buf keeps comes back to the device that made it. */
static void ask_return(struct vp_answers *to)
{
	for_each_node(node) {
		const char *name = node_names[node];
		int maker = vp_vgem_open(VP_PRIMARY), user, dmabuf;
		struct vp_dumb dumb = vp_create_dumb(maker, 64, 64, 32);
		uint32_t handle = 0;
		uint64_t offset = 0;

		dmabuf = vp_export(maker, dumb.handle);
		vp_close(maker, dumb.handle);
		user = vp_vgem_open(node);
		vp_say_number(to, vp_try_import(user, dmabuf, &handle), "import it again, %s", name);
		vp_say_number(to, vp_try_map_dumb(user, handle, &offset), "MAP_DUMB, %s", name);
		say_map(to, user, offset, dumb.size, RW, MAP_SHARED, name);
		close(user);
		close(dmabuf);
		close(maker);
	}
}

static void ask_prime(struct vp_answers *to)
{
	static const uint32_t flags[] = {
		0, O_CLOEXEC, O_RDWR, O_CLOEXEC | O_RDWR, O_WRONLY, O_NONBLOCK,
		UINT32_MAX,
	};
	int maker = vp_vgem_open(VP_PRIMARY), dmabuf, null, fd;
	struct vp_dumb dumb = vp_create_dumb(maker, 64, 64, 32);
	struct drm_gem_flink flink = { .handle = dumb.handle };
	uint32_t handle;

	dmabuf = vp_export(maker, dumb.handle);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	igt_assert_lte(0, null);
	igt_assert_eq(vp_try_ioctl(maker, DRM_IOCTL_GEM_FLINK, &flink), 0);
	handle = 0;
	vp_say_number(to, vp_try_import(maker, dmabuf, &handle), "import own");
	vp_say_number(to, handle == dumb.handle, "the same handle");

	for_each_node(node) {
		const char *name = node_names[node];
		struct drm_gem_open open_name = { .name = flink.name };
		int user = vp_vgem_open(node);

		handle = 0;
		vp_say_number(to, vp_try_import(user, dmabuf, &handle),
			      "import, %s", name);
		vp_say_number(to, handle, "handle, %s", name);
		for (size_t i = 0; i < VP_ARRAY_SIZE(flags); i++) {
			fd = vp_try_export(user, handle, flags[i]);
			vp_say_number(to, fd < 0 ? fd : 0, "export %#x, %s",
				      flags[i], name);
			if (fd >= 0)
				close(fd);
		}
		vp_say_number(to, vp_try_export(user, 0, 0), "export 0, %s",
			      name);
		vp_say_number(to, vp_try_export(user, 999, 0),
			      "export no handle, %s", name);
		vp_say_number(to, vp_try_import(user, -1, &handle),
			      "import -1, %s", name);
		vp_say_number(to, vp_try_import(user, null, &handle),
			      "import no dma-buf, %s", name);
		vp_say_number(to, vp_try_import(user, user, &handle),
			      "import the node, %s", name);
		vp_say_number(to, vp_try_ioctl(user, DRM_IOCTL_GEM_OPEN,
					       &open_name),
			      "GEM_OPEN, %s", name);
		vp_say_number(to, open_name.size, "its size, %s", name);
		for (int i = 0; i < 2; i++)
			vp_say_number(to, vp_try_close(user, 1),
				      "GEM_CLOSE %d, %s", i, name);
		close(user);
	}
	ask_dmabuf_itself(to, maker, dumb.handle, dumb.size);
	close(null);
	close(dmabuf);
	close(maker);
}

static void say_attachment(struct vp_answers *to, uint64_t id)
{
	const struct vp_watch_attachment *vgem =
		vp_watch_attachment(id, "vgem");

	igt_assert(vgem);
	vp_say(to, vgem->driver, "its driver");
	vp_say(to, vgem->lifetime, "lifetime of its mapping");
	vp_say(to, vgem->mapped, "mapped");
	vp_say(to, vgem->direction, "direction");
	vp_say_number(to, vgem->pins, "pins");
}

/* A buffer of vprime's on vgem, and one of vgem's on vprime. */
static void ask_foreign(struct vp_answers *to)
{
	int gpu = vp_open(0), vgem = vp_vgem_open(VP_PRIMARY), dmabuf, again;
	uint32_t handle = vp_create(gpu, 4 * VP_PAGE), imported = 0, fence;
	uint64_t id = vp_id(gpu, handle), offset;
	struct drm_vprime_gem_info info;
	struct vp_dumb dumb;

	dmabuf = vp_export(gpu, handle);
	vp_say_number(to, vp_try_import(vgem, dmabuf, &imported), "import");
	vp_say_number(to, imported, "handle");
	say_attachment(to, id);
	vp_say_number(to, vp_try_map_dumb(vgem, imported, &offset), "MAP_DUMB");
	again = vp_export(vgem, imported);
	vp_say_number(to, vp_dmabuf_id(again) == vp_dmabuf_id(dmabuf),
		      "exported again it is the same");
	vp_say_number(to, vp_try_fence_attach(vgem, imported, 1, 0, &fence),
		      "FENCE_ATTACH");
	vp_say_number(to, vp_poll(dmabuf, POLLIN | POLLOUT, 0), "poll");
	vp_say_number(to, vp_try_destroy_dumb(vgem, imported), "DESTROY_DUMB");
	close(again);
	vp_say_number(to, vp_watch_attachment(id, "vgem") != NULL,
		      "attached when it has no handle");
	vp_say_number(to, vp_poll(dmabuf, POLLIN | POLLOUT, 0),
		      "poll when it has no handle");
	close(dmabuf);

	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	imported = vp_import(gpu, dmabuf);
	info = vp_info(gpu, imported);
	vp_say(to, info.origin, "origin");
	vp_say_number(to, info.size, "size");
	vp_say_number(to, info.resident, "resident");
	vp_say_number(to, info.flags, "flags");
	close(dmabuf);
	close(vgem);
	close(gpu);
}

static void say_files(struct vp_answers *to, const char *dir_path)
{
	struct dirent **names;
	int count = scandir(dir_path, &names, NULL, alphasort);

	vp_say_number(to, count, "files in %.60s", dir_path);
	for (int i = 0; i < count; i++) {
		/* Numbers come and go with other devices. */
		if (names[i]->d_name[0] != '.')
			vp_say(to, names[i]->d_name, "file %d in %.60s", i,
			       dir_path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static void say_text(struct vp_answers *to, const char *path)
{
	char text[96] = "none";
	FILE *file = fopen(path, "re");

	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = 0;
		fclose(file);
	}
	vp_say(to, text, "%.90s", path);
}

static void say_link(struct vp_answers *to, const char *device,
		     const char *name)
{
	char path[PATH_MAX + 16], target[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", device, name);
	vp_say(to, realpath(path, target) ? target : "none", "%s", name);
}

static void ask_files(struct vp_answers *to)
{
	char device[PATH_MAX], path[2 * PATH_MAX], node[300], debug[360];

	igt_assert_eq(vp_vgem_node_path(VP_PRIMARY, node, sizeof(node)), 0);
	vp_vgem_device_dir(device);
	vp_say(to, device, "device");
	say_files(to, device);
	snprintf(path, sizeof(path), "%s/drm", device);
	say_files(to, path);
	snprintf(path, sizeof(path), "%s/uevent", device);
	say_text(to, path);
	snprintf(path, sizeof(path), "%s/modalias", device);
	say_text(to, path);
	say_link(to, device, "subsystem");
	say_link(to, device, "driver");
	say_files(to, "/sys/bus/platform/drivers/vgem");
	say_files(to, "/sys/module/vgem/parameters");
	snprintf(path, sizeof(path), "%s/drm/%s", device,
		 strrchr(node, '/') + 1);
	say_files(to, path);
	snprintf(debug, sizeof(debug), "/sys/kernel/debug/dri/%d",
		 atoi(strpbrk(node, "0123456789")));
	say_files(to, debug);
	snprintf(path, sizeof(path), "%s/name", debug);
	say_text(to, path);
	say_files(to, "/sys/kernel/debug/vgem");
}

static void say_kept(struct vp_answers *to, const char *why)
{
	vp_say_number(to, vp_try_vgem_unload(), "unload, %s", why);
}

static void ask_unload(struct vp_answers *to)
{
	struct vp_dumb dumb;
	int fd, dmabuf;
	void *map;

	for_each_node(node) {
		fd = vp_vgem_open(node);
		say_kept(to, node_names[node]);
		close(fd);
	}
	fd = vp_vgem_open(VP_PRIMARY);
	dumb = vp_create_dumb(fd, 64, 64, 32);
	map = vp_map_dumb(fd, dumb.handle, dumb.size);
	dmabuf = vp_export(fd, dumb.handle);
	close(fd);
	say_kept(to, "a mapping and a dma-buf");
	close(dmabuf);
	say_kept(to, "a mapping");
	fd = vp_vgem_open(VP_PRIMARY);
	dumb = vp_create_dumb(fd, 64, 64, 32);
	dmabuf = vp_export(fd, dumb.handle);
	close(fd);
	vp_unmap(map, dumb.size);
	say_kept(to, "a dma-buf");
	map = vp_map_dmabuf(dmabuf, dumb.size, RW);
	close(dmabuf);
	say_kept(to, "a mapping of a dma-buf");
	vp_unmap(map, dumb.size);
}

/* Who asks a dma-buf for its exporter finds the driver, not "drm" for all. */
static const struct vp_difference prime_differences[] = {
	{ "name of its exporter", "drm", "vgem" },
};

/* Our vgem follows buffers that move, and maps when it needs to. */
static const struct vp_difference foreign_differences[] = {
	{ "lifetime of its mapping", "pinned", "movable" },
	{ "mapped", "yes", "no" },
	{ "direction", "bidirectional", "none" },
	{ "pins", "1", "0" },
	{ "origin", "drm", "vgem" },
};

/* Our mappings are VM_IO too. */
static const struct vp_difference map_differences[] = {
	{ "inherited", "0", "22" },
};

#define compare_but(ask, known) \
	vp_compare_vgem_but(ask, known, VP_ARRAY_SIZE(known))

igt_main
{
	igt_describe("Name, version, bus and device");
	vp_subtest("version")
		vp_compare_vgem(ask_version);

	igt_describe("What it can do, and what it can be told to");
	vp_subtest("capabilities")
		vp_compare_vgem(ask_capabilities);

	igt_describe("Every number an ioctl could have, filled with zeros");
	vp_subtest("ioctls")
		vp_compare_vgem(ask_ioctls);

	igt_describe("Dumb buffers of good and bad sizes: results, pitches, sizes, handles");
	vp_subtest("dumb")
		vp_compare_vgem(ask_dumb);

	igt_describe("Mappings of its buffers, good and bad");
	vp_subtest("map")
		compare_but(ask_map, map_differences);

	igt_describe("Exports and imports of its own buffers, and the dma-bufs");
	vp_subtest("prime")
		compare_but(ask_prime, prime_differences);

	igt_describe("A buffer without handles comes back by its dma-buf, and is mapped");
	vp_subtest("return")
		vp_compare_vgem(ask_return);

	igt_describe("A buffer of vprime's on it, and one of its own on vprime");
	vp_subtest("foreign")
		compare_but(ask_foreign, foreign_differences);

	igt_describe("Its files in sysfs and debugfs");
	vp_subtest("files")
		vp_compare_vgem(ask_files);

	igt_describe("What keeps it from being unloaded");
	vp_subtest("unload")
		vp_compare_vgem(ask_unload);

	igt_fixture
		vp_vgem_end();
}
