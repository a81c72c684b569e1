// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing buffers and reading them, by a GPU, through a GPU's file, and through
 * the dma-buf; each byte.
 */
#define _GNU_SOURCE
#include <drm/vprime_drm.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xf86drm.h>

#include "contents.h"
#include "fail.h"
#include "pattern.h"

uint64_t contents_id(struct worker *worker, const struct gpu_file *file,
		     const struct buffer *buffer)
{
	struct drm_vprime_gem_info info = { .handle = buffer->handle };

	if (!drmIoctl(file->fd, DRM_IOCTL_VPRIME_GEM_INFO, &info))
		return info.id;
	if (errno != ENODEV || !file_gone(worker, file))
		fail("asking about a buffer: %s", strerror(errno));
	return 0;
}

static void access_cpu(const struct buffer *buffer, unsigned int access, bool begins)
{
	int ret = begins ? buffer_begin(buffer, access) : buffer_end(buffer, access);

	if (ret)
		fail("%s CPU access: %s", begins ? "beginning" : "ending", strerror(-ret));
}

static uint32_t *map_dmabuf(struct worker *worker, const struct buffer *buffer)
{
	void *map;

	begin(worker, KIND_MAP);
	map = mmap(NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer->dmabuf, 0);
	if (map == MAP_FAILED)
		fail("mapping a dma-buf: %s", strerror(errno));
	done(worker, KIND_MAP);
	return map;
}

uint32_t *contents_begin(struct worker *worker, const struct buffer *buffer, unsigned int access)
{
	uint32_t *words = map_dmabuf(worker, buffer);

	begin(worker, access & BUFFER_WRITE ? KIND_WRITE : KIND_READ);
	access_cpu(buffer, access, true);
	return words;
}

void contents_end(struct worker *worker, const struct buffer *buffer, uint32_t *words,
		  unsigned int access)
{
	begin(worker, access & BUFFER_WRITE ? KIND_WRITE : KIND_READ);
	access_cpu(buffer, access, false);
	munmap(words, buffer->size);
}

static bool by_gpu(struct worker *worker, const struct gpu_file *file,
		   const struct buffer *buffer, enum kind kind, unsigned long request)
{
	struct drm_vprime_gem_access access = {
		.handle = buffer->handle, .size = buffer->size,
		.data = (uintptr_t)worker->pixels,
	};

	begin(worker, kind);
	return worked(worker, file, kind, drmIoctl(file->fd, request, &access) ? -errno : 0);
}

const char *contents_fill(struct worker *worker, const struct gpu_file *file,
			  const struct buffer *buffer, uint32_t seed)
{
	uint32_t *words;

	if (any(worker, 2)) {
		pattern_fill(worker->pixels, buffer->size, seed);
		if (by_gpu(worker, file, buffer, KIND_POKE, DRM_IOCTL_VPRIME_GEM_POKE))
			return "GPU";
		/* it has gone, perhaps after a part of the work */
	}
	words = contents_begin(worker, buffer, BUFFER_READ | BUFFER_WRITE);
	pattern_fill(words, buffer->size, seed);
	contents_end(worker, buffer, words, BUFFER_READ | BUFFER_WRITE);
	done(worker, KIND_WRITE);
	return "CPU";
}

static void compare(const volatile uint32_t *words, const struct buffer *buffer, uint32_t seed,
		    uint32_t other, const char *where, const char *seen)
{
	long at = pattern_mismatch(words, buffer->size, seed, other);

	unsigned long wrong = 0, alike = 0;
	uint32_t found;

	if (at == PATTERN_INTACT)
		return;
	found = pattern_seed(words[at / 4], (size_t)at / 4);
	for (size_t i = 0; i < buffer->size / 4; i++) {
		wrong += words[i] != pattern_word(seed, i) && words[i] != pattern_word(other, i);
		alike += words[i] == pattern_word(found, i);
	}
	fail("wrong contents at byte %ld of %llu, seen %s: %#x, should be %#x%s; %lu words are wrong, %lu are of seed %#x instead of %#x; its way: %s",
	     at, (unsigned long long)buffer->size, seen, words[at / 4],
	     pattern_word(seed, (size_t)at / 4), seed == other ? "" : " or the one before",
	     wrong, alike, found, seed, where);
}

void contents_compare(const uint32_t *words, const struct buffer *buffer, uint32_t seed,
		      const char *where)
{
	compare(words, buffer, seed, seed, where, "through the dma-buf");
}

static void compare_cpu(struct worker *worker, const struct buffer *buffer, uint32_t *words,
			uint32_t seed, uint32_t other, const char *where, const char *seen)
{
	begin(worker, KIND_READ);
	access_cpu(buffer, BUFFER_READ, true);
	compare(words, buffer, seed, other, where, seen);
	access_cpu(buffer, BUFFER_READ, false);
	done(worker, KIND_READ);
}

/* Returns: whether it could be done */
static bool check_by_file(struct worker *worker, const struct gpu_file *file,
			  const struct buffer *buffer, uint32_t seed, uint32_t other,
			  const char *where)
{
	struct buffer mapped = *buffer;

	begin(worker, KIND_MAP);
	if (!worked(worker, file, KIND_MAP, buffer_map(&mapped)))
		return false;
	compare_cpu(worker, buffer, mapped.map, seed, other, where, "through the GPU's file");
	munmap(mapped.map, mapped.size);
	return true;
}

void contents_check(struct worker *worker, const struct gpu_file *file,
		    const struct buffer *buffer, uint32_t seed, uint32_t other, const char *where)
{
	uint32_t how = file ? any(worker, 3) : 0, *words;

	if (how == 1 && by_gpu(worker, file, buffer, KIND_PEEK, DRM_IOCTL_VPRIME_GEM_PEEK)) {
		compare(worker->pixels, buffer, seed, other, where, "by the GPU");
		return;
	}
	if (how == 2 && check_by_file(worker, file, buffer, seed, other, where))
		return;
	words = map_dmabuf(worker, buffer);
	compare_cpu(worker, buffer, words, seed, other, where, "through the dma-buf");
	munmap(words, buffer->size);
}
