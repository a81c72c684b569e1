// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about buffers: making them, handles, sharing, moving, taking away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "vp_test.h"

#define NO_SUCH_HANDLE	0x7ffffffeu

/* A handle that the file does not have: of old, or never. */
static uint32_t bad_handle(const struct fz_file *file, uint32_t how)
{
	struct fz_handle *handle;

	fz_each(handle, &file->handles)
		if (handle->value == file->stale_handle)
			return NO_SUCH_HANDLE;
	return how % 2 ? file->stale_handle : NO_SUCH_HANDLE;
}

static bool known_value(const struct fz_file *file, uint32_t value)
{
	struct fz_handle *handle;

	if (!value)
		return true;
	fz_each(handle, &file->handles)
		if (handle->value == value)
			return true;
	return false;
}

static void add_buffer(struct fz_run *run, const struct fz_step *step,
		       struct fz_file *file, size_t size, uint32_t handle)
{
	struct fz_buf *buf;

	if (known_value(file, handle)) {
		fz_fail(run, "the new handle %u is not new", handle);
		return;
	}
	buf = fz_buf_new(run, step->id, size, FZ_OURS, file->inst);
	fz_handle_new(file, step->id, handle, fz_view_new(buf, file->inst));
}

/* create: file, bytes, how */
void fz_do_create(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct drm_vprime_gem_create create = { .size = step->arg[1] };
	size_t size = (step->arg[1] + VP_PAGE - 1) / VP_PAGE * VP_PAGE;
	int64_t ret, want = 0;

	if (!fd || !fd->file->inst)
		return;
	if (!step->arg[1])
		want = -EINVAL;
	switch (step->arg[2]) {
	case 1:
		create.flags = 1u << (step->id % 32);
		want = -EINVAL;
		break;
	case 2:
		create.size = 1ull << 45;
		want = -ENOMEM;
		break;
	case 3:
		create.size = UINT64_MAX - 4095;
		want = -EINVAL;
		break;
	}
	if (!want && !fz_memory_room(size))
		return;
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_GEM_CREATE,
			   &create);
	if (!fz_want(run, "GEM_CREATE", ret, want) || ret)
		return;
	if (fz_want(run, "size", (int64_t)create.size, (int64_t)size))
		add_buffer(run, step, fd->file, size, create.handle);
}

/* dumb: file, width, height, bpp */
void fz_do_dumb(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct drm_mode_create_dumb create = {
		.width = step->arg[1], .height = step->arg[2],
		.bpp = step->arg[3],
	};
	uint64_t pitch, size;
	int64_t ret, want = 0;

	if (!fd || !fd->file->inst)
		return;
	pitch = ((uint64_t)create.width * ((create.bpp + 7) / 8) + 63) / 64 *
		64;
	size = (pitch * create.height + VP_PAGE - 1) / VP_PAGE * VP_PAGE;
	if (!size || size > UINT32_MAX - 4095)
		want = -EINVAL;
	else if (!fz_memory_room(size))
		return;
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_MODE_CREATE_DUMB,
			   &create);
	if (!fz_want(run, "CREATE_DUMB", ret, want) || ret)
		return;
	if (fz_want(run, "size", (int64_t)create.size, (int64_t)size) &&
	    fz_want(run, "pitch", create.pitch, (int64_t)pitch))
		add_buffer(run, step, fd->file, size, create.handle);
}

/* gem-close: file, handle, how (1: as a dumb buffer, 2: one that is none) */
void fz_do_gem_close(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct fz_handle *handle;
	struct drm_gem_close close = {};
	bool bad = step->arg[2] & 2;
	int64_t ret, want = 0;

	if (!fd)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle && !bad)
		return;
	close.handle = bad ? bad_handle(fd->file, step->id) : handle->value;
	if (bad)
		want = -EINVAL;
	if (fd->file->inst && fd->file->inst->gone)
		want = -ENODEV;
	if (step->arg[2] & 1) {
		struct drm_mode_destroy_dumb destroy = { close.handle };

		ret = fz_gpu_ioctl(run, step->proc, fd,
				   DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
	} else {
		ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_GEM_CLOSE,
				   &close);
	}
	if (fz_want(run, "closing a handle", ret, want) && !ret)
		fz_handle_close(run, fd->file, handle);
}

static uint32_t expected_flags(const struct fz_handle *handle)
{
	const struct fz_buf *buf = handle->buf;
	uint32_t flags = 0;

	if (handle->view->imported)
		flags |= DRM_VPRIME_INFO_IMPORTED;
	if (buf->kbuf)
		flags |= DRM_VPRIME_INFO_EXPORTED;
	if (buf->maker != FZ_OURS)
		flags |= DRM_VPRIME_INFO_FOREIGN;
	if (buf->revoked)
		flags |= DRM_VPRIME_INFO_REVOKED;
	if (handle->view->read_only)
		flags |= DRM_VPRIME_INFO_READ_ONLY;
	return flags;
}

static void check_info(struct fz_run *run, const struct fz_handle *handle,
		       const struct drm_vprime_gem_info *info)
{
	static const char *const foreign[] = {
		[FZ_VGEM] = "drm", [FZ_UDMABUF] = "udmabuf", [FZ_HEAP] = "system",
	};
	uint32_t flags = expected_flags(handle), ignored = 0;
	struct fz_buf *buf = handle->buf;
	unsigned int attached = buf->views.n;
	char origin[DRM_VPRIME_NAME_LEN];
	struct fz_view *view;
	uint64_t gpus = 0;

	fz_each(view, &buf->views)
		gpus |= 1ull << view->inst->index;
	if (buf->maker == FZ_OURS) {
		snprintf(origin, sizeof(origin), "vprime%u",
			 buf->origin->index);
		attached += buf->foreign;
	} else {
		snprintf(origin, sizeof(origin), "%s", foreign[buf->maker]);
	}
	if (buf->kbuf && buf->kbuf->limbo)
		ignored = DRM_VPRIME_INFO_EXPORTED;
	fz_want(run, "info: size", (int64_t)info->size, (int64_t)buf->size);
	fz_want(run, "info: flags", info->flags & ~ignored, flags & ~ignored);
	fz_want(run, "info: attached", info->attached, attached);
	fz_want(run, "info: GPUs", (int64_t)info->attached_gpus,
		(int64_t)gpus);
	if (strncmp(info->origin, origin, sizeof(info->origin)))
		fz_fail(run, "info: origin %.32s, expected %s", info->origin,
			origin);
	if (info->resident > info->size || (buf->reclaimed && info->resident))
		fz_fail(run, "info: %llu of %llu bytes resident",
			(unsigned long long)info->resident,
			(unsigned long long)info->size);
	if (buf->number && buf->number != info->id)
		fz_fail(run, "info: id %llu, was %llu",
			(unsigned long long)info->id,
			(unsigned long long)buf->number);
	buf->number = info->id;
}

/* info: file, handle, how */
void fz_do_info(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct drm_vprime_gem_info info = {};
	struct fz_handle *handle;
	int64_t ret, want = 0;

	if (!fd || !fd->file->inst)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle)
		return;
	info.handle = handle->value;
	if (step->arg[2] == 1) {
		info.pad = 1;
		want = -EINVAL;
	} else if (step->arg[2] == 2) {
		info.handle = bad_handle(fd->file, step->id);
		want = -ENOENT;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_VPRIME_GEM_INFO,
			   &info);
	if (fz_want(run, "GEM_INFO", ret, want) && !ret)
		check_info(run, handle, &info);
}

/* export: file, handle, flags (1: DRM_RDWR, 2: DRM_CLOEXEC, 4: bad), how */
void fz_do_export(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct drm_prime_handle prime = { .fd = -1 };
	struct fz_handle *handle;
	struct fz_kbuf *kbuf;
	int64_t ret, want = 0;

	if (!fd)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle || (handle->buf->kbuf && handle->buf->kbuf->limbo))
		return;
	prime.handle = handle->value;
	prime.flags = (step->arg[2] & 1 ? DRM_RDWR : 0) |
		      (step->arg[2] & 2 ? DRM_CLOEXEC : 0);
	if (step->arg[3] == 1) {
		prime.handle = bad_handle(fd->file, step->id);
		want = -ENOENT;
	}
	if (step->arg[2] & 4) {
		prime.flags |= 1u << 7;
		want = -EINVAL;
	}
	if (fd->file->inst && fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_PRIME_HANDLE_TO_FD,
			   &prime);
	if (!fz_want(run, "PRIME_HANDLE_TO_FD", ret, want) || ret)
		return;
	kbuf = fz_kbuf_get(handle->buf, handle->view, step->arg[2] & 1);
	fz_fd_new(run, step->proc, step->id, prime.fd, FZ_DMABUF, kbuf);
}

static void imported(struct fz_run *run, const struct fz_step *step,
		     struct fz_file *file, struct fz_kbuf *kbuf, uint32_t value)
{
	struct fz_handle *handle = fz_handle_of(file, kbuf->buf);
	bool read_only = !kbuf->writable;
	struct fz_view *view;

	if (handle) {
		fz_want(run, "imported again: handle", value, handle->value);
		return;
	}
	if (known_value(file, value)) {
		fz_fail(run, "imported: the new handle %u is not new", value);
		return;
	}
	view = fz_view_of(kbuf->buf, file->inst, read_only);
	if (!view) {
		view = fz_view_new(kbuf->buf, file->inst);
		view->imported = true;
		view->read_only = read_only;
	}
	fz_kbuf_get(kbuf->buf, view, false);
	fz_handle_new(file, step->id, value, view);
}

/* import: file, fd */
void fz_do_import(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct fz_fd *from = fz_fd(run, step->proc, step->arg[1], FZ_KINDS);
	struct drm_prime_handle prime = {};
	int64_t ret, want = 0;

	if (!fd || !from)
		return;
	if (!fd->file->inst) {
		fz_import_foreign(run, step, fd, from);
		return;
	}
	prime.fd = from->fd;
	if (from->kind != FZ_DMABUF) {
		want = -EINVAL;
	} else if (from->kbuf->buf->revoked &&
		   !fz_handle_of(fd->file, from->kbuf->buf) &&
		   !fz_view_of(from->kbuf->buf, fd->file->inst,
			       !from->kbuf->writable)) {
		want = -ENODEV;
	}
	if (fd->file->inst->gone)
		want = -ENODEV;
	ret = fz_gpu_ioctl(run, step->proc, fd, DRM_IOCTL_PRIME_FD_TO_HANDLE,
			   &prime);
	if (fz_want(run, "PRIME_FD_TO_HANDLE", ret, want) && !ret)
		imported(run, step, fd->file, from->kbuf, prime.handle);
}

static struct fz_buf *find_buffer(const struct fz_run *run, uint32_t id)
{
	struct fz_buf *buf;

	fz_each(buf, &run->bufs)
		if (buf->id == id) {
			fz_about = id;
			return buf;
		}
	return NULL;
}

static int64_t write_number(int fd, uint64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%llu",
			   (unsigned long long)number);

	return write(fd, text, (size_t)len) == len ? 0 : -errno;
}

int64_t fz_move(struct fz_run *run, const struct fz_buf *buf)
{
	return write_number(run->move, buf->number);
}

/* move: buffer */
void fz_do_move(struct fz_run *run, const struct fz_step *step)
{
	struct fz_buf *buf = find_buffer(run, step->arg[0]);
	int64_t want = 0;

	/* Without a number it is not known yet; busy, this would wait. */
	if (!buf || !buf->number || fz_busy(buf, true) ||
	    (buf->kbuf && buf->kbuf->limbo))
		return;
	if (buf->maker != FZ_OURS)
		want = -EOPNOTSUPP;
	else if (buf->revoked)
		want = -ENODEV;
	else if (buf->pins)
		want = -EBUSY;
	if (fz_want(run, "move", fz_move(run, buf), want) && !want)
		fz_gpu_unmap_all(buf);
}

/* revoke: buffer */
void fz_do_revoke(struct fz_run *run, const struct fz_step *step)
{
	struct fz_buf *buf = find_buffer(run, step->arg[0]);
	int64_t want = 0;

	if (!buf || !buf->number || fz_busy(buf, true) ||
	    (buf->kbuf && buf->kbuf->limbo))
		return;
	if (buf->maker != FZ_OURS)
		want = -EOPNOTSUPP;
	else if (buf->pins && !buf->revoked)
		want = -EBUSY;
	if (fz_want(run, "revoke", write_number(run->revoke, buf->number),
		    want) && !want) {
		buf->revoked = true;
		buf->reclaimed = true;
		fz_gpu_unmap_all(buf);
	}
}
