// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls about fences whose arguments cannot be read, or whose answers cannot be
 * given: because the memory is not there or not to be written, or because the
 * process has no descriptor left. An object that was made stays until the file is
 * closed, as with the DRM core's own ioctls, and a fence until it signals. No
 * descriptor is left that the process was not told of.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_fences.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Fence calls with bad memory, and without descriptors");

#define SIZE	VP_PAGE

static const unsigned long ioctls[] = {
	DRM_IOCTL_VPRIME_FENCE_ATTACH,
	DRM_IOCTL_VPRIME_FENCE_SIGNAL,
	DRM_IOCTL_VPRIME_GEM_WAIT,
	DRM_IOCTL_VPRIME_TIMELINE_CREATE,
	DRM_IOCTL_VPRIME_TIMELINE_DESTROY,
	DRM_IOCTL_VPRIME_TIMELINE_SIGNAL,
	DRM_IOCTL_VPRIME_FENCE_CREATE,
};

static void faulting_pointer(enum vp_node node)
{
	char *page = mmap(NULL, 2 * VP_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int gpu = vp_open_node(0, node);
	void *bad[] = {
		NULL,
		(void *)8,
		(void *)0xffff888000000000ul,	/* the kernel's own memory */
		page + VP_PAGE - 2,		/* only its start is there */
		page + VP_PAGE,
	};

	igt_assert(page != MAP_FAILED);
	igt_assert_eq(munmap(page + VP_PAGE, VP_PAGE), 0);
	for (size_t i = 0; i < VP_ARRAY_SIZE(ioctls); i++)
		for (size_t p = 0; p < VP_ARRAY_SIZE(bad); p++) {
			igt_debug("ioctl %#lx, pointer %p\n", ioctls[i],
				  bad[p]);
			vp_assert_refused(vp_try_ioctl(gpu, ioctls[i], bad[p]),
					  EFAULT);
		}
	munmap(page, VP_PAGE);
	close(gpu);
}

/*
 * Two pages, of which the second can only be read. An argument of which the
 * last @bytes lie in the second is read well, but its answer is not written.
 */
struct half {
	char *pages;
};

static struct half half(void)
{
	struct half h = { mmap(NULL, 2 * VP_PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };

	igt_assert(h.pages != MAP_FAILED);
	return h;
}

static void *half_put(struct half *h, const void *arg, size_t size,
		      size_t bytes)
{
	void *at = h->pages + VP_PAGE - size + bytes;

	igt_assert_eq(mprotect(h->pages + VP_PAGE, VP_PAGE,
			       PROT_READ | PROT_WRITE), 0);
	memcpy(at, arg, size);
	igt_assert_eq(mprotect(h->pages + VP_PAGE, VP_PAGE, PROT_READ), 0);
	return at;
}

static void half_end(struct half *h)
{
	munmap(h->pages, 2 * VP_PAGE);
}

static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int files = 0;

	igt_assert(dir);
	while (readdir(dir))
		files++;
	closedir(dir);
	return files;
}

/* The fence is on the buffer, and signals when the file is closed. */
static void attach_unanswered(bool write)
{
	struct half h = half();
	int gpu = vp_open(0), gpu1 = vp_open(1), dmabuf, sync;
	uint32_t handle = vp_create(gpu, SIZE), handle1, fence;
	const struct drm_vprime_fence_attach arg = {
		.handle = handle,
		.flags = write ? DRM_VPRIME_FENCE_WRITE : 0,
	};
	unsigned int made = 0;

	dmabuf = vp_export(gpu, handle);
	handle1 = vp_import(gpu1, dmabuf);
	fence = vp_fence_attach(gpu, handle, write);
	vp_fence_signal(gpu, fence);
	for (size_t bytes = 4; bytes <= sizeof(arg); bytes += 4) {
		void *at = half_put(&h, &arg, sizeof(arg), bytes);

		/* After the first write, a second is refused for that. */
		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_ATTACH, at), -EFAULT);
		made += !write || !made;
		igt_assert_eq(vp_fences_pending(), made);
	}
	igt_assert(!vp_idle(gpu1, handle1, true));
	/* The program can guess the number. */
	vp_fence_signal(gpu, fence + 1);
	igt_assert_eq(vp_fences_pending(), made - 1);
	if (!write)
		igt_assert(!vp_idle(gpu1, handle1, true));
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_WRITE);
	close(gpu);
	igt_assert(vp_idle(gpu1, handle1, true));
	igt_assert_eq(vp_fences_pending(), 0);
	igt_assert_eq(vp_poll(sync, POLLIN, VP_PATIENCE_MS), POLLIN);
	igt_assert_eq(vp_sync_state(sync), write ? 1 : -ECANCELED);
	vp_fence_signal(gpu1, vp_fence_attach(gpu1, handle1, true));
	half_end(&h);
	close(sync);
	close(dmabuf);
	close(gpu1);
}

static void timeline_unanswered(void)
{
	const struct drm_vprime_timeline_create arg = { .name = "unheard" };
	struct vp_counts before = vp_counts();
	struct half h = half();
	int gpu = vp_open(0);
	long made = 0;

	for (size_t bytes = 4; bytes <= sizeof(arg); bytes += 4) {
		void *at = half_put(&h, &arg, sizeof(arg), bytes);

		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_CREATE, at), -EFAULT);
		made++;
	}
	igt_assert_eq(vp_counts().timelines, before.timelines + made);
	igt_assert(vp_fences_named("unheard", getpid()));
	half_end(&h);
	close(gpu);
	vp_assert_counts(&before);
}

static void fence_unanswered(void)
{
	struct half h = half();
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "unheard");
	const struct drm_vprime_fence_create arg = { .timeline = timeline };
	unsigned int files = open_files();
	uint64_t seqno, made = 0;

	for (size_t bytes = 4; bytes <= sizeof(arg); bytes += 4) {
		void *at = half_put(&h, &arg, sizeof(arg), bytes);

		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_CREATE, at), -EFAULT);
		made++;
		igt_assert_eq(open_files(), files);
		igt_assert_eq(vp_fences_pending(), made);
	}
	/* Each has a number, by which it can be signalled. */
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, made + 1, 0), -ENOENT);
	vp_timeline_signal(gpu, timeline, 1);
	igt_assert_eq(vp_fences_pending(), made - 1);
	sync = vp_fence(gpu, timeline, &seqno);
	igt_assert_eq(seqno, made + 1);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_timeline_signal(gpu, timeline, seqno);
	igt_assert_eq(vp_sync_state(sync), 1);
	igt_assert_eq(vp_fences_pending(), 0);
	close(sync);
	half_end(&h);
	close(gpu);
}

/* Those have no answer but their result, so nothing is to be written. */
static void no_answer(void)
{
	struct half h = half();
	int gpu = vp_open(0), sync;
	uint32_t handle = vp_create(gpu, SIZE);
	uint32_t timeline = vp_timeline(gpu, "heard");
	struct drm_vprime_fence_signal signal = {
		.fence = vp_fence_attach(gpu, handle, true),
	};
	struct drm_vprime_gem_wait wait = { .handle = handle };
	struct drm_vprime_timeline_signal timeline_signal = {
		.timeline = timeline, .seqno = 1,
	};
	struct drm_vprime_timeline_destroy destroy = { .timeline = timeline };
	void *at;

	at = half_put(&h, &wait, sizeof(wait), sizeof(wait));
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_WAIT, at), -ETIME);
	at = half_put(&h, &signal, sizeof(signal), sizeof(signal));
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_FENCE_SIGNAL, at), 0);
	at = half_put(&h, &wait, sizeof(wait), sizeof(wait));
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_GEM_WAIT, at), 0);

	sync = vp_fence(gpu, timeline, NULL);
	at = half_put(&h, &timeline_signal, sizeof(timeline_signal),
		      sizeof(timeline_signal));
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_SIGNAL, at),
		      0);
	igt_assert_eq(vp_sync_state(sync), 1);
	at = half_put(&h, &destroy, sizeof(destroy), sizeof(destroy));
	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_VPRIME_TIMELINE_DESTROY, at),
		      0);
	igt_assert_eq(vp_try_timeline_destroy(gpu, timeline, 0), -ENOENT);
	close(sync);
	half_end(&h);
	close(gpu);
}

/* A process that has as many files open as it may. */
static void no_descriptor(void)
{
	struct rlimit old, few;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	igt_fork(child, 1) {
		int gpu = vp_open(0), last = -1, fd, sync;
		uint32_t timeline = vp_timeline(gpu, "files");
		uint64_t seqno;

		few = (struct rlimit){ 64, old.rlim_max };
		igt_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
		while ((fd = fcntl(gpu, F_DUPFD_CLOEXEC, 0)) >= 0)
			last = fd;
		igt_assert_eq(errno, EMFILE);
		igt_assert_lte(0, last);
		for (int i = 0; i < 10; i++)
			igt_assert_eq(vp_try_fence(gpu, timeline, 0, 0, NULL),
				      -EMFILE);
		igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, 0),
			      -ENOENT);
		/* All that is needed is one, and the numbers have no gap. */
		close(last);
		sync = vp_fence(gpu, timeline, &seqno);
		igt_assert_eq(sync, last);
		igt_assert_eq(seqno, 1);
		igt_assert_eq(fcntl(sync, F_GETFD), FD_CLOEXEC);
		igt_assert_eq(vp_sync_state(sync), 0);
		close(sync);
		/* With a descriptor free, and the list to be read. */
		igt_assert_eq(vp_fences_pending(), 1);
	}
	igt_waitchildren();
}

igt_main
{
	igt_describe("Argument pointers that fault are EFAULT on the render node");
	vp_subtest("faulting-pointer-render")
		faulting_pointer(VP_RENDER);

	igt_describe("Argument pointers that fault are EFAULT on the primary node");
	vp_subtest("faulting-pointer-primary")
		faulting_pointer(VP_PRIMARY);

	igt_describe("A writer's fence whose number cannot be told is on the buffer until the file is closed");
	vp_subtest("attach-unanswered-write")
		attach_unanswered(true);

	igt_describe("So are readers'");
	vp_subtest("attach-unanswered-read")
		attach_unanswered(false);

	igt_describe("A timeline whose handle cannot be told is there until the file is closed");
	vp_subtest("timeline-unanswered")
		timeline_unanswered();

	igt_describe("A fence whose descriptor cannot be told has none, and has a number");
	vp_subtest("fence-unanswered")
		fence_unanswered();

	igt_describe("Arguments of calls without an answer may be in memory that cannot be written");
	vp_subtest("no-answer")
		no_answer();

	igt_describe("A fence for which there is no descriptor is EMFILE, and takes no number");
	vp_subtest("no-descriptor")
		no_descriptor();
}
