// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_gpu.h"
#include "vp_igt.h"

int vp_node_path(unsigned int gpu, enum vp_node node, char *path, size_t len)
{
	const char *prefix = node == VP_PRIMARY ? "card" : "renderD";
	struct dirent *entry;
	char dir_path[80];
	int ret = -ENODEV;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path),
		 "/sys/bus/platform/devices/vprime%u/drm", gpu);
	dir = opendir(dir_path);
	if (!dir)
		return -ENODEV;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, len, "/dev/dri/%s", entry->d_name);
		ret = 0;
	}
	closedir(dir);
	return ret;
}

int vp_try_open_node(unsigned int gpu, enum vp_node node, int flags)
{
	char path[300];
	int fd, ret;

	ret = vp_node_path(gpu, node, path, sizeof(path));
	if (ret)
		return ret;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int vp_open_node(unsigned int gpu, enum vp_node node)
{
	int fd = vp_try_open_node(gpu, node, O_RDWR);

	igt_assert_f(fd >= 0, "GPU %u, %s node: %s\n", gpu,
		     node == VP_PRIMARY ? "primary" : "render", strerror(-fd));
	return fd;
}

int vp_open(unsigned int gpu)
{
	return vp_open_node(gpu, VP_RENDER);
}

int vp_try_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);

	return ret < 0 ? -errno : 0;
}

int vp_try_create(int gpu, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_vprime_gem_create create = { .size = size, .flags = flags };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_CREATE, &create);

	/* The interface promises that a failure does not touch the size. */
	if (ret)
		igt_assert_eq(create.size, size);
	else if (handle)
		*handle = create.handle;
	return ret;
}

uint32_t vp_create(int gpu, uint64_t size)
{
	uint32_t handle = 0;

	igt_assert_eq(vp_try_create(gpu, size, 0, &handle), 0);
	igt_assert_neq(handle, 0);
	return handle;
}

int vp_try_close(int gpu, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	return vp_try_ioctl(gpu, DRM_IOCTL_GEM_CLOSE, &close);
}

void vp_close(int gpu, uint32_t handle)
{
	igt_assert_eq(vp_try_close(gpu, handle), 0);
}

int vp_try_param(int gpu, uint32_t param, uint32_t pad, uint64_t *value)
{
	struct drm_vprime_get_param get = { .param = param, .pad = pad };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GET_PARAM, &get);

	if (!ret && value)
		*value = get.value;
	return ret;
}

uint64_t vp_param(int gpu, uint32_t param)
{
	uint64_t value;

	igt_assert_eq(vp_try_param(gpu, param, 0, &value), 0);
	return value;
}

uint64_t vp_cap(int gpu, uint64_t which)
{
	uint64_t value = ~0ull;

	igt_assert_eq(drmGetCap(gpu, which, &value), 0);
	return value;
}

int vp_try_info(int gpu, uint32_t handle, uint32_t pad,
		struct drm_vprime_gem_info *info)
{
	struct drm_vprime_gem_info get = { .handle = handle, .pad = pad };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_INFO, &get);

	if (!ret && info)
		*info = get;
	return ret;
}

struct drm_vprime_gem_info vp_info(int gpu, uint32_t handle)
{
	struct drm_vprime_gem_info info;

	igt_assert_eq(vp_try_info(gpu, handle, 0, &info), 0);
	igt_assert(memchr(info.origin, 0, sizeof(info.origin)));
	return info;
}

uint64_t vp_id(int gpu, uint32_t handle)
{
	return vp_info(gpu, handle).id;
}

static int try_access(int gpu, unsigned long request, uint32_t handle,
		      uint64_t offset, const void *data, size_t size)
{
	struct drm_vprime_gem_access access = {
		.handle = handle,
		.offset = offset,
		.size = size,
		.data = (uintptr_t)data,
	};

	return vp_try_ioctl(gpu, request, &access);
}

int vp_try_peek(int gpu, uint32_t handle, uint64_t offset, void *data,
		size_t size)
{
	return try_access(gpu, DRM_IOCTL_VPRIME_GEM_PEEK, handle, offset, data,
			  size);
}

void vp_peek(int gpu, uint32_t handle, uint64_t offset, void *data, size_t size)
{
	igt_assert_eq(vp_try_peek(gpu, handle, offset, data, size), 0);
}

int vp_try_poke(int gpu, uint32_t handle, uint64_t offset, const void *data,
		size_t size)
{
	return try_access(gpu, DRM_IOCTL_VPRIME_GEM_POKE, handle, offset, data,
			  size);
}

void vp_poke(int gpu, uint32_t handle, uint64_t offset, const void *data,
	     size_t size)
{
	igt_assert_eq(vp_try_poke(gpu, handle, offset, data, size), 0);
}

int vp_try_create_dumb(int gpu, uint32_t width, uint32_t height, uint32_t bpp,
		       struct vp_dumb *dumb)
{
	struct drm_mode_create_dumb create = {
		.width = width, .height = height, .bpp = bpp,
	};
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_MODE_CREATE_DUMB, &create);

	if (!ret && dumb)
		*dumb = (struct vp_dumb){ create.handle, create.pitch,
					  create.size };
	return ret;
}

struct vp_dumb vp_create_dumb(int gpu, uint32_t width, uint32_t height,
			      uint32_t bpp)
{
	struct vp_dumb dumb = {};

	igt_assert_eq(vp_try_create_dumb(gpu, width, height, bpp, &dumb), 0);
	igt_assert_neq(dumb.handle, 0);
	return dumb;
}

int vp_try_destroy_dumb(int gpu, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = { .handle = handle };

	return vp_try_ioctl(gpu, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

int vp_try_map_dumb(int gpu, uint32_t handle, uint64_t *offset)
{
	struct drm_mode_map_dumb map = { .handle = handle };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_MODE_MAP_DUMB, &map);

	if (!ret && offset)
		*offset = map.offset;
	return ret;
}

void *vp_map_dumb(int gpu, uint32_t handle, size_t size)
{
	uint64_t offset = 0;
	void *map = NULL;

	igt_assert_eq(vp_try_map_dumb(gpu, handle, &offset), 0);
	igt_assert_eq(vp_try_mmap(gpu, offset, size, PROT_READ | PROT_WRITE,
				  MAP_SHARED, &map), 0);
	return map;
}

int vp_try_export(int gpu, uint32_t handle, uint32_t flags)
{
	struct drm_prime_handle prime = {
		.handle = handle, .flags = flags, .fd = -1,
	};
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	return ret ? ret : prime.fd;
}

int vp_export(int gpu, uint32_t handle)
{
	int fd = vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR);

	igt_assert_f(fd >= 0, "export: %s\n", strerror(-fd));
	return fd;
}

int vp_try_import(int gpu, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	if (!ret && handle)
		*handle = prime.handle;
	return ret;
}

uint32_t vp_import(int gpu, int dmabuf)
{
	uint32_t handle = 0;

	igt_assert_eq(vp_try_import(gpu, dmabuf, &handle), 0);
	igt_assert_neq(handle, 0);
	return handle;
}

int vp_try_mmap_offset(int gpu, uint32_t handle, uint32_t pad,
		       uint64_t *offset)
{
	struct drm_vprime_gem_mmap_offset get = { .handle = handle, .pad = pad };
	int ret = vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, &get);

	if (!ret && offset)
		*offset = get.offset;
	return ret;
}

uint64_t vp_mmap_offset(int gpu, uint32_t handle)
{
	uint64_t offset = 0;

	igt_assert_eq(vp_try_mmap_offset(gpu, handle, 0, &offset), 0);
	return offset;
}

int vp_try_mmap(int fd, uint64_t offset, size_t size, int prot, int flags,
		void **map)
{
	void *addr = mmap(NULL, size, prot, flags, fd, (off_t)offset);

	if (addr == MAP_FAILED)
		return -errno;
	if (map)
		*map = addr;
	else
		munmap(addr, size);
	return 0;
}

void *vp_map(int gpu, uint32_t handle, size_t size, int prot)
{
	void *map = NULL;

	igt_assert_eq(vp_try_mmap(gpu, vp_mmap_offset(gpu, handle), size, prot,
				  MAP_SHARED, &map), 0);
	return map;
}

void *vp_map_dmabuf(int dmabuf, size_t size, int prot)
{
	void *map = NULL;

	igt_assert_eq(vp_try_mmap(dmabuf, 0, size, prot, MAP_SHARED, &map), 0);
	return map;
}

void vp_unmap(void *map, size_t size)
{
	igt_assert_eq(munmap(map, size), 0);
}

uint64_t vp_dmabuf_id(int dmabuf)
{
	struct stat st;

	igt_assert_eq(fstat(dmabuf, &st), 0);
	return st.st_ino;
}

int vp_try_sync(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return vp_try_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

void vp_sync_start(int dmabuf, uint64_t access)
{
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START | access), 0);
}

void vp_sync_end(int dmabuf, uint64_t access)
{
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END | access), 0);
}

struct in_thread {
	int dmabuf;
	uint64_t flags;
	int ret;
};

static void *sync_in_thread(void *arg)
{
	struct in_thread *sync = arg;

	sync->ret = vp_try_sync(sync->dmabuf, sync->flags);
	return NULL;
}

void vp_sync_in_thread(int dmabuf, uint64_t flags)
{
	struct in_thread sync = { dmabuf, flags, 0 };
	pthread_t thread;

	igt_assert_eq(pthread_create(&thread, NULL, sync_in_thread, &sync), 0);
	pthread_join(thread, NULL);
	igt_assert_eq(sync.ret, 0);
}
