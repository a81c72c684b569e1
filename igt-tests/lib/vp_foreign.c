// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_foreign.h"
#include "vp_gpu.h"
#include "vp_fence.h"
#include "vp_igt.h"
#include "vp_pattern.h"

#define MODULE_DIR	"/sys/module/" VP_FOREIGN_NAME
#define DEVICE_PATH	"/dev/" VP_FOREIGN_NAME
#define DELAY_MS	100
#define POLL_MS		10

static void load(void)
{
	const char *build = getenv("VPRIME_BUILD");
	char path[PATH_MAX];
	int file;

	igt_assert_f(build, "VPRIME_BUILD does not say where the modules are\n");
	snprintf(path, sizeof(path), "%s/%s.ko", build,
		 VP_FOREIGN_NAME);
	file = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_f(file >= 0, "%s: %s\n", path, strerror(errno));
	igt_assert_f(syscall(SYS_finit_module, file, "", 0) == 0, "%s: %s\n",
		     path, strerror(errno));
	close(file);
}

int vp_foreign_open(void)
{
	int fd;

	if (access(MODULE_DIR, F_OK))
		load();
	fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);
	igt_assert_f(fd >= 0, DEVICE_PATH ": %s\n", strerror(errno));
	return fd;
}

int vp_foreign_open_fresh(void)
{
	int fd = vp_foreign_open();

	vp_foreign_set("delay_ms", DELAY_MS);
	vp_foreign_set("dma_bits", 64);
	vp_foreign_set("fail_attach", 0);
	vp_foreign_set("fail_map", 0);
	return fd;
}

void vp_foreign_unload(void)
{
	int err = EWOULDBLOCK;

	if (access(MODULE_DIR, F_OK))
		return;
	/* Fences are freed a moment after the last buffer that had them. */
	for (int ms = 0; err == EWOULDBLOCK && ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (ms)
			usleep(POLL_MS * 1000);
		err = syscall(SYS_delete_module, VP_FOREIGN_NAME, O_NONBLOCK) ?
			      errno : 0;
	}
	igt_assert_f(!err, "unloading " VP_FOREIGN_NAME ": %s\n",
		     strerror(err));
}

void vp_foreign_set(const char *option, unsigned int value)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), MODULE_DIR "/parameters/%s", option);
	file = fopen(path, "we");
	igt_assert_f(file, "%s: %s\n", path, strerror(errno));
	fprintf(file, "%u\n", value);
	igt_assert_eq(fclose(file), 0);
}

int vp_foreign_try_attach(int foreign, int dmabuf, uint32_t flags,
			  uint32_t *id)
{
	struct vp_foreign_attach attach = { .fd = dmabuf, .flags = flags };
	int ret = vp_try_ioctl(foreign, VP_FOREIGN_ATTACH, &attach);

	if (!ret && id)
		*id = attach.id;
	return ret;
}

uint32_t vp_foreign_attach(int foreign, int dmabuf, uint32_t flags)
{
	uint32_t id = 0;

	igt_assert_eq(vp_foreign_try_attach(foreign, dmabuf, flags, &id), 0);
	return id;
}

static int try_id(int foreign, unsigned long request, uint32_t id)
{
	struct vp_foreign_id arg = { .id = id };

	return vp_try_ioctl(foreign, request, &arg);
}

void vp_foreign_detach(int foreign, uint32_t id)
{
	igt_assert_eq(try_id(foreign, VP_FOREIGN_DETACH, id), 0);
}

int vp_foreign_try_map(int foreign, uint32_t id, uint32_t direction)
{
	struct vp_foreign_map map = { .id = id, .direction = direction };

	return vp_try_ioctl(foreign, VP_FOREIGN_MAP, &map);
}

uint32_t vp_foreign_hold(int foreign, int dmabuf)
{
	uint32_t id = vp_foreign_attach(foreign, dmabuf, VP_FOREIGN_STATIC);

	igt_assert_eq(vp_foreign_try_map(foreign, id, VP_FOREIGN_BIDIRECTIONAL),
		      0);
	return id;
}

int vp_foreign_try_unmap(int foreign, uint32_t id)
{
	return try_id(foreign, VP_FOREIGN_UNMAP, id);
}

int vp_foreign_try_pin(int foreign, uint32_t id)
{
	return try_id(foreign, VP_FOREIGN_PIN, id);
}

int vp_foreign_try_unpin(int foreign, uint32_t id)
{
	return try_id(foreign, VP_FOREIGN_UNPIN, id);
}

int vp_foreign_try_read(int foreign, uint32_t id, uint64_t offset, void *data,
			size_t size)
{
	struct vp_foreign_access access = {
		.id = id, .offset = offset, .size = size,
		.data = (uintptr_t)data,
	};

	return vp_try_ioctl(foreign, VP_FOREIGN_READ, &access);
}

int vp_foreign_try_write(int foreign, uint32_t id, uint64_t offset,
			 const void *data, size_t size)
{
	struct vp_foreign_access access = {
		.id = id, .offset = offset, .size = size,
		.data = (uintptr_t)data,
	};

	return vp_try_ioctl(foreign, VP_FOREIGN_WRITE, &access);
}

struct vp_foreign_state vp_foreign_state(int foreign, uint32_t id)
{
	struct vp_foreign_state state = { .id = id };

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_STATE, &state), 0);
	return state;
}

bool vp_foreign_is_mapped(int foreign, uint32_t id)
{
	return vp_foreign_state(foreign, id).flags & VP_FOREIGN_IS_MAPPED;
}

uint64_t vp_foreign_address(int foreign, uint32_t id, uint64_t offset)
{
	struct vp_foreign_address address = { .id = id, .offset = offset };

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_ADDRESS, &address), 0);
	return address.address;
}

void vp_foreign_fill(int foreign, uint32_t id, size_t size, uint32_t seed)
{
	void *pixels = malloc(size);

	igt_assert(pixels);
	vp_fill(pixels, size, seed);
	igt_assert_eq(vp_foreign_try_write(foreign, id, 0, pixels, size), 0);
	free(pixels);
}

bool vp_foreign_sees(int foreign, uint32_t id, size_t size, uint32_t seed)
{
	void *pixels = calloc(1, size);
	long mismatch;

	igt_assert(pixels);
	igt_assert_eq(vp_foreign_try_read(foreign, id, 0, pixels, size), 0);
	mismatch = vp_mismatch(pixels, size, seed);
	free(pixels);
	if (mismatch != VP_INTACT)
		igt_info("wrong pixel at byte %ld\n", mismatch);
	return mismatch == VP_INTACT;
}

int vp_foreign_try_vmap(int foreign, int dmabuf, uint32_t *id)
{
	struct vp_foreign_vmap vmap = { .fd = dmabuf };
	int ret = vp_try_ioctl(foreign, VP_FOREIGN_VMAP, &vmap);

	if (!ret)
		*id = vmap.id;
	return ret;
}

void vp_foreign_vunmap(int foreign, uint32_t id)
{
	igt_assert_eq(try_id(foreign, VP_FOREIGN_VUNMAP, id), 0);
}

int vp_foreign_export(int foreign, size_t size, uint32_t flags)
{
	struct vp_foreign_export export = { .size = size, .flags = flags };

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_EXPORT, &export), 0);
	return export.fd;
}

void vp_foreign_fail(int foreign, int dmabuf, enum vp_foreign_step step,
		     int error, uint32_t count)
{
	struct vp_foreign_fail fail = {
		.fd = dmabuf, .step = step, .error = (uint32_t)error,
		.count = count,
	};

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_FAIL, &fail), 0);
}

int vp_foreign_try_move(int foreign, int dmabuf)
{
	struct vp_foreign_fd arg = { .fd = dmabuf };

	return vp_try_ioctl(foreign, VP_FOREIGN_MOVE, &arg);
}

struct vp_foreign_buffer vp_foreign_buffer(int foreign, int dmabuf)
{
	struct vp_foreign_buffer buffer = { .fd = dmabuf };

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_BUFFER, &buffer), 0);
	return buffer;
}

uint32_t vp_foreign_add_fence(int foreign, int dmabuf, uint32_t usage,
			      uint32_t timeout_ms)
{
	struct vp_foreign_fence fence = {
		.fd = dmabuf, .usage = usage, .timeout_ms = timeout_ms,
	};

	igt_assert_eq(vp_try_ioctl(foreign, VP_FOREIGN_ADD_FENCE, &fence), 0);
	return fence.id;
}

void vp_foreign_signal(int foreign, uint32_t id)
{
	igt_assert_eq(try_id(foreign, VP_FOREIGN_SIGNAL, id), 0);
}

struct vp_foreign_shared vp_foreign_share(size_t size)
{
	struct vp_foreign_shared s = { .size = size };

	s.foreign = vp_foreign_open_fresh();
	s.gpu0 = vp_open(0);
	s.gpu1 = vp_open(1);
	s.handle0 = vp_create(s.gpu0, size);
	s.dmabuf = vp_export(s.gpu0, s.handle0);
	s.handle1 = vp_import(s.gpu1, s.dmabuf);
	s.id = vp_id(s.gpu0, s.handle0);
	vp_gpu_fill(s.gpu0, s.handle0, size, 1);
	return s;
}

void vp_foreign_unshare(struct vp_foreign_shared *s)
{
	close(s->dmabuf);
	close(s->gpu0);
	close(s->gpu1);
	close(s->foreign);
}
