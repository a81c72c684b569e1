// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers at the edges of what they can be: sizes, offsets, lengths, times and
 * counts that wrap around when something is added to them, and arguments that are
 * shorter or longer than what the ioctl is about. Each is refused, or means what
 * it says, and touches nothing beside.
 *
 * What is elsewhere:
 *  - GEM_CREATE of 0, of what wraps, and of more than there is, and dumb buffers
 *    whose pitch or size wraps: gem_bad_input, create-size-* and dumb-*;
 *  - mappings beyond the end, from the middle, private: gem_bad_input mmap-*,
 *    prime_bad_input mmap-*; mremap: prime_mmap, security_reach offsets-beside;
 *  - pointers that lead nowhere, partly or only to be read: gem_bad_input
 *    faulting-pointer-*, read-only-pointer*, fence_bad_memory, gem_peek@refuses-data*;
 *  - ranges of PEEK and POKE that wrap: gem_peek@refuses-arguments;
 *  - flags, padding, names and error numbers: fence_bad_input;
 *  - sync_file's and the dma-buf's own ioctls: fence_sync_input, prime_bad_input.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_nobody.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Numbers at their edges are refused, or mean what they say");

#define SIZE	(8 * VP_PAGE)
#define RW	(PROT_READ | PROT_WRITE)

static const uint64_t edges[] = {
	0, 1, VP_PAGE - 1, VP_PAGE, VP_PAGE + 1, SIZE - 1, SIZE, SIZE + 1,
	0x7fffffffull, 0x80000000ull, 0xfffff000ull, 0xffffffffull,
	0x100000000ull, 0x100001000ull, 0x7ffffffffffff000ull,
	0x7fffffffffffffffull, 0x8000000000000000ull, 0x8000000000001000ull,
	0xfffffffffffff000ull, 0xfffffffffffff001ull, 0xffffffffffffffffull,
};

/* Every pair of them as a range: it is in the buffer, or it is EINVAL. */
static void ranges(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE);
	/* Whoever believes a length that wraps finds a guard behind it. */
	char *data = mmap(NULL, SIZE + VP_PAGE, RW,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(data != MAP_FAILED);
	igt_assert_eq(mprotect(data + SIZE, VP_PAGE, PROT_NONE), 0);
	for (size_t i = 0; i < VP_ARRAY_SIZE(edges); i++)
		for (size_t j = 0; j < VP_ARRAY_SIZE(edges); j++) {
			uint64_t offset = edges[i], size = edges[j];
			bool in = size && offset < SIZE &&
				  size <= SIZE - offset;

			igt_debug("%#llx bytes from %#llx\n",
				  (unsigned long long)size,
				  (unsigned long long)offset);
			igt_assert_eq(vp_try_peek(gpu, handle, offset, data,
						  size), in ? 0 : -EINVAL);
			igt_assert_eq(vp_try_poke(gpu, handle, offset, data,
						  size), in ? 0 : -EINVAL);
		}
	munmap(data, SIZE + VP_PAGE);
	close(gpu);
}

/* A range that is in the buffer, to a place that is not in the address space. */
static void data_pointers(void)
{
	static const uint64_t bad[] = {
		0xfffffffffffff000ull, 0xffffffffffffffffull,
		0x8000000000000000ull, 0x7fffffffffffffffull,
		0x7ffffffff000ull, 0x7fffffffe001ull, 0xffff888000000000ull,
		0xffffffff81000000ull,
	};
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, 64 * VP_PAGE);

	for (size_t i = 0; i < VP_ARRAY_SIZE(bad); i++) {
		void *data = (void *)(uintptr_t)bad[i];

		igt_assert_eq(vp_try_peek(gpu, handle, 0, data, 64 * VP_PAGE),
			      -EFAULT);
		igt_assert_eq(vp_try_poke(gpu, handle, 0, data, 64 * VP_PAGE),
			      -EFAULT);
		igt_assert_eq(vp_try_poke(gpu, handle, 1, data, VP_PAGE),
			      -EFAULT);
	}
	close(gpu);
}

/* Sizes that are a little less than what is refused, and are no longer after. */
static void sizes(void)
{
	int gpu = vp_open(0);
	uint64_t max = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE);
	uint32_t handle;
	char byte = 1;

	for (size_t i = 0; i < VP_ARRAY_SIZE(edges); i++) {
		int ret = vp_try_create(gpu, edges[i], 0, &handle);

		if (!edges[i] || edges[i] > max) {
			igt_assert(ret == -EINVAL || ret == -ENOMEM);
			continue;
		}
		igt_assert_eq(ret, 0);
		igt_assert_lte(edges[i], vp_info(gpu, handle).size);
		igt_assert_lt(vp_info(gpu, handle).size, edges[i] + VP_PAGE);
		vp_close(gpu, handle);
	}
	/* The largest there is: it has a beginning, an end, and nothing beyond. */
	handle = vp_create(gpu, max - VP_PAGE + 1);
	igt_assert_eq(vp_info(gpu, handle).size, max);
	igt_assert_eq(vp_try_peek(gpu, handle, max, &byte, 1), -EINVAL);
	igt_assert_eq(vp_try_peek(gpu, handle, max - 1, &byte, 2), -EINVAL);
	igt_assert_eq(vp_info(gpu, handle).resident, 0);
	close(gpu);
}

/* Places and lengths of mappings, of the node and of the dma-buf. */
static void mappings(void)
{
	int gpu = vp_open(0), fd[2];
	uint32_t handle = vp_create(gpu, SIZE);
	uint64_t base[2] = { vp_mmap_offset(gpu, handle), 0 };

	fd[0] = gpu;
	fd[1] = vp_export(gpu, handle);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < VP_ARRAY_SIZE(edges); i++)
			for (size_t j = 0; j < VP_ARRAY_SIZE(edges); j++) {
				uint64_t at = edges[i] & ~(VP_PAGE - 1);
				uint64_t size = edges[j], left = SIZE - at;
				bool in = size && at < SIZE && size <= left &&
					  (which == 1 || !at);
				int ret = vp_try_mmap(fd[which],
						      base[which] + at, size,
						      RW, MAP_SHARED, NULL);

				igt_debug("%d: %#llx from %#llx: %d\n", which,
					  (unsigned long long)size,
					  (unsigned long long)at, ret);
				igt_assert_eq(!ret, in);
			}
	close(fd[1]);
	close(gpu);
}

static void times(void)
{
	static const int64_t past[] = {
		INT64_MIN, INT64_MIN + 1, -1000000000ll, -1, 0, 1, 999999999,
	};
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, SIZE), fence;

	fence = vp_fence_attach(gpu, handle, true);
	for (size_t i = 0; i < VP_ARRAY_SIZE(past); i++) {
		igt_assert_eq(vp_try_wait(gpu, handle, 0, past[i]), -ETIME);
		igt_assert_eq(vp_try_wait(gpu, handle, DRM_VPRIME_WAIT_WRITE,
					  past[i]), -ETIME);
	}
	vp_fence_signal(gpu, fence);
	/* Idle is idle, however long one would have waited. */
	for (size_t i = 0; i < VP_ARRAY_SIZE(past); i++)
		igt_assert_eq(vp_try_wait(gpu, handle, 0, past[i]), 0);
	igt_assert_eq(vp_try_wait(gpu, handle, 0, INT64_MAX), 0);
	igt_assert_eq(vp_try_wait(gpu, handle, 0, INT64_MAX - 1), 0);
	/* All but never is a long time: it ends with the fence, not before. */
	vp_fence_attach(gpu, handle, true);
	igt_assert_eq(vp_try_wait(gpu, handle, 0, vp_in_ms(50)), -ETIME);
	close(gpu);
}

/* Times that do not fit what the kernel counts in: the fence ends the wait. */
static void long_times(void)
{
	static const int64_t far[] = {
		INT64_MAX, INT64_MAX - 1, INT64_MAX / 2, 1ll << 62, 1ll << 55,
	};
	int gpu = vp_config_open("quick", "fence_timeout_ms=100");
	uint32_t handle = vp_create(gpu, SIZE);

	for (size_t i = 0; i < VP_ARRAY_SIZE(far); i++) {
		int64_t began = vp_now_ns();

		vp_fence_attach(gpu, handle, true);
		igt_assert_eq(vp_try_wait(gpu, handle, 0, far[i]), 0);
		igt_assert_lte(90000000ll, vp_now_ns() - began);
	}
	close(gpu);
	vp_config_remove("quick");
}

static void points(void)
{
	int gpu = vp_open(0), sync;
	uint32_t timeline = vp_timeline(gpu, "edges"), syncobj;

	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, ~0ull, 0), -ENOENT);
	sync = vp_fence(gpu, timeline, NULL);
	for (size_t i = 0; i < VP_ARRAY_SIZE(edges); i++)
		if (edges[i] != 1)
			igt_assert_eq(vp_try_timeline_signal(gpu, timeline,
							     edges[i], 0),
				      -ENOENT);
	igt_assert_eq(vp_sync_state(sync), 0);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, INT_MIN),
		      -EINVAL);
	igt_assert_eq(vp_try_timeline_signal(gpu, timeline, 1, INT_MAX),
		      -EINVAL);
	vp_timeline_signal(gpu, timeline, 1);
	close(sync);

	/* The DRM core's timelines take any number, and go up only. */
	syncobj = vp_syncobj(gpu, 0);
	vp_syncobj_signal_point(gpu, syncobj, ~0ull);
	igt_assert_eq(vp_syncobj_query(gpu, syncobj, 0), ~0ull);
	igt_assert(vp_syncobj_point_done(gpu, syncobj, ~0ull));
	vp_syncobj_destroy(gpu, syncobj);
	close(gpu);
}

/*
 * Lists that say they have more in them than is there: of the DRM core's, as
 * vprime's own ioctls have none. Of some million on that core itself complains,
 * in the kernel's log, and so does a guest's harness.
 */
static void counts(void)
{
	static const uint32_t many[] = { 2, 1000, 100000 };
	int gpu = vp_open(0);
	char *page = mmap(NULL, 2 * VP_PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint32_t *handle = (uint32_t *)(page + VP_PAGE) - 1;

	igt_assert(page != MAP_FAILED);
	igt_assert_eq(munmap(page + VP_PAGE, VP_PAGE), 0);
	*handle = vp_syncobj(gpu, 0);
	for (size_t i = 0; i < VP_ARRAY_SIZE(many); i++) {
		struct drm_syncobj_array array = {
			.handles = (uintptr_t)handle,
			.count_handles = many[i],
		};
		struct drm_syncobj_wait wait = {
			.handles = (uintptr_t)handle,
			.count_handles = many[i],
		};

		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_SYNCOBJ_SIGNAL,
					   &array), -EFAULT);
		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_SYNCOBJ_WAIT, &wait),
			      -EFAULT);
	}
	vp_syncobj_destroy(gpu, *handle);
	munmap(page, VP_PAGE);
	close(gpu);
}

/*
 * An ioctl says itself how long its argument is, and which way it goes. Whatever
 * it says, what is behind the argument is not written, and what comes back is
 * what went in, or an answer, or zero: nothing that was on the kernel's stack.
 */
static void argument_sizes(void)
{
	enum { ROOM = 16384 };
	static const unsigned int lengths[] = {
		0, 1, 4, 7, 8, 12, 15, 16, 24, 31, 40, 64, 128, 129, 1024,
		ROOM - 1,
	};
	static const unsigned int ways[] = {
		_IOC_NONE, _IOC_READ, _IOC_WRITE, _IOC_READ | _IOC_WRITE,
	};
	int gpu = vp_open(0);
	uint8_t *arg = malloc(2 * ROOM);

	igt_assert(arg);
	for (unsigned int nr = 0; nr < 0x20; nr++)
		for (size_t l = 0; l < VP_ARRAY_SIZE(lengths); l++)
			for (size_t w = 0; w < VP_ARRAY_SIZE(ways); w++) {
				unsigned int length = lengths[l];
				unsigned long request =
					_IOC(ways[w], DRM_IOCTL_BASE,
					     DRM_COMMAND_BASE + nr, length);

				/* Nothing there is of that number. */
				memset(arg, 0xee, 2 * ROOM);
				vp_try_ioctl(gpu, request, arg);
				for (size_t i = length; i < 2 * ROOM; i++)
					igt_assert_eq(arg[i], 0xee);
				if (!(ways[w] & _IOC_READ))
					for (size_t i = 0; i < length; i++)
						igt_assert_eq(arg[i], 0xee);
				/* Of an argument that was not read, no answer. */
				if (ways[w] != _IOC_READ)
					continue;
				for (size_t i = 64; i < length; i++)
					igt_assert(arg[i] == 0xee || !arg[i]);
			}
	free(arg);
	close(gpu);
}

igt_main
{
	igt_describe("Ranges of PEEK and POKE, with every pair of edges");
	vp_subtest("ranges")
		vp_as_nobody
			ranges();

	igt_describe("PEEK and POKE with data at the end of the address space, and the kernel's");
	vp_subtest("data-pointers")
		vp_as_nobody
			data_pointers();

	igt_describe("Sizes of buffers that just fit, and just do not");
	vp_subtest("sizes")
		vp_as_nobody
			sizes();

	igt_describe("Mappings with every pair of edges as place and length");
	vp_subtest("mappings")
		vp_as_nobody
			mappings();

	igt_describe("Times long past, and now");
	vp_subtest("times")
		vp_as_nobody
			times();

	igt_describe("Times that never come");
	vp_subtest("long-times")
		long_times();

	igt_describe("Numbers of fences and points that there cannot be");
	vp_subtest("points")
		vp_as_nobody
			points();

	igt_describe("Lists with more in them than there is");
	vp_subtest("counts")
		vp_as_nobody
			counts();

	igt_describe("Arguments shorter and longer than they should be, in each direction");
	vp_subtest("argument-sizes")
		vp_as_nobody
			argument_sizes();
}
