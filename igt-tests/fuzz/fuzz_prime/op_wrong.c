// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps that are wrong whatever the state: calls of another kind of descriptor,
 * pointers to nowhere, numbers that are none.
 */
#include <errno.h>
#include <string.h>
#include <linux/dma-buf.h>

#include "fuzz.h"
#include "vp_test.h"

static const struct call {
	unsigned long request;
	enum fz_fd_kind kind;	/* whom it is for */
} calls[] = {
	{ DRM_IOCTL_VPRIME_GEM_CREATE, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GEM_INFO, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GEM_PEEK, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GEM_POKE, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GEM_WAIT, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, FZ_FILE },
	{ DRM_IOCTL_VPRIME_FENCE_ATTACH, FZ_FILE },
	{ DRM_IOCTL_VPRIME_FENCE_SIGNAL, FZ_FILE },
	{ DRM_IOCTL_VPRIME_FENCE_CREATE, FZ_FILE },
	{ DRM_IOCTL_VPRIME_TIMELINE_CREATE, FZ_FILE },
	{ DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, FZ_FILE },
	{ DRM_IOCTL_VPRIME_TIMELINE_DESTROY, FZ_FILE },
	{ DRM_IOCTL_VPRIME_GET_PARAM, FZ_FILE },
	{ DRM_IOCTL_PRIME_HANDLE_TO_FD, FZ_FILE },
	{ DRM_IOCTL_PRIME_FD_TO_HANDLE, FZ_FILE },
	{ DRM_IOCTL_MODE_CREATE_DUMB, FZ_FILE },
	{ DRM_IOCTL_MODE_MAP_DUMB, FZ_FILE },
	{ DRM_IOCTL_GEM_CLOSE, FZ_FILE },
	{ DRM_IOCTL_SYNCOBJ_CREATE, FZ_FILE },
	{ DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, FZ_FILE },
	{ DRM_IOCTL_SYNCOBJ_WAIT, FZ_FILE },
	{ DMA_BUF_IOCTL_SYNC, FZ_DMABUF },
	{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE, FZ_DMABUF },
	{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE, FZ_DMABUF },
	{ SYNC_IOC_MERGE, FZ_SYNC },
	{ SYNC_IOC_FILE_INFO, FZ_SYNC },
};

enum {
	OTHER_KIND,	/* the call to a descriptor that does not know it */
	NOWHERE,	/* its argument cannot be read */
	NOT_TOLD,	/* its argument cannot be written: what it made stays */
	NO_CALL,	/* there is no call of that number */
	NO_PARAMETER,
	N_WRONG,
};

/* The module answers these itself, before anything else is looked at. */
static bool is_own(unsigned long request)
{
	switch (request) {
	case DRM_IOCTL_VPRIME_FENCE_CREATE:
	case DRM_IOCTL_MODE_CREATE_DUMB:
	case DRM_IOCTL_MODE_MAP_DUMB:
		return true;
	default:
		return false;
	}
}

static void not_told(struct fz_run *run, const struct fz_step *step,
		     const struct fz_fd *fd)
{
	struct drm_vprime_gem_create create = { .size = VP_PAGE };
	struct drm_mode_create_dumb dumb = {
		.width = 8, .height = 8, .bpp = 32,
	};
	struct drm_vprime_timeline_create timeline = { .name = "nobody's" };
	const struct {
		unsigned long request;
		const void *arg;
		unsigned int size;
	} makers[] = {
		{ DRM_IOCTL_VPRIME_GEM_CREATE, &create, sizeof(create) },
		{ DRM_IOCTL_MODE_CREATE_DUMB, &dumb, sizeof(dumb) },
		{ DRM_IOCTL_VPRIME_TIMELINE_CREATE, &timeline,
		  sizeof(timeline) },
	}, *maker = &makers[step->arg[2] % VP_ARRAY_SIZE(makers)];
	bool gone = fd->file->inst->gone;
	struct fz_order order = {
		.command = FZ_IOCTL_READ_ONLY, .fd = fd->fd,
		.request = maker->request, .size = maker->size,
	};

	memcpy(order.data, maker->arg, maker->size);
	fd->file->user = step->proc;
	fz_want(run, "an ioctl whose answer cannot be written",
		fz_call(run, step->proc, &order),
		gone && !is_own(maker->request) ? -ENODEV : -EFAULT);
	if (gone)
		return;
	/* Its handle may be one that was the program's before. */
	if (maker->request == DRM_IOCTL_VPRIME_TIMELINE_CREATE) {
		fd->file->untold_timelines++;
		fd->file->stale_timeline = 0;
	} else {
		fd->file->untold_buffers++;
		fd->file->stale_handle = 0;
	}
}

/* Of a GPU. */
static void wrong_on_file(struct fz_run *run, const struct fz_step *step,
			  const struct fz_fd *fd, const struct call *call)
{
	struct drm_vprime_get_param get = { .param = 1000 + step->id };
	int64_t invalid = fd->file->inst->gone ? -ENODEV : -EINVAL;
	struct fz_order nowhere = {
		.command = FZ_IOCTL_AT, .fd = fd->fd,
		.request = call->request, .a = { 8 },
	};

	fd->file->user = step->proc;
	switch (step->arg[1] % N_WRONG) {
	case NOWHERE:
		if (call->kind == FZ_FILE)
			fz_want(run, "an ioctl with a pointer to nowhere",
				fz_call(run, step->proc, &nowhere),
				fd->file->inst->gone && !is_own(call->request) ?
				-ENODEV : -EFAULT);
		break;
	case NOT_TOLD:
		not_told(run, step, fd);
		break;
	case NO_CALL:
		fz_want(run, "an ioctl that there is not",
			fz_ioctl(run, step->proc, fd->fd,
				 DRM_IOWR(DRM_COMMAND_BASE + 0x20 +
					  step->id % 0x20,
					  struct drm_vprime_get_param), &get),
			invalid);
		break;
	default:
		fz_want(run, "a parameter that there is not",
			fz_ioctl(run, step->proc, fd->fd,
				 DRM_IOCTL_VPRIME_GET_PARAM, &get), invalid);
		break;
	}
}

/* wrong: fd, which, call */
void fz_do_wrong(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_KINDS);
	const struct call *call = &calls[step->arg[2] % VP_ARRAY_SIZE(calls)];
	unsigned char nothing[128] = {};

	if (!fd || (fd->kind == FZ_FILE && !fd->file->inst))
		return;
	if (fd->kind == FZ_FILE && step->arg[1] % N_WRONG != OTHER_KIND) {
		wrong_on_file(run, step, fd, call);
		return;
	}
	/* What pipes and the like know is of no other kind either. */
	if (call->kind != fd->kind)
		fz_want(run, "an ioctl for another kind of descriptor",
			fz_ioctl(run, step->proc, fd->fd, call->request,
				 &nothing), -ENOTTY);
}
