// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of steps about syncobjs.
 */
#include "draw.h"
#include "vp_test.h"

#define MAX_SYNCOBJS	8	/* of a file */

static bool is_pending(const struct fz_syncobj_handle *handle)
{
	const struct fz_sync *sync = handle->syncobj->sync;

	return sync && fz_sync_pending(sync);
}

/* Half of the time one that has not signalled, if that is easily found. */
static struct fz_syncobj_handle *draw_handle(struct fz_fd **fd)
{
	struct fz_syncobj_handle *handle = NULL;

	for (int tries = fz_maybe(50) ? 1 : 4; tries; tries--) {
		*fd = fz_any_fd(FZ_FILE);
		handle = *fd ? fz_any(&(*fd)->file->syncobjs) : NULL;
		if (handle && is_pending(handle))
			break;
	}
	if (!handle)
		return NULL;
	fz_out->arg[0] = (*fd)->id;
	fz_out->arg[1] = handle->id;
	return handle;
}

static bool has_room(const struct fz_fd *fd)
{
	return fd && fd->file->syncobjs.n < MAX_SYNCOBJS;
}

bool fz_draw_syncobj(void)
{
	struct fz_fd *fd = fz_any_fd(FZ_FILE);

	if (!has_room(fd))
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = fz_maybe(20);
	fz_out->arg[2] = fz_how(1);
	return true;
}

bool fz_draw_syncobj_how(void)
{
	struct fz_fd *fd;

	fz_out->arg[2] = fz_how(3);
	return draw_handle(&fd);
}

bool fz_draw_syncobj_import(void)
{
	struct fz_fd *from = fz_any_fd(fz_maybe(97) ? FZ_SYNCOBJ : FZ_KINDS);
	struct fz_fd *fd = fz_any_fd(FZ_FILE);

	if (!from || !has_room(fd))
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = from->id;
	fz_out->arg[2] = fz_how(2);
	return true;
}

/* One that has not signalled, if that is easily found. */
static struct fz_fd *draw_pending(void)
{
	struct fz_fd *fd = NULL;

	for (int tries = 0; tries < 3; tries++) {
		fd = fz_any_fd(FZ_SYNC);
		if (!fd || fz_sync_pending(fd->sync))
			break;
	}
	return fd;
}

bool fz_draw_syncobj_put(void)
{
	struct fz_fd *sync = fz_maybe(97) ? draw_pending() :
					    fz_any_fd(FZ_KINDS);
	struct fz_fd *fd;

	if (!sync)
		return false;
	fz_out->arg[2] = fz_how(3);
	fz_out->arg[3] = sync->id;
	return draw_handle(&fd);
}

bool fz_draw_syncobj_wait(void)
{
	struct fz_syncobj_handle *other;
	struct fz_fd *fd;

	if (!draw_handle(&fd))
		return false;
	other = fz_any(&fd->file->syncobjs);
	fz_out->arg[2] = fz_maybe(4) ? 2 + fz_dice(2) : 0;
	fz_out->arg[3] = fz_maybe(50) ? other->id : 0;
	fz_out->arg[4] = fz_dice(4);
	return true;
}

/* Most are near to what is there. */
static uint32_t draw_point(const struct fz_syncobj_handle *handle, bool next)
{
	const struct fz_sync *sync = handle->syncobj->sync;
	uint32_t last = sync ? (uint32_t)sync->seqno : 0;

	if (next && fz_maybe(70))
		return last + 1 + fz_dice(3);
	/* The point before, where it is another that is asked for. */
	if (!next && sync && sync->before && fz_maybe(30))
		return (uint32_t)sync->before;
	return fz_dice(last + 3);
}

static bool draw_on_point(bool next)
{
	struct fz_syncobj_handle *handle;
	struct fz_fd *fd;

	handle = draw_handle(&fd);
	if (!handle)
		return false;
	fz_out->arg[2] = fz_how(3);
	fz_out->arg[3] = draw_point(handle, next);
	return true;
}

bool fz_draw_point(void)
{
	return draw_on_point(true);
}

bool fz_draw_point_flags(void)
{
	fz_out->arg[4] = fz_maybe(50) ? 0 : fz_dice(8);
	if (!draw_on_point(false))
		return false;
	if (fz_out->arg[2] == 1)
		fz_out->arg[2] = 0;
	return true;
}

bool fz_draw_point_query(void)
{
	struct fz_fd *fd;

	fz_out->arg[2] = fz_how(3);
	fz_out->arg[3] = fz_dice(2);
	return draw_handle(&fd);
}

bool fz_draw_transfer(void)
{
	struct fz_syncobj_handle *to, *from = NULL;
	struct fz_fd *fd;

	to = draw_handle(&fd);
	if (!to)
		return false;
	for (int tries = 0; tries < 3; tries++) {
		from = fz_any(&fd->file->syncobjs);
		if (is_pending(from))
			break;
	}
	fz_out->arg[2] = fz_maybe(20) ? 0 : draw_point(to, true);
	fz_out->arg[3] = from->id;
	fz_out->arg[4] = fz_maybe(60) ? 0 : draw_point(from, false);
	return true;
}
