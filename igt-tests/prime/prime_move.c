// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving buffers, and taking them away, among vprime's own GPUs and programs,
 * by the files "move" and "revoke" in debugfs. That the pages are others after
 * a move is seen by a device: prime_dynamic@move-all-pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_access.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Buffers that move, or are taken away, under GPUs and programs");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(64 * VP_KIB)
#define HUGE	(4 * VP_MIB + 5 * VP_PAGE)
#define ONE_HUGE	(2 * VP_MIB + 5 * VP_PAGE)
#define MOVES	1000

/* A buffer of GPU 0 that GPU 1 has as well, and programs have mapped. */
struct shared {
	int gpu0, gpu1, dmabuf;
	uint32_t handle0, handle1;
	size_t size;
	uint64_t id;
	char *map0, *map1, *by_fd;
};

static struct shared share(size_t size)
{
	struct shared s = { .size = size };

	s.gpu0 = vp_open(0);
	s.gpu1 = vp_open(1);
	s.handle0 = vp_create(s.gpu0, size);
	s.dmabuf = vp_export(s.gpu0, s.handle0);
	s.handle1 = vp_import(s.gpu1, s.dmabuf);
	s.id = vp_id(s.gpu0, s.handle0);
	s.map0 = vp_map(s.gpu0, s.handle0, size, RW);
	s.map1 = vp_map(s.gpu1, s.handle1, size, RW);
	s.by_fd = vp_map_dmabuf(s.dmabuf, size, RW);
	return s;
}

static void unshare(struct shared *s)
{
	vp_unmap(s->map0, s->size);
	vp_unmap(s->map1, s->size);
	vp_unmap(s->by_fd, s->size);
	close(s->dmabuf);
	close(s->gpu0);
	close(s->gpu1);
}

/* ---- moving ------------------------------------------------------------- */

/* Every @step-th page of the first @used ones, each with a seed of its own. */
struct touched {
	size_t used, step;
};

static void fill_pages(char *map, const struct touched *t)
{
	for (size_t page = 0; page < t->used; page += t->step)
		vp_fill(map + page * VP_PAGE, VP_PAGE, (uint32_t)page + 1);
}

static void assert_pages(const char *map, const struct touched *t)
{
	for (size_t page = 0; page < t->used; page += t->step) {
		long at = vp_mismatch(map + page * VP_PAGE, VP_PAGE,
				      (uint32_t)page + 1);

		igt_assert_f(at == VP_INTACT,
			     "wrong pixel in page %zu at byte %ld\n", page, at);
	}
}

static bool is_touched(size_t page, const struct touched *t)
{
	return page < t->used && page % t->step == 0;
}

static void move_often(size_t size, struct touched t, unsigned int moves)
{
	struct shared s = share(size);
	uint64_t resident;
	long pages;

	fill_pages(s.map0, &t);
	resident = vp_info(s.gpu0, s.handle0).resident;
	pages = vp_counts().pages;
	igt_assert_lte(1, resident);

	for (unsigned int i = 0; i < moves; i++) {
		igt_assert_eq(vp_try_move(s.id), 0);
		igt_assert_eq(vp_info(s.gpu1, s.handle1).resident, resident);
		if (i % 100 == 0)
			assert_pages(i % 200 ? s.map1 : s.by_fd, &t);
	}
	assert_pages(s.map0, &t);
	assert_pages(s.map1, &t);
	assert_pages(s.by_fd, &t);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).resident, resident);
	igt_assert_eq(vp_counts().pages, pages);

	/* What did not exist was not made up. */
	for (size_t page = 0; page < size / VP_PAGE; page++)
		igt_assert(is_touched(page, &t) ||
			   vp_all_zero(s.map1 + page * VP_PAGE, VP_PAGE));
	unshare(&s);
}

static void untouched(void)
{
	struct shared s = share(HUGE);
	long pages = vp_counts().pages;

	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).resident, 0);
	igt_assert_eq(vp_counts().pages, pages);
	igt_assert(vp_all_zero(s.map0, HUGE));
	igt_assert_eq(vp_try_move(s.id), 0);
	igt_assert(vp_all_zero(s.by_fd, HUGE));
	unshare(&s);
}

/* A buffer that nobody else has, with and without a mapping. */
static void unshared(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	uint64_t id = vp_id(gpu, handle);
	void *map = vp_map(gpu, handle, SIZE, RW);

	vp_fill(map, SIZE, 1);
	igt_assert_eq(vp_try_move(id), 0);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	igt_assert_eq(vp_try_move(id), 0);
	vp_assert_gpu_sees(gpu, handle, SIZE, 1);
	close(gpu);
}

/* GPUs drop their mappings when told, and map again at the next use. */
static void gpus(void)
{
	struct shared s = share(HUGE);
	long mappings = vp_counts().mappings;

	vp_gpu_fill(s.gpu0, s.handle0, HUGE, 1);
	for (uint32_t i = 1; i <= 4; i++) {
		vp_assert_gpu_sees(s.gpu0, s.handle0, HUGE, i);
		vp_assert_gpu_sees(s.gpu1, s.handle1, HUGE, i);
		igt_assert_eq(vp_counts().mappings, mappings + 2);
		igt_assert_eq(vp_try_move(s.id), 0);
		igt_assert_eq(vp_counts().mappings, mappings);
		vp_assert_pattern(s.map1, HUGE, i);
		vp_gpu_fill(s.gpu1, s.handle1, HUGE, i + 1);
		vp_assert_pattern(s.map0, HUGE, i + 1);
	}
	unshare(&s);
}

/* All mappings lead to the new pages, and the same ones. */
static void mappings_agree(void)
{
	struct shared s = share(HUGE);
	char *const maps[] = { s.map0, s.map1, s.by_fd };

	for (uint32_t i = 0; i < 9; i++) {
		vp_fill(maps[i % 3], HUGE, i);
		igt_assert_eq(vp_try_move(s.id), 0);
		for (size_t j = 0; j < VP_ARRAY_SIZE(maps); j++)
			vp_assert_pattern(maps[j], HUGE, i);
		/* And not only until the page tables are filled. */
		vp_fill(maps[(i + 1) % 3], HUGE, i + 100);
		for (size_t j = 0; j < VP_ARRAY_SIZE(maps); j++)
			vp_assert_pattern(maps[j], HUGE, i + 100);
	}
	unshare(&s);
}

/* Another process, which has the buffer by its file and on GPU 1. */
static void other_process(int sock, size_t size)
{
	int dmabuf = vp_recv_fd(sock), gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, dmabuf);
	void *map = vp_map(gpu, handle, size, RW);
	void *by_fd = vp_map_dmabuf(dmabuf, size, RW);

	vp_fill(by_fd, size, 1);
	vp_tell(sock, 'r');
	for (uint32_t i = 2; vp_hear(sock) == 'g'; i += 2) {
		vp_assert_pattern(map, size, i);
		vp_assert_pattern(by_fd, size, i);
		vp_fill(i % 4 ? map : by_fd, size, i + 1);
		vp_tell(sock, 'd');
	}
	vp_unmap(map, size);
	vp_unmap(by_fd, size);
	close(dmabuf);
	close(gpu);
}

static void processes_agree(void)
{
	int gpu = vp_open(0), sock[2], dmabuf;
	uint32_t handle = vp_create(gpu, HUGE);
	void *map = vp_map(gpu, handle, HUGE, RW);
	uint64_t id = vp_id(gpu, handle);

	dmabuf = vp_export(gpu, handle);
	vp_socketpair(sock);
	igt_fork(child, 1)
		other_process(sock[1], HUGE);
	vp_send_fd(sock[0], dmabuf);
	igt_assert_eq(vp_hear(sock[0]), 'r');
	vp_assert_pattern(map, HUGE, 1);
	for (uint32_t i = 2; i < 10; i += 2) {
		vp_fill(map, HUGE, i);
		igt_assert_eq(vp_try_move(id), 0);
		vp_tell(sock[0], 'g');
		igt_assert_eq(vp_hear(sock[0]), 'd');
		igt_assert_eq(vp_try_move(id), 0);
		vp_assert_pattern(map, HUGE, i + 1);
	}
	vp_tell(sock[0], 'e');
	igt_waitchildren();
	vp_unmap(map, HUGE);
	close(sock[0]);
	close(sock[1]);
	close(dmabuf);
	close(gpu);
}

/* The GPU it was made on has gone: the memory is the buffer's. */
static void unplugged(void)
{
	struct shared s = share(SIZE);

	vp_fill(s.map0, SIZE, 1);
	vp_unplug(0);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_assert_pattern(s.map1, SIZE, 1);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 1);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_touch(s.map1, false), SIGBUS);
	vp_plug(0);
	unshare(&s);
}

static void during_cpu_access(void)
{
	struct shared s = share(SIZE);

	vp_sync_start(s.dmabuf, DMA_BUF_SYNC_RW);
	vp_fill(s.by_fd, SIZE / 2, 1);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_fill(s.by_fd, SIZE, 1);
	vp_sync_end(s.dmabuf, DMA_BUF_SYNC_RW);
	igt_assert_eq(vp_try_move(s.id), 0);
	vp_sync_start(s.dmabuf, DMA_BUF_SYNC_READ);
	vp_assert_pattern(s.by_fd, SIZE, 1);
	vp_sync_end(s.dmabuf, DMA_BUF_SYNC_READ);
	vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 1);
	unshare(&s);
}

/* ---- many at once ------------------------------------------------------- */

#define TOUCHERS	4
#define RACE_MOVES	200

/*
 * Process @n owns every fourth page: it finds there, as a program and as a GPU,
 * what it was the last to write.
 */
static void touch_pages(struct shared *s, struct vp_race *race, int n)
{
	char *const maps[] = { s->map0, s->map1, s->by_fd };
	const size_t pages = s->size / VP_PAGE;
	const size_t last = VP_PAGE / sizeof(uint32_t) - 1;
	uint32_t seen;

	for (uint32_t i = 1; !race->stop; i++) {
		for (size_t page = (size_t)n; page < pages; page += TOUCHERS) {
			size_t at = page * VP_PAGE;
			volatile uint32_t *in, *out;

			out = (volatile uint32_t *)(maps[i % 3] + at);
			in = (volatile uint32_t *)(maps[(i + page) % 3] + at);
			if (i > 1)
				igt_assert_eq(in[0], i - 1);
			out[0] = i;
			out[last] = ~i;
			igt_assert_eq(in[0], i);
			igt_assert_eq(in[last], ~i);
		}
		vp_peek(n % 2 ? s->gpu1 : s->gpu0,
			n % 2 ? s->handle1 : s->handle0,
			(size_t)n * VP_PAGE, &seen, sizeof(seen));
		igt_assert_eq(seen, i);
		race->rounds[n] = i;
	}
}

static void move_under_touch(size_t size, unsigned int moves)
{
	struct shared s = share(size);
	struct vp_race *race = vp_race_begin();
	long pages;

	igt_fork(child, TOUCHERS)
		touch_pages(&s, race, child);
	vp_race_wait(race, TOUCHERS, 2);
	pages = vp_counts().pages;
	for (unsigned int i = 0; i < moves; i++) {
		igt_assert_eq(vp_try_move(s.id), 0);
		if (i % 20 == 0)
			vp_race_wait(race, TOUCHERS, 1);
	}
	/* Nobody is stuck. */
	vp_race_wait(race, TOUCHERS, 2);
	race->stop = true;
	igt_waitchildren();
	igt_assert_eq(vp_counts().pages, pages);
	vp_race_end(race);
	unshare(&s);
}

/* Two who move the same buffer, and two who move others. */
static void moved_by_many(void)
{
	struct shared s = share(SIZE), other = share(SIZE);

	vp_fill(s.map0, SIZE, 1);
	vp_fill(other.map0, SIZE, 2);
	igt_fork(child, 4)
		for (int i = 0; i < RACE_MOVES; i++)
			igt_assert_eq(vp_try_move(child % 2 ? s.id : other.id),
				      0);
	igt_waitchildren();
	vp_assert_pattern(s.map1, SIZE, 1);
	vp_assert_pattern(other.map1, SIZE, 2);
	unshare(&s);
	unshare(&other);
}

static void touch_until_gone(struct shared *s, struct vp_race *race, int n)
{
	uint32_t word = 0;
	bool revoked;
	int ret;

	do {
		revoked = race->revoked;
		switch (n) {
		case 0:
			ret = vp_touch(s->map1 + s->size - 1, true);
			break;
		case 1:
			ret = vp_touch(s->by_fd, false);
			break;
		case 2:
			ret = vp_try_peek(s->gpu0, s->handle0, 0, &word,
					  sizeof(word));
			break;
		default:
			ret = vp_try_poke(s->gpu1, s->handle1, 0, &word,
					  sizeof(word));
		}
		race->rounds[n]++;
		igt_assert_f(ret || !revoked, "%d got at what was gone\n", n);
	} while (!ret);
	igt_assert_eq(ret, n < 2 ? SIGBUS : -ENODEV);
}

static void revoke_under_touch(void)
{
	struct shared s = share(HUGE);
	struct vp_race *race = vp_race_begin();
	long pages = vp_counts().pages;

	igt_fork(child, TOUCHERS)
		touch_until_gone(&s, race, child);
	vp_race_wait(race, TOUCHERS, 20);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	race->revoked = true;
	igt_waitchildren();
	igt_assert_eq(vp_counts().pages, pages);
	vp_race_end(race);
	unshare(&s);
}

/* Moved by two while a third takes it away: 0 until then, ENODEV from then. */
static void move_until_gone(struct shared *s, struct vp_race *race, int n)
{
	bool revoked;
	int ret;

	do {
		revoked = race->revoked;
		ret = vp_try_move(s->id);
		race->rounds[n]++;
		igt_assert(ret || !revoked);
	} while (!ret);
	igt_assert_eq(ret, -ENODEV);
}

static void revoke_under_move(void)
{
	struct shared s = share(SIZE);
	struct vp_race *race = vp_race_begin();
	long pages = vp_counts().pages;

	vp_fill(s.map0, SIZE, 1);
	igt_fork(child, 2)
		move_until_gone(&s, race, child);
	vp_race_wait(race, 2, 20);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	race->revoked = true;
	igt_waitchildren();
	igt_assert_eq(vp_counts().pages, pages);
	vp_race_end(race);
	unshare(&s);
}

/* ---- taking away -------------------------------------------------------- */

static void revoke_frees(size_t size)
{
	struct shared s = share(size), other = share(SIZE);
	long pages = vp_counts().pages;

	vp_fill(other.map0, SIZE, 2);
	vp_fill(s.map0, size, 1);
	vp_assert_gpu_sees(s.gpu1, s.handle1, size, 1);
	igt_assert_lt(pages, vp_counts().pages);

	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_counts().pages, pages + (long)(SIZE / VP_PAGE));
	igt_assert_eq(vp_counts().mappings, 0);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).resident, 0);
	igt_assert_eq(vp_info(s.gpu0, s.handle0).size, size);
	igt_assert_eq(vp_watch(s.id)->resident, 0);

	vp_assert_pattern(other.map1, SIZE, 2);
	vp_assert_gpu_sees(other.gpu1, other.handle1, SIZE, 2);
	igt_assert_eq(vp_info(other.gpu0, other.handle0).flags &
		      DRM_VPRIME_INFO_REVOKED, 0);
	unshare(&s);
	unshare(&other);
}

static void assert_no_touch(struct shared *s)
{
	char *const maps[] = { s->map0, s->map1, s->by_fd };

	for (size_t i = 0; i < VP_ARRAY_SIZE(maps); i++) {
		igt_assert_eq(vp_touch(maps[i], false), SIGBUS);
		igt_assert_eq(vp_touch(maps[i] + s->size - 1, true), SIGBUS);
	}
}

/* What every way to a buffer says that is taken away. */
static void revoked_errors(bool touched)
{
	uint32_t word = 0;
	int third, export;
	uint64_t offset;
	struct shared s;

	vp_reload(3);
	s = share(SIZE);
	third = vp_open(2);
	offset = vp_mmap_offset(s.gpu0, s.handle0);
	if (touched)
		vp_fill(s.map0, SIZE, 1);

	igt_assert_eq(vp_try_revoke(s.id), 0);
	assert_no_touch(&s);
	vp_assert_refused(vp_try_mmap(s.gpu0, offset, SIZE, PROT_READ,
				      MAP_SHARED, NULL), ENODEV);
	vp_assert_refused(vp_try_mmap(s.gpu1, vp_mmap_offset(s.gpu1, s.handle1),
				      SIZE, RW, MAP_SHARED, NULL), ENODEV);
	vp_assert_refused(vp_try_mmap(s.dmabuf, 0, SIZE, RW, MAP_SHARED, NULL),
			  ENODEV);
	vp_assert_refused(vp_try_import(third, s.dmabuf, NULL), ENODEV);
	vp_assert_refused(vp_try_peek(s.gpu0, s.handle0, 0, &word,
				      sizeof(word)), ENODEV);
	vp_assert_refused(vp_try_poke(s.gpu1, s.handle1, 0, &word,
				      sizeof(word)), ENODEV);
	vp_assert_refused(vp_try_sync(s.dmabuf, DMA_BUF_SYNC_START |
				      DMA_BUF_SYNC_READ), ENODEV);
	vp_assert_refused(vp_try_move(s.id), ENODEV);
	igt_assert_eq(vp_try_revoke(s.id), 0);

	igt_assert_eq(vp_info(s.gpu0, s.handle0).flags,
		      DRM_VPRIME_INFO_REVOKED | DRM_VPRIME_INFO_EXPORTED);
	igt_assert(vp_info(s.gpu1, s.handle1).flags & DRM_VPRIME_INFO_REVOKED);
	igt_assert_eq(vp_id(s.gpu1, s.handle1), s.id);
	igt_assert_eq(strcmp(vp_watch(s.id)->state, "revoked"), 0);
	igt_assert_eq(vp_watch(s.id)->mapped, 0);

	/* It is a buffer all the same: what only names it works. */
	export = vp_export(s.gpu1, s.handle1);
	igt_assert_eq(vp_dmabuf_id(export), vp_dmabuf_id(s.dmabuf));
	close(export);
	close(third);
	unshare(&s);
}

static void revoked_in_other_process(void)
{
	int gpu = vp_open(0), sock[2], dmabuf;
	uint32_t handle = vp_create(gpu, SIZE);
	uint64_t id = vp_id(gpu, handle);

	dmabuf = vp_export(gpu, handle);
	vp_socketpair(sock);
	igt_fork(child, 1) {
		int fd = vp_recv_fd(sock[1]), gpu1 = vp_open(1);
		void *by_fd = vp_map_dmabuf(fd, SIZE, RW);
		uint32_t handle1 = vp_import(gpu1, fd);
		void *map = vp_map(gpu1, handle1, SIZE, RW);

		vp_fill(map, SIZE, 1);
		vp_tell(sock[1], 'r');
		igt_assert_eq(vp_hear(sock[1]), 'g');
		igt_assert_eq(vp_touch(by_fd, false), SIGBUS);
		igt_assert_eq(vp_touch(map, true), SIGBUS);
		close(fd);
		close(gpu1);
	}
	vp_send_fd(sock[0], dmabuf);
	igt_assert_eq(vp_hear(sock[0]), 'r');
	igt_assert_eq(vp_try_revoke(id), 0);
	vp_tell(sock[0], 'g');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	close(dmabuf);
	close(gpu);
}

/* A CPU access that is open can be ended, and is no breach. */
static void revoke_during_cpu_access(void)
{
	struct shared s = share(SIZE);
	long violations = 0;

	vp_sync_start(s.dmabuf, DMA_BUF_SYNC_RW);
	vp_fill(s.by_fd, SIZE, 1);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_touch(s.by_fd, true), SIGBUS);
	vp_sync_end(s.dmabuf, DMA_BUF_SYNC_RW);
	violations = vp_watch(s.id)->violations;
	igt_assert_eq(violations, 0);
	unshare(&s);
}

/* ---- the files in debugfs ----------------------------------------------- */

/* What writing @text to a file says: bytes taken, or a negative errno. */
static ssize_t write_file(const char *name, const char *text)
{
	char path[128];
	ssize_t ret;
	int fd;

	snprintf(path, sizeof(path), VP_WATCH_DIR "/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	ret = write(fd, text, strlen(text));
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void bad_input(const char *name)
{
	static const char *const bad[] = {
		"\n", " ", "x", "id=1", "1x", "1 2", "-1", "1.5", "0x", "--1",
		"18446744073709551616", "99999999999999999999999999999999999",
	};
	static const char *const absent[] = {
		"0", "18446744073709551615", "18446744073709551615\n",
	};
	struct vp_counts before = vp_counts();

	for (size_t i = 0; i < VP_ARRAY_SIZE(bad); i++)
		igt_assert_f(write_file(name, bad[i]) < 0, "%s: '%s'\n", name,
			     bad[i]);
	/* One past what 64 bits hold may be out of range instead. */
	for (size_t i = 0; i < VP_ARRAY_SIZE(bad) - 2; i++)
		igt_assert_eq(write_file(name, bad[i]), -EINVAL);
	for (size_t i = 0; i < VP_ARRAY_SIZE(absent); i++)
		igt_assert_eq(write_file(name, absent[i]), -ENOENT);
	vp_assert_counts(&before);
}

static void number_with_newline(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	char text[32];

	snprintf(text, sizeof(text), "%llu\n",
		 (unsigned long long)vp_id(gpu, handle));
	igt_assert_eq(write_file("move", text), (ssize_t)strlen(text));
	igt_assert_eq(write_file("revoke", text), (ssize_t)strlen(text));
	close(gpu);
}

/* A number that a buffer had is no other's. */
static void gone(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE), next;
	uint64_t id = vp_id(gpu, handle);

	vp_close(gpu, handle);
	next = vp_create(gpu, SIZE);
	igt_assert_lt(id, vp_id(gpu, next));
	igt_assert_eq(vp_try_move(id), -ENOENT);
	igt_assert_eq(vp_try_revoke(id), -ENOENT);
	close(gpu);
}

static void not_for_everybody(void)
{
	static const char *const names[] = { "move", "revoke" };
	struct stat st;
	char path[128];

	for (size_t i = 0; i < VP_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), VP_WATCH_DIR "/%s", names[i]);
		igt_assert_eq(stat(path, &st), 0);
		igt_assert_eq(st.st_mode & 07777, 0200);
		igt_assert_eq(st.st_uid, 0);
		igt_fork(child, 1) {
			igt_assert_eq(setgid(65534), 0);
			igt_assert_eq(setuid(65534), 0);
			igt_assert_eq(open(path, O_WRONLY), -1);
			igt_assert_eq(errno, EACCES);
		}
		igt_waitchildren();
	}
}

static void foreign_buffer(void)
{
	int vgem, gpu = vp_open(0), dmabuf;
	struct vp_dumb dumb;
	uint32_t handle;
	uint64_t id;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	handle = vp_import(gpu, dmabuf);
	id = vp_id(gpu, handle);
	vp_gpu_fill(gpu, handle, dumb.size, 1);
	vp_assert_refused(vp_try_move(id), EOPNOTSUPP);
	vp_assert_refused(vp_try_revoke(id), EOPNOTSUPP);
	vp_assert_gpu_sees(gpu, handle, dumb.size, 1);
	close(dmabuf);
	close(vgem);
	close(gpu);
}

static void move_subtests(void)
{
	igt_describe("Three pages keep their content through 1,000 moves");
	vp_subtest("thousand-small")
		move_often(3 * VP_PAGE, (struct touched){ 3, 1 }, MOVES);

	igt_describe("The same when only every seventh page exists");
	vp_subtest("thousand-sparse")
		move_often(VP_MIB, (struct touched){ VP_MIB / VP_PAGE, 7 },
			   MOVES);

	igt_describe("The same when the first half exists");
	vp_subtest("thousand-half")
		move_often(2 * SIZE, (struct touched){ SIZE / VP_PAGE, 1 },
			   MOVES);

	igt_describe("The same for a huge page and some small ones behind it");
	vp_subtest("thousand-huge")
		move_often(ONE_HUGE, (struct touched){ ONE_HUGE / VP_PAGE, 1 },
			   MOVES);

	igt_describe("200 times when some huge pages exist and some do not");
	vp_subtest("sparse-huge")
		move_often(10 * VP_MIB, (struct touched){ 2560, 1200 },
			   MOVES / 5);

	igt_describe("A buffer that was never touched moves, and still does not exist");
	vp_subtest("untouched")
		untouched();

	igt_describe("A buffer that was never exported moves, mapped or not");
	vp_subtest("unshared")
		unshared();

	igt_describe("GPUs drop their mappings at a move and find the data again");
	vp_subtest("gpus")
		gpus();

	igt_describe("Mappings of a handle, of the other GPU's and of the file lead to the same new pages");
	vp_subtest("mappings-agree")
		mappings_agree();

	igt_describe("So do those of another process");
	vp_subtest("processes-agree")
		processes_agree();

	igt_describe("A buffer of an unplugged GPU can be moved and taken away");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("A buffer moves while a program is at it");
	vp_subtest("during-cpu-access")
		during_cpu_access();
}

static void race_subtests(void)
{
	igt_describe("Small pages move 200 times under four processes: none reads an old one or loses a word");
	vp_subtest("move-under-touch")
		move_under_touch(TOUCHERS * 2 * VP_PAGE, RACE_MOVES);

	igt_describe("The same with huge pages, 50 times");
	vp_subtest("move-under-touch-huge")
		move_under_touch(HUGE, RACE_MOVES / 4);

	igt_describe("Several move the same buffer at once, and others beside it");
	vp_subtest("moved-by-many")
		moved_by_many();

	igt_describe("Taken away under four processes: SIGBUS or ENODEV, and nothing is read later");
	vp_subtest("revoke-under-touch")
		revoke_under_touch();

	igt_describe("Taken away while others move it");
	vp_subtest("revoke-under-move")
		revoke_under_move();
}

static void revoke_subtests(void)
{
	igt_describe("Taking a buffer away frees its memory, and only its");
	vp_subtest("revoke-frees") {
		revoke_frees(3 * VP_PAGE);
		revoke_frees(HUGE);
	}

	igt_describe("Every way to a buffer that was taken away says so");
	vp_subtest("revoked-errors")
		revoked_errors(true);

	igt_describe("The same when it had never been touched");
	vp_subtest("revoked-errors-untouched")
		revoked_errors(false);

	igt_describe("The mappings of another process are gone too");
	vp_subtest("revoked-in-other-process")
		revoked_in_other_process();

	igt_describe("A buffer is taken away while a program is at it, which then ends its access");
	vp_subtest("revoke-during-cpu-access")
		revoke_during_cpu_access();
}

static void file_subtests(void)
{
	igt_describe("What is no number is EINVAL, and one that no buffer has ENOENT");
	vp_subtest("bad-input") {
		bad_input("move");
		bad_input("revoke");
	}

	igt_describe("A number may end with a newline, as echo writes it");
	vp_subtest("number-with-newline")
		number_with_newline();

	igt_describe("The number of a buffer that is gone is ENOENT");
	vp_subtest("gone")
		gone();

	igt_describe("Only root may write the files, and nobody reads them");
	vp_subtest("not-for-everybody")
		not_for_everybody();

	igt_describe("vgem's memory is not vprime's to move or to take away");
	vp_subtest("foreign-buffer")
		foreign_buffer();
}

igt_main
{
	move_subtests();
	race_subtests();
	revoke_subtests();
	file_subtests();

	igt_fixture
		vp_unload_foreign("vgem");
}
