// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that owns fences dies. Whoever waits for them, anywhere and in
 * any way, wakes up, and the fences say that they were cancelled; but not before
 * the last one who has the owner's file is gone, too.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_foreign.h"
#include "vp_owner.h"
#include "vp_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"
#include "vp_waits.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The death of those who own fences");

#define SIZE	(4 * VP_PAGE)
#define WAKE_MS	30000

/* What a fence was made for. */
enum made {
	FOR_WRITING,
	FOR_READING,
	ON_TIMELINE,	/* and imported into the buffer, for a writer */
};

/*
 * A driver that is not vprime waits for the buffer, to write there, and has its
 * reservation locked meanwhile.
 */
static int wait_foreign(struct vp_task *task)
{
	uint32_t word = 1;

	return vp_foreign_try_write(task->fd, task->handle, 0, &word,
				    sizeof(word));
}

enum { WAITERS = 8 };

/*
 * A buffer of GPU 1, which another process of another GPU has put a fence on,
 * that fence also as a sync_file and in a syncobj, and all who wait for it.
 */
struct scene {
	int patient, gpu, vgem;
	struct vp_owner owner;
	int dmabuf, sync;
	uint32_t handle, imported;
	uint32_t binary, timeline;	/* syncobjs */
	struct vp_remote waiter[WAITERS];
};

static void make_fence(struct scene *scene, enum made made)
{
	uint32_t theirs;

	scene->owner = vp_owner_start(2);
	if (made == ON_TIMELINE) {
		theirs = vp_owner_timeline(&scene->owner, "render");
		scene->sync = vp_owner_fence(&scene->owner, theirs);
		vp_dmabuf_put_sync(scene->dmabuf, scene->sync,
				   DMA_BUF_SYNC_WRITE);
	} else {
		theirs = vp_owner_import(&scene->owner, scene->dmabuf);
		vp_owner_attach(&scene->owner, theirs, made == FOR_WRITING);
		scene->sync = vp_dmabuf_get_sync(scene->dmabuf,
						 DMA_BUF_SYNC_WRITE);
	}
}

static void start_waiters(struct scene *scene)
{
	int binary = vp_syncobj_to_fd(scene->gpu, scene->binary);
	int timeline = vp_syncobj_to_fd(scene->gpu, scene->timeline);
	const struct {
		int (*run)(struct vp_task *task);
		int fd, fd2;
		uint32_t handle, flags;
	} how[WAITERS] = {
		{ vp_wait_gem, scene->gpu, -1, scene->handle,
		  DRM_VPRIME_WAIT_WRITE },
		{ vp_wait_poke, scene->gpu, -1, scene->handle, 0 },
		{ vp_wait_access, scene->dmabuf, -1, 0, DMA_BUF_SYNC_RW },
		{ vp_wait_poll, scene->dmabuf, -1, 0, POLLOUT },
		{ vp_wait_poll, scene->sync, -1, 0, POLLIN },
		{ vp_wait_epoll, scene->sync, -1, 0, EPOLLIN },
		{ vp_wait_syncobj, scene->gpu, binary, 0, 0 },
		{ vp_wait_point, scene->gpu, timeline, 0, 0 },
	};

	for (int i = 0; i < WAITERS; i++) {
		struct vp_task wait = {
			.run = how[i].run, .handle = how[i].handle,
			.flags = how[i].flags, .value = 1,
		};

		scene->waiter[i] = vp_remote_start("waiter");
		wait.fd = vp_remote_give(&scene->waiter[i], how[i].fd);
		if (how[i].fd2 >= 0)
			wait.fd2 = vp_remote_give(&scene->waiter[i],
						  how[i].fd2);
		vp_remote_block(&scene->waiter[i], &wait);
	}
	close(binary);
	close(timeline);
}

static struct scene prepare(enum made made, bool vgems)
{
	struct scene scene = { .patient = vp_open_patient() };

	scene.gpu = vp_open(1);
	vp_load_foreign("vgem");
	scene.vgem = vp_open_foreign("vgem");
	if (vgems) {
		scene.imported = vp_create_dumb(scene.vgem, 64, 64, 32).handle;
		scene.dmabuf = vp_export(scene.vgem, scene.imported);
		scene.handle = vp_import(scene.gpu, scene.dmabuf);
	} else {
		scene.handle = vp_create(scene.gpu, SIZE);
		scene.dmabuf = vp_export(scene.gpu, scene.handle);
		scene.imported = vp_import(scene.vgem, scene.dmabuf);
	}
	make_fence(&scene, made);
	scene.binary = vp_syncobj(scene.gpu, 0);
	vp_syncobj_put_sync(scene.gpu, scene.binary, scene.sync);
	scene.timeline = vp_syncobj(scene.gpu, 0);
	vp_syncobj_put_point(scene.gpu, scene.timeline, 1, scene.sync);
	start_waiters(&scene);
	igt_assert_eq(vp_try_fence_attach(scene.vgem, scene.imported,
					  DRM_VPRIME_FENCE_WRITE, 0, NULL),
		      -EBUSY);
	return scene;
}

static void assert_waiting(struct scene *scene)
{
	for (int i = 0; i < WAITERS; i++)
		vp_assert_blocked(&scene->waiter[i]);
	igt_assert_eq(vp_sync_state(scene->sync), 0);
	igt_assert(!vp_idle(scene->gpu, scene->handle, true));
}

/* All have woken up, and the fence says why. */
static void assert_over(struct scene *scene, enum made made, int state)
{
	static const int result[WAITERS] = {
		[3] = POLLOUT, [4] = POLLIN, [5] = EPOLLIN,
	};
	static const char *const name[] = { "write", "read", "render" };

	for (int i = 0; i < WAITERS; i++) {
		igt_assert_eq(vp_remote_result(&scene->waiter[i], NULL),
			      result[i]);
		vp_remote_end(&scene->waiter[i]);
	}
	vp_assert_sync(scene->sync, VP_PATIENT, name[made], state);
	igt_assert(vp_idle(scene->gpu, scene->handle, true));
	vp_fence_signal(scene->vgem, vp_fence_attach(scene->vgem,
						     scene->imported, true));
	igt_assert(vp_syncobj_done(scene->gpu, scene->binary));
	igt_assert_eq(vp_syncobj_query(scene->gpu, scene->timeline, 0), 1);
}

static void let_go(struct scene *scene)
{
	close(scene->sync);
	close(scene->dmabuf);
	close(scene->vgem);
	close(scene->gpu);
	vp_close_patient(scene->patient);
}

static void killed(enum made made, bool vgems)
{
	struct scene scene = prepare(made, vgems);

	assert_waiting(&scene);
	vp_owner_kill(&scene.owner);
	assert_over(&scene, made, -ECANCELED);
	let_go(&scene);
}

/* Without being killed, and without closing anything. */
static int leave(struct vp_task *task)
{
	_exit((int)task->value);
}

/* The program becomes another one, which does not have the file. */
static int become_another(struct vp_task *task)
{
	(void)task;
	execlp("sleep", "sleep", "1000", NULL);
	return -errno;
}

static void left(int (*how)(struct vp_task *task), enum made made)
{
	struct scene scene = prepare(made, false);
	struct vp_task task = { .run = how };

	assert_waiting(&scene);
	vp_remote_begin(&scene.owner.remote, &task);
	assert_over(&scene, made, -ECANCELED);
	/* The sleeper, or what is left of the one that has left. */
	vp_owner_kill(&scene.owner);
	let_go(&scene);
}

/* It is no different for one that waits itself, for its own fence. */
static void killed_while_waiting(void)
{
	struct scene scene = prepare(ON_TIMELINE, false);
	struct vp_task wait = { .run = vp_wait_gem, .fd = scene.owner.gpu };

	wait.handle = vp_owner_import(&scene.owner, scene.dmabuf);
	vp_remote_block(&scene.owner.remote, &wait);
	assert_waiting(&scene);
	vp_owner_kill(&scene.owner);
	assert_over(&scene, ON_TIMELINE, -ECANCELED);
	let_go(&scene);
}

/*
 * Nobody gets the buffer's reservation while another driver waits for the fence,
 * not even the owner, who has to let go of the buffer when it dies.
 */
static void killed_locked(enum made made)
{
	int patient = vp_open_patient(), foreign = vp_foreign_open_fresh();
	int gpu = vp_open(1), dmabuf = vp_export(gpu, vp_create(gpu, SIZE));
	struct vp_remote waiter = vp_remote_start("waiter");
	struct vp_owner owner = vp_owner_start(2);
	struct vp_task wait = { .run = wait_foreign };
	uint32_t theirs = vp_owner_import(&owner, dmabuf);
	int sync;

	wait.handle = vp_foreign_attach(foreign, dmabuf, 0);
	wait.fd = vp_remote_give(&waiter, foreign);
	if (made == ON_TIMELINE) {
		sync = vp_owner_fence(&owner,
				      vp_owner_timeline(&owner, "render"));
		vp_dmabuf_put_sync(dmabuf, sync, DMA_BUF_SYNC_WRITE);
	} else {
		vp_owner_attach(&owner, theirs, made == FOR_WRITING);
		sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	}
	vp_remote_block(&waiter, &wait);
	vp_assert_blocked(&waiter);
	vp_owner_kill(&owner);
	igt_assert_eq(vp_sync_state(sync), -ECANCELED);
	igt_assert_eq(vp_remote_result(&waiter, NULL), 0);
	vp_remote_end(&waiter);
	close(sync);
	close(dmabuf);
	close(foreign);
	close(gpu);
	vp_close_patient(patient);
}

/* Waiters that are killed take nobody along. */
static void waiters_killed(void)
{
	struct scene scene = prepare(FOR_WRITING, false);

	for (int i = 0; i < WAITERS; i++) {
		vp_remote_kill(&scene.waiter[i]);
		igt_assert_eq(vp_sync_state(scene.sync), 0);
	}
	start_waiters(&scene);
	assert_waiting(&scene);
	vp_owner_kill(&scene.owner);
	assert_over(&scene, FOR_WRITING, -ECANCELED);
	let_go(&scene);
}

/* ---- who else has the owner's file -------------------------------------- */

/* A child that inherits the file, and dies first, changes nothing. */
static void child_first(void)
{
	struct scene scene = prepare(ON_TIMELINE, false);
	pid_t child = vp_owner_fork(&scene.owner);
	int status;

	kill(child, SIGKILL);
	/* It is the owner's child, who does not look after it. */
	igt_assert_eq(waitpid(child, &status, WNOHANG), -1);
	assert_waiting(&scene);
	usleep(200000);
	assert_waiting(&scene);
	vp_owner_kill(&scene.owner);
	assert_over(&scene, ON_TIMELINE, -ECANCELED);
	igt_assert_eq(waitpid(child, &status, 0), child);
	let_go(&scene);
}

/* When the parent dies first the child has the file. */
static void parent_first(void)
{
	struct scene scene = prepare(FOR_WRITING, false);
	pid_t child = vp_owner_fork(&scene.owner);

	vp_owner_kill(&scene.owner);
	vp_started(child);
	assert_waiting(&scene);
	vp_kill(child);
	assert_over(&scene, FOR_WRITING, -ECANCELED);
	let_go(&scene);
}

/* A process that was given the file can go on with it. */
static void file_passed(bool signals)
{
	struct vp_remote third = vp_remote_start("third");
	int patient = vp_open_patient(), gpu, sync[2];
	struct vp_owner owner = vp_owner_start(2), heir;
	uint32_t timeline = vp_owner_timeline(&owner, "render");

	for (int i = 0; i < 2; i++)
		sync[i] = vp_owner_fence(&owner, timeline);
	gpu = vp_remote_take(&owner.remote, owner.gpu);
	heir = (struct vp_owner){ third, vp_remote_give(&third, gpu) };
	close(gpu);
	vp_owner_kill(&owner);
	igt_assert_eq(vp_poll(sync[0], POLLIN, 200), 0);
	igt_assert_eq(vp_sync_state(sync[0]), 0);
	if (signals) {
		igt_assert_eq(vp_owner_signal(&heir, timeline, 1), 0);
		igt_assert_eq(vp_sync_state(sync[0]), 1);
		igt_assert_eq(vp_sync_state(sync[1]), 0);
	}
	/* That the process lives is not enough; the file must be open. */
	vp_remote_close(&third, heir.gpu);
	igt_assert_eq(vp_sync_state(sync[0]), signals ? 1 : -ECANCELED);
	igt_assert_eq(vp_sync_state(sync[1]), -ECANCELED);
	vp_owner_end(&heir);
	for (int i = 0; i < 2; i++)
		close(sync[i]);
	vp_close_patient(patient);
}

/* Nobody but a message that nobody has read yet has the file. */
static void file_on_its_way(void)
{
	int patient = vp_open_patient(), gpu, sync, sock[2];
	struct vp_owner owner = vp_owner_start(2);

	vp_socketpair(sock);
	sync = vp_owner_fence(&owner, vp_owner_timeline(&owner, "render"));
	gpu = vp_remote_take(&owner.remote, owner.gpu);
	vp_send_fd(sock[0], gpu);
	close(gpu);
	vp_owner_kill(&owner);
	close(sock[0]);
	igt_assert_eq(vp_poll(sync, POLLIN, 200), 0);
	igt_assert_eq(vp_sync_state(sync), 0);
	/* The message goes with its socket. */
	close(sock[1]);
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
	vp_assert_sync(sync, VP_PATIENT, "render", -ECANCELED);
	close(sync);
	vp_close_patient(patient);
}

/* A mapping of the file is a use of the file. */
static void file_mapped(void)
{
	int patient = vp_open_patient(), gpu = vp_open(2), sync;
	uint32_t handle = vp_create(gpu, SIZE);
	void *map = vp_map(gpu, handle, SIZE, PROT_READ | PROT_WRITE);

	sync = vp_fence(gpu, vp_timeline(gpu, "render"), NULL);
	close(gpu);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_unmap(map, SIZE);
	igt_assert_eq(vp_sync_state(sync), -ECANCELED);
	close(sync);
	vp_close_patient(patient);
}

/* With a third one who has the file, the limit is the end. */
static void file_passed_until_limit(void)
{
	int mine = vp_config_open("hasty", "fence_timeout_ms=1500"), gpu;
	int64_t before = vp_now_ns(), limit = 1500;
	struct vp_owner owner = vp_owner_start(2);
	int sync;

	sync = vp_owner_fence(&owner, vp_owner_timeline(&owner, "render"));
	gpu = vp_remote_take(&owner.remote, owner.gpu);
	vp_owner_kill(&owner);
	igt_assert_eq(vp_poll(sync, POLLIN, WAKE_MS), POLLIN);
	vp_assert_sync(sync, "vprime2", "render", -ETIMEDOUT);
	igt_assert_lte(before + (limit - 20) * 1000000, vp_sync_time(sync));
	close(gpu);
	vp_assert_sync(sync, "vprime2", "render", -ETIMEDOUT);
	close(sync);
	close(mine);
	vp_config_remove("hasty");
}

/* ---- a lot at once ------------------------------------------------------ */

enum { LINES = 4, PER_LINE = 40, BUFFERS = 50 };

static void killed_with_many(void)
{
	int patient = vp_open_patient(), gpu = vp_open(0);
	int sync[LINES][PER_LINE], dmabuf[BUFFERS];
	struct vp_owner owner = vp_owner_start(2);
	uint32_t handle[BUFFERS], timeline;
	int64_t last;

	for (int line = 0; line < LINES; line++) {
		timeline = vp_owner_timeline(&owner, "render");
		for (int i = 0; i < PER_LINE; i++)
			sync[line][i] = vp_owner_fence(&owner, timeline);
	}
	for (int i = 0; i < BUFFERS; i++) {
		handle[i] = vp_create(gpu, VP_PAGE);
		dmabuf[i] = vp_export(gpu, handle[i]);
		vp_owner_attach(&owner, vp_owner_import(&owner, dmabuf[i]),
				i & 1);
	}
	vp_owner_kill(&owner);
	for (int line = 0; line < LINES; line++) {
		last = 0;
		for (int i = 0; i < PER_LINE; i++) {
			vp_assert_sync(sync[line][i], VP_PATIENT, "render",
				       -ECANCELED);
			igt_assert_lte(last, vp_sync_time(sync[line][i]));
			last = vp_sync_time(sync[line][i]);
			close(sync[line][i]);
		}
	}
	for (int i = 0; i < BUFFERS; i++) {
		igt_assert(vp_idle(gpu, handle[i], true));
		close(dmabuf[i]);
	}
	close(gpu);
	vp_close_patient(patient);
}

igt_main
{
	igt_describe("A process that writes is killed: all who wait for the buffer, its fence or a syncobj wake up");
	vp_subtest("killed-writer")
		killed(FOR_WRITING, false);

	igt_describe("The same for one that reads");
	vp_subtest("killed-reader")
		killed(FOR_READING, false);

	igt_describe("The same for one whose timeline's fence was put on the buffer");
	vp_subtest("killed-timeline")
		killed(ON_TIMELINE, false);

	igt_describe("The same with a buffer of vgem's");
	vp_subtest("killed-foreign-buffer") {
		killed(FOR_WRITING, true);
		killed(ON_TIMELINE, true);
	}

	igt_describe("A process that exits with fences is as good as killed");
	vp_subtest("exits") {
		left(leave, FOR_WRITING);
		left(leave, ON_TIMELINE);
	}

	igt_describe("A process that becomes another program has closed the GPU");
	vp_subtest("execs") {
		left(become_another, FOR_READING);
		left(become_another, ON_TIMELINE);
	}

	igt_describe("A process is killed while it waits for a fence of its own");
	vp_subtest("killed-while-waiting")
		killed_while_waiting();

	igt_describe("A process is killed while another driver waits for its fence with the buffer locked");
	vp_subtest("killed-locked") {
		killed_locked(FOR_WRITING);
		killed_locked(FOR_READING);
		killed_locked(ON_TIMELINE);
	}

	igt_describe("Waiters are killed, and others take their places");
	vp_subtest("waiters-killed")
		waiters_killed();

	igt_describe("A child that inherits all and dies changes nothing; the parent's death does");
	vp_subtest("child-first")
		child_first();

	igt_describe("A child keeps the fences of its dead parent, until it dies itself");
	vp_subtest("parent-first")
		parent_first();

	igt_describe("A process that got the file keeps the fences, and can signal them");
	vp_subtest("file-passed") {
		file_passed(false);
		file_passed(true);
	}

	igt_describe("A file that is on its way keeps the fences, until its message is gone");
	vp_subtest("file-on-its-way")
		file_on_its_way();

	igt_describe("A mapping of the file keeps the fences");
	vp_subtest("file-mapped")
		file_mapped();

	igt_describe("Whoever keeps the file of a dead process does so until the limit");
	vp_subtest("file-passed-until-limit")
		file_passed_until_limit();

	igt_describe("A process is killed with 160 fences on timelines and 50 on buffers");
	vp_subtest("killed-with-many")
		killed_with_many();

	igt_fixture {
		vp_unload_foreign("vgem");
		vp_foreign_unload();
	}
}
