// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPU reads and writes: GEM_PEEK and GEM_POKE, which go through the GPU's
 * own DMA mapping, and what they refuse. How they wait is in gem_peek_wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_cgroup.h"
#include "vp_resident.h"
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
	long violations = vp_violations();

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
	/* The GPUs are importers too, and keep the contract. */
	igt_assert_eq(vp_violations(), violations);
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
	int gpu = vp_config_open("maker", enforced ? "enforce_read_only=1" :
						     "enforce_read_only=0");
	int other = vp_open(1), dmabuf, log = vp_log_open();
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
	vp_be_another();
	for (int round = 0; round < 2; round++)
		igt_assert_eq(vp_try_poke(other, imported, VP_PAGE, &word,
					  sizeof(word)), enforced ? -EACCES : 0);
	igt_assert_eq(vp_logged(log, "dma-buf contract: writable-read-only",
				"vprime1"), 1);
	vp_peek(gpu, handle, VP_PAGE, &word, sizeof(word));
	igt_assert_eq(word, enforced ? 4711 : 815);
	close(log);
	close(dmabuf);
	close(gpu);
	close(other);
	vp_config_remove("maker");
}

/* What a GPU reads or writes has to be there, and nothing else of the buffer. */
static void sparse(void)
{
	int gpu = vp_open(0), other = vp_open(1), dmabuf;
	uint64_t size = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE) & -VP_MIB;
	uint32_t handle = vp_create(gpu, size), imported;
	char byte = 1;

	vp_peek(gpu, handle, size / 2, &byte, 1);
	igt_assert_eq(byte, 0);
	vp_assert_resident(vp_info(gpu, handle).resident, VP_PAGE, size);
	dmabuf = vp_export(gpu, handle);
	imported = vp_import(other, dmabuf);
	byte = 1;
	vp_poke(other, imported, 0, &byte, 1);
	vp_poke(other, imported, size - 1, &byte, 1);
	vp_assert_resident(vp_info(gpu, handle).resident, 3 * VP_PAGE, size);
	close(dmabuf);
	close(gpu);
	close(other);
}

#define ELSEWHERE	24	/* bytes that are read, far from each other */

/* Reading a large buffer here and there holds up nobody who makes or maps one. */
static void sparse_delays(void)
{
	int gpu = vp_open(0), dmabuf, own;
	uint64_t size = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE) & -VP_MIB;
	uint32_t handle = vp_create(gpu, size);
	int64_t began, ns, longest = 0;
	unsigned int rounds = 0;
	uint8_t *map;

	dmabuf = vp_export(gpu, handle);
	igt_fork(child, 1) {
		char byte;

		for (uint64_t i = 0; i < ELSEWHERE; i++)
			vp_peek(gpu, handle, i * (size / ELSEWHERE), &byte, 1);
	}
	do {
		began = vp_now_ns();
		own = vp_open(0);
		vp_close(own, vp_create(own, SIZE));
		map = vp_map(own, vp_import(own, dmabuf), SIZE, RW);
		map[0]++;
		vp_unmap(map, SIZE);
		close(own);
		ns = vp_now_ns() - began;
		if (ns > longest)
			longest = ns;
	} while (++rounds < 100);
	igt_waitchildren();
	igt_info("the longest of %u rounds took %lld us\n", rounds,
		 (long long)longest / 1000);
	close(dmabuf);
	close(gpu);
}

#define POOR		"vprime-poor"

/* A process that may have less memory than the buffer needs. */
static void no_memory(void)
{
	vp_cgroup_make(POOR, 32 * VP_MIB);
	igt_fork(child, 1) {
		int gpu;
		uint32_t large, small;
		uint64_t at = 0;
		char byte = 1;
		int ret;

		vp_cgroup_enter(POOR, getpid());
		gpu = vp_open(0);
		large = vp_create(gpu, 64 * VP_MIB);
		small = vp_create(gpu, SIZE);
		/* Page by page, as only what is touched has to be there. */
		do {
			ret = vp_try_poke(gpu, large, at, &byte, 1);
			at += VP_PAGE;
		} while (!ret && at < 64 * VP_MIB);
		igt_assert_eq(ret, -ENOMEM);
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
	vp_cgroup_remove(POOR);
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

	igt_describe("Of a buffer as large as all memory, only what is read or written comes to be");
	vp_subtest("sparse")
		sparse();

	igt_describe("Others make and map buffers meanwhile; how long they take at most is printed");
	vp_subtest("sparse-delays")
		sparse_delays();

	igt_describe("A buffer that a process may not have the memory for is ENOMEM");
	vp_subtest("no-memory")
		no_memory();

	igt_describe("A write into what came in read-only is reported and refused");
	vp_subtest("read-only")
		read_only(true);

	igt_describe("With enforce_read_only=0 it is reported, and done");
	vp_subtest("read-only-unenforced")
		read_only(false);
}
