// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows: what is done in each, and how fast it has to be.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/vprime_drm.h>

#include "../common/clock.h"
#include "bench.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define LARGE		(64 * MIB)
#define PAGE		(4 * KIB)
#define HUGE_PAGE	(2 * MIB)

/* ---- create ---- */

static uint64_t run_create(struct work *work, unsigned long count, uint64_t size)
{
	uint64_t start = clock_ns();
	struct buffer buffer;

	while (count--) {
		create_or_die(work->subject, size, &buffer);
		drmCloseBufferHandle(buffer.gpu, buffer.handle);
	}
	return clock_ns() - start;
}

static uint64_t run_create_4k(struct work *work, unsigned long count)
{
	return run_create(work, count, 4 * KIB);
}

static uint64_t run_create_4m(struct work *work, unsigned long count)
{
	return run_create(work, count, 4 * MIB);
}

static const struct operation create_4k = { .run = run_create_4k };
static const struct operation create_4m = { .run = run_create_4m };

/* ---- a file ---- */

static uint64_t run_open(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();
	int file;

	while (count--) {
		file = gpu_open(work->subject->path);
		if (file < 0)
			errx(1, "%s: %s", work->subject->path, strerror(-file));
		close(file);
	}
	return clock_ns() - start;
}

static const struct operation open_node = { .run = run_open };

/* ---- export ---- */

static int export_or_die(const struct buffer *buffer)
{
	int fd;

	if (drmPrimeHandleToFD(buffer->gpu, buffer->handle, DRM_CLOEXEC | DRM_RDWR, &fd))
		err(1, "export");
	return fd;
}

static void prepare_exported(struct work *work, uint64_t size)
{
	create_or_die(work->subject, size, &work->buffer);
	work->buffer.dmabuf = export_or_die(&work->buffer);
}

static void prepare_exported_4k(struct work *work)
{
	prepare_exported(work, 4 * KIB);
}

static void prepare_exported_4m(struct work *work)
{
	prepare_exported(work, 4 * MIB);
}

static void finish_buffer(struct work *work)
{
	buffer_close(&work->buffer);
}

static uint64_t run_export(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();

	while (count--)
		close(export_or_die(&work->buffer));
	return clock_ns() - start;
}

static const struct operation export = { prepare_exported_4k, run_export, finish_buffer };

static uint64_t run_create_export(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();
	struct buffer buffer;

	while (count--) {
		create_or_die(work->subject, 4 * KIB, &buffer);
		close(export_or_die(&buffer));
		drmCloseBufferHandle(buffer.gpu, buffer.handle);
	}
	return clock_ns() - start;
}

const struct operation create_export = { .run = run_create_export };

/* ---- import ---- */

static uint32_t import_or_die(int gpu, int dmabuf)
{
	uint32_t handle;

	if (drmPrimeFDToHandle(gpu, dmabuf, &handle))
		err(1, "import");
	return handle;
}

static uint64_t run_import_same(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();

	/* the handle comes back again and again, and has one reference */
	while (count--)
		if (import_or_die(work->subject->gpu, work->buffer.dmabuf) != work->buffer.handle)
			errx(1, "%s: import: another handle", work->subject->name);
	return clock_ns() - start;
}

static uint64_t run_import_into(struct work *work, unsigned long count, int gpu)
{
	uint64_t start = clock_ns();

	while (count--)
		drmCloseBufferHandle(gpu, import_or_die(gpu, work->buffer.dmabuf));
	return clock_ns() - start;
}

static uint64_t run_import_again(struct work *work, unsigned long count)
{
	return run_import_into(work, count, work->subject->again);
}

static uint64_t run_import_other(struct work *work, unsigned long count)
{
	return run_import_into(work, count, work->subject->other);
}

static const struct operation import_same = {
	prepare_exported_4k, run_import_same, finish_buffer
};
static const struct operation import_again = {
	prepare_exported_4k, run_import_again, finish_buffer
};
static const struct operation import_other = {
	prepare_exported_4m, run_import_other, finish_buffer
};

/* ---- a device's mapping ---- */

static void map_on_gpu(int gpu, uint32_t handle)
{
	uint64_t word;
	struct drm_vprime_gem_access access = {
		.handle = handle, .size = sizeof(word), .data = (uintptr_t)&word
	};

	if (drmIoctl(gpu, DRM_IOCTL_VPRIME_GEM_PEEK, &access))
		err(1, "the GPU's read");
}

static uint64_t run_import_map(struct work *work, unsigned long count)
{
	int gpu = work->subject->other;
	uint64_t start = clock_ns();
	uint32_t handle;

	while (count--) {
		handle = import_or_die(gpu, work->buffer.dmabuf);
		map_on_gpu(gpu, handle);
		drmCloseBufferHandle(gpu, handle);
	}
	return clock_ns() - start;
}

/* vgem maps what it imports at once; in Linux 7.x it only attaches */
static uint64_t run_import_foreign(struct work *work, unsigned long count)
{
	return run_import_into(work, count, work->subject->foreign);
}

static const struct operation import_map = {
	prepare_exported_4m, run_import_map, finish_buffer
};
static const struct operation import_foreign = {
	prepare_exported_4m, run_import_foreign, finish_buffer
};

/* ---- the dma-buf's own file ---- */

static uint64_t run_poll(struct work *work, unsigned long count)
{
	struct pollfd fd = { .fd = work->buffer.dmabuf, .events = POLLIN | POLLOUT };
	uint64_t start = clock_ns();

	while (count--)
		if (poll(&fd, 1, 0) != 1 || fd.revents != (POLLIN | POLLOUT))
			errx(1, "%s: poll: not idle", work->subject->name);
	return clock_ns() - start;
}

static uint64_t run_sync(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();

	while (count--)
		if (buffer_begin(&work->buffer, BUFFER_READ | BUFFER_WRITE) ||
		    buffer_end(&work->buffer, BUFFER_READ | BUFFER_WRITE))
			errx(1, "%s: DMA_BUF_IOCTL_SYNC failed", work->subject->name);
	return clock_ns() - start;
}

static const struct operation poll_idle = { prepare_exported_4k, run_poll, finish_buffer };
static const struct operation sync_cpu = { prepare_exported_4k, run_sync, finish_buffer };

/* ---- memory ---- */

static void touch(void *memory, uint64_t size)
{
	volatile char *page = memory;
	uint64_t at;

	for (at = 0; at < size; at += PAGE)
		page[at] = 1;
}

/* anonymous memory that can be huge pages throughout; freed by unmapping all of @whole */
static void *map_anonymous(uint64_t size, void **whole)
{
	uintptr_t at;

	*whole = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*whole == MAP_FAILED)
		err(1, "anonymous memory");
	at = ((uintptr_t)*whole + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	madvise((void *)at, size, MADV_HUGEPAGE);
	return (void *)at;
}

/* giving the memory back is not in the time, here and below */
static uint64_t run_first_touch(struct work *work, unsigned long count)
{
	uint64_t spent = 0;

	while (count--) {
		uint64_t start = clock_ns();
		struct buffer buffer;

		create_or_die(work->subject, LARGE, &buffer);
		buffer.map = map_or_die(&buffer);
		touch(buffer.map, LARGE);
		spent += clock_ns() - start;
		buffer_close(&buffer);
	}
	return spent;
}

static uint64_t run_first_touch_anonymous(struct work *work, unsigned long count)
{
	uint64_t spent = 0;

	(void)work;
	while (count--) {
		uint64_t start = clock_ns();
		void *whole;

		touch(map_anonymous(LARGE, &whole), LARGE);
		spent += clock_ns() - start;
		munmap(whole, LARGE + HUGE_PAGE);
	}
	return spent;
}

static const struct operation first_touch = { .run = run_first_touch };
static const struct operation first_touch_anonymous = { .run = run_first_touch_anonymous };

/* a buffer with all its pages, and a first mapping of them */
static void prepare_touched(struct work *work)
{
	create_or_die(work->subject, LARGE, &work->buffer);
	work->buffer.map = map_or_die(&work->buffer);
	touch(work->buffer.map, LARGE);
}

static uint64_t run_touch_again(struct work *work, unsigned long count)
{
	uint64_t spent = 0;

	while (count--) {
		uint64_t start = clock_ns();
		void *map = map_or_die(&work->buffer);

		touch(map, LARGE);
		spent += clock_ns() - start;
		munmap(map, LARGE);
	}
	return spent;
}

static const struct operation touch_again = { prepare_touched, run_touch_again, finish_buffer };

static void prepare_4k(struct work *work)
{
	create_or_die(work->subject, 4 * KIB, &work->buffer);
}

/* the only mapping each time; from the first on the page is there. Here unmapping is in the time */
static uint64_t run_map_4k(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();
	void *map;

	while (count--) {
		map = map_or_die(&work->buffer);
		touch(map, 4 * KIB);
		munmap(map, 4 * KIB);
	}
	return clock_ns() - start;
}

static const struct operation map_4k = { prepare_4k, run_map_4k, finish_buffer };

/* ---- moving ---- */

static uint32_t importer_handles[BENCH_IMPORTERS];

static void map_on_importers(struct work *work)
{
	int i;

	for (i = 0; i < BENCH_IMPORTERS; i++)
		map_on_gpu(work->subject->importers[i], importer_handles[i]);
}

static void prepare_move(struct work *work)
{
	int i;

	prepare_touched(work);
	work->buffer.dmabuf = export_or_die(&work->buffer);
	for (i = 0; i < BENCH_IMPORTERS; i++)
		importer_handles[i] = import_or_die(work->subject->importers[i],
						    work->buffer.dmabuf);
	map_on_importers(work);
	core_begin(&work->buffer);
}

static uint64_t run_move(struct work *work, unsigned long count)
{
	uint64_t start = clock_ns();

	while (count--) {
		core_run("bench-move");
		map_on_importers(work);
	}
	return clock_ns() - start;
}

static void finish_move(struct work *work)
{
	int i;

	core_end();
	for (i = 0; i < BENCH_IMPORTERS; i++)
		drmCloseBufferHandle(work->subject->importers[i], importer_handles[i]);
	finish_buffer(work);
}

/* giving the memory back is not in the time; a move has to do that */
static uint64_t run_copy(struct work *work, unsigned long count)
{
	uint64_t spent = 0;

	while (count--) {
		uint64_t start = clock_ns();
		struct buffer copy;

		create_or_die(work->subject, LARGE, &copy);
		copy.map = map_or_die(&copy);
		memcpy(copy.map, work->buffer.map, LARGE);
		spent += clock_ns() - start;
		buffer_close(&copy);
	}
	return spent;
}

static const struct operation move = { prepare_move, run_move, finish_move };
static const struct operation copy = { prepare_touched, run_copy, finish_buffer };

static uint64_t set_memory(void *memory, unsigned long count)
{
	uint64_t start = clock_ns();

	while (count--) {
		memset(memory, (int)count, LARGE);
		/* somebody might look */
		__asm__ volatile("" : : "r"(memory) : "memory");
	}
	return clock_ns() - start;
}

static uint64_t run_memset(struct work *work, unsigned long count)
{
	return set_memory(work->buffer.map, count);
}

static void prepare_anonymous(struct work *work)
{
	uint64_t before = meminfo_bytes("AnonHugePages");

	/* unmapped with the process: one such area is all there ever is */
	work->memory = map_anonymous(LARGE, &(void *){ NULL });
	touch(work->memory, LARGE);
	if (meminfo_bytes("AnonHugePages") < before + LARGE)
		warnx("anonymous memory is not in huge pages here: its rows mean little");
}

static uint64_t run_memset_anonymous(struct work *work, unsigned long count)
{
	return set_memory(work->memory, count);
}

static const struct operation memset_mapped = { prepare_touched, run_memset, finish_buffer };
static const struct operation memset_anonymous = {
	.prepare = prepare_anonymous, .run = run_memset_anonymous
};

/* ---- the table ---- */

const struct row rows[] = {
	{ "create + close, 4 KiB", AGAINST_VGEM, "0.35", .operation = &create_4k, .counted = true },
	{ "create + close, 4 MiB", AGAINST_VGEM, "0.35", .operation = &create_4m, .counted = true },
	{ "create + export + close all", AGAINST_VGEM, "0.60", .operation = &create_export,
	  .counted = true },
	{ "export + close fd, already exported", AGAINST_VGEM, "1.00", .operation = &export,
	  .counted = true },
	{ "import own fd, same file", AGAINST_VGEM, "1.00", .operation = &import_same },
	{ "import own fd, another file, + close", AGAINST_VGEM, "1.00", .operation = &import_again,
	  .counted = true },
	{ "import into another GPU + close, 4 MiB", AGAINST_VGEM, "1.00", .operation = &import_other,
	  .counted = true },
	{ "import, map on the GPU, close, 4 MiB", AGAINST_FOREIGN, "0.5", .operation = &import_map,
	  .other = &import_foreign },
	{ "poll an idle dma-buf", AGAINST_VGEM, "1.00", .operation = &poll_idle },
	{ "DMA_BUF_IOCTL_SYNC start + end", AGAINST_VGEM, "1.00", .operation = &sync_cpu,
	  .counted = true },
	{ "fence attach + signal, write", AGAINST_VGEM, "0.70", .operation = &fence_write,
	  .counted = true },
	{ "fence attach + signal, 1,000 readers", AGAINST_EMPTY, "2.0",
	  .operation = &fence_among_readers, .other = &fence_read, .vgem_too = true },
	{ "export a sync_file + close", AGAINST_VGEM, "1.00", .operation = &sync_file },
	{ "fence signal to woken waiter", AGAINST_FUTEX, "1.1", .measure = measure_wake },
	{ "open + close a node", AGAINST_VGEM, "1.00", .operation = &open_node, .counted = true },
	{ "map, touch and unmap, 4 KiB, resident", AGAINST_VGEM, "0.40", .operation = &map_4k,
	  .counted = true },
	{ "create, map, touch every page, 64 MiB", AGAINST_ANONYMOUS, "1.00",
	  .operation = &first_touch, .other = &first_touch_anonymous },
	{ "map and touch again, 64 MiB", AGAINST_VGEM, "0.003", .operation = &touch_again },
	{ "memset, mapped 64 MiB", AGAINST_ANONYMOUS, "1.00", .operation = &memset_mapped,
	  .other = &memset_anonymous },
	{ "move 64 MiB under 8 importers", AGAINST_COPY, "1.3", .operation = &move, .other = &copy },
	{ "attach, map, unmap, detach, 4 MiB", AGAINST_KERNEL, "0.5", .measure = measure_attach },
	{ "the same by each of 64 importers", AGAINST_ALONE, "1.2", .measure = measure_importers },
	{ "create buffer 100,000, all alive", AGAINST_EARLIER, "1.3", .measure = measure_many },
};

const unsigned int row_count = sizeof(rows) / sizeof(rows[0]);
