// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences: who made them, and who waits for them.
 */
#include <errno.h>
#include <stdlib.h>

#include "fuzz.h"

struct fz_fence *fz_fence_new(struct fz_run *run, uint32_t id,
			      struct fz_file *file,
			      struct fz_timeline *timeline)
{
	struct fz_fence *fence = fz_new(sizeof(*fence));

	fence->id = id;
	fence->file = file;
	fence->timeline = timeline;
	fence->born = run->now;
	/* Pending, it is held by who will signal it. */
	fence->refs = 1;
	if (timeline) {
		fence->context = timeline->context;
		fence->seqno = ++timeline->made;
		fz_push(&timeline->pending, fence);
	} else {
		fence->context = ++run->contexts;
	}
	if (file && !timeline) {
		fence->refs++;
		fz_push(&file->fences, fence);
	}
	fz_push(&run->pending, fence);
	return fence;
}

void fz_fence_put(struct fz_fence *fence)
{
	if (!--fence->refs)
		free(fence);
}

void fz_fence_end(struct fz_run *run, struct fz_fence *fence, int state)
{
	if (fence->state)
		return;
	fence->state = state;
	if (fence->timeline)
		fz_remove(&fence->timeline->pending, fence);
	fence->timeline = NULL;
	fz_remove(&run->pending, fence);
	fz_fence_put(fence);
}

struct fz_fence *fz_fence(const struct fz_file *file, uint32_t id)
{
	struct fz_fence *fence;

	fz_each(fence, &file->fences)
		if (fence->id == id)
			return fence;
	return NULL;
}

struct fz_timeline *fz_timeline(const struct fz_file *file, uint32_t id)
{
	struct fz_timeline *timeline;

	fz_each(timeline, &file->timelines)
		if (timeline->id == id)
			return timeline;
	return NULL;
}

void fz_timeline_end(struct fz_run *run, struct fz_file *file,
		     struct fz_timeline *timeline, int error)
{
	while (timeline->pending.n)
		fz_fence_end(run, timeline->pending.at[0], error);
	fz_remove(&file->timelines, timeline);
	file->stale_timeline = timeline->value;
	fz_vec_free(&timeline->pending);
	free(timeline);
}

void fz_file_fences_end(struct fz_run *run, struct fz_file *file, int error)
{
	struct fz_timeline *timeline;
	struct fz_fence *fence;

	fz_each(fence, &file->fences) {
		/* The mistake that "finds-and-shrinks" is about. */
		if (run->options.wrong == FZ_MISTAKE_CLOSE)
			error = 1;
		fz_fence_end(run, fence, error);
	}
	fz_each(timeline, &file->timelines)
		while (timeline->pending.n)
			fz_fence_end(run, timeline->pending.at[0], error);
	if (file->fds)
		return;
	/* The file goes, and with it the numbers. */
	fz_each(fence, &file->fences)
		fz_fence_put(fence);
	file->fences.n = 0;
	while (file->timelines.n)
		fz_timeline_end(run, file, file->timelines.at[0], error);
}

/* ---- on buffers ---- */

static void drop_use(struct fz_buf *buf, struct fz_use *use)
{
	fz_remove(&buf->uses, use);
	fz_fence_put(use->fence);
	free(use);
}

static void drop_old_uses(struct fz_buf *buf)
{
	for (unsigned int i = buf->uses.n; i--;) {
		struct fz_use *use = buf->uses.at[i];

		if (use->fence->state)
			drop_use(buf, use);
	}
}

void fz_uses_free(struct fz_buf *buf)
{
	while (buf->uses.n)
		drop_use(buf, buf->uses.at[0]);
	fz_vec_free(&buf->uses);
}

bool fz_busy(const struct fz_buf *buf, bool write)
{
	struct fz_use *use;

	fz_each(use, &buf->uses)
		if (!use->fence->state && (write || use->write))
			return true;
	return false;
}

/*
 * The kernel lets a later fence take the place of an earlier one of its line, or
 * of one that has signalled, whichever comes first in its list. So the earlier
 * one may stay. Nobody waits longer for that, as it signals no later; but who
 * asks for the error of all may be told that of the earlier one.
 */
void fz_use(struct fz_buf *buf, struct fz_fence *fence, bool write)
{
	struct fz_use *use;

	if (fence->state)
		return;
	drop_old_uses(buf);
	fz_each(use, &buf->uses)
		if (use->fence == fence) {
			use->write |= write;
			return;
		}
	use = fz_new(sizeof(*use));
	use->fence = fence;
	use->write = write;
	fence->refs++;
	fz_push(&buf->uses, use);
}

/* ---- polls ---- */

/*
 * What a poll waits for holds the dma-buf: one of the fences, which one is the
 * kernel's business.
 */
void fz_polled(struct fz_kbuf *kbuf)
{
	struct fz_fence *fence;
	struct fz_use *use;

	for (unsigned int i = kbuf->polled.n; i--;) {
		fence = kbuf->polled.at[i];
		if (!fence->state)
			continue;
		fz_remove(&kbuf->polled, fence);
		fz_fence_put(fence);
	}
	fz_each(use, &kbuf->buf->uses) {
		fence = use->fence;
		if (fence->state)
			continue;
		fence->refs++;
		fz_push(&kbuf->polled, fence);
	}
}

static bool may_be_held(const struct fz_kbuf *kbuf)
{
	struct fz_fence *fence;

	fz_each(fence, &kbuf->polled)
		if (!fence->state)
			return true;
	return false;
}

void fz_leave_limbo(struct fz_run *run)
{
	bool left = false;

	for (unsigned int i = run->bufs.n; i--;) {
		struct fz_buf *buf = run->bufs.at[i];

		if (!buf->kbuf || !buf->kbuf->limbo)
			continue;
		if (may_be_held(buf->kbuf)) {
			left = true;
			continue;
		}
		fz_buf_check(run, buf);
	}
	run->has_limbo = left;
	/* A worker of the kernel's closes them, a moment later. */
	if (!left)
		fz_check_counts(run);
}
