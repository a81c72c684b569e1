// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking a buffer away from a foreign driver that has imported it, and lets go
 * of it when told, later, or never: the one of igt-tests/kernel/foreign/.
 *
 * Older kernels pin a buffer for each importer that maps it, if they were built
 * without DMABUF_MOVE_NOTIFY, as Debian's are, and map it for a static importer
 * when that attaches. Kernels before 7.x do not know revoking, so there a buffer
 * that an importer has pinned cannot be taken away. What such a kernel changes is
 * asked of the module's counts and list, not of the kernel's version.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_access.h"
#include "vp_foreign.h"
#include "vp_log.h"
#include "vp_race.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Buffers that are taken away from foreign importers");

#define RW		(PROT_READ | PROT_WRITE)
#define SIZE		(64 * VP_KIB)
/* Huge pages, and some small ones behind them. */
#define BIG		(4 * VP_MIB + 5 * VP_PAGE)
#define REVOKE_MS	2000

/* Nobody gets at the buffer any more. */
static void assert_gone(struct vp_foreign_shared *s)
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

static void assert_cannot_use(struct vp_foreign_shared *s, uint32_t id)
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

/* Has the foreign driver, its only importer, pinned it for good? */
static bool is_held(struct vp_foreign_shared *s)
{
	return !strcmp(vp_watch_attachment(s->id, VP_FOREIGN_DEVICE)->lifetime,
		       "pinned");
}

/* Nothing changes, and no importer is told. */
static void assert_kept(struct vp_foreign_shared *s)
{
	vp_assert_refused(vp_try_revoke(s->id), EBUSY);
	igt_assert_eq(vp_info(s->gpu0, s->handle0).flags &
		      DRM_VPRIME_INFO_REVOKED, 0);
	igt_assert_eq(strcmp(vp_watch(s->id)->state, "live"), 0);
}

/*
 * Where what the importer has mapped or pinned keeps the buffer, it lets go.
 * Returns whether that was so.
 */
static bool let_go_first(struct vp_foreign_shared *s, uint32_t id)
{
	if (!is_held(s))
		return false;
	assert_kept(s);
	igt_assert_eq(vp_foreign_state(s->foreign, id).told, 0);
	igt_assert(vp_foreign_sees(s->foreign, id, s->size, 1));
	igt_assert_eq(vp_foreign_try_unmap(s->foreign, id), 0);
	while (vp_foreign_state(s->foreign, id).pins)
		igt_assert_eq(vp_foreign_try_unpin(s->foreign, id), 0);
	return true;
}

static void revoke_obedient(bool mapped, bool pinned)
{
	struct vp_foreign_shared s = vp_foreign_share(BIG);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	long pages = vp_counts().pages;

	if (mapped)
		igt_assert(vp_foreign_sees(s.foreign, id, BIG, 1));
	if (pinned)
		igt_assert_eq(vp_foreign_try_pin(s.foreign, id), 0);

	if (let_go_first(&s, id))
		pinned = false;
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
	vp_foreign_unshare(&s);
}

static void revoke_lazy(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_LAZY);
	long pages = vp_counts().pages;

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	let_go_first(&s, id);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	/* Not told, but asked: it had unmapped before revoke was done. */
	igt_assert(!vp_foreign_is_mapped(s.foreign, id));
	igt_assert_eq(vp_counts().mappings, 0);
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	assert_gone(&s);
	assert_cannot_use(&s, id);
	vp_foreign_unshare(&s);
}

/* Take a buffer from an importer that does not let go, which is reported. */
static void revoke_in_vain(struct vp_foreign_shared *s)
{
	const unsigned int reported = vp_watch_total("not-unmapped");
	char line[VP_LOG_LINE] = "", buffer[64];
	int log = vp_log_open();
	uint64_t begin = vp_now_ms();

	vp_be_another();
	igt_assert_eq(vp_try_revoke(s->id), -ETIMEDOUT);
	/* The kernel's timers may be behind the clock on a busy machine. */
	igt_assert_lte(begin + REVOKE_MS / 2, vp_now_ms());

	igt_assert_eq(vp_watch_total("not-unmapped"), reported + 1);
	igt_assert_eq(vp_watch_violations(s->id, "not-unmapped"), 1);
	igt_assert_eq(vp_log_lines(log, "dma-buf contract: not-unmapped: ",
				   VP_FOREIGN_DEVICE " ", line), 1);
	snprintf(buffer, sizeof(buffer), " buffer %llu of vprime0, %zu bytes,",
		 (unsigned long long)s->id, s->size);
	igt_assert_f(strstr(line, buffer), "not '%s': %s\n", buffer, line);
	close(log);
}

/* The importer keeps its mapping, and lets go when that has been seen. */
static void revoke_kept(struct vp_foreign_shared *s, uint32_t id)
{
	long pages = vp_counts().pages;
	uint32_t word;

	revoke_in_vain(s);
	assert_gone(s);
	igt_assert_eq(vp_foreign_state(s->foreign, id).flags,
		      VP_FOREIGN_IS_MAPPED | VP_FOREIGN_IS_STALE);
	igt_assert_eq(strcmp(vp_watch_attachment(s->id,
						 VP_FOREIGN_DEVICE)->mapped,
			     "stale"), 0);
	/* It has an old way to the memory, so that is still there. */
	igt_assert_eq(vp_counts().pages, pages);
	igt_assert_eq(vp_foreign_try_read(s->foreign, id, 0, &word,
					  sizeof(word)), -ESTALE);

	igt_assert_eq(vp_foreign_try_unmap(s->foreign, id), 0);
	igt_assert_eq(vp_counts().mappings, 0);
	assert_cannot_use(s, id);
}

static void revoke_stubborn(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf,
					VP_FOREIGN_STUBBORN);
	long pages = vp_counts().pages;

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	if (!let_go_first(&s, id))
		revoke_kept(&s, id);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_counts().mappings, 0);
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	assert_gone(&s);
	assert_cannot_use(&s, id);
	vp_foreign_detach(s.foreign, id);
	vp_foreign_unshare(&s);
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
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	struct vp_counts before = vp_counts();
	int sock[2];

	vp_socketpair(sock);
	igt_fork(child, 1)
		never_unmap(sock[1], s.dmabuf);
	igt_assert_eq(vp_hear(sock[0]), 'm');
	if (is_held(&s))
		assert_kept(&s);
	else
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
	vp_foreign_unshare(&s);
}

static void revoke_static(bool map)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	long mappings = vp_counts().mappings;
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, VP_FOREIGN_STATIC);

	if (map)
		igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	/* Or the kernel has mapped it at attach. */
	if (vp_counts().mappings > mappings) {
		assert_kept(&s);
		vp_foreign_fill(s.foreign, id, SIZE, 2);
		vp_assert_gpu_sees(s.gpu1, s.handle1, SIZE, 2);
		vp_foreign_detach(s.foreign, id);
	}
	igt_assert_eq(vp_try_revoke(s.id), 0);
	assert_gone(&s);
	vp_foreign_unshare(&s);
}

/* One that cannot let go is enough for all of it to stay. */
static void revoke_mixed(void)
{
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	uint32_t moving = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	uint32_t fixed = vp_foreign_attach(s.foreign, s.dmabuf,
					   VP_FOREIGN_STATIC);

	igt_assert(vp_foreign_sees(s.foreign, moving, SIZE, 1));
	igt_assert(vp_foreign_sees(s.foreign, fixed, SIZE, 1));
	vp_assert_refused(vp_try_revoke(s.id), EBUSY);
	igt_assert_eq(vp_foreign_state(s.foreign, moving).told, 0);
	igt_assert(vp_foreign_sees(s.foreign, moving, SIZE, 1));
	vp_foreign_detach(s.foreign, fixed);
	let_go_first(&s, moving);
	igt_assert_eq(vp_try_revoke(s.id), 0);
	igt_assert_eq(vp_foreign_state(s.foreign, moving).told, 1);
	assert_cannot_use(&s, moving);
	vp_foreign_unshare(&s);
}

/* One process of each way to the buffer; returns how it ended. */
static int use(struct vp_foreign_shared *s, int n, volatile char *by_handle,
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

/* A foreign driver that @holds what it has mapped lets go of it each time. */
static void use_until_gone(struct vp_foreign_shared *s, struct vp_race *race,
			   int n, bool holds)
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
		if (holds && n >= 4)
			vp_foreign_try_unmap(foreign, id[n - 4]);
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
	struct vp_foreign_shared s = vp_foreign_share(SIZE);
	struct vp_race *race = vp_race_begin();
	uint32_t id = vp_foreign_attach(s.foreign, s.dmabuf, 0);
	long pages;
	bool holds;
	int ret;

	igt_assert(vp_foreign_sees(s.foreign, id, SIZE, 1));
	holds = is_held(&s);
	vp_foreign_detach(s.foreign, id);
	pages = vp_counts().pages;
	igt_fork(child, USERS)
		use_until_gone(&s, race, child, holds);
	vp_race_wait(race, USERS, 20);
	vp_await((ret = vp_try_revoke(s.id)) != -EBUSY || !holds);
	igt_assert_eq(ret, 0);
	race->revoked = true;
	igt_assert_eq(vp_counts().pages, pages - (long)(SIZE / VP_PAGE));
	igt_waitchildren();
	assert_gone(&s);
	vp_race_end(race);
	vp_foreign_unshare(&s);
}

igt_main
{
	igt_describe("A buffer is taken from an importer that unmaps when told, or has where it cannot be told, and it cannot map again");
	vp_subtest("revoke-obedient")
		revoke_obedient(true, false);

	igt_describe("The same when it has not mapped it");
	vp_subtest("revoke-unmapped")
		revoke_obedient(false, false);

	igt_describe("The same when it has mapped and pinned it, which keeps it on kernels that know no revoking");
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

	igt_describe("Taken away under six users: each is told, none gets at it afterwards");
	vp_subtest("revoke-under-users")
		revoke_under_users();

	igt_fixture
		vp_foreign_unload();
}
