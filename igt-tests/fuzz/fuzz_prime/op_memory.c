// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about what is in the buffers: mappings, touching them, and what GPUs
 * read and write.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/dma-buf.h>

#include "fuzz.h"
#include "vp_test.h"

/* A GPU reads and writes so many bytes at a time. */
#define CHUNK	(64u * 1024)

/* What a mapping is asked for with, beside what is right. */
enum {
	RIGHT,
	PRIVATE,
	BAD_OFFSET,
	OTHERS_OFFSET,	/* of a file without the handle */
};

static int prot_of(uint32_t arg)
{
	static const int prots[] = { PROT_READ, PROT_READ | PROT_WRITE,
				     PROT_READ | PROT_WRITE, PROT_NONE };

	return prots[arg % VP_ARRAY_SIZE(prots)];
}

static void map_it(struct fz_run *run, const struct fz_step *step, int fd,
		   uint64_t offset, int flags, struct fz_map *map, int64_t want)
{
	struct fz_order order = {
		.command = FZ_MMAP, .fd = fd,
		.a = { offset, map->pages * VP_PAGE, (uint64_t)map->prot,
		       (uint64_t)flags },
	};
	int64_t ret = fz_call(run, step->proc, &order);

	/* Addresses are anything, but never that low. */
	if (!fz_want(run, "mmap", ret > -4096 && ret < 0 ? ret : 0, want) ||
	    want)
		return;
	map->id = step->id;
	map->addr = (uint64_t)ret;
	fz_map_new(run, step->proc, map);
}

static bool get_offset(struct fz_run *run, const struct fz_step *step,
		       struct fz_fd *fd, struct fz_handle *handle)
{
	struct drm_vprime_gem_mmap_offset get = { .handle = handle->value };
	int64_t ret;

	ret = fz_gpu_ioctl(run, step->proc, fd,
			   DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET, &get);
	if (!fz_want(run, "GEM_MMAP_OFFSET", ret,
		     fd->file->inst->gone ? -ENODEV : 0) || ret)
		return false;
	if (handle->view->offset && handle->view->offset != get.offset)
		fz_fail(run, "the offset of a buffer has changed");
	handle->view->offset = get.offset;
	return true;
}

/* A file of the same GPU that has no handle of the buffer. */
static struct fz_fd *fd_without(struct fz_run *run, unsigned int proc,
				const struct fz_fd *with,
				const struct fz_handle *handle)
{
	struct fz_fd *fd;

	fz_each(fd, &run->proc[proc].fds)
		if (fd->kind == FZ_FILE && fd->file->inst == with->file->inst &&
		    !fz_handle_of(fd->file, handle->buf))
			return fd;
	return NULL;
}

/* mmap: file, handle, pages, prot, how */
void fz_do_mmap(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	struct fz_map map = { .pages = step->arg[2] };
	uint32_t how = step->arg[4];
	struct fz_handle *handle;
	int flags = MAP_SHARED;
	uint64_t offset;
	int64_t want = 0;

	if (!fd || !fd->file->inst || !map.pages)
		return;
	handle = fz_handle(fd->file, step->arg[1]);
	if (!handle)
		return;
	/* The offset that was given before is good until the handle goes. */
	if ((!handle->view->offset || step->id % 4 == 0) &&
	    !get_offset(run, step, fd, handle))
		return;

	map.prot = prot_of(step->arg[3]);
	map.buf = handle->buf;
	map.may_write = !handle->view->read_only || !run->enforced;
	offset = handle->view->offset;
	if (handle->buf->maker == FZ_OURS) {
		map.view = handle->view;
		map.file = fd->file;
	} else {
		map.kbuf = handle->buf->kbuf;
	}

	if (handle->buf->revoked)
		want = -ENODEV;
	if (how == PRIVATE && want != -ENODEV) {
		flags = MAP_PRIVATE;
		want = -EINVAL;
	}
	if ((map.prot & PROT_WRITE) && !map.may_write)
		want = -EACCES;
	if (how == OTHERS_OFFSET) {
		fd = fd_without(run, step->proc, fd, handle);
		if (!fd)
			return;
		want = -EACCES;
	}
	/* Behind a page may be another buffer, before the first is none. */
	if (how == BAD_OFFSET) {
		offset = map.buf->size > VP_PAGE ? offset + VP_PAGE : VP_PAGE;
		want = -EINVAL;
	}
	if (map.pages * VP_PAGE > map.buf->size)
		want = -EINVAL;
	if (fd->file->inst->gone)
		want = -ENODEV;
	/* Who comes as far as that is reported. */
	if ((map.prot & PROT_WRITE) && handle->view->read_only &&
	    how != OTHERS_OFFSET && how != BAD_OFFSET &&
	    map.pages * VP_PAGE <= map.buf->size && !fd->file->inst->gone)
		run->violations++;
	map_it(run, step, fd->fd, offset, flags, &map, want);
}

/* mmap-dmabuf: fd, first page, pages, prot, how */
void fz_do_mmap_dmabuf(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	struct fz_map map = { .first = step->arg[1], .pages = step->arg[2] };
	int flags = step->arg[4] == PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	int64_t want = 0;

	if (!fd || !map.pages)
		return;
	map.prot = prot_of(step->arg[3]);
	map.buf = fd->kbuf->buf;
	map.kbuf = fd->kbuf;
	map.may_write = fd->kbuf->writable ||
			(map.buf->maker == FZ_OURS && !run->enforced);
	/* What foreign exporters do with private ones is not our matter, */
	if (map.buf->maker != FZ_OURS)
		flags = MAP_SHARED;
	/* nor that vgem's show the beginning wherever they begin. */
	if (map.buf->maker == FZ_VGEM)
		map.first = 0;
	if (flags == MAP_PRIVATE)
		want = -EINVAL;
	if (map.buf->revoked)
		want = -ENODEV;
	if ((map.first + map.pages) * VP_PAGE > map.buf->size)
		want = -EINVAL;
	if ((map.prot & PROT_WRITE) && !map.may_write && flags == MAP_SHARED)
		want = -EACCES;
	if ((map.prot & PROT_WRITE) && !fd->kbuf->writable && !want)
		run->violations++;
	map_it(run, step, fd->fd, map.first * VP_PAGE, flags, &map, want);
}

/* munmap: map */
void fz_do_munmap(struct fz_run *run, const struct fz_step *step)
{
	struct fz_map *map = fz_map(run, step->proc, step->arg[0]);
	struct fz_order order = { .command = FZ_MUNMAP };

	if (!map)
		return;
	order.a[0] = map->addr;
	order.a[1] = map->pages * VP_PAGE;
	if (fz_want(run, "munmap", fz_call(run, step->proc, &order), 0))
		fz_unmap(run, step->proc, map);
}

/* mprotect: map, prot */
void fz_do_mprotect(struct fz_run *run, const struct fz_step *step)
{
	struct fz_map *map = fz_map(run, step->proc, step->arg[0]);
	struct fz_order order = { .command = FZ_MPROTECT };
	int prot = prot_of(step->arg[1]);
	int64_t want = 0;

	if (!map)
		return;
	order.a[0] = map->addr;
	order.a[1] = map->pages * VP_PAGE;
	order.a[2] = (uint64_t)prot;
	if ((prot & PROT_WRITE) && !map->may_write)
		want = -EACCES;
	if (fz_want(run, "mprotect", fz_call(run, step->proc, &order), want) &&
	    !want)
		map->prot = prot;
}

/* The part of a mapping that a step is about; false when there is none. */
static bool part_of(const struct fz_map *map, uint32_t offset, uint32_t size)
{
	return size && (uint64_t)offset + size <= map->pages * VP_PAGE;
}

/* write: map, offset, size */
void fz_do_write(struct fz_run *run, const struct fz_step *step)
{
	struct fz_map *map = fz_map(run, step->proc, step->arg[0]);
	struct fz_order order = { .command = FZ_STORE };
	uint32_t offset = step->arg[1], size = step->arg[2];
	int64_t want = 0;

	if (!map || !part_of(map, offset, size))
		return;
	fz_pattern(fz_source, size, step->id, offset);
	order.a[0] = map->addr + offset;
	order.a[1] = (uintptr_t)fz_source;
	order.a[2] = size;
	if (map->buf->revoked)
		want = -FZ_SIGNAL - SIGBUS;
	if (!(map->prot & PROT_WRITE))
		want = -FZ_SIGNAL - SIGSEGV;
	if (fz_want(run, "write", fz_call(run, step->proc, &order), want) &&
	    !want)
		fz_cpu_writes(map, offset, fz_source, size);
}

/* check: map, offset, size */
void fz_do_check(struct fz_run *run, const struct fz_step *step)
{
	struct fz_map *map = fz_map(run, step->proc, step->arg[0]);
	struct fz_order order = { .command = FZ_COMPARE };
	uint32_t offset = step->arg[1], size = step->arg[2];
	int64_t want = 0;

	if (!map || !part_of(map, offset, size))
		return;
	if (map->buf->revoked)
		want = -FZ_SIGNAL - SIGBUS;
	if (!(map->prot & PROT_READ))
		want = -FZ_SIGNAL - SIGSEGV;
	order.a[0] = map->addr + offset;
	order.a[1] = (uintptr_t)(want ? fz_result :
				 fz_cpu_reads(map, offset, size));
	order.a[2] = size;
	fz_want(run, "bytes seen by the CPU (1 + where they differ)",
		fz_call(run, step->proc, &order), want);
}

/* What peek and poke have in common; @how: 1 bad flags, 2 bad pointer. */
static int64_t access_of(struct fz_run *run, const struct fz_step *step,
			 struct fz_fd *fd, struct fz_handle *handle,
			 bool write, int64_t *want)
{
	struct drm_vprime_gem_access access = {
		.handle = handle->value, .offset = step->arg[2],
		.size = step->arg[3],
		.data = (uintptr_t)(write ? fz_source : fz_result),
	};
	uint32_t how = step->arg[4];

	*want = 0;
	if (handle->buf->revoked)
		*want = -ENODEV;
	if (how == 2) {
		access.data = 8;
		if (!*want || write)
			*want = -EFAULT;
	}
	if (write && handle->view->read_only && run->enforced)
		*want = -EACCES;
	if (!access.size || access.offset + access.size > handle->buf->size)
		*want = -EINVAL;
	if (how == 1) {
		access.flags = 1;
		*want = -EINVAL;
	}
	if (fd->file->inst->gone)
		*want = -ENODEV;
	if (write && handle->view->read_only && *want != -EINVAL &&
	    !fd->file->inst->gone)
		run->violations++;
	return fz_gpu_ioctl(run, step->proc, fd,
			    write ? DRM_IOCTL_VPRIME_GEM_POKE :
				    DRM_IOCTL_VPRIME_GEM_PEEK, &access);
}

/*
 * For a GPU with few address bits the memory has been moved, or not, the first
 * time, and then the others have lost their mappings, or not. So that this is
 * known, it is moved once more; it stays within reach.
 */
static bool has_to_settle(const struct fz_fd *fd, const struct fz_buf *buf)
{
	return fd->file->inst->limited && !buf->low;
}

static void settle(struct fz_run *run, const struct fz_fd *fd,
		   struct fz_buf *buf)
{
	if (!has_to_settle(fd, buf) ||
	    !fz_want(run, "move", fz_move(run, buf), 0))
		return;
	fz_gpu_unmap_all(buf);
	buf->low = true;
}

static struct fz_handle *accessible(struct fz_run *run,
				    const struct fz_step *step,
				    struct fz_fd **fd, bool write)
{
	struct fz_handle *handle;
	struct fz_buf *buf;

	*fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	if (!*fd || !(*fd)->file->inst)
		return NULL;
	handle = fz_handle((*fd)->file, step->arg[1]);
	/*
	 * It would wait, also for readers where the memory may have to be moved;
	 * or be refused, which depends on where the memory is.
	 */
	if (!handle)
		return NULL;
	buf = handle->buf;
	if (buf->revoked)
		return handle;
	if (fz_busy(buf, write) ||
	    (has_to_settle(*fd, buf) &&
	     (!buf->number || buf->pins || buf->maker != FZ_OURS ||
	      fz_busy(buf, true))))
		return NULL;
	return fz_may_map(run, buf, handle->view) ? handle : NULL;
}

/* peek: file, handle, offset, size, how */
void fz_do_peek(struct fz_run *run, const struct fz_step *step)
{
	uint32_t offset = step->arg[2], size = step->arg[3];
	struct fz_handle *handle;
	const uint8_t *bytes;
	struct fz_fd *fd;
	int64_t ret, want;

	handle = accessible(run, step, &fd, false);
	if (!handle || size > 2 * VP_MIB)
		return;
	ret = access_of(run, step, fd, handle, false, &want);
	if (!fz_want(run, "GEM_PEEK", ret, want))
		return;
	/* Also what nobody could be told has been read, up to there. */
	if (!ret || ret == -EFAULT) {
		fz_gpu_map(handle->view);
		bytes = fz_gpu_reads(handle->view, offset,
				     ret && size > CHUNK ? CHUNK : size);
	}
	for (uint32_t at = 0;
	     !ret && memcmp(fz_result, bytes, size) && at < size; at++)
		if (fz_result[at] != bytes[at]) {
			fz_fail(run, "byte %u seen by the GPU: got %#x, expected %#x",
				offset + at, fz_result[at], bytes[at]);
			return;
		}
	if (!ret || ret == -EFAULT)
		settle(run, fd, handle->buf);
}

/* poke: file, handle, offset, size, how */
void fz_do_poke(struct fz_run *run, const struct fz_step *step)
{
	uint32_t offset = step->arg[2], size = step->arg[3];
	struct fz_handle *handle;
	struct fz_fd *fd;
	int64_t ret, want;

	handle = accessible(run, step, &fd, true);
	if (!handle || size > 2 * VP_MIB)
		return;
	fz_pattern(fz_source, size, step->id, offset);
	ret = access_of(run, step, fd, handle, true, &want);
	if (!fz_want(run, "GEM_POKE", ret, want) || ret)
		return;
	/* The mistake that "finds-and-shrinks" is about. */
	if (run->options.wrong == FZ_MISTAKE_BYTE)
		fz_source[size - 1]++;
	fz_gpu_map(handle->view);
	fz_gpu_writes(handle->view, offset, fz_source, size);
	settle(run, fd, handle->buf);
}

/* udmabuf maps it for a device of its own, once and for all. */
static bool may_begin(const struct fz_run *run, const struct fz_buf *buf)
{
	return buf->maker != FZ_UDMABUF || buf->begun ||
	       fz_may_map(run, buf, NULL);
}

/* access: fd, flags of DMA_BUF_IOCTL_SYNC */
void fz_do_access(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	struct dma_buf_sync sync = { .flags = step->arg[1] };
	bool end, write;
	int64_t want = 0;

	if (!fd)
		return;
	/* udmabuf maps once, for the first direction, and minds another. */
	if (fd->kbuf->buf->maker == FZ_UDMABUF)
		sync.flags |= DMA_BUF_SYNC_RW;
	end = sync.flags & DMA_BUF_SYNC_END;
	write = sync.flags & DMA_BUF_SYNC_WRITE;
	if ((sync.flags & ~7ull) || !(sync.flags & DMA_BUF_SYNC_RW))
		want = -EINVAL;
	else if (!end && fd->kbuf->buf->revoked)
		want = -ENODEV;
	else if (!end && (fz_busy(fd->kbuf->buf, write) ||
			  !may_begin(run, fd->kbuf->buf)))
		return;
	else if (end && fd->kbuf->buf->maker == FZ_UDMABUF &&
		 !fd->kbuf->buf->begun)
		want = -EINVAL;
	if (!fz_want(run, "DMA_BUF_IOCTL_SYNC",
		     fz_ioctl(run, step->proc, fd->fd, DMA_BUF_IOCTL_SYNC,
			      &sync), want) || want)
		return;
	if (end)
		fz_cpu_end(run, fd->kbuf->buf, step->proc, write);
	else
		fz_cpu_begin(fd->kbuf->buf, step->proc, write);
}

/* seek: fd; tells the size */
void fz_do_seek(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *fd = fz_fd(run, step->proc, step->arg[0], FZ_DMABUF);
	struct fz_order order = { .command = FZ_SEEK };

	if (!fd)
		return;
	order.fd = fd->fd;
	fz_want(run, "lseek", fz_call(run, step->proc, &order),
		(int64_t)fd->kbuf->buf->size);
}
