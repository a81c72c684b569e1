// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for the fence of another worker: by which ways, how long beyond the
 * time it was due, and whether it signalled for the reason that it had.
 */
#define _GNU_SOURCE
#include <drm/vprime_drm.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <xf86drm.h>

#include "../common/clock.h"
#include "fail.h"
#include "fences.h"

#define MS		1000000ull
/* a wait that can be told when to end looks up so often, to see what has become of the maker */
#define LOOK_MS		1000
/* a timer may come so much later than it was set for before it counts as lost */
#define GRACE_NS	(30000 * MS)

/** struct wait - a wait that is going on */
struct wait {
	struct worker *worker;
	const struct parcel *parcel;
	const struct gpu_file *file;
	const struct buffer *buffer;
	int sync;
};

/* ---- what is known of the maker ---- */

/* Its promise; false when it has made so many since that nothing is known. */
static bool promise_read(const struct wait *wait, uint64_t *due_ns, uint64_t *done_ns)
{
	const struct parcel *parcel = wait->parcel;
	const struct place *place = &wait->worker->board->places[parcel->maker];
	const struct promise *promise = &place->promises[parcel->serial % PROMISES];

	if (promise->serial != parcel->serial)
		return false;
	*due_ns = promise->due_ns;
	*done_ns = promise->done_ns;
	return promise->serial == parcel->serial;
}

/* How it ended; NULL when it lives, or ended so long ago that nothing is known. */
static const struct end *end_of(const struct wait *wait, bool *long_ago)
{
	const struct parcel *parcel = wait->parcel;
	const struct place *place = &wait->worker->board->places[parcel->maker];
	const struct end *end = &place->ends[parcel->generation % PAST];

	*long_ago = place->generation - parcel->generation >= PAST / 2;
	return !*long_ago && end->killed_ns ? end : NULL;
}

static const struct board_gpu *gpu_of(const struct wait *wait)
{
	return &wait->worker->board->gpus[wait->parcel->gpu];
}

/* Why the fence must have signalled by now; NULL when it need not. */
static const char *overdue(const struct wait *wait)
{
	const struct parcel *parcel = wait->parcel;
	uint64_t due_ns, done_ns;
	const struct end *end;
	bool long_ago;

	if (!promise_read(wait, &due_ns, &done_ns))
		return "its maker has long gone on";
	if (done_ns)
		return "its maker has signalled it, or closed its file";
	end = end_of(wait, &long_ago);
	if (long_ago || (end && end->reaped_ns))
		return "its maker has been killed";
	if (gpu_of(wait)->went >= parcel->epoch)
		return "its GPU has been unplugged";
	if (clock_ns() > parcel->made_ns + parcel->timeout_ns + GRACE_NS)
		return "its time is up";
	return NULL;
}

static void sooner(uint64_t *due_ns, uint64_t ns)
{
	if (ns && (!*due_ns || ns < *due_ns))
		*due_ns = ns;
}

/* When it was due, by the first of all reasons to signal; 0 when that is not known. */
static uint64_t due_of(const struct wait *wait)
{
	const struct parcel *parcel = wait->parcel;
	const struct board_gpu *gpu = gpu_of(wait);
	uint64_t due_ns, done_ns;
	const struct end *end;
	bool long_ago;

	if (!promise_read(wait, &due_ns, &done_ns))
		return 0;
	end = end_of(wait, &long_ago);
	if (long_ago)
		return 0;
	if (end)
		sooner(&due_ns, end->killed_ns);
	if (gpu->epoch != parcel->epoch && gpu->epoch - parcel->epoch < PAST)
		sooner(&due_ns, gpu->gone_ns[parcel->epoch / 2 % PAST]);
	sooner(&due_ns, parcel->made_ns + parcel->timeout_ns);
	return due_ns;
}

/* Whether there was time for that: it did not have to signal for another reason before. */
static bool may_time_out(const struct wait *wait)
{
	const struct parcel *parcel = wait->parcel;
	uint64_t until_ns = clock_ns(), due_ns, done_ns;
	const struct end *end;
	bool long_ago;

	if (promise_read(wait, &due_ns, &done_ns) && done_ns)
		until_ns = done_ns;
	end = end_of(wait, &long_ago);
	if (end && end->reaped_ns && end->reaped_ns < until_ns)
		until_ns = end->reaped_ns;
	return fence_may_expire(parcel->made_ns, parcel->timeout_ns, until_ns);
}

static void check_status(const struct wait *wait, int status)
{
	const struct parcel *parcel = wait->parcel;
	uint64_t due_ns = 0, done_ns;
	bool known = promise_read(wait, &due_ns, &done_ns), long_ago, right = false;
	const struct end *end = end_of(wait, &long_ago);

	if (!parcel->sound)
		return;
	switch (status) {
	case 1:
		right = !known || due_ns;
		break;
	case -ECANCELED:
		right = !known || due_ns || long_ago || end;
		break;
	case -ENODEV:
		right = gpu_of(wait)->epoch != parcel->epoch;
		break;
	case -ETIMEDOUT:
		right = may_time_out(wait);
		break;
	}
	if (!right)
		fail("a fence of worker %u signalled with %d (%s), for which there was no reason; it was %.3f s old, of %.3f s",
		     parcel->maker, status, status < 0 ? strerror(-status) : "success",
		     (double)(clock_ns() - parcel->made_ns) / 1e9,
		     (double)parcel->timeout_ns / 1e9);
}

/* ---- ways ---- */

static int wait_by_gem(const struct wait *wait)
{
	struct drm_vprime_gem_wait gem = {
		.handle = wait->buffer->handle,
		.flags = wait->parcel->writes ? 0 : DRM_VPRIME_WAIT_WRITE,
		.timeout_ns = (int64_t)(clock_ns() + LOOK_MS * MS),
	};

	if (!drmIoctl(wait->file->fd, DRM_IOCTL_VPRIME_GEM_WAIT, &gem))
		return 1;
	return errno == ETIME ? 0 : -errno;
}

static int wait_by_poll(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };
	int count = poll(&ready, 1, LOOK_MS);

	if (count < 0)
		return -errno;
	if (ready.revents & (POLLERR | POLLNVAL))
		return -EBADF;
	return !!(ready.revents & events);
}

static int wait_by_cpu(const struct wait *wait)
{
	unsigned int access = wait->parcel->writes ? BUFFER_READ : BUFFER_READ | BUFFER_WRITE;
	int ret = buffer_begin(wait->buffer, access);

	if (!ret)
		ret = buffer_end(wait->buffer, access);
	return ret ?: 1;
}

/* A word that is there anyhow is what a GPU writes, to wait for readers too. */
static int wait_by_gpu(const struct wait *wait)
{
	uint32_t word = 0;
	struct drm_vprime_gem_access access = {
		.handle = wait->buffer->handle, .size = sizeof(word), .data = (uintptr_t)&word,
	};

	if (drmIoctl(wait->file->fd, DRM_IOCTL_VPRIME_GEM_PEEK, &access))
		return -errno;
	if (!wait->parcel->writes &&
	    drmIoctl(wait->file->fd, DRM_IOCTL_VPRIME_GEM_POKE, &access))
		return -errno;
	return 1;
}

static int wait_by_syncobj(const struct wait *wait)
{
	int gpu = wait->file->fd, ret;
	uint32_t syncobj;

	if (drmSyncobjCreate(gpu, 0, &syncobj))
		return -errno;
	ret = drmSyncobjImportSyncFile(gpu, syncobj, wait->sync) ? -errno : 0;
	if (!ret)
		ret = drmSyncobjWait(gpu, &syncobj, 1, (int64_t)(clock_ns() + LOOK_MS * MS),
				     0, NULL);
	drmSyncobjDestroy(gpu, syncobj);
	if (ret == -ETIME)
		return 0;
	return ret < 0 ? ret : 1;
}

/* Returns: 1 it is over, 0 not yet, a negative errno */
static int wait_once(const struct wait *wait, enum way way)
{
	switch (way) {
	case WAY_GEM_WAIT:
		return wait_by_gem(wait);
	case WAY_POLL_DMABUF:
		return wait_by_poll(wait->buffer->dmabuf,
				    wait->parcel->writes ? POLLIN : POLLOUT);
	case WAY_CPU_ACCESS:
		return wait_by_cpu(wait);
	case WAY_GPU_ACCESS:
		return wait_by_gpu(wait);
	case WAY_SYNCOBJ:
		return wait_by_syncobj(wait);
	default:
		return wait_by_poll(wait->sync, POLLIN);
	}
}

static bool needs_gpu(enum way way)
{
	return way == WAY_GEM_WAIT || way == WAY_GPU_ACCESS || way == WAY_SYNCOBJ;
}

static void note_lateness(const struct wait *wait, enum way way, uint64_t start_ns)
{
	struct lateness *late = &wait->worker->place->late[way];
	uint64_t now_ns = clock_ns(), due_ns = due_of(wait);

	late->waits++;
	/* it may have been due before anybody waited */
	if (!due_ns)
		return;
	if (due_ns < start_ns)
		due_ns = start_ns;
	if (now_ns > due_ns && now_ns - due_ns > late->longest_ns)
		late->longest_ns = now_ns - due_ns;
}

bool fence_wait(struct worker *worker, const struct parcel *parcel, int sync,
		const struct gpu_file *file, const struct buffer *buffer)
{
	struct wait wait = { worker, parcel, file, buffer, sync };
	enum way way = any(worker, WAYS);
	const uint64_t start_ns = clock_ns();
	bool pending = !fence_status(sync);
	int over, status;

	if (needs_gpu(way) && !file)
		way = WAY_POLL_SYNC;
	do {
		const char *why = overdue(&wait);

		begin(worker, KIND_WAIT);
		over = wait_once(&wait, way);
		if (over < 0) {
			if (over != -ENODEV || !needs_gpu(way) || !file_gone(worker, file))
				fail("waiting for a fence by %s: %s", way_names[way],
				     strerror(-over));
			way = WAY_POLL_SYNC;
			over = 0;
		} else if (!over && why && !fence_status(sync)) {
			fail("a fence of worker %u does not signal, but %s", parcel->maker, why);
		}
	} while (!over);
	done(worker, KIND_WAIT);
	if (pending)
		note_lateness(&wait, way, start_ns);

	status = fence_status(sync);
	if (!status)
		fail("%s says that a fence of worker %u has signalled, its sync_file that it has not",
		     way_names[way], parcel->maker);
	check_status(&wait, status);
	return status == 1 && parcel->sound;
}
