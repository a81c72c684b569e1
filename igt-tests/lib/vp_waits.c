// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_config.h"
#include "vp_fence.h"
#include "vp_gpu.h"
#include "vp_igt.h"
#include "vp_syncobj.h"
#include "vp_waits.h"

#define PATIENT_GPU	"patient"

int vp_open_patient(void)
{
	unsigned int index = vp_config_plug(PATIENT_GPU,
					    "fence_timeout_ms=60000");

	igt_assert_eq(index, 2);
	return vp_open(index);
}

void vp_close_patient(int gpu)
{
	close(gpu);
	vp_config_remove(PATIENT_GPU);
}

int vp_wait_gem(struct vp_task *task)
{
	return vp_try_wait(task->fd, task->handle, task->flags, INT64_MAX);
}

int vp_wait_peek(struct vp_task *task)
{
	uint32_t word;

	return vp_try_peek(task->fd, task->handle, 0, &word, sizeof(word));
}

int vp_wait_poke(struct vp_task *task)
{
	uint32_t word = 1;

	return vp_try_poke(task->fd, task->handle, 0, &word, sizeof(word));
}

int vp_wait_poll(struct vp_task *task)
{
	struct pollfd asked = { .fd = task->fd, .events = (short)task->flags };

	return poll(&asked, 1, -1) < 0 ? -errno : asked.revents;
}

int vp_wait_epoll(struct vp_task *task)
{
	struct epoll_event event = { .events = task->flags };
	int epoll = epoll_create1(EPOLL_CLOEXEC), ret = 0;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, task->fd, &event) ||
	    epoll_wait(epoll, &event, 1, -1) < 0)
		ret = -errno;
	close(epoll);
	return ret ? ret : (int)event.events;
}

int vp_wait_access(struct vp_task *task)
{
	int ret = vp_try_sync(task->fd, DMA_BUF_SYNC_START | task->flags);

	return ret ? ret : vp_try_sync(task->fd,
				       DMA_BUF_SYNC_END | task->flags);
}

static int wait_syncobj(struct vp_task *task, bool point)
{
	uint32_t handle;
	int ret;

	ret = vp_try_syncobj_from_fd(task->fd, task->fd2, &handle);
	if (ret)
		return ret;
	ret = point ? vp_try_syncobj_wait_point(task->fd, handle, task->value,
						INT64_MAX, task->flags) :
		      vp_try_syncobj_wait(task->fd, &handle, 1, INT64_MAX,
					  task->flags, NULL);
	vp_try_syncobj_destroy(task->fd, handle);
	return ret;
}

int vp_wait_syncobj(struct vp_task *task)
{
	return wait_syncobj(task, false);
}

int vp_wait_point(struct vp_task *task)
{
	return wait_syncobj(task, true);
}
