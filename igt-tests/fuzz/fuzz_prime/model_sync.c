// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a sync_file and a syncobj stand for: fences, and points of timelines, each
 * of which signals when it and all before it have.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuzz.h"

struct fz_sync *fz_sync_new(void)
{
	struct fz_sync *sync = fz_new(sizeof(*sync));

	sync->refs = 1;
	return sync;
}

struct fz_sync *fz_sync_get(struct fz_sync *sync)
{
	if (sync)
		sync->refs++;
	return sync;
}

void fz_sync_put(struct fz_sync *sync)
{
	struct fz_fence *fence;
	struct fz_sync *prev;

	for (; sync && !--sync->refs; sync = prev) {
		prev = sync->prev;
		fz_each(fence, &sync->fences)
			fz_fence_put(fence);
		fz_each(fence, &sync->maybe)
			fz_fence_put(fence);
		fz_vec_free(&sync->fences);
		fz_vec_free(&sync->maybe);
		free(sync);
	}
}

void fz_sync_add(struct fz_sync *sync, struct fz_fence *fence)
{
	struct fz_fence *other;

	fence->refs++;
	fz_each(other, &sync->fences) {
		if (other->context != fence->context)
			continue;
		if (other->seqno >= fence->seqno) {
			fz_push(&sync->maybe, fence);
			return;
		}
		fz_remove(&sync->fences, other);
		fz_push(&sync->maybe, other);
		break;
	}
	fz_push(&sync->fences, fence);
}

void fz_sync_add_all(struct fz_sync *sync, const struct fz_sync *other)
{
	struct fz_fence *fence;

	for (; other; other = fz_sync_next(other)) {
		fz_each(fence, &other->fences)
			if (!fence->state)
				fz_sync_add(sync, fence);
		fz_each(fence, &other->maybe)
			if (!fence->state)
				fz_sync_add(sync, fence);
	}
}

struct fz_sync *fz_sync_of(const struct fz_buf *buf, bool write)
{
	struct fz_sync *sync = fz_sync_new();
	struct fz_use *use;

	fz_each(use, &buf->uses)
		if (!use->fence->state && (write || use->write))
			fz_sync_add(sync, use->fence);
	return sync;
}

/* Apart from those before it. */
static bool is_pending(const struct fz_sync *sync)
{
	struct fz_fence *fence;

	fz_each(fence, &sync->fences)
		if (!fence->state)
			return true;
	return false;
}

/* The kernel forgets those that have signalled, whatever is before them. */
struct fz_sync *fz_sync_next(const struct fz_sync *sync)
{
	struct fz_sync *next = sync->prev;

	while (next && !is_pending(next))
		next = next->prev;
	return next;
}

bool fz_sync_pending(const struct fz_sync *sync)
{
	return is_pending(sync) || fz_sync_next(sync);
}

/*
 * The kernel takes the fences in an order of its own, and gives the state of the
 * first one that is pending or has an error.
 */
bool fz_sync_is(const struct fz_sync *sync, int status)
{
	bool error = false, same = false;
	bool pending = fz_sync_pending(sync);
	struct fz_fence *fence;

	for (; sync; sync = fz_sync_next(sync)) {
		fz_each(fence, &sync->fences) {
			error |= fence->state < 0;
			same |= fence->state == status;
		}
		fz_each(fence, &sync->maybe)
			if (status <= 0 && fence->state == status)
				return true;
	}
	return status == 1 ? !pending && !error : same;
}

/* ---- points ---- */

static void forget_signalled(struct fz_sync *sync)
{
	struct fz_sync *next;

	for (; sync; sync = sync->prev) {
		next = fz_sync_next(sync);
		if (next == sync->prev)
			continue;
		fz_sync_get(next);
		fz_sync_put(sync->prev);
		sync->prev = next;
	}
}

struct fz_sync *fz_point_new(struct fz_run *run, struct fz_sync *prev,
			     const struct fz_sync *what, uint64_t seqno)
{
	struct fz_sync *point = fz_sync_new();

	fz_sync_add_all(point, what);
	point->is_point = true;
	point->seqno = seqno;
	if (prev && prev->is_point && seqno > prev->seqno) {
		point->context = prev->context;
		point->before = prev->seqno;
	} else {
		/* Out of order: it begins a line of its own. */
		point->context = ++run->contexts;
		if (prev && prev->is_point)
			point->seqno = prev->seqno;
	}
	point->prev = fz_sync_get(prev);
	forget_signalled(point);
	return point;
}

bool fz_point_find(struct fz_sync **sync, uint64_t seqno)
{
	const struct fz_sync *last = *sync;

	if (!last)
		return false;
	if (!seqno)
		return true;
	if (!last->is_point || last->seqno < seqno)
		return false;
	while (*sync && (*sync)->context == last->context &&
	       (*sync)->is_point && (*sync)->before >= seqno)
		*sync = fz_sync_next(*sync);
	return true;
}

uint64_t fz_point_query(const struct fz_sync *sync, bool submitted)
{
	const struct fz_sync *oldest = sync, *each;

	if (!sync || !sync->is_point)
		return 0;
	if (submitted)
		return sync->seqno;
	for (each = sync; each; each = fz_sync_next(each)) {
		if (!each->is_point || each->context != sync->context)
			break;
		oldest = each;
	}
	return fz_sync_pending(oldest) ? oldest->before : oldest->seqno;
}

/* ---- syncobjs ---- */

struct fz_syncobj *fz_syncobj_new(void)
{
	struct fz_syncobj *syncobj = fz_new(sizeof(*syncobj));

	syncobj->refs = 1;
	return syncobj;
}

void fz_syncobj_put(struct fz_syncobj *syncobj)
{
	if (--syncobj->refs)
		return;
	fz_sync_put(syncobj->sync);
	free(syncobj);
}

void fz_syncobj_set(struct fz_syncobj *syncobj, struct fz_sync *sync)
{
	fz_sync_put(syncobj->sync);
	syncobj->sync = sync;
}

/* The lowest number that is free. */
static uint32_t free_value(const struct fz_file *file)
{
	struct fz_syncobj_handle *handle;
	uint32_t value = 1;
	bool used;

	do {
		used = false;
		fz_each(handle, &file->syncobjs)
			used |= handle->value == value;
		value += used;
	} while (used);
	return value;
}

struct fz_syncobj_handle *fz_syncobj_handle_new(struct fz_file *file,
						uint32_t id,
						struct fz_syncobj *syncobj)
{
	struct fz_syncobj_handle *handle = fz_new(sizeof(*handle));

	handle->id = id;
	handle->value = free_value(file);
	handle->syncobj = syncobj;
	fz_push(&file->syncobjs, handle);
	return handle;
}

struct fz_syncobj_handle *fz_syncobj(const struct fz_file *file, uint32_t id)
{
	struct fz_syncobj_handle *handle;

	fz_each(handle, &file->syncobjs)
		if (handle->id == id)
			return handle;
	return NULL;
}

void fz_syncobj_close(struct fz_file *file, struct fz_syncobj_handle *handle)
{
	fz_remove(&file->syncobjs, handle);
	fz_syncobj_put(handle->syncobj);
	free(handle);
}
