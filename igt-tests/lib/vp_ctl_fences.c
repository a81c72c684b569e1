// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-buf.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vp_ctl_fences.h"
#include "vp_fences.h"
#include "vp_test.h"

/* No assertions in these: they would jump into the child's copy of the test. */
static void wait_for_buffer(int gpu, uint32_t handle)
{
	_exit(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE, INT64_MAX) != 0);
}

static void wait_for_sync(int sync, uint32_t unused)
{
	struct pollfd asked = { .fd = sync, .events = POLLIN };

	(void)unused;
	_exit(poll(&asked, 1, -1) != 1);
}

static pid_t start(const char *name, void (*wait)(int fd, uint32_t handle),
		   int fd, uint32_t handle)
{
	pid_t child = fork();

	igt_assert_lte(0, child);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		wait(fd, handle);
	}
	vp_started(child);
	return child;
}

static void await_callback(const char *timeline, uint64_t seqno)
{
	const struct vp_fences_fence *fence = NULL;

	for (int ms = 0; ms < VP_PATIENCE_MS; ms += 10) {
		fence = vp_fences_find(vp_fences_named(timeline, getpid()),
				       seqno);
		igt_assert(fence);
		if (fence->callbacks)
			break;
		usleep(10000);
	}
	igt_assert_eq(fence->callbacks, 1);
}

struct vp_fences_scene vp_fences_scene(void)
{
	struct vp_fences_scene scene = {};

	prctl(PR_SET_NAME, "maker");
	scene.gpu = vp_config_open("slow", "fence_timeout_ms=60000");
	snprintf(scene.device, sizeof(scene.device), "vprime%d",
		 vp_config_index("slow"));
	for (int i = 0; i < 3; i++) {
		scene.handle[i] = vp_create(scene.gpu, VP_PAGE);
		scene.id[i] = vp_id(scene.gpu, scene.handle[i]);
	}
	scene.dmabuf = vp_export(scene.gpu, scene.handle[0]);

	scene.timeline = vp_timeline(scene.gpu, "render");
	for (int i = 0; i < 3; i++)
		scene.sync[i] = vp_fence(scene.gpu, scene.timeline, NULL);
	vp_timeline_signal(scene.gpu, scene.timeline, 1);
	vp_dmabuf_put_sync(scene.dmabuf, scene.sync[1], DMA_BUF_SYNC_WRITE);
	scene.waiter = start("waiter", wait_for_buffer, scene.gpu,
			     scene.handle[0]);
	vp_fences_await(scene.waiter);
	scene.poller = start("poller", wait_for_sync, scene.sync[2], 0);
	await_callback("render", 3);

	scene.writer = vp_fence_attach(scene.gpu, scene.handle[1], true);
	scene.reader = vp_fence_attach(scene.gpu, scene.handle[2], false);
	return scene;
}

void vp_fences_scene_end(struct vp_fences_scene *scene)
{
	vp_kill(scene->waiter);
	vp_kill(scene->poller);
	for (int i = 0; i < 3; i++)
		close(scene->sync[i]);
	close(scene->dmabuf);
	close(scene->gpu);
	vp_config_remove("slow");
}
