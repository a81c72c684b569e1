// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each of several processes does at the same time, see op_burst.c. Runs in
 * the worker.
 */
#define _GNU_SOURCE	/* sched_setaffinity */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "fuzz.h"
#include "vp_gpu.h"

/* As much of its part is written at a time. */
#define PIECE		6000

static uint8_t source[PIECE], result[PIECE];
static const char *failed;

/* What went wrong, for the first time. */
static int64_t note(int64_t ret, const char *what)
{
	if (ret && !failed)
		failed = what;
	return ret;
}

static int64_t call(int fd, unsigned long request, void *arg, const char *what)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && errno == EINTR);
	return note(ret ? -errno : 0, what);
}

static int64_t get_handle(const struct fz_burst *burst, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = burst->dmabuf };
	int64_t ret;

	*handle = burst->handle;
	if (*handle)
		return 0;
	ret = call(burst->gpu, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime, "import");
	*handle = prime.handle;
	return ret;
}

static int64_t put_handle(const struct fz_burst *burst, uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	if (burst->handle)
		return 0;
	return call(burst->gpu, DRM_IOCTL_GEM_CLOSE, &close, "closing a handle");
}

static int64_t differ(const char *what)
{
	return note(memcmp(source, result, PIECE) ? FZ_DIFFERS(0) : 0, what);
}

/* By the GPU: a piece at @at, of @size bytes that are in the source. */
static int64_t access_by_gpu(const struct fz_burst *burst, uint32_t handle,
			     uint64_t at, size_t size)
{
	struct drm_vprime_gem_access access = {
		.handle = handle, .offset = at, .size = size,
		.data = (uintptr_t)source,
	};
	int64_t ret;

	ret = call(burst->gpu, DRM_IOCTL_VPRIME_GEM_POKE, &access, "poke");
	if (ret)
		return ret;
	memcpy(result, source, PIECE);
	memset(result, 0, size);
	access.data = (uintptr_t)result;
	ret = call(burst->gpu, DRM_IOCTL_VPRIME_GEM_PEEK, &access, "peek");
	return ret ?: differ("what the GPU has just written");
}

static int64_t cpu_access(const struct fz_burst *burst, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	return call(burst->dmabuf, DMA_BUF_IOCTL_SYNC, &sync,
		    flags & DMA_BUF_SYNC_END ? "end of access" :
					       "begin of access");
}

static int64_t access_by_map(const struct fz_burst *burst, int fd,
			     uint64_t offset, uint64_t at, size_t size)
{
	uint8_t *map = mmap(NULL, burst->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, (off_t)offset);

	int64_t ret = 0;

	if (map == MAP_FAILED)
		return note(-errno, "mmap");
	if (burst->bracketed)
		ret = cpu_access(burst, DMA_BUF_SYNC_START);
	memcpy(map + at, source, size);
	memcpy(result, source, PIECE);
	memcpy(result, map + at, size);
	if (burst->bracketed && !ret)
		ret = cpu_access(burst, DMA_BUF_SYNC_END);
	if (ret)
		return ret;
	if (munmap(map, burst->size))
		return note(-errno, "munmap");
	return differ("what the CPU has just written");
}

static int64_t access_by_handle(const struct fz_burst *burst, uint32_t handle,
				uint64_t at, size_t size)
{
	struct drm_vprime_gem_mmap_offset get = { .handle = handle };
	int64_t ret;

	ret = call(burst->gpu, DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, &get,
		   "mmap offset");
	return ret ?: access_by_map(burst, burst->gpu, get.offset, at, size);
}

static int64_t move(const struct fz_burst *burst)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu",
			   (unsigned long long)burst->number);

	return note(write(burst->move, text, (size_t)len) == len ? 0 : -errno,
		    "move");
}

static int64_t export(const struct fz_burst *burst, uint32_t handle)
{
	struct drm_prime_handle prime = {
		.handle = handle, .flags = O_RDWR | O_CLOEXEC,
	};
	int64_t ret;

	ret = call(burst->gpu, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime, "export");
	return ret ?: note(close(prime.fd) ? -errno : 0, "close");
}

/* While the GPUs of others are at work it is not idle, and soon is. */
static int64_t look(const struct fz_burst *burst, uint32_t handle)
{
	struct drm_vprime_gem_wait wait = {
		.handle = handle, .flags = 1, .timeout_ns = INT64_MAX,
	};
	struct drm_vprime_gem_info info = { .handle = handle };
	struct pollfd asked = { .fd = burst->dmabuf, .events = POLLOUT };
	int64_t ret;

	ret = call(burst->gpu, DRM_IOCTL_VPRIME_GEM_INFO, &info, "info");
	if (!ret)
		ret = call(burst->gpu, DRM_IOCTL_VPRIME_GEM_WAIT, &wait,
			   "wait");
	if (!ret)
		ret = note(info.id == burst->number ? 0 : -EBADF, "its number");
	return ret ?: note(poll(&asked, 1, -1) == 1 ? 0 : -EAGAIN,
			   "poll");
}

static int64_t access_of_cpu(const struct fz_burst *burst)
{
	int64_t ret = cpu_access(burst, DMA_BUF_SYNC_START);

	return ret ?: cpu_access(burst, DMA_BUF_SYNC_END);
}

/* One thing out of these, with a piece of our part. */
static int64_t do_one(const struct fz_burst *burst, struct fz_random *random,
		      uint32_t handle)
{
	unsigned int own = (unsigned int)(burst->end - burst->begin);
	uint64_t at = burst->begin + fz_below(random, own);
	size_t size = 1 + fz_below(random, burst->end - at < PIECE ?
				   (unsigned int)(burst->end - at) : PIECE);

	fz_pattern(source, PIECE, (uint32_t)fz_random(random), 0);
	switch (fz_below(random, 9)) {
	case 0:
	case 1:
		return access_by_gpu(burst, handle, at, size);
	case 2:
	case 3:
		return access_by_map(burst, burst->dmabuf, 0, at, size);
	case 4:
		return access_by_handle(burst, handle, at, size);
	case 5:
		return move(burst);
	case 6:
		return export(burst, handle);
	case 7:
		return look(burst, handle);
	default:
		return access_of_cpu(burst);
	}
}

/* What is in our part in the end. */
static int64_t do_last(const struct fz_burst *burst)
{
	uint8_t *map = mmap(NULL, burst->size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, burst->dmabuf, 0);

	int64_t ret;

	if (map == MAP_FAILED)
		return note(-errno, "the last mmap");
	ret = cpu_access(burst, DMA_BUF_SYNC_START);
	if (ret)
		return ret;
	fz_pattern(map + burst->begin, burst->end - burst->begin, burst->stamp,
		   burst->begin);
	ret = cpu_access(burst, DMA_BUF_SYNC_END);
	return ret ?: note(munmap(map, burst->size) ? -errno : 0, "munmap");
}

static void use_processors(int which)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (which < 0 || cpu == which)
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int64_t fz_burst(const struct fz_burst *burst, char *what, size_t size)
{
	struct fz_random random = { burst->seed };
	uint32_t handle;
	int64_t ret = 0;

	failed = NULL;
	use_processors(-1);
	for (uint32_t round = 0; round < burst->rounds && !ret; round++) {
		ret = get_handle(burst, &handle);
		for (unsigned int i = fz_below(&random, 4) + 1; i && !ret; i--)
			ret = do_one(burst, &random, handle);
		if (!ret)
			ret = put_handle(burst, handle);
	}
	if (!ret)
		ret = do_last(burst);
	use_processors(burst->processor);
	snprintf(what, size, "%s", failed ?: "");
	return ret;
}
