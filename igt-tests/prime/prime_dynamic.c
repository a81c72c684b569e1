// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing with a driver whose mappings can be taken from it, and moving under
 * it: the one of igt-tests/kernel/foreign/, as no driver that a machine without
 * a GPU has is such a one.
 *
 * Older kernels pin a buffer for each importer that maps it, if they were built
 * without DMABUF_MOVE_NOTIFY, as Debian's are, and map it for a static importer
 * when that attaches. What such a kernel changes is asked of the module's counts,
 * not of the kernel's version.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_foreign.h"
#include "vp_race.h"
#include "vp_remote.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Foreign importers that can let go, and buffers that move under them");

#define RW		(PROT_READ | PROT_WRITE)
#define SIZE		(64 * VP_KIB)
/* Huge pages, and some small ones behind them. */
#define BIG		(4 * VP_MIB + 5 * VP_PAGE)

/* ---- a foreign importer ------------------------------------------------- */

static void pixels(size_t size, uint32_t flags)
{
	struct vp_foreign_shared s = vp_foreign_share(size);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, flags);
	void *map = vp_map(s.gpu1, s.handle1, size, RW);

	igt_assert(vp_foreign_sees(s.foreign, id, size, 1));
	vp_foreign_fill(s.foreign, id, size, 2);
	vp_assert_gpu_sees(s.gpu0, s.handle0, size, 2);
	vp_assert_gpu_sees(s.gpu1, s.handle1, size, 2);
	vp_assert_pattern(map, size, 2);
	vp_gpu_fill(s.gpu1, s.handle1, size, 3);
	igt_assert(vp_foreign_sees(s.foreign, id, size, 3));
	vp_fill(map, size, 4);
	igt_assert(vp_foreign_sees(s.foreign, id, size, 4));
	vp_assert_gpu_sees(s.gpu0, s.handle0, size, 4);

	vp_unmap(map, size);
	vp_foreign_detach(s.foreign, id);
	vp_foreign_unshare(&s);
}

/* Its attachment alone keeps the buffer, whoever made it. */
static void exporter_goes(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	close(s.dmabuf);
	close(s.gpu0);
	close(s.gpu1);
	vp_unplug(0);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	vp_foreign_fill(s.foreign, id, SIZE, 2);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 2));
	vp_plug(0);
	close(s.foreign);
}

/* vprime0 -> the foreign driver, which writes a buffer of its own -> vprime1 */
static void chain(void)
{
	int foreign = vp_foreign_open_fresh();
	int gpu0 = vp_open(0), gpu1 = vp_open(1);
	uint32_t handle0 = vp_create(gpu0, BIG), handle1, from, to;
	int source = vp_export(gpu0, handle0), target;
	static uint8_t line[VP_PAGE];

	target = vp_foreign_export(foreign, BIG, VP_FOREIGN_DYNAMIC);
	handle1 = vp_import(gpu1, target);
	from = vp_foreign_attach(foreign, source, 0);
	to = vp_foreign_attach(foreign, target, 0);

	vp_gpu_fill(gpu0, handle0, BIG, 7);
	for (size_t at = 0; at < BIG; at += sizeof(line)) {
		igt_assert_eq(vp_foreign_try_read(foreign, from, at, line,
						  sizeof(line)), 0);
		igt_assert_eq(vp_foreign_try_write(foreign, to, at, line,
						   sizeof(line)), 0);
	}
	vp_assert_gpu_sees(gpu1, handle1, BIG, 7);

	close(source);
	close(target);
	close(gpu0);
	close(gpu1);
	close(foreign);
}

static void closed_with_everything(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	struct vp_counts before = vp_counts();
	int foreign = vp_foreign_open();
	uint32_t id, map;

	vp_foreign_attach(foreign, s.dmabuf, VP_FOREIGN_STATIC);
	for (uint32_t flags = 0; flags <= VP_FOREIGN_STUBBORN; flags++) {
		id = vp_foreign_attach(foreign, s.dmabuf, flags);
		igt_assert(vp_foreign_sees(foreign, id, SIZE, 1));
		igt_assert_eq(vp_foreign_try_pin(foreign, id), 0);
		igt_assert_eq(vp_foreign_try_pin(foreign, id), 0);
	}
	igt_assert_eq(vp_foreign_try_vmap(foreign, s.dmabuf, &map), 0);
	igt_assert_eq(vp_foreign_try_vmap(foreign, s.dmabuf, &map), 0);
	vp_foreign_add_fence(foreign, s.dmabuf, VP_FOREIGN_USAGE_KERNEL, 60000);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).attached, 6);
	close(foreign);

	vp_assert_counts(&before);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).attached, 2);
	/* Nobody is left to wait for. */
	vp_gpu_fill(s.gpu0, s.handle0, SIZE, 2);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 2);
	vp_foreign_unshare(&s);
}

/* ---- moving under a foreign importer ------------------------------------ */

/* The foreign driver maps; whether that pins, as without move notification. */
static bool map_pins(struct vp_foreign_shared *s, uint32_t id)
{
	long pins = vp_counts().pins;

	igt_assert_eq(vp_foreign_try_map(s->foreign, id,
					 VP_FOREIGN_BIDIRECTIONAL), 0);
	return vp_counts().pins > pins;
}

static void move_mapped(uint32_t flags)
{
	struct vp_foreign_shared s = vp_foreign_share(BIG);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, flags);
	bool pins = map_pins(&s, id);
	struct vp_foreign_state state = vp_foreign_state(s.foreign, id);
	uint64_t address = vp_foreign_address(s.foreign, id, 0);

	if (pins) {
		vp_assert_refused(vp_try_move(s.id), EBUSY);
		igt_assert_eq(vp_foreign_state(s.foreign, id).told, state.told);
		igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
		igt_assert_eq(vp_foreign_try_unmap(s.foreign, id), 0);
	}
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert_eq(vp_foreign_state(s.foreign, id).told, state.told + 1);

	igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
	igt_assert_neq(vp_foreign_address(s.foreign, id, 0), address);
	igt_assert_eq(vp_foreign_state(s.foreign, id).generation, 2);
	vp_foreign_fill(s.foreign, id, BIG, 2);
	vp_assert_gpu_sees(s.gpu1, s.handle1, BIG, 2);
	vp_foreign_unshare(&s);
}

/* Where each page of a buffer is; free() the list. */
static uint64_t *page_addresses(struct vp_foreign_shared *s, uint32_t id)
{
	size_t pages = s->size / VP_PAGE;
	uint64_t *list = malloc(pages * sizeof(*list));

	igt_assert(list);
	igt_assert_eq(vp_foreign_try_map(s->foreign, id,
					 VP_FOREIGN_TO_DEVICE), 0);
	for (size_t i = 0; i < pages; i++)
		list[i] = vp_foreign_address(s->foreign, id, i * VP_PAGE);
	igt_assert_eq(vp_foreign_try_unmap(s->foreign, id), 0);
	return list;
}

/* No page stays, and none takes the place of another. */
static void move_all_pages(size_t size)
{
	struct vp_foreign_shared s = vp_foreign_share(size);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	void *by_handle = vp_map(s.gpu0, s.handle0, size, RW);
	void *by_fd = vp_map_dmabuf(s.dmabuf, size, RW);
	uint64_t *before = page_addresses(&s, id), *after;

	igt_assert_eq(vp_try_move(s.id), 0);
	after = page_addresses(&s, id);
	for (size_t i = 0; i < size / VP_PAGE; i++)
		for (size_t j = 0; j < size / VP_PAGE; j++)
			igt_assert_neq(after[i], before[j]);
	vp_assert_pattern(by_handle, size, 1);
	vp_assert_pattern(by_fd, size, 1);
	free(before);
	free(after);
	vp_unmap(by_handle, size);
	vp_unmap(by_fd, size);
	vp_foreign_unshare(&s);
}

static void move_pinned(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);

	igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);
	igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	igt_assert_eq(vp_foreign_try_unpin(s.foreign, id), 0);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	igt_assert_eq(vp_foreign_try_unpin(s.foreign, id), 0);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	vp_foreign_unshare(&s);
}

static void move_static(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	vp_foreign_fill(s.foreign, id, SIZE, 2);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_detach(s.foreign, id);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 2);
	vp_foreign_unshare(&s);
}

/*
 * One that keeps its mapping: where that pins, nothing moves; else the buffer
 * does, and the old memory stays until the importer is done with it.
 */
static void move_stale(uint32_t flags)
{
	struct vp_foreign_shared s = vp_foreign_share(BIG);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, flags);
	bool pins = map_pins(&s, id);
	long pages = vp_counts().pages;

	/* Longer than all the moves take. */
	vp_foreign_set("delay_ms", 20000);
	for (int i = 0; i < 3; i++)
		igt_assert_eq(vp_try_move(s.id), pins ? -EBUSY : 0);
	if (!pins) {
		igt_assert_eq(vp_foreign_state(s.foreign, id).flags,
			      VP_FOREIGN_IS_MAPPED | VP_FOREIGN_IS_STALE);
		igt_assert_lte(2 * pages, vp_counts().pages);
		vp_assert_gpu_sees(s.gpu1, s.handle1, BIG, 1);
	}
	if (pins || flags == VP_FOREIGN_STUBBORN)
		igt_assert_eq(vp_foreign_try_unmap(s.foreign, id), 0);
	vp_await(!vp_foreign_is_mapped(s.foreign, id));
	igt_assert_eq(vp_counts().pages, pages);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
	vp_foreign_unshare(&s);
}

static void kernel_mapped(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t first, second;

	igt_assert_eq(vp_foreign_try_vmap(s.foreign, s.dmabuf, &first), 0);
	igt_assert_eq(vp_foreign_try_vmap(s.foreign, s.dmabuf, &second), 0);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	vp_assert_refused(vp_try_revoke(s.id), EBUSY);
	vp_foreign_vunmap(s.foreign, first);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	vp_assert_refused(vp_try_revoke(s.id), EBUSY);
	vp_foreign_vunmap(s.foreign, second);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	vp_foreign_unshare(&s);
}

static int do_move(struct vp_task *task)
{
	return vp_try_move(task->value);
}

static int do_revoke(struct vp_task *task)
{
	return vp_try_revoke(task->value);
}

/* It is done when the fence has signalled, and not before. */
static void waits_for(struct vp_foreign_shared *s, uint32_t usage,
		      int (*run)(struct vp_task *task))
{
	uint32_t fence = vp_foreign_add_fence(s->foreign, s->dmabuf, usage,
					      VP_FOREIGN_MAX_TIMEOUT_MS);
	struct vp_remote remote = vp_remote_start("mover");
	struct vp_task task = { .run = run, .value = s->id };

	vp_remote_block(&remote, &task);
	vp_assert_blocked(&remote);
	vp_foreign_signal(s->foreign, fence);
	igt_assert_eq(vp_remote_result(&remote, NULL), 0);
	vp_remote_end(&remote);
}

/* Moving, and taking away, wait for what devices have begun. */
static void fences(uint32_t usage)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);

	waits_for(&s, usage, do_move);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	waits_for(&s, usage, do_revoke);
	vp_foreign_unshare(&s);
}

/* ---- many at once ------------------------------------------------------- */

#define WRITERS		4
#define IMPORTERS	8
#define MOVES		100

/*
 * Process @n of the race owns page @n: what it finds there, whichever way it
 * looks, is what it was the last to write.
 */
static void own_a_page(struct vp_foreign_shared *s, struct vp_race *race, int n)
{
	const size_t at = (size_t)n * VP_PAGE, last = VP_PAGE / 4 - 1;
	int gpu = n % 2 ? s->gpu1 : s->gpu0;
	uint32_t handle = n % 2 ? s->handle1 : s->handle0;
	int foreign = vp_foreign_open();
	uint32_t id[2], word = 0, zero = 0;
	volatile uint32_t *page;
	void *map;
	int ret;

	map = n < WRITERS / 2 ? vp_map(gpu, handle, s->size, RW) :
				vp_map_dmabuf(s->dmabuf, s->size, RW);
	page = (volatile uint32_t *)((char *)map + at);
	id[0] = vp_foreign_attach(foreign, s->dmabuf, 0);
	id[1] = vp_foreign_attach(foreign, s->dmabuf, VP_FOREIGN_LAZY);

	for (uint32_t i = 1; !race->stop; i++) {
		page[0] = i;
		page[last] = ~i;
		igt_assert_eq(page[0], i);
		igt_assert_eq(page[last], ~i);
		if (i % 4 == 0) {
			vp_peek(gpu, handle, at, &word, sizeof(word));
			igt_assert_eq(word, i);
		}
		if (i % 8 == 0) {
			uint32_t which = id[i / 8 % 2];

			igt_assert_eq(vp_foreign_try_read(foreign, which, at,
							  &word, sizeof(word)),
				      0);
			igt_assert_eq(word, i);
			igt_assert_eq(vp_foreign_try_write(foreign, which, at,
							   &zero, sizeof(zero)),
				      0);
			igt_assert_eq(page[0], 0);
			/*
			 * Where mapping pins, this lets the buffer move;
			 * elsewhere it may have moved and be unmapped by now.
			 */
			ret = vp_foreign_try_unmap(foreign, which);
			igt_assert(!ret || ret == -ENXIO);
		}
		race->rounds[n] = i;
	}
	vp_unmap(map, s->size);
	close(foreign);
}

static void many(void)
{
	struct vp_foreign_shared s = vp_foreign_share(WRITERS * VP_PAGE);
	struct vp_race *race = vp_race_begin();
	int64_t end = vp_in_ms(VP_PATIENCE_MS);
	unsigned int moves = 0, busy = 0;
	int ret;

	vp_foreign_set("delay_ms", 1);
	igt_fork(child, WRITERS)
		own_a_page(&s, race, child);
	vp_race_wait(race, WRITERS, 16);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).attached, IMPORTERS + 2);

	while (moves < MOVES && vp_now_ns() < end) {
		ret = vp_try_move(s.id);
		igt_assert_f(!ret || ret == -EBUSY, "move: %s\n",
			     strerror(-ret));
		if (ret) {
			busy++;
			continue;
		}
		if (++moves % 10 == 0)
			vp_race_wait(race, WRITERS, 8);
		end = vp_in_ms(VP_PATIENCE_MS);
	}
	race->stop = true;
	igt_waitchildren();
	igt_assert_eq(moves, MOVES);
	igt_info("%u moves, %u times busy\n", moves, busy);
	vp_race_end(race);
	vp_foreign_unshare(&s);
}

static void read_subtests(void)
{
	igt_describe("A dynamic importer reads what GPUs and programs write, and they what it writes");
	vp_subtest("pixels")
		pixels(SIZE, 0);

	igt_describe("The same with huge pages and some small ones behind them");
	vp_subtest("pixels-huge-pages")
		pixels(BIG, 0);

	igt_describe("The same with a static importer");
	vp_subtest("pixels-static")
		pixels(BIG, VP_FOREIGN_STATIC);

	igt_describe("Its attachment keeps a buffer whose GPU and files are gone");
	vp_subtest("exporter-goes")
		exporter_goes();

	igt_describe("vprime0 to the foreign driver, from there in its own buffer to vprime1");
	vp_subtest("chain")
		chain();

	igt_describe("Closing the foreign file with everything open leaves no trace");
	vp_subtest("closed-with-everything")
		closed_with_everything();
}

static void move_subtests(void)
{
	igt_describe("A buffer moves under an importer that can be told, or, where mapping pins, after it unmapped");
	vp_subtest("move-mapped")
		move_mapped(0);

	igt_describe("Every page is at another address after a move");
	vp_subtest("move-all-pages") {
		move_all_pages(SIZE);
		move_all_pages(BIG);
	}

	igt_describe("A buffer that an importer has pinned does not move until the last unpin");
	vp_subtest("move-pinned")
		move_pinned();

	igt_describe("A buffer that a static importer has does not move until that detaches");
	vp_subtest("move-static")
		move_static();

	igt_describe("A buffer moves under importers that keep the old mapping, or waits for them");
	vp_subtest("move-stale") {
		move_stale(VP_FOREIGN_LAZY);
		move_stale(VP_FOREIGN_STUBBORN);
	}

	igt_describe("A buffer that is mapped into the kernel is neither moved nor taken away");
	vp_subtest("kernel-mapped")
		kernel_mapped();

	igt_describe("Moving and taking away wait for a foreign driver's write");
	vp_subtest("fence-write")
		fences(VP_FOREIGN_USAGE_WRITE);

	igt_describe("Moving and taking away wait even for fences that nobody else waits for");
	vp_subtest("fence-bookkeep")
		fences(VP_FOREIGN_USAGE_BOOKKEEP);
}

igt_main
{
	read_subtests();
	move_subtests();

	igt_describe("Eight importers and four writers while the buffer moves 100 times: no stale byte");
	vp_subtest("many")
		many();

	igt_fixture
		vp_foreign_unload();
}
