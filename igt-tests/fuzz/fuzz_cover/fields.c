// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a GPU's node, of dma-bufs, of sync_files and of sw_sync.
 */
#include <stddef.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "fields.h"
#include "vp_sw_sync.h"
#include "vp_test.h"

#define FIELD(type, member, what) \
	{ what, offsetof(struct type, member), \
	  sizeof(((struct type *)0)->member) }
#define GIVES(type, member, thing) \
	thing, offsetof(struct type, member), \
	sizeof(((struct type *)0)->member)
#define NOTHING	FC_THINGS, 0, 0

const struct fc_ioctl fc_ioctls[] = {
	{ DRM_IOCTL_VPRIME_GEM_CREATE, FC_GPU,
	  { FIELD(drm_vprime_gem_create, size, FC_SIZE),
	    FIELD(drm_vprime_gem_create, flags, FC_PAD) },
	  GIVES(drm_vprime_gem_create, handle, FC_HANDLES) },
	{ DRM_IOCTL_VPRIME_GEM_CREATE, FC_GPU,
	  { FIELD(drm_vprime_gem_create, size, FC_SIZE) },
	  GIVES(drm_vprime_gem_create, handle, FC_HANDLES) },
	{ DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, FC_GPU,
	  { FIELD(drm_vprime_gem_mmap_offset, handle, FC_HANDLE),
	    FIELD(drm_vprime_gem_mmap_offset, pad, FC_PAD) },
	  GIVES(drm_vprime_gem_mmap_offset, offset, FC_OFFSETS) },
	{ DRM_IOCTL_VPRIME_GEM_INFO, FC_GPU,
	  { FIELD(drm_vprime_gem_info, handle, FC_HANDLE),
	    FIELD(drm_vprime_gem_info, pad, FC_PAD) },
	  GIVES(drm_vprime_gem_info, id, FC_NUMBERS) },
	{ DRM_IOCTL_VPRIME_GET_PARAM, FC_GPU,
	  { FIELD(drm_vprime_get_param, param, FC_SMALL),
	    FIELD(drm_vprime_get_param, pad, FC_PAD) }, NOTHING },
	{ DRM_IOCTL_VPRIME_GEM_PEEK, FC_GPU,
	  { FIELD(drm_vprime_gem_access, handle, FC_HANDLE),
	    FIELD(drm_vprime_gem_access, flags, FC_PAD),
	    FIELD(drm_vprime_gem_access, offset, FC_OFFSET),
	    FIELD(drm_vprime_gem_access, size, FC_SIZE),
	    FIELD(drm_vprime_gem_access, data, FC_MEMORY) }, NOTHING },
	{ DRM_IOCTL_VPRIME_GEM_POKE, FC_GPU,
	  { FIELD(drm_vprime_gem_access, handle, FC_HANDLE),
	    FIELD(drm_vprime_gem_access, flags, FC_PAD),
	    FIELD(drm_vprime_gem_access, offset, FC_OFFSET),
	    FIELD(drm_vprime_gem_access, size, FC_SIZE),
	    FIELD(drm_vprime_gem_access, data, FC_MEMORY) }, NOTHING },
	{ DRM_IOCTL_VPRIME_GEM_WAIT, FC_GPU,
	  { FIELD(drm_vprime_gem_wait, handle, FC_HANDLE),
	    FIELD(drm_vprime_gem_wait, flags, FC_FLAGS),
	    FIELD(drm_vprime_gem_wait, timeout_ns, FC_TIME) }, NOTHING },
	{ DRM_IOCTL_VPRIME_FENCE_ATTACH, FC_GPU,
	  { FIELD(drm_vprime_fence_attach, handle, FC_HANDLE),
	    FIELD(drm_vprime_fence_attach, flags, FC_FLAGS),
	    FIELD(drm_vprime_fence_attach, pad, FC_PAD) },
	  GIVES(drm_vprime_fence_attach, fence, FC_FENCES) },
	{ DRM_IOCTL_VPRIME_FENCE_ATTACH, FC_GPU,
	  { FIELD(drm_vprime_fence_attach, handle, FC_HANDLE) },
	  GIVES(drm_vprime_fence_attach, fence, FC_FENCES) },
	{ DRM_IOCTL_VPRIME_FENCE_SIGNAL, FC_GPU,
	  { FIELD(drm_vprime_fence_signal, fence, FC_FENCE),
	    FIELD(drm_vprime_fence_signal, flags, FC_PAD) }, NOTHING },
	{ DRM_IOCTL_VPRIME_TIMELINE_CREATE, FC_GPU,
	  { { FC_NAME, 0, 8 }, FIELD(drm_vprime_timeline_create, flags, FC_PAD) },
	  GIVES(drm_vprime_timeline_create, timeline, FC_TIMELINES) },
	{ DRM_IOCTL_VPRIME_TIMELINE_DESTROY, FC_GPU,
	  { FIELD(drm_vprime_timeline_destroy, timeline, FC_TIMELINE),
	    FIELD(drm_vprime_timeline_destroy, pad, FC_PAD) }, NOTHING },
	{ DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, FC_GPU,
	  { FIELD(drm_vprime_timeline_signal, timeline, FC_TIMELINE),
	    FIELD(drm_vprime_timeline_signal, error, FC_PAD),
	    FIELD(drm_vprime_timeline_signal, seqno, FC_SMALL) }, NOTHING },
	{ DRM_IOCTL_VPRIME_FENCE_CREATE, FC_GPU,
	  { FIELD(drm_vprime_fence_create, timeline, FC_TIMELINE),
	    FIELD(drm_vprime_fence_create, flags, FC_PAD),
	    FIELD(drm_vprime_fence_create, pad, FC_PAD) },
	  GIVES(drm_vprime_fence_create, fd, FC_SYNC) },

	{ DRM_IOCTL_PRIME_HANDLE_TO_FD, FC_GPU,
	  { FIELD(drm_prime_handle, handle, FC_HANDLE),
	    FIELD(drm_prime_handle, flags, FC_FLAGS) },
	  GIVES(drm_prime_handle, fd, FC_DMABUF) },
	{ DRM_IOCTL_PRIME_FD_TO_HANDLE, FC_GPU,
	  { FIELD(drm_prime_handle, fd, FC_DMABUF_FD) },
	  GIVES(drm_prime_handle, handle, FC_HANDLES) },
	{ DRM_IOCTL_GEM_CLOSE, FC_GPU,
	  { FIELD(drm_gem_close, handle, FC_HANDLE) }, NOTHING },
	{ DRM_IOCTL_MODE_CREATE_DUMB, FC_GPU,
	  { FIELD(drm_mode_create_dumb, width, FC_SMALL),
	    FIELD(drm_mode_create_dumb, height, FC_SMALL),
	    FIELD(drm_mode_create_dumb, bpp, FC_SMALL) },
	  GIVES(drm_mode_create_dumb, handle, FC_HANDLES) },
	{ DRM_IOCTL_MODE_MAP_DUMB, FC_GPU,
	  { FIELD(drm_mode_map_dumb, handle, FC_HANDLE) },
	  GIVES(drm_mode_map_dumb, offset, FC_OFFSETS) },
	{ DRM_IOCTL_MODE_DESTROY_DUMB, FC_GPU,
	  { FIELD(drm_mode_destroy_dumb, handle, FC_HANDLE) }, NOTHING },
	{ DRM_IOCTL_GET_CAP, FC_GPU,
	  { FIELD(drm_get_cap, capability, FC_SMALL) }, NOTHING },
	{ DRM_IOCTL_SYNCOBJ_CREATE, FC_GPU,
	  { FIELD(drm_syncobj_create, flags, FC_FLAGS) },
	  GIVES(drm_syncobj_create, handle, FC_SYNCOBJS) },
	{ DRM_IOCTL_SYNCOBJ_DESTROY, FC_GPU,
	  { FIELD(drm_syncobj_destroy, handle, FC_SYNCOBJ) }, NOTHING },
	{ DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, FC_GPU,
	  { FIELD(drm_syncobj_handle, handle, FC_SYNCOBJ),
	    FIELD(drm_syncobj_handle, flags, FC_FLAGS) },
	  GIVES(drm_syncobj_handle, fd, FC_SYNC) },
	{ DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, FC_GPU,
	  { FIELD(drm_syncobj_handle, handle, FC_SYNCOBJ),
	    FIELD(drm_syncobj_handle, flags, FC_FLAGS),
	    FIELD(drm_syncobj_handle, fd, FC_SYNC_FD) },
	  GIVES(drm_syncobj_handle, handle, FC_SYNCOBJS) },

	{ DMA_BUF_IOCTL_SYNC, FC_DMABUF,
	  { FIELD(dma_buf_sync, flags, FC_SMALL) }, NOTHING },
	{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE, FC_DMABUF,
	  { FIELD(dma_buf_export_sync_file, flags, FC_FLAGS) },
	  GIVES(dma_buf_export_sync_file, fd, FC_SYNC) },
	{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE, FC_DMABUF,
	  { FIELD(dma_buf_import_sync_file, flags, FC_FLAGS),
	    FIELD(dma_buf_import_sync_file, fd, FC_SYNC_FD) }, NOTHING },
	{ SYNC_IOC_MERGE, FC_SYNC,
	  { FIELD(sync_merge_data, fd2, FC_SYNC_FD),
	    FIELD(sync_merge_data, pad, FC_PAD) },
	  GIVES(sync_merge_data, fence, FC_SYNC) },
	{ SYNC_IOC_FILE_INFO, FC_SYNC,
	  { FIELD(sync_file_info, num_fences, FC_SMALL),
	    FIELD(sync_file_info, sync_fence_info, FC_MEMORY),
	    FIELD(sync_file_info, pad, FC_PAD) }, NOTHING },
	/* A deadline, where the kernel has that. */
	{ _IOW(SYNC_IOC_MAGIC, 5, uint64_t[2]), FC_SYNC,
	  { { FC_TIME, 0, 8 }, { FC_PAD, 8, 8 } }, NOTHING },

	{ VP_SW_SYNC_CREATE_FENCE, FC_SW,
	  { FIELD(vp_sw_sync_create, value, FC_SMALL) },
	  GIVES(vp_sw_sync_create, fence, FC_SYNC) },
	{ VP_SW_SYNC_INC, FC_SW, { { FC_SMALL, 0, 4 } }, NOTHING },
	{ VP_SW_SYNC_GET_DEADLINE, FC_SW,
	  { FIELD(vp_sw_sync_deadline, fence_fd, FC_SYNC_FD) }, NOTHING },
};

const unsigned int fc_ioctl_count = VP_ARRAY_SIZE(fc_ioctls);
