// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of steps about fences, sync_files and waiting; and of wrong ones.
 */
#include "draw.h"
#include "vp_test.h"

#define MAX_TIMELINES	6	/* of a file */
#define MAX_WAITING	2	/* processes */

static bool fz_draw_file_and(bool (*rest)(struct fz_file *file))
{
	struct fz_fd *fd = fz_any_fd(FZ_FILE);

	if (!fd)
		return false;
	fz_out->arg[0] = fd->id;
	return rest(fd->file);
}

static bool fz_draw_timeline_of(struct fz_file *file)
{
	struct fz_timeline *timeline = fz_any(&file->timelines);

	if (timeline)
		fz_out->arg[1] = timeline->id;
	return timeline;
}

static bool fz_draw_fence_of(struct fz_file *file)
{
	struct fz_fence *fence = fz_any(&file->fences);

	if (fence)
		fz_out->arg[1] = fence->id;
	return fence;
}

bool fz_draw_attach(void)
{
	fz_out->arg[2] = fz_dice(2);
	fz_out->arg[3] = fz_how(3);
	return fz_draw_handle();
}

bool fz_draw_signal(void)
{
	fz_out->arg[2] = fz_how(3);
	return fz_draw_file_and(fz_draw_fence_of);
}

bool fz_draw_timeline(void)
{
	struct fz_fd *fd = fz_any_fd(FZ_FILE);

	if (!fd || fd->file->timelines.n >= MAX_TIMELINES)
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = fz_how(4);
	return true;
}

bool fz_draw_on_timeline(void)
{
	fz_out->arg[2] = fz_how(3);
	return fz_draw_file_and(fz_draw_timeline_of);
}

bool fz_draw_timeline_signal(void)
{
	struct fz_fd *fd = fz_any_fd(FZ_FILE);
	struct fz_timeline *timeline = fd ? fz_any(&fd->file->timelines) : NULL;

	if (!timeline)
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = timeline->id;
	fz_out->arg[2] = fz_dice((unsigned int)timeline->made + 2);
	if (timeline->pending.n && fz_maybe(70))
		fz_out->arg[2] = (uint32_t)timeline->told + 1 +
			      fz_dice(timeline->pending.n);
	fz_out->arg[3] = fz_maybe(70) ? 0 : fz_dice(4096);
	fz_out->arg[4] = fz_how(2);
	return true;
}

bool fz_draw_events(void)
{
	fz_out->arg[1] = fz_dice(4);
	return fz_draw_fd(FZ_DMABUF);
}

bool fz_draw_sync(void)
{
	return fz_draw_fd(FZ_SYNC);
}

bool fz_draw_sync_flags(void)
{
	fz_out->arg[1] = fz_maybe(95) ? 1 + fz_dice(3) : fz_dice(16);
	return fz_draw_fd(FZ_DMABUF);
}

bool fz_draw_put_sync(void)
{
	struct fz_fd *sync = fz_any_fd(fz_maybe(97) ? FZ_SYNC : FZ_KINDS);

	if (!sync)
		return false;
	fz_out->arg[1] = sync->id;
	fz_out->arg[2] = fz_maybe(95) ? 1 + fz_dice(3) : fz_dice(16);
	return fz_draw_fd(FZ_DMABUF);
}

bool fz_draw_merge(void)
{
	struct fz_fd *sync = fz_any_fd(fz_maybe(97) ? FZ_SYNC : FZ_KINDS);

	if (!sync)
		return false;
	fz_out->arg[1] = sync->id;
	return fz_draw_fd(FZ_SYNC);
}

bool fz_draw_wrong(void)
{
	fz_out->arg[1] = fz_dice(64);
	fz_out->arg[2] = fz_dice(1024);
	return fz_draw_fd(FZ_KINDS);
}

/* Processes that wait draw no steps, so only a few may. */
static bool enough_wait(void)
{
	unsigned int wait = 0;

	for (unsigned int proc = 0; proc < fz_in->procs; proc++)
		wait += fz_in->proc[proc].blocked;
	return wait >= MAX_WAITING;
}

bool fz_draw_block(void)
{
	if (enough_wait())
		return false;
	fz_out->arg[2] = fz_dice(2);
	/* Few are revoked: nothing is left to be done with them. */
	fz_out->arg[3] = fz_maybe(5) ? 5 : fz_dice(5);
	return fz_draw_handle();
}
