// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that do all there is to do with fences, and are killed at it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_race.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Processes that are killed while they work with fences");

#define WORKERS	6

/* On a buffer that all share: a fence that nobody signals, and two more. */
static int attach_some(int gpu, uint32_t handle, uint32_t round)
{
	uint32_t fence;
	int ret = 0;

	for (uint32_t i = 0; i < 3 && (!ret || ret == -EBUSY); i++) {
		ret = vp_try_fence_attach(gpu, handle, (round + i) % 7 == 0, 0,
					  &fence);
		if (!ret && i)
			ret = vp_try_fence_signal(gpu, fence, 0);
	}
	return ret == -EBUSY ? 0 : ret;
}

/* One of a timeline, in and out of the buffer, merged with what is there. */
static int send_round(int gpu, int dmabuf, uint32_t round)
{
	uint32_t timeline, flags = round & 1 ? DMA_BUF_SYNC_READ :
					       DMA_BUF_SYNC_WRITE;
	int sync = -1, out = -1, both = -1, ret;
	uint64_t seqno;

	ret = vp_try_timeline(gpu, "worker", 0, &timeline);
	if (ret)
		return ret;
	ret = sync = vp_try_fence(gpu, timeline, 0, 0, &seqno);
	if (ret >= 0)
		ret = vp_try_dmabuf_put_sync(dmabuf, sync, flags);
	if (ret >= 0)
		ret = out = vp_try_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_RW);
	if (ret >= 0)
		ret = both = vp_try_sync_merge(sync, out, "both");
	if (ret >= 0) {
		vp_poll(both, POLLIN, 0);
		vp_poll(dmabuf, POLLOUT, 0);
	}
	if (ret >= 0 && round & 1)
		ret = vp_try_timeline_signal(gpu, timeline, seqno, 0);
	if (ret >= 0)
		ret = vp_try_timeline_destroy(gpu, timeline, 0);
	close(both);
	close(out);
	close(sync);
	return ret;
}

/* No assertions here: they would jump into this process's copy of the test. */
static int be_busy(struct vp_race *race, int child, int dmabuf)
{
	unsigned int index = (unsigned int)child % 2;
	uint32_t handle = 0;
	int gpu = -1, ret;

	for (uint32_t round = 0;; round++) {
		/* All that is left of its fences goes with the file. */
		if (round % 16 == 0) {
			close(gpu);
			gpu = vp_try_open_node(index, VP_RENDER, O_RDWR);
			ret = gpu < 0 ? gpu : vp_try_import(gpu, dmabuf,
							    &handle);
			if (ret)
				return ret;
		}
		ret = attach_some(gpu, handle, round);
		if (ret >= 0)
			ret = send_round(gpu, dmabuf, round);
		if (ret >= 0)
			ret = vp_try_wait(gpu, handle, round & 1, vp_in_ms(1));
		if (ret < 0 && ret != -ETIME)
			return ret;
		race->rounds[child]++;
	}
}

static void killed_at_work(void)
{
	enum { DEATHS = 6 };
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, VP_PAGE);
	struct vp_counts before;

	dmabuf = vp_export(gpu, handle);
	/* A file's first fence on a buffer makes its timeline. */
	vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
	before = vp_counts();
	for (int death = 0; death < DEATHS; death++) {
		struct vp_race *race = vp_race_begin();
		pid_t worker[WORKERS];

		for (int child = 0; child < WORKERS; child++) {
			fflush(NULL);
			worker[child] = fork();
			igt_assert_lte(0, worker[child]);
			if (!worker[child]) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				_exit(-be_busy(race, child, dmabuf));
			}
			vp_started(worker[child]);
		}
		vp_race_wait(race, WORKERS, 5);
		usleep(1000u * (unsigned int)death);
		for (int child = 0; child < WORKERS; child++)
			vp_kill(worker[child]);
		/* All that they had on it has gone with them. */
		igt_assert(vp_idle(gpu, handle, true));
		vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
		vp_race_end(race);
	}
	/* The buffer has the last of the fences that were put on it. */
	close(dmabuf);
	vp_close(gpu, handle);
	before.buffers--;
	before.views--;
	before.attachments--;
	before.exports--;
	before.fences = 0;
	vp_assert_counts(&before);
	close(gpu);
}

igt_main
{
	igt_describe("Six processes are killed while they do everything with fences, six times");
	vp_subtest("killed-at-work")
		killed_at_work();
}
