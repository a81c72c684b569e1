// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importing from a driver that moves its own memory, or refuses each step of
 * sharing it: the one of igt-tests/kernel/foreign/, as no driver that a machine
 * without a GPU has is such a one.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_foreign.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Foreign exporters that move or fail");

#define RW		(PROT_READ | PROT_WRITE)
#define SIZE		(64 * VP_KIB)
/* Huge pages, and some small ones behind them. */
#define BIG		(4 * VP_MIB + 5 * VP_PAGE)

/* A buffer of the foreign driver's, on both GPUs, with pixels of seed 1. */
static struct vp_foreign_shared import(size_t size, uint32_t flags)
{
	struct vp_foreign_shared s = { .size = size };

	s.foreign = vp_foreign_open_fresh();
	s.gpu0 = vp_open(0);
	s.gpu1 = vp_open(1);
	s.dmabuf = vp_foreign_export(s.foreign, size, flags);
	s.handle0 = vp_import(s.gpu0, s.dmabuf);
	s.handle1 = vp_import(s.gpu1, s.dmabuf);
	s.id = vp_id(s.gpu0, s.handle0);
	igt_assert_eq(vp_id(s.gpu1, s.handle1), s.id);
	vp_gpu_fill(s.gpu0, s.handle0, size, 1);
	vp_assert_gpu_sees(s.gpu1, s.handle1, size, 1);
	return s;
}

/* ---- a foreign exporter that moves -------------------------------------- */

static void exporter_moves(void)
{
	struct vp_foreign_shared s = import(BIG, VP_FOREIGN_DYNAMIC);
	struct vp_foreign_buffer there = vp_foreign_buffer(s.foreign, s.dmabuf);
	long mappings = vp_counts().mappings;

	igt_assert_eq(there.maps, 2);
	for (uint32_t i = 1; i <= 3; i++) {
		igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
		igt_assert_eq(vp_counts().mappings, mappings - 2);
		igt_assert_eq(vp_counts().pins, 0);
		there = vp_foreign_buffer(s.foreign, s.dmabuf);
		igt_assert_eq(there.maps, 0);
		igt_assert_eq(there.moves, i);

		vp_assert_gpu_sees(s.gpu0, s.handle0, BIG, i);
		vp_assert_gpu_sees(s.gpu1, s.handle1, BIG, i);
		igt_assert_eq(vp_counts().mappings, mappings);
		vp_gpu_fill(s.gpu1, s.handle1, BIG, i + 1);
	}
	vp_foreign_unshare(&s);
}

static void exporter_moves_cpu(void)
{
	struct vp_foreign_shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	void *map0 = vp_map(s.gpu0, s.handle0, SIZE, RW);
	void *map1 = vp_map(s.gpu1, s.handle1, SIZE, RW);
	void *by_fd = vp_map_dmabuf(s.dmabuf, SIZE, RW);

	for (uint32_t i = 2; i < 12; i++) {
		vp_fill(map0, SIZE, i);
		igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
		vp_assert_pattern(map1, SIZE, i);
		vp_assert_pattern(by_fd, SIZE, i);
		vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, i);
	}
	vp_unmap(map0, SIZE);
	vp_unmap(map1, SIZE);
	vp_unmap(by_fd, SIZE);
	vp_foreign_unshare(&s);
}

static void exporter_busy(void)
{
	struct vp_foreign_shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), -EBUSY);
	vp_gpu_fill(s.gpu1, s.handle1, SIZE, 2);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 2));
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_detach(s.foreign, id);
	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_unshare(&s);
}

/*
 * Mapping makes the exporter move, which takes its time: the GPU reads and writes
 * when that is over, and no earlier.
 */
static void exporter_late(bool write)
{
	int foreign = vp_foreign_open_fresh(), gpu = vp_open(0), dmabuf, sync;
	uint32_t handle, word = 1;
	int64_t start;

	dmabuf = vp_foreign_export(foreign, SIZE, VP_FOREIGN_DYNAMIC | VP_FOREIGN_LATE);
	handle = vp_import(gpu, dmabuf);
	start = vp_now_ns();
	if (write)
		vp_poke(gpu, handle, 0, &word, sizeof(word));
	else
		vp_peek(gpu, handle, 0, &word, sizeof(word));
	/* Jiffies may be a few ahead of the clock. */
	igt_assert_lte((VP_FOREIGN_LATE_MS - 100) * 1000000ll, vp_now_ns() - start);
	igt_assert_eq(vp_foreign_buffer(foreign, dmabuf).maps, 1);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_READ);
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	close(dmabuf);
	close(gpu);
	close(foreign);
}

/* The last page belongs to the buffer as far as the buffer goes. */
static void odd_size(uint32_t flags)
{
	int foreign = vp_foreign_open_fresh(), gpu0 = vp_open(0), gpu1 = vp_open(1);
	const size_t size = SIZE - VP_PAGE + 100;
	int dmabuf = vp_foreign_export(foreign, size, flags);
	uint32_t handle0 = vp_import(gpu0, dmabuf), handle1 = vp_import(gpu1, dmabuf);
	void *map;

	igt_assert_eq(vp_info(gpu0, handle0).size, SIZE);
	vp_gpu_fill(gpu0, handle0, size, 1);
	vp_assert_gpu_sees(gpu1, handle1, size, 1);
	vp_assert_refused(vp_try_peek(gpu0, handle0, SIZE, &(uint32_t){ 0 }, 4), EINVAL);
	/* Whole pages of it can be mapped, as the kernel sees them. */
	map = vp_map(gpu1, handle1, SIZE - VP_PAGE, PROT_READ);
	vp_assert_pattern(map, SIZE - VP_PAGE, 1);
	vp_unmap(map, SIZE - VP_PAGE);
	close(dmabuf);
	close(gpu1);
	close(gpu0);
	close(foreign);
}

/* It is not vprime's memory. */
static void not_ours(uint32_t flags)
{
	struct vp_foreign_shared s = import(SIZE, flags);

	vp_assert_refused(vp_try_move(s.id), EOPNOTSUPP);
	vp_assert_refused(vp_try_revoke(s.id), EOPNOTSUPP);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	igt_assert_eq(strcmp(vp_watch(s.id)->state, "live"), 0);
	igt_assert_eq(strcmp(vp_watch(s.id)->exporter, VP_FOREIGN_NAME), 0);
	igt_assert(vp_watch(s.id)->foreign);
	vp_foreign_unshare(&s);
}

/* ---- a foreign exporter that fails -------------------------------------- */

static const int errnos[] = { ENOMEM, EBUSY, EPERM, EIO };

static void fails_attach(uint32_t flags)
{
	int foreign = vp_foreign_open_fresh();
	int gpu0 = vp_open(0), gpu1 = vp_open(1);
	int dmabuf = vp_foreign_export(foreign, SIZE, flags);
	uint32_t handle0, handle1;

	for (size_t i = 0; i < VP_ARRAY_SIZE(errnos); i++) {
		vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_ATTACH,
				errnos[i], 1);
		vp_assert_refused(vp_try_import(gpu0, dmabuf, NULL), errnos[i]);
	}
	handle0 = vp_import(gpu0, dmabuf);
	vp_gpu_fill(gpu0, handle0, SIZE, 1);

	/* One GPU has it, the other is refused. */
	vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_ATTACH, ENOSPC, ~0u);
	vp_assert_refused(vp_try_import(gpu1, dmabuf, NULL), ENOSPC);
	vp_assert_refused(vp_try_import(gpu1, dmabuf, NULL), ENOSPC);
	vp_assert_gpu_sees(gpu0, handle0, SIZE, 1);
	igt_assert_eq(vp_info(gpu0, handle0).attached_gpus, 1);
	vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_ATTACH, ENOSPC, 0);
	handle1 = vp_import(gpu1, dmabuf);
	vp_assert_gpu_sees(gpu1, handle1, SIZE, 1);
	igt_assert_eq(vp_foreign_buffer(foreign, dmabuf).attachments, 2);

	close(dmabuf);
	close(gpu0);
	close(gpu1);
	close(foreign);
}

static void fails_by_option(void)
{
	int foreign = vp_foreign_open_fresh(), gpu = vp_open(0), dmabuf;
	uint32_t handle, word;

	dmabuf = vp_foreign_export(foreign, SIZE, VP_FOREIGN_DYNAMIC);
	vp_foreign_set("fail_attach", EPROTO);
	vp_assert_refused(vp_try_import(gpu, dmabuf, NULL), EPROTO);
	vp_foreign_set("fail_attach", 0);
	handle = vp_import(gpu, dmabuf);
	vp_foreign_set("fail_map", EXDEV);
	vp_assert_refused(vp_try_peek(gpu, handle, 0, &word, sizeof(word)),
			  EXDEV);
	vp_foreign_set("fail_map", 0);
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, 0);

	close(dmabuf);
	close(gpu);
	close(foreign);
}

/* What is mapped at once, on kernels before 6.2, fails at import already. */
static void fails_map(uint32_t flags)
{
	int foreign = vp_foreign_open_fresh(), gpu = vp_open(0);
	int dmabuf = vp_foreign_export(foreign, SIZE, flags);
	struct vp_counts before = vp_counts();
	uint32_t handle = 0, word;
	int ret;

	vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_MAP, ENOSPC, ~0u);
	ret = vp_try_import(gpu, dmabuf, &handle);
	if (ret) {
		igt_assert_eq(flags & VP_FOREIGN_DYNAMIC, 0);
		igt_assert_eq(ret, -ENOSPC);
		vp_assert_counts(&before);
		vp_assert_refused(vp_try_import(gpu, dmabuf, NULL), ENOSPC);
	} else {
		for (size_t i = 0; i < VP_ARRAY_SIZE(errnos); i++) {
			vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_MAP,
					errnos[i], 2);
			vp_assert_refused(vp_try_peek(gpu, handle, 0, &word,
						      sizeof(word)), errnos[i]);
			vp_assert_refused(vp_try_poke(gpu, handle, 0, &word,
						      sizeof(word)), errnos[i]);
		}
	}
	vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_MAP, ENOSPC, 0);
	if (ret)
		handle = vp_import(gpu, dmabuf);
	vp_gpu_fill(gpu, handle, SIZE, 1);
	vp_assert_gpu_sees(gpu, handle, SIZE, 1);

	close(dmabuf);
	close(gpu);
	close(foreign);
}

/* Mapped again after a move, which fails: the data waits for the next try. */
static void fails_map_after_move(void)
{
	struct vp_foreign_shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	uint32_t word;

	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
	vp_foreign_fail(s.foreign, s.dmabuf, VP_FOREIGN_FAIL_MAP, ENOMEM, 1);
	vp_assert_refused(vp_try_peek(s.gpu0, s.handle0, 0, &word,
				      sizeof(word)), ENOMEM);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 1);
	vp_foreign_unshare(&s);
}

static void fails_pin(void)
{
	int foreign = vp_foreign_open_fresh(), gpu = vp_open(0);
	int dmabuf = vp_foreign_export(foreign, SIZE, VP_FOREIGN_DYNAMIC);
	uint32_t handle = vp_import(gpu, dmabuf), word;
	struct vp_counts before = vp_counts();
	int ret;

	vp_foreign_fail(foreign, dmabuf, VP_FOREIGN_FAIL_PIN, ENOSPC, 1);
	ret = vp_try_peek(gpu, handle, 0, &word, sizeof(word));
	/* A kernel with move notification does not pin. */
	if (ret) {
		igt_assert_eq(ret, -ENOSPC);
		vp_assert_counts(&before);
		igt_assert_eq(vp_foreign_buffer(foreign, dmabuf).pins, 0);
	}
	vp_gpu_fill(gpu, handle, SIZE, 1);
	vp_assert_gpu_sees(gpu, handle, SIZE, 1);

	close(dmabuf);
	close(gpu);
	close(foreign);
}

static void fails_mmap(void)
{
	struct vp_foreign_shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	uint64_t offset = vp_mmap_offset(s.gpu0, s.handle0);
	void *map;

	for (size_t i = 0; i < VP_ARRAY_SIZE(errnos); i++) {
		vp_foreign_fail(s.foreign, s.dmabuf, VP_FOREIGN_FAIL_MMAP,
				errnos[i], 2);
		vp_assert_refused(vp_try_mmap(s.gpu0, offset, SIZE, RW,
					      MAP_SHARED, &map), errnos[i]);
		vp_assert_refused(vp_try_mmap(s.dmabuf, 0, SIZE, RW,
					      MAP_SHARED, &map), errnos[i]);
	}
	map = vp_map(s.gpu0, s.handle0, SIZE, RW);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	vp_foreign_unshare(&s);
}

/* An exporter without mmap and vmap: what needs neither works. */
static void has_no_mmap(void)
{
	struct vp_foreign_shared s = import(SIZE, VP_FOREIGN_NO_MMAP |
						  VP_FOREIGN_NO_VMAP);
	uint32_t id;
	void *map;

	vp_assert_refused(vp_try_mmap(s.gpu0, vp_mmap_offset(s.gpu0, s.handle0),
				      SIZE, RW, MAP_SHARED, &map), EINVAL);
	vp_assert_refused(vp_try_mmap(s.dmabuf, 0, SIZE, RW, MAP_SHARED, &map),
			  EINVAL);
	vp_assert_refused(vp_foreign_try_vmap(s.foreign, s.dmabuf, &id),
			  EINVAL);
	vp_gpu_fill(s.gpu1, s.handle1, SIZE, 2);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_unshare(&s);
}

static void fails_begin(void)
{
	struct vp_foreign_shared s = import(SIZE, 0);

	vp_foreign_fail(s.foreign, s.dmabuf, VP_FOREIGN_FAIL_BEGIN, ENOSPC, 1);
	vp_assert_refused(vp_try_sync(s.dmabuf, DMA_BUF_SYNC_START |
				      DMA_BUF_SYNC_RW), ENOSPC);
	igt_assert_eq(vp_foreign_buffer(s.foreign, s.dmabuf).accesses, 0);
	igt_assert_eq(vp_try_sync(s.dmabuf, DMA_BUF_SYNC_START |
				  DMA_BUF_SYNC_RW), 0);
	igt_assert_eq(vp_foreign_buffer(s.foreign, s.dmabuf).accesses, 1);
	igt_assert_eq(vp_try_sync(s.dmabuf, DMA_BUF_SYNC_END |
				  DMA_BUF_SYNC_RW), 0);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	vp_foreign_unshare(&s);
}

static void moving_subtests(void)
{
	igt_describe("A foreign exporter moves: both GPUs drop their mappings and read at the new place");
	vp_subtest("exporter-moves")
		exporter_moves();

	igt_describe("The same under CPU mappings");
	vp_subtest("exporter-moves-cpu")
		exporter_moves_cpu();

	igt_describe("A foreign exporter that is pinned by another does not move, and the GPUs go on");
	vp_subtest("exporter-busy")
		exporter_busy();

	igt_describe("A foreign exporter moves while it is mapped: the GPU reads when it is done");
	vp_subtest("exporter-late-read")
		exporter_late(false);

	igt_describe("The same for a write");
	vp_subtest("exporter-late-write")
		exporter_late(true);

	igt_describe("A foreign buffer that ends within a page is imported as whole pages");
	vp_subtest("odd-size") {
		odd_size(0);
		odd_size(VP_FOREIGN_DYNAMIC);
	}

	igt_describe("A foreign driver's buffer is not vprime's to move or to take away");
	vp_subtest("not-ours") {
		not_ours(0);
		not_ours(VP_FOREIGN_DYNAMIC);
	}
}

static void failing_subtests(void)
{
	igt_describe("A foreign exporter refuses to be attached to: its errno, no trace, and the next try");
	vp_subtest("fails-attach") {
		fails_attach(0);
		fails_attach(VP_FOREIGN_DYNAMIC);
	}

	igt_describe("The same by the foreign module's options");
	vp_subtest("fails-by-option")
		fails_by_option();

	igt_describe("A foreign exporter refuses to be mapped: its errno, no trace, and the next try");
	vp_subtest("fails-map")
		fails_map(VP_FOREIGN_DYNAMIC);

	igt_describe("The same with one that cannot move");
	vp_subtest("fails-map-static")
		fails_map(0);

	igt_describe("The same after it has moved");
	vp_subtest("fails-map-after-move")
		fails_map_after_move();

	igt_describe("A foreign exporter refuses to be pinned: its errno, no trace, and the next try");
	vp_subtest("fails-pin")
		fails_pin();

	igt_describe("A foreign exporter refuses CPU mappings: its errno, no trace, and the next try");
	vp_subtest("fails-mmap")
		fails_mmap();

	igt_describe("A foreign exporter without mmap and vmap: EINVAL, and GPUs reach it");
	vp_subtest("has-no-mmap")
		has_no_mmap();

	igt_describe("A foreign exporter refuses CPU access: its errno, and the next try");
	vp_subtest("fails-begin")
		fails_begin();
}

igt_main
{
	moving_subtests();
	failing_subtests();

	igt_fixture
		vp_foreign_unload();
}
