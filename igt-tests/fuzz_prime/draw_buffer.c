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
 * Where CPU and GPU see different things, there is most to see: half of the time
 * another one is drawn, a few times, until it is such a buffer.
 */
static bool is_enough(const struct fz_buf *buf, int *tries)
{
	if (!*tries)
		*tries = fz_maybe(50) ? 1 : 4;
	return !buf || buf->shadow || !--*tries;
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

bool fz_draw_open(void)
{
	unsigned int files = 0;
	struct fz_fd *fd;

	fz_each(fd, &fz_in->proc[fz_out->proc].fds)
		files += fd->kind == FZ_FILE;
	fz_out->arg[0] = fz_dice(FZ_GPUS);
	fz_out->arg[1] = fz_maybe(20);
	return files < 4;
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
	if (fd->kind == FZ_FILE && !fz_maybe(10))
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

bool fz_draw_spawn(void)
{
	if (!fz_draw_fork())
		return false;
	fz_out->proc = (uint8_t)fz_out->arg[0];
	fz_out->arg[0] = 0;
	return true;
}

bool fz_draw_gpu(void)
{
	/* The first one stays, or there would be times with none. */
	fz_out->arg[0] = 1 + fz_dice(FZ_GPUS - 1);
	return fz_in->options.plug;
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
	fz_out->arg[2] = fz_maybe(97) ? (fz_dice(3) ? 3 : fz_dice(4)) : 4 + fz_dice(4);
	fz_out->arg[3] = fz_how(1);
	return fz_draw_handle();
}

bool fz_draw_import(void)
{
	struct fz_fd *from = fz_any_fd(fz_maybe(97) ? FZ_DMABUF : FZ_KINDS);

	if (!from)
		return false;
	fz_out->arg[1] = from->id;
	return fz_draw_fd(FZ_FILE);
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
	struct fz_handle *handle = fz_draw_handle();

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
	fz_out->arg[1] = fz_dice(4);
	return fz_draw_map();
}

bool fz_draw_touch(void)
{
	struct fz_map *map;
	int tries = 0;

	do {
		map = fz_draw_map();
	} while (!is_enough(map ? map->buf : NULL, &tries));
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
	} while (!is_enough(handle ? handle->buf : NULL, &tries));
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
	} while (!is_enough(fd ? fd->kbuf->buf : NULL, &tries));
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
