// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing with a driver whose mappings can be taken from it, or that moves its
 * own memory: the one of igt-tests/kernel/foreign/, as no driver that a machine
 * without a GPU has is such a one.
 *
 * Kernels without DMABUF_MOVE_NOTIFY, as Debian's, pin a buffer for whoever has
 * it mapped, and map it for a static importer when that attaches. What such a
 * kernel changes is asked of the module's counts, not of the kernel's version.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_foreign.h"
#include "vp_log.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Foreign importers that can let go, and exporters that move or fail");

#define RW		(PROT_READ | PROT_WRITE)
#define SIZE		(64 * VP_KIB)
/* Huge pages, and some small ones behind them. */
#define BIG		(4 * VP_MIB + 5 * VP_PAGE)
#define REVOKE_MS	2000

/* A buffer of GPU 0 with pixels of seed 1 in it, that GPU 1 has as well. */
struct shared {
	int gpu0, gpu1, foreign, dmabuf;
	uint32_t handle0, handle1;
	size_t size;
	uint64_t id;
};

static struct shared share(size_t size)
{
	struct shared s = { .size = size };

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

static void unshare(struct shared *s)
{
	close(s->dmabuf);
	close(s->gpu0);
	close(s->gpu1);
	close(s->foreign);
}

/* The foreign driver maps; whether that pins, as without move notification. */
static bool map_pins(struct shared *s, uint32_t id)
{
	long pins = vp_counts().pins;

	igt_assert_eq(vp_foreign_try_map(s->foreign, id,
					 VP_FOREIGN_BIDIRECTIONAL), 0);
	return vp_counts().pins > pins;
}

/* ---- a foreign importer ------------------------------------------------- */

static void pixels(size_t size, uint32_t flags)
{
	struct shared s = share(size);
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
	unshare(&s);
}

/* Its attachment alone keeps the buffer, whoever made it. */
static void exporter_goes(void)
{
	struct shared s = share(SIZE);
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
	struct shared s = share(SIZE);
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
	unshare(&s);
}

/* ---- moving under a foreign importer ------------------------------------ */

static void move_mapped(uint32_t flags)
{
	struct shared s = share(BIG);
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
	unshare(&s);
}

/* Where each page of a buffer is; free() the list. */
static uint64_t *page_addresses(struct shared *s, uint32_t id)
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
	struct shared s = share(size);
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
	unshare(&s);
}

static void move_pinned(void)
{
	struct shared s = share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);

	igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);
	igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	igt_assert_eq(vp_foreign_try_unpin(s.foreign, id), 0);
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	igt_assert_eq(vp_foreign_try_unpin(s.foreign, id), 0);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	unshare(&s);
}

static void move_static(void)
{
	struct shared s = share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	vp_assert_refused(vp_try_move(s.id), EBUSY);
	vp_foreign_fill(s.foreign, id, SIZE, 2);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_detach(s.foreign, id);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 2);
	unshare(&s);
}

/*
 * One that keeps its mapping: where that pins, nothing moves; else the buffer
 * does, and the old memory stays until the importer is done with it.
 */
static void move_stale(uint32_t flags)
{
	struct shared s = share(BIG);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, flags);
	bool pins = map_pins(&s, id);
	long pages = vp_counts().pages;

	/* Longer than all the moves take. */
	vp_foreign_set("delay_ms", 2000);
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
	for (int ms = 0; vp_foreign_is_mapped(s.foreign, id); ms += 10) {
		igt_assert_lt(ms, 5000);
		usleep(10000);
	}
	igt_assert_eq(vp_counts().pages, pages);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
	unshare(&s);
}

static void kernel_mapped(void)
{
	struct shared s = share(SIZE);
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
	unshare(&s);
}

/* Moving, and taking away, wait for what devices have begun. */
static void fences(uint32_t usage)
{
	struct shared s = share(SIZE);
	const uint32_t ms = 300;
	uint64_t begin = vp_now_ms();

	vp_foreign_add_fence(s.foreign, s.dmabuf, usage, ms);
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert_lte(begin + ms / 2, vp_now_ms());
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);

	begin = vp_now_ms();
	vp_foreign_add_fence(s.foreign, s.dmabuf, usage, ms);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_lte(begin + ms / 2, vp_now_ms());
	unshare(&s);
}

/* ---- taking away from a foreign importer -------------------------------- */

/* Nobody gets at the buffer any more. */
static void assert_gone(struct shared *s)
{
	uint32_t word;

	igt_assert_eq(vp_try_peek(s->gpu0, s->handle0, 0, &word, sizeof(word)),
		      -ENODEV);
	igt_assert_eq(vp_try_poke(s->gpu1, s->handle1, 0, &word, sizeof(word)),
		      -ENODEV);
	igt_assert(vp_info(s->gpu1, s->handle1).flags &
		   DRM_VPRIME_INFO_REVOKED);
	igt_assert_eq(strcmp(vp_watch(s->id)->state, "revoked"), 0);
	vp_assert_refused(vp_foreign_try_attach(s->foreign, s->dmabuf, 0, NULL),
			  ENODEV);
	vp_assert_refused(vp_foreign_try_attach(s->foreign, s->dmabuf,
						VP_FOREIGN_STATIC, NULL),
			  ENODEV);
}

static void assert_cannot_use(struct shared *s, uint32_t id)
{
	uint32_t word = 0;

	vp_assert_refused(vp_foreign_try_map(s->foreign, id,
					     VP_FOREIGN_TO_DEVICE), ENODEV);
	vp_assert_refused(vp_foreign_try_map(s->foreign, id,
					     VP_FOREIGN_BIDIRECTIONAL), ENODEV);
	vp_assert_refused(vp_foreign_try_read(s->foreign, id, 0, &word,
					      sizeof(word)), ENODEV);
	vp_assert_refused(vp_foreign_try_write(s->foreign, id, 0, &word,
					       sizeof(word)), ENODEV);
}

static void revoke_obedient(bool mapped, bool pinned)
{
	struct shared s = share(BIG);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	long pages = vp_counts().pages;

	if (mapped)
		igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
	if (pinned)
		igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);

	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert(!vp_foreign_is_mapped(s.foreign, id));
	igt_assert_eq(vp_foreign_state(s.foreign, id).told, 1);
	igt_assert_eq(vp_counts().mappings, 0);
	igt_assert_eq(vp_counts().pages, pages - (long)(BIG / VP_PAGE));
	assert_gone(&s);
	assert_cannot_use(&s, id);
	if (pinned)
		igt_assert_eq(vp_foreign_try_unpin(s.foreign, id), 0);
	vp_foreign_detach(s.foreign, id);
	unshare(&s);
}

static void revoke_lazy(void)
{
	struct shared s = share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_LAZY);
	long pages = vp_counts().pages;
	const unsigned int ms = 400;
	uint64_t begin;

	vp_foreign_set("delay_ms", ms);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	begin = vp_now_ms();
	igt_assert_eq(vp_try_revoke(s.id), 0);
	/* Not told, but asked: it had unmapped before revoke was done. */
	igt_assert(!vp_foreign_is_mapped(s.foreign, id));
	igt_assert_lte(begin + ms / 2, vp_now_ms());
	igt_assert_eq(vp_counts().mappings, 0);
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	assert_gone(&s);
	assert_cannot_use(&s, id);
	unshare(&s);
}

/* Take a buffer from an importer that does not let go, which is reported. */
static void revoke_in_vain(struct shared *s)
{
	const unsigned int reported = vp_watch_total("not-unmapped");
	char line[VP_LOG_LINE] = "", buffer[64];
	int log = vp_log_open();
	uint64_t begin = vp_now_ms();

	igt_assert_eq(vp_try_revoke(s->id), -ETIMEDOUT);
	/* The kernel's timers may be behind the clock on a busy machine. */
	igt_assert_lte(begin + REVOKE_MS / 2, vp_now_ms());
	igt_assert_lte(vp_now_ms(), begin + 4 * REVOKE_MS);

	igt_assert_eq(vp_watch_total("not-unmapped"), reported + 1);
	igt_assert_eq(vp_watch_violations(s->id, "not-unmapped"), 1);
	igt_assert_eq(vp_log_lines(log, "dma-buf contract: not-unmapped: ",
				   VP_FOREIGN_DEVICE " ", line), 1);
	snprintf(buffer, sizeof(buffer), " buffer %llu of vprime0, %zu bytes,",
		 (unsigned long long)s->id, s->size);
	igt_assert_f(strstr(line, buffer), "not '%s': %s\n", buffer, line);
	close(log);
}

static void revoke_stubborn(void)
{
	struct shared s = share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf,
					VP_FOREIGN_STUBBORN);
	long pages = vp_counts().pages;
	uint32_t word;

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	revoke_in_vain(&s);
	assert_gone(&s);
	igt_assert_eq(vp_foreign_state(s.foreign, id).flags,
		      VP_FOREIGN_IS_MAPPED | VP_FOREIGN_IS_STALE);
	igt_assert_eq(strcmp(vp_watch_attachment(s.id,
						 VP_FOREIGN_DEVICE)->mapped,
			     "stale"), 0);
	/* It has an old way to the memory, so that is still there. */
	igt_assert_eq(vp_counts().pages, pages);
	igt_assert_eq(vp_foreign_try_read(s.foreign, id, 0, &word,
					  sizeof(word)), -ESTALE);

	igt_assert_eq(vp_foreign_try_unmap(s.foreign, id), 0);
	igt_assert_eq(vp_counts().mappings, 0);
	assert_cannot_use(&s, id);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	vp_foreign_detach(s.foreign, id);
	unshare(&s);
}

static void never_unmap(int sock, int dmabuf)
{
	int foreign = vp_foreign_open();
	uint32_t id = vp_foreign_attach(foreign, dmabuf, VP_FOREIGN_STUBBORN);

	igt_assert_eq(vp_foreign_try_pin(foreign, id), 0);
	igt_assert(vp_foreign_sees(foreign, id, SIZE, 1));
	vp_tell(sock, 'm');
	igt_assert_eq(vp_hear(sock), 'c');
	close(foreign);
	vp_tell(sock, 'd');
	pause();
}

/* The same, but it never unmaps: its file is closed, or its process killed. */
static void never_unmapped(bool killed)
{
	struct shared s = share(SIZE);
	struct vp_counts before = vp_counts();
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1)
		never_unmap(sock[1], s.dmabuf);
	igt_assert_eq(vp_hear(sock[0]), 'm');
	revoke_in_vain(&s);

	if (!killed) {
		vp_tell(sock[0], 'c');
		igt_assert_eq(vp_hear(sock[0]), 'd');
		igt_assert_eq(vp_try_revoke(s.id), 0);
	}
	igt_kill_children(SIGKILL);
	igt_assert_neq(__igt_waitchildren(), 0);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	before.mappings = 0;	/* the GPUs have lost theirs */
	before.pages -= (long)(SIZE / VP_PAGE);
	vp_assert_counts(&before);
	assert_gone(&s);
	close(sock[0]);
	close(sock[1]);
	unshare(&s);
}

static void revoke_static(bool map)
{
	struct shared s = share(SIZE);
	long mappings = vp_counts().mappings;
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	if (map)
		igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	/* Or the kernel has mapped it at attach. */
	if (vp_counts().mappings > mappings) {
		vp_assert_refused(vp_try_revoke(s.id), EBUSY);
		igt_assert_eq(vp_info(s.gpu0, s.handle0).flags &
			      DRM_VPRIME_INFO_REVOKED, 0);
		igt_assert_eq(strcmp(vp_watch(s.id)->state, "live"), 0);
		vp_foreign_fill(s.foreign, id, SIZE, 2);
		vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 2);
		vp_foreign_detach(s.foreign, id);
	}
	igt_assert_eq(vp_try_revoke(s.id), 0);
	assert_gone(&s);
	unshare(&s);
}

/* One that cannot let go is enough for all of it to stay. */
static void revoke_mixed(void)
{
	struct shared s = share(SIZE);
	uint32_t moving = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	uint32_t fixed = vp_foreign_attach(s.foreign, s.dmabuf,
					   VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, moving, SIZE, 1));
	igt_assert(vp_foreign_sees(s.foreign, fixed, SIZE, 1));
	vp_assert_refused(vp_try_revoke(s.id), EBUSY);
	igt_assert_eq(vp_foreign_state(s.foreign, moving).told, 0);
	igt_assert(vp_foreign_sees(s.foreign, moving, SIZE, 1));
	vp_foreign_detach(s.foreign, fixed);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_foreign_state(s.foreign, moving).told, 1);
	assert_cannot_use(&s, moving);
	unshare(&s);
}

/* ---- a foreign exporter that moves -------------------------------------- */

/* A buffer of the foreign driver's, on both GPUs, with pixels of seed 1. */
static struct shared import(size_t size, uint32_t flags)
{
	struct shared s = { .size = size };

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

static void exporter_moves(void)
{
	struct shared s = import(BIG, VP_FOREIGN_DYNAMIC);
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
	unshare(&s);
}

static void exporter_moves_cpu(void)
{
	struct shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
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
	unshare(&s);
}

static void exporter_busy(void)
{
	struct shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), -EBUSY);
	vp_gpu_fill(s.gpu1, s.handle1, SIZE, 2);
	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 2));
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	vp_foreign_detach(s.foreign, id);
	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 2);
	unshare(&s);
}

/* It is not vprime's memory. */
static void not_ours(uint32_t flags)
{
	struct shared s = import(SIZE, flags);

	vp_assert_refused(vp_try_move(s.id), EOPNOTSUPP);
	vp_assert_refused(vp_try_revoke(s.id), EOPNOTSUPP);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	igt_assert_eq(strcmp(vp_watch(s.id)->state, "live"), 0);
	igt_assert_eq(strcmp(vp_watch(s.id)->exporter, VP_FOREIGN_NAME), 0);
	igt_assert(vp_watch(s.id)->foreign);
	unshare(&s);
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
	struct shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
	uint32_t word;

	igt_assert_eq(vp_foreign_try_move(s.foreign, s.dmabuf), 0);
	vp_foreign_fail(s.foreign, s.dmabuf, VP_FOREIGN_FAIL_MAP, ENOMEM, 1);
	vp_assert_refused(vp_try_peek(s.gpu0, s.handle0, 0, &word,
				      sizeof(word)), ENOMEM);
	vp_assert_gpu_sees(s.gpu0, s.handle0, SIZE, 1);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 1);
	unshare(&s);
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
	struct shared s = import(SIZE, VP_FOREIGN_DYNAMIC);
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
	unshare(&s);
}

/* An exporter without mmap and vmap: what needs neither works. */
static void has_no_mmap(void)
{
	struct shared s = import(SIZE, VP_FOREIGN_NO_MMAP | VP_FOREIGN_NO_VMAP);
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
	unshare(&s);
}

static void fails_begin(void)
{
	struct shared s = import(SIZE, 0);

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
	unshare(&s);
}

/* ---- many at once ------------------------------------------------------- */

#define WRITERS		4
#define IMPORTERS	8
#define MOVES		100
#define LIMIT_MS	60000

/*
 * Process @n of the race owns page @n: what it finds there, whichever way it
 * looks, is what it was the last to write.
 */
static void own_a_page(struct shared *s, struct vp_race *race, int n)
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
	struct shared s = share(WRITERS * VP_PAGE);
	struct vp_race *race = vp_race_begin();
	uint64_t end = vp_now_ms() + LIMIT_MS;
	unsigned int moves = 0, busy = 0;
	int ret;

	vp_foreign_set("delay_ms", 1);
	igt_fork(child, WRITERS)
		own_a_page(&s, race, child);
	vp_race_wait(race, WRITERS, 16);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).attached, IMPORTERS + 2);

	while (moves < MOVES && vp_now_ms() < end) {
		ret = vp_try_move(s.id);
		igt_assert_f(!ret || ret == -EBUSY, "move: %s\n",
			     strerror(-ret));
		if (ret)
			busy++;
		else if (++moves % 10 == 0)
			vp_race_wait(race, WRITERS, 8);
	}
	race->stop = true;
	igt_waitchildren();
	igt_assert_eq(moves, MOVES);
	igt_info("%u moves, %u times busy\n", moves, busy);
	vp_race_end(race);
	unshare(&s);
}

/* One process of each way to the buffer; returns how it ended. */
static int use(struct shared *s, int n, volatile char *by_handle,
	       volatile char *by_fd, int foreign, const uint32_t id[2])
{
	uint32_t word = 0;

	switch (n) {
	case 0:
		return vp_touch(by_handle + VP_PAGE, true);
	case 1:
		return vp_touch(by_fd + 2 * VP_PAGE, false);
	case 2:
		return vp_try_peek(s->gpu0, s->handle0, 0, &word, sizeof(word));
	case 3:
		return vp_try_poke(s->gpu1, s->handle1, 0, &word, sizeof(word));
	case 4:
		return vp_foreign_try_read(foreign, id[0], 0, &word,
					   sizeof(word));
	default:
		return vp_foreign_try_write(foreign, id[1], 0, &word,
					    sizeof(word));
	}
}

#define USERS	6

static void use_until_gone(struct shared *s, struct vp_race *race, int n)
{
	volatile char *by_handle = vp_map(s->gpu1, s->handle1, s->size, RW);
	volatile char *by_fd = vp_map_dmabuf(s->dmabuf, s->size, RW);
	int foreign = vp_foreign_open(), ret;
	bool revoked;
	uint32_t id[2];

	id[0] = vp_foreign_attach(foreign, s->dmabuf, 0);
	id[1] = vp_foreign_attach(foreign, s->dmabuf, VP_FOREIGN_LAZY);
	do {
		revoked = race->revoked;
		ret = use(s, n, by_handle, by_fd, foreign, id);
		race->rounds[n]++;
		igt_assert_f(!ret || !revoked || ret == -ENODEV ||
			     ret == SIGBUS, "ended with %d\n", ret);
		igt_assert_f(!(revoked && !ret),
			     "user %d got at what was gone\n", n);
	} while (!ret);
	igt_assert_eq(ret, n < 2 ? SIGBUS : -ENODEV);
	vp_unmap((void *)by_handle, s->size);
	vp_unmap((void *)by_fd, s->size);
	close(foreign);
}

static void revoke_under_users(void)
{
	struct shared s = share(SIZE);
	struct vp_race *race = vp_race_begin();
	long pages = vp_counts().pages;

	igt_fork(child, USERS)
		use_until_gone(&s, race, child);
	vp_race_wait(race, USERS, 20);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	race->revoked = true;
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	igt_waitchildren();
	assert_gone(&s);
	vp_race_end(race);
	unshare(&s);
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

static void revoke_subtests(void)
{
	igt_describe("A buffer is taken from an importer that unmaps when told, and it cannot map again");
	vp_subtest("revoke-obedient")
		revoke_obedient(true, false);

	igt_describe("The same when it has not mapped it");
	vp_subtest("revoke-unmapped")
		revoke_obedient(false, false);

	igt_describe("The same when it has mapped and pinned it");
	vp_subtest("revoke-pinned")
		revoke_obedient(true, true);

	igt_describe("Taking a buffer away returns when an importer that takes its time has unmapped");
	vp_subtest("revoke-lazy")
		revoke_lazy();

	igt_describe("An importer that does not unmap is named after two seconds; unmapping later is fine");
	vp_subtest("revoke-stubborn")
		revoke_stubborn();

	igt_describe("The file of an importer that never unmaps is closed");
	vp_subtest("never-unmapped-closed")
		never_unmapped(false);

	igt_describe("The process of an importer that never unmaps is killed");
	vp_subtest("never-unmapped-killed")
		never_unmapped(true);

	igt_describe("A static importer that has it mapped keeps everything as it is until it detaches");
	vp_subtest("revoke-static")
		revoke_static(true);

	igt_describe("A static importer that has it not mapped, by the kernel either, keeps nothing");
	vp_subtest("revoke-static-attached")
		revoke_static(false);

	igt_describe("Beside a static importer, one that could let go is not even told");
	vp_subtest("revoke-mixed")
		revoke_mixed();
}

static void exporter_subtests(void)
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

	igt_describe("A foreign driver's buffer is not vprime's to move or to take away");
	vp_subtest("not-ours") {
		not_ours(0);
		not_ours(VP_FOREIGN_DYNAMIC);
	}

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
	read_subtests();
	move_subtests();
	revoke_subtests();
	exporter_subtests();

	igt_describe("Eight importers and four writers while the buffer moves 100 times: no stale byte");
	vp_subtest("many")
		many();

	igt_describe("Taken away under six users: each is told, none gets at it afterwards");
	vp_subtest("revoke-under-users")
		revoke_under_users();

	igt_fixture
		vp_foreign_unload();
}
