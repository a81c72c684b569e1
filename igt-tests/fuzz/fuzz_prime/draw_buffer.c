// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of steps about processes, descriptors, buffers and their bytes.
 */
#include "draw.h"
#include "vp_test.h"

static struct fz_map *fz_draw_map(void)
{
	struct fz_map *map = fz_any(&fz_in->proc[fz_out->proc].maps);

	if (map)
		fz_out->arg[0] = map->id;
	return map;
}

/*
 * Where most goes on is where most can go wrong: half of the time another one is
 * drawn, a few times, until it is such a one.
 */
static bool is_enough(bool found, int *tries)
{
	if (!*tries)
		*tries = fz_maybe(50) ? 1 : 4;
	return found || !--*tries;
}

/* CPU and GPU may see different things there. */
static bool is_odd(const struct fz_buf *buf)
{
	return buf && buf->cache;
}

/* A part of so many bytes: some whole, some single bytes, most anything. */
static void fz_draw_range(size_t total, uint32_t *offset, uint32_t *size)
{
	switch (fz_dice(6)) {
	case 0:
		*offset = 0;
		*size = (uint32_t)total;
		return;
	case 1:
		*offset = fz_dice((unsigned int)total);
		*size = 1 + fz_dice(8);
		return;
	case 2:
		*offset = fz_dice((unsigned int)(total / VP_PAGE)) * VP_PAGE;
		*size = VP_PAGE;
		return;
	default:
		*offset = fz_dice((unsigned int)total);
		*size = 1 + fz_dice(total - *offset < 3 * VP_PAGE ?
				  (unsigned int)total - *offset : 3 * VP_PAGE);
	}
}

static uint32_t fz_draw_pages(const struct fz_buf *buf)
{
	unsigned int pages = (unsigned int)(buf->size / VP_PAGE);

	if (fz_maybe(50))
		return pages;
	return fz_maybe(95) ? 1 + fz_dice(pages) : pages + 1;
}

bool fz_draw_nothing(void)
{
	return true;
}

static bool is_gone(const struct fz_fd *fd)
{
	return fd->kind == FZ_FILE && fd->file->inst && fd->file->inst->gone;
}

/* Files of GPUs that are there, or of other drivers; a duplicate is none more. */
static unsigned int count_files(bool ours)
{
	struct fz_vec *fds = &fz_in->proc[fz_out->proc].fds;
	unsigned int files = 0, before;
	struct fz_fd *fd, *other;

	fz_each(fd, fds) {
		if (fd->kind != FZ_FILE || !fd->file->inst == ours || is_gone(fd))
			continue;
		for (before = 0; before < fd_i; before++) {
			other = fds->at[before];
			if (other->kind == FZ_FILE && other->file == fd->file)
				break;
		}
		files += before == fd_i;
	}
	return files;
}

/*
 * However many other descriptors there are: without a file little can be done. The
 * first GPU is never unplugged, and would soon have most of the files.
 */
bool fz_draw_open(void)
{
	fz_out->arg[0] = fz_maybe(90) ? 1 + fz_dice(FZ_GPUS - 1) : 0;
	fz_out->arg[1] = fz_maybe(20);
	return count_files(true) < 4;
}

bool fz_draw_vgem_open(void)
{
	return count_files(false) < 2;
}

bool fz_draw_other(void)
{
	fz_out->arg[0] = fz_dice(4);
	return fz_in->proc[fz_out->proc].fds.n < 20;
}

bool fz_draw_any_fd(void)
{
	struct fz_fd *fd = fz_any(&fz_in->proc[fz_out->proc].fds);

	if (!fd)
		return false;
	/* With the last file of a GPU goes too much to do it often. */
	if (fd->kind == FZ_FILE && !fz_maybe(is_gone(fd) ? 50 : 10))
		return false;
	fz_out->arg[0] = fd->id;
	return true;
}

bool fz_draw_send(void)
{
	struct fz_fd *fd = fz_any(&fz_in->proc[fz_out->proc].fds);

	if (!fd || (fd->kind == FZ_FILE && !fz_maybe(5)))
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = fz_dice(fz_in->procs);
	return true;
}

bool fz_draw_receive(void)
{
	return fz_in->proc[fz_out->proc].letters.n || fz_maybe(3);
}

bool fz_draw_fork(void)
{
	for (unsigned int to = 0; to < fz_in->procs; to++)
		if (!fz_in->proc[to].alive) {
			fz_out->arg[0] = to;
			return true;
		}
	return false;
}

/* Most are to die in the middle of something. */
bool fz_draw_kill(void)
{
	struct fz_buf *buf;

	fz_each(buf, &fz_in->bufs)
		if (is_odd(buf) && buf->open[fz_out->proc])
			return true;
	return fz_maybe(40);
}

bool fz_draw_spawn(void)
{
	if (!fz_draw_fork())
		return false;
	fz_out->proc = (uint8_t)fz_out->arg[0];
	fz_out->arg[0] = 0;
	return true;
}

bool fz_draw_plug(void)
{
	/* The first one stays, or there would be times with none. */
	fz_out->arg[0] = 1 + fz_dice(FZ_GPUS - 1);
	return fz_in->options.plug;
}

/* It takes a lot of what there is with it. */
bool fz_draw_unplug(void)
{
	return fz_draw_plug() && fz_maybe(50);
}

bool fz_draw_create(void)
{
	fz_out->arg[1] = fz_maybe(1) ? 2 * VP_MIB :
		      fz_maybe(2) ? fz_dice(VP_PAGE) :
		      (1 + fz_dice(FZ_PAGES)) * VP_PAGE - fz_dice(2) * fz_dice(300);
	fz_out->arg[2] = fz_how(3);
	return fz_draw_fd(FZ_FILE);
}

bool fz_draw_dumb(void)
{
	fz_out->arg[1] = fz_maybe(95) ? 1 + fz_dice(100) : fz_dice(2) * UINT32_MAX;
	fz_out->arg[2] = fz_maybe(95) ? 1 + fz_dice(100) : 0;
	fz_out->arg[3] = fz_maybe(95) ? 8 * (1 + fz_dice(4)) : fz_dice(40);
	return fz_draw_fd(FZ_FILE);
}

bool fz_draw_gem_close(void)
{
	fz_out->arg[2] = fz_maybe(10) ? 2 + fz_dice(2) : fz_dice(2);
	return fz_draw_handle();
}

bool fz_draw_handle_how2(void)
{
	fz_out->arg[2] = fz_how(2);
	return fz_draw_handle();
}

bool fz_draw_export(void)
{
	fz_out->arg[2] = fz_maybe(97) ? (fz_dice(2) ? 3 : fz_dice(4)) : 4 + fz_dice(4);
	fz_out->arg[3] = fz_how(1);
	return fz_draw_handle();
}

/* New to this file, and to be read only, or seen by one GPU more that does not snoop. */
static bool is_import_of_interest(const struct fz_fd *to, const struct fz_fd *from)
{
	if (from->kind != FZ_DMABUF || !to->file->inst ||
	    fz_handle_of(to->file, from->kbuf->buf))
		return false;
	return !from->kbuf->writable ||
	       (is_odd(from->kbuf->buf) && !to->file->inst->coherent);
}

bool fz_draw_import(void)
{
	struct fz_fd *from, *to;
	int tries = 0;

	do {
		from = fz_any_fd(fz_maybe(97) ? FZ_DMABUF : FZ_KINDS);
		to = fz_any_fd(FZ_FILE);
		if (!from || !to)
			return false;
	} while (!is_enough(is_import_of_interest(to, from), &tries));
	fz_out->arg[0] = to->id;
	fz_out->arg[1] = from->id;
	return true;
}

bool fz_draw_buffer(void)
{
	struct fz_buf *buf = fz_any(&fz_in->bufs);

	if (buf)
		fz_out->arg[0] = buf->id;
	return buf;
}

bool fz_draw_mmap(void)
{
	struct fz_handle *handle;
	int tries = 0;

	do {
		handle = fz_draw_handle();
	} while (!is_enough(!handle || !handle->view ||
			    handle->view->read_only, &tries));
	if (!handle)
		return false;
	fz_out->arg[2] = fz_draw_pages(handle->buf);
	fz_out->arg[3] = fz_dice(3);
	fz_out->arg[4] = fz_how(3);
	return true;
}

bool fz_draw_mmap_dmabuf(void)
{
	struct fz_fd *fd = fz_any_fd(FZ_DMABUF);
	unsigned int pages;

	if (!fd)
		return false;
	pages = (unsigned int)(fd->kbuf->buf->size / VP_PAGE);
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = fz_maybe(60) ? 0 : fz_dice(pages);
	fz_out->arg[2] = fz_maybe(90) ? 1 + fz_dice(pages - fz_out->arg[1]) :
				   fz_dice(2 * pages);
	fz_out->arg[3] = fz_dice(3);
	fz_out->arg[4] = fz_how(1);
	return true;
}

bool fz_draw_any_map(void)
{
	return fz_draw_map();
}

bool fz_draw_mprotect(void)
{
	struct fz_map *map;
	int tries = 0;

	fz_out->arg[1] = fz_dice(4);
	do {
		map = fz_draw_map();
	} while (!is_enough(!map || !map->may_write, &tries));
	return map;
}

bool fz_draw_touch(void)
{
	struct fz_map *map;
	int tries = 0;

	do {
		map = fz_draw_map();
	} while (!is_enough(!map || is_odd(map->buf), &tries));
	if (!map)
		return false;
	fz_draw_range(map->pages * VP_PAGE, &fz_out->arg[1], &fz_out->arg[2]);
	return true;
}

bool fz_draw_gpu_access(void)
{
	struct fz_handle *handle;
	int tries = 0;

	do {
		handle = fz_draw_handle();
	} while (!is_enough(!handle || is_odd(handle->buf), &tries));
	if (!handle)
		return false;
	fz_draw_range(handle->buf->size, &fz_out->arg[2], &fz_out->arg[3]);
	/* Both ends, and beyond. */
	if (fz_maybe(2))
		fz_out->arg[3] += 1 + fz_dice(2 * VP_PAGE);
	if (fz_maybe(1))
		fz_out->arg[2] = (uint32_t)handle->buf->size - fz_dice(2);
	if (fz_maybe(1))
		fz_out->arg[3] = 0;
	fz_out->arg[4] = fz_how(2);
	return true;
}

bool fz_draw_access(void)
{
	struct fz_fd *fd;
	int tries = 0;

	do {
		fd = fz_any_fd(FZ_DMABUF);
	} while (!is_enough(!fd || is_odd(fd->kbuf->buf), &tries));
	if (!fd)
		return false;
	fz_out->arg[0] = fd->id;
	fz_out->arg[1] = fz_maybe(95) ? 1 + fz_dice(7) : fz_dice(16);
	return true;
}

bool fz_draw_dmabuf(void)
{
	return fz_draw_fd(FZ_DMABUF);
}

bool fz_draw_vgem_create(void)
{
	fz_out->arg[1] = 1 + fz_dice(FZ_PAGES);
	return fz_draw_fd(FZ_FILE);
}

bool fz_draw_allocate(void)
{
	fz_out->arg[0] = fz_dice(2);
	fz_out->arg[1] = 1 + fz_dice(FZ_PAGES);
	return true;
}

bool fz_draw_burst(void)
{
	fz_out->arg[1] = 1 + fz_dice(fz_in->options.together ? 30 : 4);
	fz_out->arg[2] = fz_dice(1u << FZ_PROCS) | fz_dice(1u << FZ_PROCS);
	fz_out->arg[3] = fz_maybe(10);
	/* One with a dma-buf, if it is easily found. */
	for (int tries = 0; tries < 10; tries++) {
		struct fz_buf *buf = fz_any(&fz_in->bufs);

		if (!buf || !buf->kbuf || !buf->kbuf->fds)
			continue;
		fz_out->arg[0] = buf->id;
		return true;
	}
	return false;
}
