// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPU reads and writes: GEM_PEEK and GEM_POKE, which go through the GPU's
 * own DMA mapping, and wait for who is at the buffer.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Reading and writing buffers by the GPU itself");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * VP_PAGE)
/* Two huge pages, and small ones behind them. */
#define LARGE	(4 * VP_MIB + 5 * VP_PAGE)
#define NO_SUCH_HANDLE	0x00abcdefu

static uint32_t random_word(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Bytes of which no two neighbours, pages or seeds are alike. */
static void fill_bytes(uint8_t *bytes, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_word(&seed);
}

/* One view of a buffer: this file's handle. */
struct view {
	int gpu;
	uint32_t handle;
};

/*
 * Write a part through one view and read it through the other, with a byte on
 * either side that must stay as it is. @model is what the buffer should hold.
 */
static void part(struct view writer, struct view reader, uint8_t *model,
		 uint64_t offset, size_t size, uint32_t seed)
{
	uint8_t *room = calloc(1, size + 3), *data = room + 1 + (seed & 1);

	igt_assert(room);
	fill_bytes(data, size, seed);
	memcpy(model + offset, data, size);
	vp_poke(writer.gpu, writer.handle, offset, data, size);

	memset(room, 0xa5, size + 3);
	vp_peek(reader.gpu, reader.handle, offset, data, size);
	igt_assert_f(!memcmp(data, model + offset, size),
		     "%zu bytes at %llu are not as written\n", size,
		     (unsigned long long)offset);
	igt_assert_eq(data[-1], 0xa5);
	igt_assert_eq(data[size], 0xa5);
	free(room);
}

/* Parts of all sorts; then the whole must be as the model of it. */
static void exercise(struct view writer, struct view reader)
{
	static const struct {
		uint64_t offset;
		size_t size;
	} parts[] = {
		{ 0, LARGE },
		{ 0, 1 }, { 1, 1 }, { LARGE - 1, 1 }, { 1, LARGE - 1 },
		{ VP_PAGE - 1, 2 }, { VP_PAGE, VP_PAGE },
		{ VP_PAGE - 1, VP_PAGE + 2 }, { 3, 3 * VP_PAGE },
		{ 2 * VP_MIB - 1, 2 }, { 2 * VP_MIB - 3, 7 },
		{ 2 * VP_MIB - VP_PAGE - 1, 2 * VP_PAGE + 2 },
		{ 4 * VP_MIB - 1, 2 }, { 4 * VP_MIB - 5, 5 * VP_PAGE },
		{ 1 * VP_MIB + 1, 2 * VP_MIB }, { 4 * VP_MIB, 5 * VP_PAGE },
	};
	uint8_t *model = calloc(1, LARGE), *whole = calloc(1, LARGE);
	uint32_t state = 1;

	igt_assert(model && whole);
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(parts); i++)
		part(writer, reader, model, parts[i].offset, parts[i].size,
		     i + 1);
	for (uint32_t i = 0; i < 100; i++) {
		uint64_t offset = random_word(&state) % LARGE;
		size_t size = 1 + random_word(&state) % (3 * VP_PAGE);

		if (offset + size > LARGE)
			size = LARGE - offset;
		part(writer, reader, model, offset, size, 100 + i);
	}
	vp_peek(reader.gpu, reader.handle, 0, whole, LARGE);
	igt_assert_eq(memcmp(whole, model, LARGE), 0);
	vp_peek(writer.gpu, writer.handle, 0, whole, LARGE);
	igt_assert_eq(memcmp(whole, model, LARGE), 0);
	free(model);
	free(whole);
}

static void own_buffer(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, LARGE);

	exercise((struct view){ gpu, handle }, (struct view){ gpu, handle });
	close(gpu);
}

static void imported_buffer(bool importer_writes)
{
	int exporter = vp_open(0), importer = vp_open(1);
	uint32_t handle = vp_create(exporter, LARGE), imported;
	int dmabuf = vp_export(exporter, handle);

	imported = vp_import(importer, dmabuf);
	close(dmabuf);
	if (importer_writes)
		exercise((struct view){ importer, imported },
			 (struct view){ exporter, handle });
	else
		exercise((struct view){ exporter, handle },
			 (struct view){ importer, imported });
	close(exporter);
	close(importer);
}

/* Foreign memory may be mapped uncached: say when the CPU is at it. */
static void foreign_buffer(const char *driver)
{
	int foreign, gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle0, handle1;
	struct vp_dumb dumb;
	uint32_t *pixels;
	void *map;

	vp_load_foreign(driver);
	foreign = vp_open_foreign(driver);
	dumb = vp_create_dumb(foreign, 1024, LARGE / VP_PAGE, 32);
	igt_assert_eq(dumb.size, LARGE);
	dmabuf = vp_export(foreign, dumb.handle);
	handle0 = vp_import(gpu0, dmabuf);
	handle1 = vp_import(gpu1, dmabuf);
	exercise((struct view){ gpu0, handle0 },
		 (struct view){ gpu1, handle1 });

	/* Its own driver sees what the GPU wrote, and the other way round. */
	pixels = malloc(LARGE);
	igt_assert(pixels);
	vp_fill(pixels, LARGE, 1);
	vp_poke(gpu0, handle0, 0, pixels, LARGE);
	map = vp_map_dumb(foreign, dumb.handle, LARGE);
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_START |
				  DMA_BUF_SYNC_RW), 0);
	vp_assert_pattern(map, LARGE, 1);
	vp_fill(map, LARGE, 2);
	igt_assert_eq(vp_try_sync(dmabuf, DMA_BUF_SYNC_END |
				  DMA_BUF_SYNC_RW), 0);
	vp_peek(gpu1, handle1, 0, pixels, LARGE);
	vp_assert_pattern(pixels, LARGE, 2);

	free(pixels);
	vp_unmap(map, LARGE);
	close(dmabuf);
	close(gpu0);
	close(gpu1);
	close(foreign);
	vp_unload_foreign(driver);
}

static void with_the_cpu(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, LARGE), imported;
	void *map = vp_map(gpu, handle, LARGE, RW), *fd_map;
	uint32_t *pixels = malloc(LARGE);

	igt_assert(pixels);
	vp_fill(map, LARGE, 1);
	vp_peek(gpu, handle, 0, pixels, LARGE);
	vp_assert_pattern(pixels, LARGE, 1);

	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	fd_map = vp_map_dmabuf(dmabuf, LARGE, RW);
	vp_fill(pixels, LARGE, 2);
	vp_poke(other, imported, 0, pixels, LARGE);
	vp_assert_pattern(map, LARGE, 2);
	vp_assert_pattern(fd_map, LARGE, 2);
	vp_fill(fd_map, LARGE, 3);
	vp_peek(other, imported, 0, pixels, LARGE);
	vp_assert_pattern(pixels, LARGE, 3);

	free(pixels);
	vp_unmap(map, LARGE);
	vp_unmap(fd_map, LARGE);
	close(dmabuf);
	close(gpu);
	close(other);
}

static void untouched(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, LARGE);
	uint32_t *pixels = malloc(LARGE);

	igt_assert(pixels);
	memset(pixels, 0xa5, LARGE);
	vp_peek(gpu, handle, 0, pixels, LARGE);
	igt_assert(vp_all_zero(pixels, LARGE));
	igt_assert_eq(vp_info(gpu, handle).resident, LARGE);
	free(pixels);
	close(gpu);
}

static void nodes(void)
{
	/* The second file of a primary node is not its master. */
	int files[] = {
		vp_open_node(0, VP_PRIMARY), vp_open_node(0, VP_PRIMARY),
		vp_open_node(0, VP_RENDER),
	};
	uint32_t word;

	for (uint32_t i = 0; i < VP_ARRAY_SIZE(files); i++) {
		uint32_t handle = vp_create(files[i], SIZE), seed = 4711 + i;

		vp_poke(files[i], handle, 100, &seed, sizeof(seed));
		vp_peek(files[i], handle, 100, &word, sizeof(word));
		igt_assert_eq(word, seed);
		close(files[i]);
	}
}

static void assert_mappings(const struct vp_counts *before, long more)
{
	struct vp_counts now = vp_counts();

	igt_assert_eq(now.mappings, before->mappings + more);
	/* Memory that is only mapped may still move. */
	igt_assert_eq(now.pins, before->pins);
}

static void counted(void)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_open(0), second = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), handle2, imported, word = 7;

	assert_mappings(&before, 0);
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	assert_mappings(&before, 1);
	vp_peek(gpu, handle, 4, &word, sizeof(word));
	vp_poke(gpu, handle, 8, &word, sizeof(word));
	assert_mappings(&before, 1);

	/* Another file of the GPU has the same view, another GPU its own. */
	dmabuf = vp_export(gpu, handle);
	handle2 = vp_import(second, dmabuf);
	vp_poke(second, handle2, 0, &word, sizeof(word));
	assert_mappings(&before, 1);
	imported = vp_import(other, dmabuf);
	assert_mappings(&before, 1);
	vp_poke(other, imported, 0, &word, sizeof(word));
	assert_mappings(&before, 2);

	vp_close(other, imported);
	assert_mappings(&before, 1);
	vp_close(gpu, handle);
	assert_mappings(&before, 1);
	vp_close(second, handle2);
	assert_mappings(&before, 0);

	/* It comes back with the buffer, whose pixels have stayed. */
	word = 0;
	imported = vp_import(other, dmabuf);
	vp_peek(other, imported, 8, &word, sizeof(word));
	assert_mappings(&before, 1);
	close(dmabuf);
	close(gpu);
	close(second);
	close(other);
	assert_mappings(&before, 0);
}

static int try_access(int gpu, unsigned long request,
		      struct drm_vprime_gem_access access)
{
	return vp_try_ioctl(gpu, request, &access);
}

static const unsigned long both[] = {
	DRM_IOCTL_VPRIME_GEM_PEEK, DRM_IOCTL_VPRIME_GEM_POKE,
};

/* What is wrong in the ioctl itself. */
static void bad_arguments(int gpu, uint32_t handle)
{
	static uint8_t data[2 * SIZE];
	static const struct {
		uint64_t offset, size;
	} beyond[] = {
		{ 0, 0 }, { SIZE / 2, 0 }, { SIZE, 0 },
		{ SIZE, 1 }, { 0, SIZE + 1 }, { 1, SIZE }, { SIZE - 1, 2 },
		{ SIZE + 1, 1 }, { 1ull << 32, 1 }, { 1ull << 63, 1 },
		{ 0, 1ull << 32 }, { 0, 1ull << 63 }, { 0, ~0ull },
		/* What comes out within the buffer when it overflows. */
		{ ~0ull, 2 }, { ~0ull, 1 }, { 1, ~0ull }, { 2, ~0ull },
		{ VP_PAGE, ~0ull - VP_PAGE + 2 }, { 1ull << 63, 1ull << 63 },
		{ ~0ull - VP_PAGE + 1, 2 * VP_PAGE },
	};
	const struct drm_vprime_gem_access good = {
		.handle = handle, .size = SIZE, .data = (uintptr_t)data,
	};
	struct drm_vprime_gem_access bad;

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(both); i++) {
		bad = good;
		bad.handle = NO_SUCH_HANDLE;
		vp_assert_refused(try_access(gpu, both[i], bad), ENOENT);
		bad.handle = 0;
		vp_assert_refused(try_access(gpu, both[i], bad), ENOENT);
		for (int bit = 0; bit < 32; bit++) {
			bad = good;
			bad.flags = 1u << bit;
			vp_assert_refused(try_access(gpu, both[i], bad),
					  EINVAL);
		}
		for (unsigned int b = 0; b < VP_ARRAY_SIZE(beyond); b++) {
			igt_debug("offset %#llx size %#llx\n",
				  (unsigned long long)beyond[b].offset,
				  (unsigned long long)beyond[b].size);
			bad = good;
			bad.offset = beyond[b].offset;
			bad.size = beyond[b].size;
			vp_assert_refused(try_access(gpu, both[i], bad),
					  EINVAL);
		}
		vp_assert_refused(vp_try_ioctl(gpu, both[i], NULL), EFAULT);
	}
	for (size_t i = 0; i < sizeof(data); i++)
		igt_assert_eq(data[i], 0);
}

static void refuses_arguments(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), imported;

	/* Before there is a page or a mapping, and when there is. */
	bad_arguments(gpu, handle);
	vp_poke(gpu, handle, 0, &(char){ 0 }, 1);
	bad_arguments(gpu, handle);
	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	bad_arguments(other, imported);
	close(dmabuf);
	close(gpu);
	close(other);
}

/* Three pages, the middle one with @prot and the last one not there. */
static uint8_t *pages_with(int prot)
{
	uint8_t *pages = mmap(NULL, 3 * VP_PAGE, RW,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(pages != MAP_FAILED);
	memset(pages, 0x5a, 2 * VP_PAGE);
	igt_assert_eq(mprotect(pages + VP_PAGE, VP_PAGE, prot), 0);
	igt_assert_eq(munmap(pages + 2 * VP_PAGE, VP_PAGE), 0);
	return pages;
}

static void bad_data(int gpu, uint32_t handle)
{
	uint8_t *none = pages_with(PROT_NONE);
	uint8_t *read_only = pages_with(PROT_READ);
	uint8_t *const nowhere[] = {
		NULL, (uint8_t *)1, (uint8_t *)0xffff888000000000,
		(uint8_t *)~0ull, (uint8_t *)(~0ull - SIZE + 1),
		(uint8_t *)0x7ffffffff000, (uint8_t *)(1ull << 63),
		none + VP_PAGE, none + 2 * VP_PAGE - 1,
		none + 1, none + VP_PAGE - 1,
	};

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(nowhere); i++) {
		igt_debug("data at %p\n", nowhere[i]);
		vp_assert_refused(vp_try_peek(gpu, handle, 0, nowhere[i],
					      VP_PAGE), EFAULT);
		vp_assert_refused(vp_try_poke(gpu, handle, 0, nowhere[i],
					      VP_PAGE), EFAULT);
	}
	/* Memory that can be read serves to poke only. */
	vp_assert_refused(vp_try_peek(gpu, handle, 0, read_only + 1, VP_PAGE),
			  EFAULT);
	vp_assert_refused(vp_try_poke(gpu, handle, 0, read_only + VP_PAGE + 1,
				      VP_PAGE), EFAULT);
	munmap(none, 2 * VP_PAGE);
	munmap(read_only, 2 * VP_PAGE);
}

static void refuses_data(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), imported;
	char byte = 0;

	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	vp_peek(gpu, handle, 0, &byte, 1);
	vp_peek(other, imported, 0, &byte, 1);
	bad_data(gpu, handle);
	bad_data(other, imported);
	close(dmabuf);
	close(gpu);
	close(other);
}

/*
 * Nor does it change a buffer that nobody has touched. (A peek has read it when
 * it finds that the answer cannot be written, and what that takes stays.)
 */
static void refuses_data_untouched(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	void *map;

	vp_assert_refused(vp_try_poke(gpu, handle, 0, NULL, SIZE), EFAULT);
	igt_assert_eq(vp_try_peek(gpu, handle, 0, NULL, SIZE), -EFAULT);
	map = vp_map(gpu, handle, SIZE, PROT_READ);
	igt_assert(vp_all_zero(map, SIZE));
	vp_unmap(map, SIZE);
	close(gpu);
}

/* The same of the pixels, when half of the data is there. */
static void part_of_the_data(void)
{
	const size_t size = 2 * VP_PAGE;
	uint8_t *data = mmap(NULL, size, RW, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, LARGE);
	void *map = vp_map(gpu, handle, LARGE, RW);
	char byte;

	igt_assert(data != MAP_FAILED);
	memset(data, 0x5a, size);
	igt_assert_eq(mprotect(data + size - VP_PAGE, VP_PAGE, PROT_NONE), 0);
	vp_fill(map, size, 1);
	vp_peek(gpu, handle, 0, &byte, 1);
	vp_assert_refused(vp_try_poke(gpu, handle, 0, data, size), EFAULT);
	vp_assert_pattern(map, size, 1);
	munmap(data, size);
	vp_unmap(map, LARGE);
	close(gpu);
}

static void unplugged(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	char byte = 0;

	vp_poke(gpu, handle, 0, &byte, 1);
	vp_unplug(0);
	vp_assert_refused(vp_try_peek(gpu, handle, 0, &byte, 1), ENODEV);
	vp_assert_refused(vp_try_poke(gpu, handle, 0, &byte, 1), ENODEV);
	vp_assert_refused(vp_try_peek(gpu, NO_SUCH_HANDLE, 0, &byte, 1),
			  ENODEV);
	vp_assert_refused(vp_try_poke(gpu, handle, 0, NULL, 0), ENODEV);
	close(gpu);
	vp_plug(0);
}

static void revoked(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf, file, len;
	uint32_t handle = vp_create(gpu, SIZE), imported;
	char byte = 0, id[24];

	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	vp_poke(gpu, handle, 0, &byte, 1);
	file = open("/sys/kernel/debug/vprime/revoke", O_WRONLY | O_CLOEXEC);
	igt_assert_lte(0, file);
	len = snprintf(id, sizeof(id), "%llu",
		       (unsigned long long)vp_info(gpu, handle).id);
	igt_assert_eq(write(file, id, (size_t)len), len);
	close(file);

	/* Mapped before, and not mapped before. */
	vp_assert_refused(vp_try_peek(gpu, handle, 0, &byte, 1), ENODEV);
	vp_assert_refused(vp_try_poke(gpu, handle, 0, &byte, 1), ENODEV);
	vp_assert_refused(vp_try_peek(other, imported, 0, &byte, 1), ENODEV);
	vp_assert_refused(vp_try_poke(other, imported, 0, &byte, 1), ENODEV);
	/* It is this buffer's end and no other's. */
	vp_poke(gpu, vp_create(gpu, SIZE), 0, &byte, 1);
	close(dmabuf);
	close(gpu);
	close(other);
}

/* Written where it was to be read only: reported, and refused if enforced. */
static void read_only(bool enforced)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf, log = vp_log_open();
	uint32_t handle = vp_create(gpu, SIZE), imported, word = 4711;

	dmabuf = vp_try_export(gpu, handle, DRM_CLOEXEC);
	igt_assert_lte(0, dmabuf);
	imported = vp_import(other, dmabuf);
	igt_assert(vp_info(other, imported).flags &
		   DRM_VPRIME_INFO_READ_ONLY);
	/* Who made it writes it, and the other reads that. */
	vp_poke(gpu, handle, VP_PAGE, &word, sizeof(word));
	word = 0;
	vp_peek(other, imported, VP_PAGE, &word, sizeof(word));
	igt_assert_eq(word, 4711);
	igt_assert_eq(vp_logged(log, "dma-buf contract: writable-read-only",
				"vprime1"), 0);

	word = 815;
	vp_enforce_read_only(enforced);
	for (int round = 0; round < 2; round++)
		igt_assert_eq(vp_try_poke(other, imported, VP_PAGE, &word,
					  sizeof(word)), enforced ? -EACCES : 0);
	vp_enforce_read_only(true);
	igt_assert_eq(vp_logged(log, "dma-buf contract: writable-read-only",
				"vprime1"), 1);
	vp_peek(gpu, handle, VP_PAGE, &word, sizeof(word));
	igt_assert_eq(word, enforced ? 4711 : 815);
	close(log);
	close(dmabuf);
	close(gpu);
	close(other);
}

enum place {
	AT_GPU,		/* through the file of the GPU that is asked */
	AT_DMABUF,
	AT_OTHER,	/* through another GPU's file */
};

/*
 * The data are in a mapping of the very buffer, not touched yet: the copy
 * faults, and the fault wants the locks that the ioctl has.
 */
static void into_itself(enum place place, bool poke)
{
	int gpu = vp_open(0), other = vp_open(1), sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1) {
		uint32_t handle = vp_create(gpu, LARGE);
		int dmabuf = vp_export(gpu, handle);
		uint32_t imported = vp_import(other, dmabuf);
		uint8_t *source = vp_map(gpu, handle, LARGE, RW), *map;
		uint8_t *edge = malloc(VP_PAGE);

		vp_fill(source, VP_MIB, 1);
		for (int round = 0; round < 3; round++) {
			map = place == AT_GPU ?
				      vp_map(gpu, handle, LARGE, RW) :
			      place == AT_DMABUF ?
				      vp_map_dmabuf(dmabuf, LARGE, RW) :
				      vp_map(other, imported, LARGE, RW);
			/* 1 MiB from the beginning goes behind 2.5 MiB. */
			if (poke)
				vp_poke(gpu, handle, 5 * VP_MIB / 2, map,
					VP_MIB);
			else
				vp_peek(gpu, handle, 0, map + 5 * VP_MIB / 2,
					VP_MIB);
			vp_assert_pattern(map + 5 * VP_MIB / 2, VP_MIB, 1);
			vp_unmap(map, LARGE);
			vp_fill(source + 5 * VP_MIB / 2, VP_MIB, 2);
		}
		/* Onto itself, and onto what overlaps: it must only end. */
		map = vp_map_dmabuf(dmabuf, LARGE, RW);
		memcpy(edge, source + VP_MIB, VP_PAGE);
		if (poke) {
			vp_poke(gpu, handle, 0, map, LARGE);
			vp_poke(gpu, handle, 0, map + 3 * VP_PAGE + 1,
				VP_MIB - 4 * VP_PAGE);
		} else {
			vp_peek(gpu, handle, 0, map, LARGE);
			vp_peek(gpu, handle, 0, map + 3 * VP_PAGE + 1,
				VP_MIB - 4 * VP_PAGE);
		}
		igt_assert_eq(memcmp(edge, source + VP_MIB, VP_PAGE), 0);
		vp_tell(sock[1], 'd');
	}
	/* One that hangs is known by its silence. */
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(gpu);
	close(other);
}

struct crossing {
	struct view from;
	struct view to;
	int ret;
};

/* Copies by way of a mapping that is always new, so that it always faults. */
static void *cross(void *arg)
{
	struct crossing *crossing = arg;
	uint64_t offset;
	void *map;

	crossing->ret = vp_try_mmap_offset(crossing->to.gpu,
					   crossing->to.handle, 0, &offset);
	for (int round = 0; round < 100 && !crossing->ret; round++) {
		crossing->ret = vp_try_mmap(crossing->to.gpu, offset, SIZE, RW,
					    MAP_SHARED, &map);
		if (crossing->ret)
			break;
		if (round & 1)
			crossing->ret = vp_try_peek(crossing->from.gpu,
						    crossing->from.handle, 0,
						    map, SIZE);
		else
			crossing->ret = vp_try_poke(crossing->from.gpu,
						    crossing->from.handle, 0,
						    map, SIZE);
		munmap(map, SIZE);
	}
	return NULL;
}

/* One copies from A into a mapping of B, the other from B into one of A. */
static void into_each_other(void)
{
	int gpu0 = vp_open(0), gpu1 = vp_open(1), dmabuf;
	struct view a, b;
	struct crossing *ways = calloc(4, sizeof(*ways));
	pthread_t threads[4];
	void *map;

	igt_assert(ways);
	a = (struct view){ gpu0, vp_create(gpu0, SIZE) };
	b = (struct view){ gpu0, vp_create(gpu0, SIZE) };
	/* The same pixels, which therefore stay whoever copies first. */
	for (int i = 0; i < 2; i++) {
		map = vp_map(gpu0, i ? a.handle : b.handle, SIZE, RW);
		vp_fill(map, SIZE, 7);
		vp_unmap(map, SIZE);
	}
	ways[0] = (struct crossing){ a, b, 0 };
	ways[1] = (struct crossing){ b, a, 0 };
	dmabuf = vp_export(gpu0, a.handle);
	ways[2] = (struct crossing){ { gpu1, vp_import(gpu1, dmabuf) }, b, 0 };
	close(dmabuf);
	dmabuf = vp_export(gpu0, b.handle);
	ways[3] = (struct crossing){ { gpu1, vp_import(gpu1, dmabuf) }, a, 0 };
	close(dmabuf);

	for (int i = 0; i < 4; i++)
		igt_assert_eq(pthread_create(&threads[i], NULL, cross,
					     &ways[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(ways[i].ret, 0);
	}
	map = vp_map(gpu0, a.handle, SIZE, RW);
	vp_assert_pattern(map, SIZE, 7);
	vp_unmap(map, SIZE);
	free(ways);
	close(gpu0);
	close(gpu1);
}

struct worker {
	struct view view;
	size_t offset;
	uint32_t seed;
	int ret;
};

#define WORK_SIZE	(3 * VP_PAGE + 4)

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint32_t words[WORK_SIZE / 4];

	for (uint32_t round = 0; round < 200 && !worker->ret; round++) {
		vp_fill(words, WORK_SIZE, worker->seed + round);
		worker->ret = vp_try_poke(worker->view.gpu, worker->view.handle,
					  worker->offset, words, WORK_SIZE);
		memset(words, 0, WORK_SIZE);
		if (!worker->ret)
			worker->ret = vp_try_peek(worker->view.gpu,
						  worker->view.handle,
						  worker->offset, words,
						  WORK_SIZE);
		if (!worker->ret && vp_mismatch(words, WORK_SIZE, worker->seed +
						round) != VP_INTACT)
			worker->ret = -EILSEQ;
	}
	return NULL;
}

/* Parts of one buffer, neighbours by a byte, on two GPUs at the same time. */
static void many_at_once(void)
{
	enum { THREADS = 4 };
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, LARGE), imported;
	pthread_t threads[THREADS];

	igt_assert(workers);
	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	close(dmabuf);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.view = i & 1 ? (struct view){ other, imported } :
					(struct view){ gpu, handle },
			.offset = i * WORK_SIZE + 1,
			.seed = 1000 * i,
		};
		igt_assert_eq(pthread_create(&threads[i], NULL, work,
					     &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		igt_assert_eq(workers[i].ret, 0);
	}
	free(workers);
	close(gpu);
	close(other);
}

/* A vprime buffer with a view of vgem's, whose fences we signal ourselves. */
struct fenced {
	int gpu, vgem;
	uint32_t handle, imported;
	uint32_t *map;
	int sock[2];
};

static struct fenced fenced_buffer(void)
{
	struct fenced fenced = { .gpu = vp_open(0) };
	int dmabuf;

	vp_load_foreign("vgem");
	fenced.vgem = vp_open_foreign("vgem");
	fenced.handle = vp_create(fenced.gpu, SIZE);
	dmabuf = vp_export(fenced.gpu, fenced.handle);
	fenced.imported = vp_import(fenced.vgem, dmabuf);
	close(dmabuf);
	fenced.map = vp_map(fenced.gpu, fenced.handle, SIZE, RW);
	vp_fill(fenced.map, SIZE, 1);
	vp_socketpair(fenced.sock);
	return fenced;
}

static void close_fenced(struct fenced *fenced)
{
	vp_unmap(fenced->map, SIZE);
	close(fenced->gpu);
	close(fenced->vgem);
	close(fenced->sock[0]);
	close(fenced->sock[1]);
	vp_unload_foreign("vgem");
}

#define WAIT_US	300000

/* Nothing has been said, after a time in which it would have been. */
static void assert_silent(int sock)
{
	char word;

	usleep(WAIT_US);
	igt_assert_eq(recv(sock, &word, 1, MSG_DONTWAIT), -1);
	igt_assert_eq(errno, EAGAIN);
}

static void peek_waits(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		uint32_t pixels[SIZE / 4];

		vp_tell(fenced.sock[1], 'r');
		vp_peek(fenced.gpu, fenced.handle, 0, pixels, SIZE);
		/* What was written while it waited. */
		vp_assert_pattern(pixels, SIZE, 2);
		vp_tell(fenced.sock[1], 'd');
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	assert_silent(fenced.sock[0]);
	vp_fill(fenced.map, SIZE, 2);
	vp_fence_signal(fenced.vgem, fence);
	igt_assert_eq(vp_hear(fenced.sock[0]), 'd');
	igt_waitchildren();
	close_fenced(&fenced);
}

static void poke_waits(bool write)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, write);

	igt_fork(child, 1) {
		uint32_t pixels[SIZE / 4];

		/* Readers do not wait for one another. */
		if (!write) {
			vp_peek(fenced.gpu, fenced.handle, 0, pixels, SIZE);
			vp_assert_pattern(pixels, SIZE, 1);
		}
		vp_fill(pixels, SIZE, 2);
		vp_tell(fenced.sock[1], 'r');
		vp_poke(fenced.gpu, fenced.handle, 0, pixels, SIZE);
		vp_tell(fenced.sock[1], 'd');
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	assert_silent(fenced.sock[0]);
	vp_assert_pattern(fenced.map, SIZE, 1);
	vp_fence_signal(fenced.vgem, fence);
	igt_assert_eq(vp_hear(fenced.sock[0]), 'd');
	vp_assert_pattern(fenced.map, SIZE, 2);
	igt_waitchildren();
	close_fenced(&fenced);
}

/* On vgem's own buffer, which vprime has only imported. */
static void foreign_waits(void)
{
	int gpu = vp_open(0), vgem, sock[2];
	uint32_t handle, fence;
	struct vp_dumb dumb;
	int dmabuf;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	handle = vp_import(gpu, dmabuf);
	close(dmabuf);
	fence = vp_fence_attach(vgem, dumb.handle, true);
	vp_socketpair(sock);
	igt_fork(child, 1) {
		char byte;

		vp_tell(sock[1], 'r');
		vp_peek(gpu, handle, 0, &byte, 1);
		vp_tell(sock[1], 'd');
	}
	igt_assert_eq(vp_hear(sock[0]), 'r');
	assert_silent(sock[0]);
	vp_fence_signal(vgem, fence);
	igt_assert_eq(vp_hear(sock[0]), 'd');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(gpu);
	close(vgem);
	vp_unload_foreign("vgem");
}

static void nothing(int sig)
{
	(void)sig;
}

static void interrupted(unsigned long request)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		/* Without SA_RESTART: what was waiting says so. */
		struct sigaction action = { .sa_handler = nothing };
		struct drm_vprime_gem_access access = {
			.handle = fenced.handle, .size = SIZE,
		};
		uint32_t pixels[SIZE / 4] = {};

		sigaction(SIGUSR1, &action, NULL);
		access.data = (uintptr_t)pixels;
		vp_tell(fenced.sock[1], 'r');
		igt_assert_eq(ioctl(fenced.gpu, request, &access), -1);
		igt_assert_eq(errno, EINTR);
		igt_assert(vp_all_zero(pixels, SIZE));
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	usleep(WAIT_US);
	igt_kill_children(SIGUSR1);
	igt_waitchildren();
	vp_assert_pattern(fenced.map, SIZE, 1);
	/* Had it waited for the fence, that would have ended by now. */
	vp_fence_signal(fenced.vgem, fence);
	close_fenced(&fenced);
}

static void killed(void)
{
	struct fenced fenced = fenced_buffer();
	uint32_t fence = vp_fence_attach(fenced.vgem, fenced.imported, true);

	igt_fork(child, 1) {
		char byte;

		vp_tell(fenced.sock[1], 'r');
		vp_peek(fenced.gpu, fenced.handle, 0, &byte, 1);
	}
	igt_assert_eq(vp_hear(fenced.sock[0]), 'r');
	usleep(WAIT_US);
	igt_kill_children(SIGKILL);
	igt_assert_eq(__igt_waitchildren(), 128 + SIGKILL);
	vp_fence_signal(fenced.vgem, fence);
	close_fenced(&fenced);
}

#define CGROUPS		"/sys/fs/cgroup"
#define POOR		CGROUPS "/vprime-poor"

static void write_cgroup(const char *path, const char *value)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	igt_assert_f(file >= 0, "%s: %s\n", path, strerror(errno));
	igt_assert_eq(write(file, value, strlen(value)), strlen(value));
	close(file);
}

/* A process that may have less memory than the buffer needs. */
static void no_memory(void)
{
	if (access(CGROUPS "/cgroup.procs", F_OK))
		igt_assert_eq(mount("cgroup2", CGROUPS, "cgroup2", 0, NULL), 0);
	write_cgroup(CGROUPS "/cgroup.subtree_control", "+memory");
	igt_assert(!mkdir(POOR, 0755) || errno == EEXIST);
	write_cgroup(POOR "/memory.max", "33554432");
	igt_fork(child, 1) {
		int gpu;
		uint32_t large, small;
		char byte = 1;

		write_cgroup(POOR "/cgroup.procs", "0");
		gpu = vp_open(0);
		large = vp_create(gpu, 64 * VP_MIB);
		small = vp_create(gpu, SIZE);
		igt_assert_eq(vp_try_peek(gpu, large, 0, &byte, 1), -ENOMEM);
		igt_assert_eq(vp_try_poke(gpu, large, 0, &byte, 1), -ENOMEM);
		/* When it is given back, it serves another buffer. */
		vp_close(gpu, large);
		vp_poke(gpu, small, 0, &byte, 1);
		large = vp_create(gpu, 8 * VP_MIB);
		vp_poke(gpu, large, 8 * VP_MIB - 1, &byte, 1);
		byte = 0;
		vp_peek(gpu, large, 8 * VP_MIB - 1, &byte, 1);
		igt_assert_eq(byte, 1);
	}
	igt_waitchildren();
	igt_assert_eq(rmdir(POOR), 0);
}

igt_main
{

	igt_describe("Bytes at odd places, across pages and huge pages, read back as written");
	vp_subtest("own-buffer")
		own_buffer();

	igt_describe("The same, written by the GPU that made the buffer and read by one that imported it");
	vp_subtest("imported-reads")
		imported_buffer(false);

	igt_describe("The same, written by a GPU that imported the buffer");
	vp_subtest("imported-writes")
		imported_buffer(true);

	igt_describe("The same in a buffer of vgem's, which sees it and is seen");
	vp_subtest("vgem-buffer")
		foreign_buffer("vgem");

	igt_describe("The same in a buffer of virtio_gpu's");
	vp_subtest("virtio_gpu-buffer")
		foreign_buffer("virtio_gpu");

	igt_describe("GPU and CPU see each other's pixels, through both kinds of mappings");
	vp_subtest("with-the-cpu")
		with_the_cpu();

	igt_describe("A buffer that nobody has touched reads as zero, and exists then");
	vp_subtest("untouched")
		untouched();

	igt_describe("Both nodes answer, without being master");
	vp_subtest("nodes")
		nodes();

	igt_describe("Each GPU maps a buffer once, for as long as it has a handle, and pins nothing");
	vp_subtest("counted")
		counted();

	igt_describe("Handles, flags and ranges that do not exist are refused, also when they overflow");
	vp_subtest("refuses-arguments")
		refuses_arguments();

	igt_describe("Data pointers that lead nowhere, wholly or in part, are EFAULT");
	vp_subtest("refuses-data")
		refuses_data();

	igt_describe("EFAULT on a buffer that nobody has touched leaves it zero");
	vp_subtest("refuses-data-untouched")
		refuses_data_untouched();

	igt_describe("EFAULT in the middle of the data leaves the buffer as it was");
	vp_subtest("refuses-part-of-data")
		part_of_the_data();

	igt_describe("An unplugged GPU neither reads nor writes");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("A revoked buffer is neither read nor written, mapped before or not");
	vp_subtest("revoked")
		revoked();

	igt_describe("A buffer that a process may not have the memory for is ENOMEM");
	vp_subtest("no-memory")
		no_memory();

	igt_describe("A write into what came in read-only is reported and refused");
	vp_subtest("read-only")
		read_only(true);

	igt_describe("With enforce_read_only=0 it is reported, and done");
	vp_subtest("read-only-unenforced")
		read_only(false);

	igt_describe("Read into a fresh mapping of the same buffer");
	vp_subtest("peek-into-itself") {
		into_itself(AT_GPU, false);
		into_itself(AT_DMABUF, false);
		into_itself(AT_OTHER, false);
	}

	igt_describe("Written from a fresh mapping of the same buffer");
	vp_subtest("poke-from-itself") {
		into_itself(AT_GPU, true);
		into_itself(AT_DMABUF, true);
		into_itself(AT_OTHER, true);
	}

	igt_describe("Two buffers are copied into fresh mappings of each other at the same time");
	vp_subtest("into-each-other")
		into_each_other();

	igt_describe("Four threads on two GPUs write and read neighbouring parts");
	vp_subtest("many-at-once")
		many_at_once();

	igt_describe("Reading waits for vgem's write fence, and sees what was written until then");
	vp_subtest("peek-waits")
		peek_waits();

	igt_describe("Writing waits for vgem's write fence");
	vp_subtest("poke-waits-for-writer")
		poke_waits(true);

	igt_describe("Writing waits for vgem's read fence, reading does not");
	vp_subtest("poke-waits-for-reader")
		poke_waits(false);

	igt_describe("Reading vgem's own buffer waits for its write fence");
	vp_subtest("foreign-waits")
		foreign_waits();

	igt_describe("A signal interrupts the wait before reading");
	vp_subtest("peek-interrupted")
		interrupted(DRM_IOCTL_VPRIME_GEM_PEEK);

	igt_describe("A signal interrupts the wait before writing");
	vp_subtest("poke-interrupted")
		interrupted(DRM_IOCTL_VPRIME_GEM_POKE);

	igt_describe("A process that waits can be killed");
	vp_subtest("killed")
		killed();
}
