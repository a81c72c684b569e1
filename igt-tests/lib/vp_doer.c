// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE	/* pipe2 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_doer.h"
#include "vp_fence.h"
#include "vp_fences.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_process.h"

#define POLL_MS		5

struct vp_doer vp_do(int (*deed)(void *data), void *data)
{
	struct vp_doer doer;
	int result[2], ret;

	igt_assert_eq(pipe2(result, O_CLOEXEC), 0);
	doer.process = fork();
	igt_assert_lte(0, doer.process);
	if (!doer.process) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ret = deed(data);
		_exit(write(result[1], &ret, sizeof(ret)) != sizeof(ret));
	}
	vp_started(doer.process);
	close(result[1]);
	doer.result = result[0];
	return doer;
}

bool vp_doing(const struct vp_doer *doer, int ms)
{
	return !vp_poll(doer->result, POLLIN, ms);
}

void vp_assert_waits(const struct vp_doer *doer)
{
	vp_fences_await(doer->process);
	igt_assert(vp_doing(doer, 0));
}

int vp_done(struct vp_doer *doer)
{
	int result, status;

	igt_assert_f(!vp_doing(doer, VP_PATIENCE_MS), "it is still blocked\n");
	igt_assert_eq(read(doer->result, &result, sizeof(result)),
		      sizeof(result));
	igt_assert_eq(waitpid(doer->process, &status, 0), doer->process);
	igt_assert_eq(status, 0);
	vp_ended(doer->process);
	close(doer->result);
	return result;
}

void vp_undo(struct vp_doer *doer)
{
	vp_kill(doer->process);
	close(doer->result);
}

unsigned int vp_waiters(void)
{
	const struct vp_fences_timeline *timeline;
	const struct vp_fences_fence *fence;
	unsigned int count = 0;

	for (timeline = vp_fences(); timeline; timeline = timeline->next)
		for (fence = timeline->fence; fence; fence = fence->next)
			count += fence->n_waiter;
	return count;
}

void vp_await_waiters(unsigned int count)
{
	unsigned int have = 0;

	for (int ms = 0; ms < VP_PATIENCE_MS; ms += POLL_MS) {
		have = vp_waiters();
		if (have >= count)
			return;
		usleep(POLL_MS * 1000);
	}
	igt_assert_f(false, "%u wait, not %u\n", have, count);
}

/* No assertions here: they would jump into this process's copy of the test. */
static void hold_fences(unsigned int index, int dmabuf, bool write_it,
			unsigned int count, int ready)
{
	int gpu = vp_try_open_node(index, VP_RENDER, O_RDWR);
	uint32_t handle;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (gpu < 0 || vp_try_import(gpu, dmabuf, &handle))
		_exit(1);
	while (count--)
		if (vp_try_fence_attach(gpu, handle,
					write_it ? DRM_VPRIME_FENCE_WRITE : 0,
					0, NULL))
			_exit(1);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

pid_t vp_start_fences(unsigned int gpu, int dmabuf, bool write,
		      unsigned int count)
{
	int ready[2];
	pid_t child;
	char byte;

	igt_assert_eq(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	igt_assert_lte(0, child);
	if (!child)
		hold_fences(gpu, dmabuf, write, count, ready[1]);
	vp_started(child);
	close(ready[1]);
	/* Nothing comes when it ended instead. */
	igt_assert_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}
