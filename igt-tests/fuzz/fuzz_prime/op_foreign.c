// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about foreign drivers: the distribution's vgem, which imports and
 * exports, and what makes dma-bufs without any device, where the kernel has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>

#include "fuzz.h"
#include "vp_test.h"
#include "vp_watch.h"

/* Debugging of the DMA API counts so many for one page, and no more. */
#define MAX_IMPORTERS	7

/*
 * Older vgem maps what it imports, as a static importer that keeps the memory
 * where it is for as long as it has a handle. On Linux 7.3 it only attaches.
 */
static bool maps_imports(int vgem)
{
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, VP_PAGE), theirs;
	bool maps;

	dmabuf = vp_export(gpu, handle);
	theirs = vp_import(vgem, dmabuf);
	maps = vp_watch(vp_id(gpu, handle))->mapped;
	vp_close(vgem, theirs);
	close(dmabuf);
	close(gpu);
	return maps;
}

/* Where vgem's primary node is, "" without one; and what it is like. */
void fz_find_vgem(struct fz_run *run)
{
	char link[32];
	ssize_t len;
	int fd;

	vp_load_foreign("vgem");
	fd = vp_open_foreign("vgem");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, run->vgem, FZ_NAME - 1);
	run->vgem[len > 0 ? len : 0] = '\0';
	run->vgem_maps = maps_imports(fd);
	close(fd);
}

/* vgem-open */
void fz_do_foreign_open(struct fz_run *run, const struct fz_step *step)
{
	struct fz_order order = { .command = FZ_OPEN, .size = FZ_NAME };
	struct fz_proc *p = &run->proc[step->proc];
	int64_t fd;

	if (!p->alive || p->blocked)
		return;
	strcpy((char *)order.data, run->vgem);
	fd = fz_call(run, step->proc, &order);
	if (fz_want(run, "opening vgem", fd < 0 ? fd : 0, 0))
		fz_fd_new(run, step->proc, step->id, (int)fd, FZ_FILE,
			  fz_file_new(run, step->id, NULL, step->proc));
}

static struct fz_handle *foreign_handle(const struct fz_step *step,
					struct fz_file *file, uint32_t value,
					struct fz_buf *buf)
{
	struct fz_handle *handle;

	handle = fz_handle_new(file, step->id, value, NULL);
	handle->buf = buf;
	buf->foreign++;
	return handle;
}

/* vgem-create: file, pages */
void fz_do_foreign_create(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	/* Of this width a row is a page. */
	struct drm_mode_create_dumb create = {
		.width = VP_PAGE / 4, .height = step->arg[1], .bpp = 32,
	};
	size_t size = step->arg[1] * VP_PAGE;
	struct fz_buf *buf;
	int64_t ret;

	if (!fd || fd->file->inst || !size || !fz_memory_room(size))
		return;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_MODE_CREATE_DUMB,
			   &create);
	if (!fz_want(run, "vgem's CREATE_DUMB", ret, 0) ||
	    !fz_want(run, "its size", (int64_t)create.size, (int64_t)size))
		return;
	buf = fz_buf_new(run, step->id, size, FZ_VGEM, NULL);
	foreign_handle(step, fd->file, create.handle, buf);
}

bool fz_may_map(const struct fz_run *run, const struct fz_buf *buf,
		const struct fz_view *view)
{
	if (!run->dma_debug)
		return true;
	if (buf->maker == FZ_OURS)
		return view || buf->pins < MAX_IMPORTERS;
	if (view && view->inst->short_segments)
		return false;
	return buf->maker == FZ_VGEM || !fz_is_mapped(buf, view);
}

void fz_import_foreign(struct fz_run *run, const struct fz_step *step,
		       struct fz_fd *fd, struct fz_fd *from)
{
	struct drm_prime_handle prime = { .fd = from->fd };
	struct fz_handle *handle = NULL;
	struct fz_buf *buf = NULL;
	int64_t ret, want = 0;

	if (from->kind == FZ_DMABUF) {
		buf = from->kbuf->buf;
		handle = fz_handle_of(fd->file, buf);
		if (buf->revoked && !handle)
			want = -ENODEV;
		if (!handle && !fz_may_map(run, buf, NULL))
			return;
	} else {
		want = -EINVAL;
	}
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_PRIME_FD_TO_HANDLE,
			   &prime);
	if (!fz_want(run, "vgem's PRIME_FD_TO_HANDLE", ret, want) || ret)
		return;
	if (handle) {
		fz_want(run, "imported again: handle", prime.handle,
			handle->value);
		return;
	}
	handle = foreign_handle(step, fd->file, prime.handle, buf);
	handle->pinning = buf->maker == FZ_OURS && run->vgem_maps;
	if (handle->pinning)
		fz_foreign_map(buf);
}

/* allocate: kind, pages */
void fz_do_allocate(struct fz_run *run, const struct fz_step *step)
{
	enum fz_maker maker = step->arg[0] % 2 ? FZ_UDMABUF : FZ_HEAP;
	const char *node = maker == FZ_UDMABUF ? FZ_UDMABUF_NODE :
						 FZ_HEAP_NODE;
	struct fz_order order = {
		.command = maker == FZ_UDMABUF ? FZ_MAKE_UDMABUF :
						 FZ_MAKE_HEAP,
		.a = { step->arg[1] * VP_PAGE },
	};
	struct fz_proc *p = &run->proc[step->proc];
	struct fz_buf *buf;
	int64_t fd;

	if (!p->alive || p->blocked || !order.a[0] ||
	    order.a[0] > FZ_PAGES * VP_PAGE || !fz_memory_room(order.a[0]) ||
	    access(node, F_OK))
		return;
	fd = fz_call(run, step->proc, &order);
	if (!fz_want(run, node, fd < 0 ? fd : 0, 0))
		return;
	buf = fz_buf_new(run, step->id, order.a[0], maker, NULL);
	fz_fd_new(run, step->proc, step->id, (int)fd, FZ_DMABUF,
		  fz_kbuf_get(buf, NULL, true));
}
