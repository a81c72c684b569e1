// SPDX-License-Identifier: GPL-2.0-only
/*
 * A buffer's way from worker to worker. Who has it has it alone, and knows what
 * is in it; when it is sent on there is a fence on it, until which the sender
 * still writes or reads, and the receiver waits for that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../common/clock.h"
#include "contents.h"
#include "fail.h"
#include "fences.h"
#include "gpus.h"
#include "pattern.h"
#include "share.h"

#define MAX_HOPS	8

static uint64_t any_size(struct worker *worker)
{
	/* in one of so many cases with a huge page, which takes long to check */
	if (!any(worker, 50))
		return LARGEST;
	return 4096ull << 2 * any(worker, 3);
}

/* Anybody but this one, if there is one. */
static unsigned int any_other(struct worker *worker)
{
	unsigned int others = worker->board->workers - 1;

	return others ? (worker->index + 1 + any(worker, others)) % (others + 1) : 0;
}

/* Something new into a buffer that is this worker's alone. */
static void fill(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer,
		 struct parcel *parcel)
{
	wire_trail(parcel, ", %s fills it",
		   contents_fill(worker, file, buffer, parcel->after));
	contents_check(worker, file, buffer, parcel->after, parcel->after, parcel->trail);
}

static void send_on(struct worker *worker, const struct parcel *parcel, int dmabuf, int sync)
{
	int to = worker->boxes[any_other(worker)][1];

	begin(worker, KIND_SEND);
	if (!wire_send(to, parcel, dmabuf, sync))
		done(worker, KIND_SEND);
}

/* What takes its time, while somebody else waits for the end of it. */
static void dawdle(struct worker *worker)
{
	usleep(any(worker, 20) ? any(worker, 10000) : 20000 + any(worker, 30000));
}

/*
 * The CPU accesses are begun before the fence is there, as they would wait for it, or for a
 * GPU that waits for it to write next, and ended before it signals, as others see then what was
 * written.
 */
static void write_under_fence(struct worker *worker, const struct buffer *buffer, uint32_t *words,
			      const struct parcel *parcel, const struct own_fence *fence)
{
	dawdle(worker);
	if (fence->file->index != GPU_HASTY) {
		begin(worker, KIND_WRITE);
		pattern_fill(words, buffer->size, parcel->after);
		if (worker->board->spoil == SPOIL_BYTE && !any(worker, 100))
			words[any(worker, (uint32_t)buffer->size / 4)] ^= 1;
		done(worker, KIND_WRITE);
	}
	contents_end(worker, buffer, words, BUFFER_READ | BUFFER_WRITE);
}

/* Signal a fence too early, if that is what the soak is spoilt with. */
static bool spoil_fence(struct worker *worker, const struct own_fence *fence)
{
	if (worker->board->spoil != SPOIL_EARLY || fence->file->index == GPU_HASTY)
		return false;
	fence_signal(worker, fence);
	usleep(50000);
	return true;
}

/* Give a buffer on. The parcel says what is in it. */
static void pass_on(struct worker *worker, const struct gpu_file *file,
		    const struct buffer *buffer, struct parcel *parcel)
{
	bool writes = any(worker, 2), pending;
	struct own_fence fence;
	uint32_t *words;
	int sync;

	parcel->before = parcel->after;
	if (writes)
		parcel->after = worker->random;
	words = contents_begin(worker, buffer, writes ? BUFFER_READ | BUFFER_WRITE : BUFFER_READ);
	sync = fence_make(worker, file, buffer, writes, parcel, &fence);
	wire_trail(parcel, ", %s by %s", writes ? "written" : "read",
		   fence.timeline ? "timeline" : "fence");
	pending = sync >= 0;
	if (pending) {
		send_on(worker, parcel, buffer->dmabuf, sync);
		close(sync);
		pending = !spoil_fence(worker, &fence);
	}
	if (writes) {
		write_under_fence(worker, buffer, words, parcel, &fence);
	} else {
		dawdle(worker);
		contents_compare(words, buffer, parcel->after, parcel->trail);
		contents_end(worker, buffer, words, BUFFER_READ);
		done(worker, KIND_READ);
	}
	if (!pending)
		return;
	if (file->index == GPU_HASTY)
		fence_forget(worker, &fence);
	else
		fence_signal(worker, &fence);
}

void share_new(struct worker *worker)
{
	struct gpu_file *file = file_open(worker, any(worker, GPUS));
	struct parcel parcel = { .after = worker->random };
	struct buffer buffer;

	if (!file)
		return;
	begin(worker, KIND_CREATE);
	if (!worked(worker, file, KIND_CREATE,
		    buffer_create(file->fd, any_size(worker), &buffer)))
		return;
	begin(worker, KIND_EXPORT);
	if (!worked(worker, file, KIND_EXPORT, buffer_export(&buffer)))
		goto out;
	if (worker->board->spoil == SPOIL_LEAK && worker->kept < 0)
		worker->kept = dup(buffer.dmabuf);
	parcel.size = buffer.size;
	wire_trail(&parcel, "made by %u on GPU %u", worker->index, file->index);
	parcel.id = contents_id(worker, file, &buffer);
	if (!parcel.id)
		goto out;
	worker->board->ids[any(worker, IDS)] = parcel.id;
	fill(worker, file, &buffer, &parcel);
	pass_on(worker, file, &buffer, &parcel);
out:
	buffer_close(&buffer);
}

/* By another driver, which pins it meanwhile. */
static void visit_vgem(struct worker *worker, const struct buffer *buffer)
{
	uint32_t handle;
	int fd;

	begin(worker, KIND_FOREIGN);
	fd = gpu_open(worker->board->vgem);
	if (fd < 0)
		fail("%s: %s", worker->board->vgem, strerror(-fd));
	if (drmPrimeFDToHandle(fd, buffer->dmabuf, &handle))
		fail("importing into vgem: %s", strerror(errno));
	if (drmCloseBufferHandle(fd, handle))
		fail("closing a handle of vgem: %s", strerror(errno));
	close(fd);
	done(worker, KIND_FOREIGN);
}

/* The buffer is this worker's alone, and has what the parcel says. */
static void use(struct worker *worker, const struct gpu_file *file, const struct buffer *buffer,
		struct parcel *parcel)
{
	if (*worker->board->vgem && !any(worker, 8))
		visit_vgem(worker, buffer);
	if (file && file->index != GPU_HASTY && !any(worker, 8))
		fence_crowd(worker, file, buffer);
	if (file && !any(worker, 4)) {
		parcel->after = worker->random;
		fill(worker, file, buffer, parcel);
	}
	if (file && ++parcel->hops < MAX_HOPS && !file_gone(worker, file))
		pass_on(worker, file, buffer, parcel);
}

bool share_next(struct worker *worker)
{
	struct gpu_file *file;
	struct parcel parcel;
	struct buffer buffer;
	int dmabuf, sync;
	bool ours;

	begin(worker, KIND_RECEIVE);
	if (wire_receive(worker->boxes[worker->index][0], &parcel, &dmabuf, &sync))
		return false;
	done(worker, KIND_RECEIVE);

	file = file_open(worker, any(worker, GPUS));
	begin(worker, KIND_IMPORT);
	if (file && !worked(worker, file, KIND_IMPORT, buffer_import(file->fd, dmabuf, &buffer)))
		file = NULL;
	if (!file) {
		buffer = BUFFER_NONE;
		buffer.dmabuf = dmabuf;
		buffer.size = parcel.size;
	}
	if (buffer.size != parcel.size)
		fail("a buffer of %llu bytes came as one of %llu", (unsigned long long)parcel.size,
		     (unsigned long long)buffer.size);

	ours = fence_wait(worker, &parcel, sync, file, &buffer);
	close(sync);
	wire_trail(&parcel, ", to %u on GPU %d%s", worker->index, file ? (int)file->index : -1,
		   ours ? "" : " too soon");
	contents_check(worker, file, &buffer, ours ? parcel.after : parcel.before, parcel.after,
		       parcel.trail);
	if (ours)
		use(worker, file, &buffer, &parcel);
	buffer_close(&buffer);
	return true;
}

bool share_discard(struct worker *worker)
{
	struct parcel parcel;
	int dmabuf, sync;

	begin(worker, KIND_RECEIVE);
	if (wire_receive(worker->boxes[worker->index][0], &parcel, &dmabuf, &sync))
		return false;
	close(dmabuf);
	close(sync);
	return true;
}
