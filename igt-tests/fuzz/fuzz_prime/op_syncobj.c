// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps about syncobjs: the DRM core's, with vprime's fences in them.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "vp_test.h"

#define NO_SUCH_NUMBER	0x7ffffffcu
#define BAD_FLAG	(1u << 7)

/* What a call is given that is not right. */
enum {
	RIGHT,
	BAD_PADDING,
	BAD_FLAGS,
	BAD_HANDLE,
};

/* What a step is about. */
struct subject {
	struct fz_fd *fd;
	struct fz_file *file;
	struct fz_syncobj_handle *handle;
	struct fz_syncobj *syncobj;
	uint32_t how, value;
};

/* The arguments that pointers lead to: where every process finds them. */
struct shared {
	uint32_t handles[2];
	uint64_t points[2];
};

static struct shared *shared(void)
{
	return (struct shared *)fz_source;
}

static bool find_file(struct fz_run *run, const struct fz_step *step,
		      struct subject *about)
{
	memset(about, 0, sizeof(*about));
	about->fd = fz_fd(run, step->proc, step->arg[0], FZ_FILE);
	if (!about->fd || !about->fd->file->inst)
		return false;
	about->file = about->fd->file;
	about->how = step->arg[2];
	return true;
}

static bool find_syncobj(struct fz_run *run, const struct fz_step *step,
			 struct subject *about)
{
	if (!find_file(run, step, about))
		return false;
	about->handle = fz_syncobj(about->file, step->arg[1]);
	if (!about->handle)
		return false;
	about->syncobj = about->handle->syncobj;
	about->value = about->how == BAD_HANDLE ? NO_SUCH_NUMBER :
						  about->handle->value;
	shared()->handles[0] = about->value;
	return true;
}

/* What comes before anything else is looked at. */
static int64_t expect(const struct subject *about, bool timelines, int64_t want)
{
	if (about->file->inst->gone)
		return -ENODEV;
	return timelines && !about->file->inst->timelines ? -EOPNOTSUPP : want;
}

static struct fz_sync *signalled(void)
{
	return fz_sync_new();
}

static void check_value(struct fz_run *run,
			const struct fz_syncobj_handle *handle, uint32_t value)
{
	fz_want(run, "the new syncobj's handle", value, handle->value);
}

/* syncobj: file, flags (1: signalled), how */
void fz_do_syncobj(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_create create = {
		.flags = step->arg[1] & DRM_SYNCOBJ_CREATE_SIGNALED,
	};
	struct fz_syncobj *syncobj;
	struct subject about;
	int64_t ret, want = 0;

	if (!find_file(run, step, &about))
		return;
	if (about.how) {
		create.flags |= BAD_FLAG;
		want = -EINVAL;
	}
	ret = fz_gpu_ioctl(run, step->proc, about.fd, DRM_IOCTL_SYNCOBJ_CREATE,
			   &create);
	if (!fz_want(run, "SYNCOBJ_CREATE", ret, expect(&about, false, want)) ||
	    ret)
		return;
	syncobj = fz_syncobj_new();
	if (create.flags)
		fz_syncobj_set(syncobj, signalled());
	check_value(run, fz_syncobj_handle_new(about.file, step->id, syncobj),
		    create.handle);
}

/* syncobj-destroy: file, syncobj, how */
void fz_do_syncobj_destroy(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_destroy destroy = {};
	struct subject about;
	int64_t ret, want = 0;

	if (!find_syncobj(run, step, &about))
		return;
	destroy.handle = about.value;
	destroy.pad = about.how == BAD_PADDING;
	if (about.how == BAD_PADDING || about.how == BAD_HANDLE)
		want = -EINVAL;
	ret = fz_gpu_ioctl(run, step->proc, about.fd, DRM_IOCTL_SYNCOBJ_DESTROY,
			   &destroy);
	if (fz_want(run, "SYNCOBJ_DESTROY", ret, expect(&about, false, want)) &&
	    !ret)
		fz_syncobj_close(about.file, about.handle);
}

/* Either way, as a syncobj or as what is in it. */
static void spoil(const struct subject *about, struct drm_syncobj_handle *args)
{
	args->pad = about->how == BAD_PADDING;
	if (about->how == BAD_FLAGS)
		args->flags |= BAD_FLAG;
}

/* syncobj-export: file, syncobj, how */
void fz_do_syncobj_export(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_handle args = { .fd = -1 };
	struct subject about;
	int64_t ret;

	if (!find_syncobj(run, step, &about))
		return;
	args.handle = about.value;
	spoil(&about, &args);
	ret = fz_gpu_ioctl(run, step->proc, about.fd,
			   DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);
	if (fz_want(run, "SYNCOBJ_HANDLE_TO_FD", ret,
		    expect(&about, false, about.how ? -EINVAL : 0)) && !ret)
		fz_fd_new(run, step->proc, step->id, args.fd, FZ_SYNCOBJ,
			  about.syncobj);
}

/* syncobj-import: file, fd, how */
void fz_do_syncobj_import(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *from = fz_fd(run, step->proc, step->arg[1], FZ_KINDS);
	struct drm_syncobj_handle args = {};
	struct subject about;
	int64_t ret, want = 0;

	if (!from || !find_file(run, step, &about))
		return;
	args.fd = from->fd;
	spoil(&about, &args);
	if (from->kind != FZ_SYNCOBJ || args.pad || args.flags)
		want = -EINVAL;
	ret = fz_gpu_ioctl(run, step->proc, about.fd,
			   DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
	if (!fz_want(run, "SYNCOBJ_FD_TO_HANDLE", ret,
		     expect(&about, false, want)) || ret)
		return;
	from->syncobj->refs++;
	check_value(run, fz_syncobj_handle_new(about.file, step->id,
					       from->syncobj), args.handle);
}

/* syncobj-get-sync: file, syncobj, how */
void fz_do_syncobj_get_sync(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_handle args = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct subject about;
	int64_t ret, want = 0;

	if (!find_syncobj(run, step, &about))
		return;
	args.handle = about.value;
	spoil(&about, &args);
	if (about.how == BAD_HANDLE)
		want = -ENOENT;
	else if (about.how || !about.syncobj->sync)
		want = -EINVAL;
	ret = fz_gpu_ioctl(run, step->proc, about.fd,
			   DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);
	if (fz_want(run, "a sync_file of a syncobj", ret,
		    expect(&about, false, want)) && !ret)
		fz_fd_new(run, step->proc, step->id, args.fd, FZ_SYNC,
			  about.syncobj->sync);
}

/* syncobj-put-sync: file, syncobj, how, sync */
void fz_do_syncobj_put_sync(struct fz_run *run, const struct fz_step *step)
{
	struct fz_fd *sync = fz_fd(run, step->proc, step->arg[3], FZ_KINDS);
	struct drm_syncobj_handle args = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};
	struct subject about;
	int64_t ret, want = 0;

	if (!sync || !find_syncobj(run, step, &about))
		return;
	args.handle = about.value;
	args.fd = sync->fd;
	spoil(&about, &args);
	if (about.how == BAD_HANDLE)
		want = -ENOENT;
	if (about.how == BAD_PADDING || about.how == BAD_FLAGS ||
	    sync->kind != FZ_SYNC)
		want = -EINVAL;
	ret = fz_gpu_ioctl(run, step->proc, about.fd,
			   DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
	if (fz_want(run, "a sync_file into a syncobj", ret,
		    expect(&about, false, want)) && !ret)
		fz_syncobj_set(about.syncobj, fz_sync_get(sync->sync));
}

/* ---- waiting ---- */

/* What a wait is to answer, and the first that is done. */
struct answer {
	int64_t ret;
	uint32_t first;
};

static struct answer wait_answer(struct fz_syncobj *const *syncobjs,
				 const uint64_t *points, unsigned int count,
				 uint32_t flags)
{
	struct answer answer = { .ret = -ETIME, .first = ~0u };
	unsigned int done = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct fz_sync *sync = syncobjs[i]->sync;

		if (!fz_point_find(&sync, points[i])) {
			if (flags & (DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
				     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE))
				continue;
			answer.ret = -EINVAL;
			return answer;
		}
		if (sync && fz_sync_pending(sync) &&
		    !(flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE))
			continue;
		if (!done++)
			answer.first = i;
	}
	if (done == count ||
	    (done && !(flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL)))
		answer.ret = 0;
	return answer;
}

/* What has signalled is waited for without a doubt. */
static int64_t until(int64_t want)
{
	return want ? 0 : INT64_MAX;
}

/* syncobj-wait: file, syncobj, how, source (another one, or none), flags */
void fz_do_syncobj_wait(struct fz_run *run, const struct fz_step *step)
{
	static const uint64_t whole[2];
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)shared()->handles, .count_handles = 1,
		.flags = step->arg[4] &
			 (DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
			  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT),
	};
	struct fz_syncobj_handle *other;
	struct fz_syncobj *syncobjs[2];
	struct subject about;
	struct answer want;
	int64_t ret;

	if (!find_syncobj(run, step, &about))
		return;
	syncobjs[0] = about.syncobj;
	other = fz_syncobj(about.file, step->arg[3]);
	if (other) {
		syncobjs[wait.count_handles] = other->syncobj;
		shared()->handles[wait.count_handles++] = other->value;
	}
	want = wait_answer(syncobjs, whole, wait.count_handles, wait.flags);
	wait.timeout_nsec = until(want.ret);
	if (about.how == BAD_HANDLE)
		want.ret = -ENOENT;
	if (about.how == BAD_FLAGS) {
		wait.flags |= BAD_FLAG;
		want.ret = -EINVAL;
	}
	ret = fz_gpu_ioctl(run, step->proc, about.fd, DRM_IOCTL_SYNCOBJ_WAIT,
			   &wait);
	if (fz_want(run, "SYNCOBJ_WAIT", ret,
		    expect(&about, false, want.ret)) && !ret)
		fz_want(run, "the first that is done", wait.first_signaled,
			want.first);
}

/* point-wait: file, syncobj, how, point, flags */
void fz_do_point_wait(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)shared()->handles,
		.points = (uintptr_t)shared()->points, .count_handles = 1,
		.flags = step->arg[4] &
			 (DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
			  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
			  DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE),
	};
	struct subject about;
	struct answer want;

	if (!find_syncobj(run, step, &about))
		return;
	shared()->points[0] = step->arg[3];
	want = wait_answer(&about.syncobj, shared()->points, 1, wait.flags);
	wait.timeout_nsec = until(want.ret);
	if (about.how == BAD_HANDLE)
		want.ret = -ENOENT;
	if (about.how == BAD_FLAGS) {
		wait.flags |= BAD_FLAG;
		want.ret = -EINVAL;
	}
	fz_want(run, "SYNCOBJ_TIMELINE_WAIT",
		fz_gpu_ioctl(run, step->proc, about.fd,
			     DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait),
		expect(&about, true, want.ret));
}

/* ---- changing and asking ---- */

/* A call with an array, of syncobjs or of points, that is right but for "how". */
static int64_t call_with(struct fz_run *run, const struct fz_step *step,
			 const struct subject *about, bool points,
			 const char *name, unsigned long request, void *array,
			 size_t size)
{
	int64_t ret, want = 0;

	if (about->how == BAD_HANDLE)
		want = -ENOENT;
	else if (about->how)
		want = -EINVAL;
	about->fd->file->user = step->proc;
	ret = fz_ioctl_(run, step->proc, about->fd->fd, request, array, size);
	return fz_want(run, name, ret, expect(about, points, want)) ? ret : -1;
}

static int64_t call_with_array(struct fz_run *run, const struct fz_step *step,
			       const struct subject *about, const char *name,
			       unsigned long request)
{
	struct drm_syncobj_array array = {
		.handles = (uintptr_t)shared()->handles,
		.count_handles = about->how != BAD_FLAGS,
		.pad = about->how == BAD_PADDING,
	};

	return call_with(run, step, about, false, name, request, &array,
			 sizeof(array));
}

/* syncobj-reset: file, syncobj, how (2: none at all) */
void fz_do_syncobj_reset(struct fz_run *run, const struct fz_step *step)
{
	struct subject about;

	if (find_syncobj(run, step, &about) &&
	    !call_with_array(run, step, &about, "SYNCOBJ_RESET",
			     DRM_IOCTL_SYNCOBJ_RESET))
		fz_syncobj_set(about.syncobj, NULL);
}

/* syncobj-signal: file, syncobj, how (2: none at all) */
void fz_do_syncobj_signal(struct fz_run *run, const struct fz_step *step)
{
	struct subject about;

	if (find_syncobj(run, step, &about) &&
	    !call_with_array(run, step, &about, "SYNCOBJ_SIGNAL",
			     DRM_IOCTL_SYNCOBJ_SIGNAL))
		fz_syncobj_set(about.syncobj, signalled());
}

static int64_t call_with_points(struct fz_run *run, const struct fz_step *step,
				const struct subject *about, const char *name,
				unsigned long request, uint32_t flags)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)shared()->handles,
		.points = (uintptr_t)shared()->points,
		.count_handles = about->how != BAD_PADDING,
		.flags = flags | (about->how == BAD_FLAGS ? BAD_FLAG : 0),
	};

	return call_with(run, step, about, true, name, request, &array,
			 sizeof(array));
}

/* point-signal: file, syncobj, how (1: none at all), point */
void fz_do_point_signal(struct fz_run *run, const struct fz_step *step)
{
	struct subject about;
	struct fz_sync *done;

	if (!find_syncobj(run, step, &about))
		return;
	shared()->points[0] = step->arg[3];
	if (call_with_points(run, step, &about, "SYNCOBJ_TIMELINE_SIGNAL",
			     DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, 0))
		return;
	done = signalled();
	fz_syncobj_set(about.syncobj,
		       fz_point_new(run, about.syncobj->sync, done,
				    step->arg[3]));
	fz_sync_put(done);
}

/* point-query: file, syncobj, how (1: none at all), flags */
void fz_do_point_query(struct fz_run *run, const struct fz_step *step)
{
	bool submitted = step->arg[3] & 1;
	struct subject about;

	if (!find_syncobj(run, step, &about))
		return;
	shared()->points[0] = ~0ull;
	if (!call_with_points(run, step, &about, "SYNCOBJ_QUERY",
			      DRM_IOCTL_SYNCOBJ_QUERY,
			      submitted ? DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED :
					  0))
		fz_want(run, "the point of a syncobj",
			(int64_t)shared()->points[0],
			(int64_t)fz_point_query(about.syncobj->sync,
						submitted));
}

/* transfer: file, syncobj (to), point (0: as a whole), source, from (likewise) */
void fz_do_transfer(struct fz_run *run, const struct fz_step *step)
{
	struct drm_syncobj_transfer transfer = {
		.dst_point = step->arg[2], .src_point = step->arg[4],
	};
	struct fz_syncobj_handle *source;
	struct fz_sync *what, *none;
	struct subject about;
	int64_t ret, want = 0;

	if (!find_syncobj(run, step, &about))
		return;
	source = fz_syncobj(about.file, step->arg[3]);
	if (!source)
		return;
	transfer.dst_handle = about.handle->value;
	transfer.src_handle = source->value;
	what = source->syncobj->sync;
	if (!fz_point_find(&what, transfer.src_point))
		want = -EINVAL;
	ret = fz_gpu_ioctl(run, step->proc, about.fd,
			   DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
	if (!fz_want(run, "SYNCOBJ_TRANSFER", ret,
		     expect(&about, true, want)) || ret)
		return;
	/* What has been forgotten had signalled. */
	none = signalled();
	what = what ?: none;
	if (transfer.dst_point)
		fz_syncobj_set(about.syncobj,
			       fz_point_new(run, about.syncobj->sync, what,
					    transfer.dst_point));
	else
		fz_syncobj_set(about.syncobj, fz_sync_get(what));
	fz_sync_put(none);
}
