// SPDX-License-Identifier: GPL-2.0-only
/*
 * What belongs to one client cannot be reached by another that was not given a
 * descriptor of it: not by its handle, not by the number of a fence or timeline,
 * not by the place of its mapping, and not by trying them all. A client is an
 * open file of a GPU; all of them here are nobody's.
 *
 * That handles of another file are refused one by one is in gem_bad_input and
 * fence_bad_input; here is what guessing, and what was once mine, leads to.
 */
#define _GNU_SOURCE	/* remap_file_pages */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "vp_access.h"
#include "vp_nobody.h"
#include "vp_pair.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Clients without privileges do not reach each other's objects");

#define SIZE	(8 * VP_PAGE)
#define OBJECTS	16
/* Small numbers are what is given out, so all of these are tried; */
#define GUESSES	512
#define RW	(PROT_READ | PROT_WRITE)

/* and of the great ones those at the edges. */
static const uint32_t edges[] = {
	0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x10000,
	0xffff, 0x1000000, 0xdeadbeef,
};

static uint32_t guess(unsigned int i)
{
	return i < GUESSES ? i : edges[i - GUESSES];
}

#define ALL_GUESSES	(GUESSES + VP_ARRAY_SIZE(edges))

/* A client with some of everything, each buffer with a pattern of its own. */
struct owner {
	int gpu;
	uint32_t handle[OBJECTS];
	uint32_t fence[OBJECTS];
	uint32_t timeline[OBJECTS];
	int sync[OBJECTS];
	uint32_t syncobj[OBJECTS];
	uint64_t offset[OBJECTS];
};

static struct owner owner(unsigned int gpu)
{
	struct owner o = { .gpu = vp_open(gpu) };

	for (unsigned int i = 0; i < OBJECTS; i++) {
		o.handle[i] = vp_create(o.gpu, SIZE);
		vp_gpu_fill(o.gpu, o.handle[i], SIZE, i);
		o.offset[i] = vp_mmap_offset(o.gpu, o.handle[i]);
		o.fence[i] = vp_fence_attach(o.gpu, o.handle[i], true);
		o.timeline[i] = vp_timeline(o.gpu, "mine");
		o.sync[i] = vp_fence(o.gpu, o.timeline[i], NULL);
		o.syncobj[i] = vp_syncobj(o.gpu, 0);
	}
	return o;
}

/* Nobody has changed, signalled or taken away anything. */
static void assert_untouched(struct owner *o)
{
	for (unsigned int i = 0; i < OBJECTS; i++) {
		igt_assert(!vp_idle(o->gpu, o->handle[i], false));
		igt_assert_eq(vp_sync_state(o->sync[i]), 0);
		vp_fence_signal(o->gpu, o->fence[i]);
		vp_timeline_signal(o->gpu, o->timeline[i], 1);
		igt_assert_eq(vp_sync_state(o->sync[i]), 1);
		vp_assert_gpu_sees(o->gpu, o->handle[i], SIZE, i);
		igt_assert_eq(vp_mmap_offset(o->gpu, o->handle[i]),
			      o->offset[i]);
		igt_assert_eq(vp_try_syncobj_signal(o->gpu, &o->syncobj[i], 1),
			      0);
		close(o->sync[i]);
	}
	close(o->gpu);
}

static void handle_leads_nowhere(int gpu, uint32_t handle)
{
	char byte = 1;

	igt_assert_eq(vp_try_info(gpu, handle, 0, NULL), -ENOENT);
	igt_assert_eq(vp_try_mmap_offset(gpu, handle, 0, NULL), -ENOENT);
	igt_assert_eq(vp_try_map_dumb(gpu, handle, NULL), -ENOENT);
	igt_assert_eq(vp_try_peek(gpu, handle, 0, &byte, 1), -ENOENT);
	igt_assert_eq(vp_try_poke(gpu, handle, 0, &byte, 1), -ENOENT);
	igt_assert_eq(vp_try_wait(gpu, handle, 0, 0), -ENOENT);
	igt_assert_eq(vp_try_fence_attach(gpu, handle, 0, 0, NULL), -ENOENT);
	igt_assert_eq(vp_try_fence_attach(gpu, handle, DRM_VPRIME_FENCE_WRITE,
					  0, NULL), -ENOENT);
	igt_assert_eq(vp_try_export(gpu, handle, DRM_CLOEXEC | DRM_RDWR),
		      -ENOENT);
	igt_assert_eq(vp_try_close(gpu, handle), -EINVAL);
	igt_assert_eq(vp_try_destroy_dumb(gpu, handle), -EINVAL);
}

static void number_leads_nowhere(int gpu, uint32_t number)
{
	igt_assert_eq(vp_try_fence_signal(gpu, number, 0), -ENOENT);
	igt_assert_eq(vp_try_fence(gpu, number, 0, 0, NULL), -ENOENT);
	igt_assert_eq(vp_try_timeline_signal(gpu, number, 1, 0), -ENOENT);
	igt_assert_eq(vp_try_timeline_signal(gpu, number, ~0ull, -1), -ENOENT);
	igt_assert_eq(vp_try_timeline_destroy(gpu, number, 0), -ENOENT);
}

static void syncobj_leads_nowhere(int gpu, uint32_t syncobj)
{
	igt_assert_lt(vp_try_syncobj_signal(gpu, &syncobj, 1), 0);
	igt_assert_lt(vp_try_syncobj_reset(gpu, &syncobj, 1), 0);
	igt_assert_lt(vp_try_syncobj_to_fd(gpu, syncobj), 0);
	igt_assert_lt(vp_try_syncobj_get_sync(gpu, syncobj), 0);
	igt_assert_lt(vp_try_syncobj_destroy(gpu, syncobj), 0);
}

/* Every number that the other has, and many that nobody has. */
static void guess_numbers(unsigned int other_gpu)
{
	struct owner o = owner(0);
	int stranger = vp_open(other_gpu);

	for (unsigned int i = 0; i < ALL_GUESSES; i++) {
		igt_debug("number %#x\n", guess(i));
		handle_leads_nowhere(stranger, guess(i));
		number_leads_nowhere(stranger, guess(i));
		syncobj_leads_nowhere(stranger, guess(i));
	}
	close(stranger);
	assert_untouched(&o);
}

/* A descriptor is a number too, but of the process's own table. */
static void guess_descriptors(void)
{
	int gpu = vp_open(0), ret;

	for (int fd = -1; fd < GUESSES; fd++) {
		ret = vp_try_import(gpu, fd, NULL);
		igt_assert(ret == -EBADF ||
			   (ret == -EINVAL && fcntl(fd, F_GETFD) >= 0));
	}
	close(gpu);
}

/*
 * Two clients have got the same numbers: each means its own, and what one does
 * with them happens to the other's in nothing.
 */
static void same_numbers(void)
{
	struct owner one = owner(0), other = owner(0);

	for (unsigned int i = 0; i < OBJECTS; i++) {
		igt_assert_eq(one.handle[i], other.handle[i]);
		igt_assert_eq(one.fence[i], other.fence[i]);
		igt_assert_eq(one.timeline[i], other.timeline[i]);
		igt_assert_eq(one.syncobj[i], other.syncobj[i]);
		igt_assert_neq(one.offset[i], other.offset[i]);
	}
	for (unsigned int i = 0; i < OBJECTS; i++) {
		vp_fence_signal(one.gpu, one.fence[i]);
		vp_gpu_fill(one.gpu, one.handle[i], SIZE, 1000 + i);
		vp_timeline_destroy(one.gpu, one.timeline[i]);
		vp_syncobj_destroy(one.gpu, one.syncobj[i]);
		igt_assert_eq(vp_sync_state(one.sync[i]), -ECANCELED);
		close(one.sync[i]);
	}
	for (unsigned int i = 0; i < OBJECTS; i++) {
		vp_assert_gpu_sees(one.gpu, one.handle[i], SIZE, 1000 + i);
		vp_close(one.gpu, one.handle[i]);
	}
	close(one.gpu);
	assert_untouched(&other);
}

/* Who shares a buffer waits for the other's fences, and does not signal them. */
static void fences_on_a_shared_buffer(void)
{
	struct vp_pair pair = vp_pair(SIZE);
	uint32_t fence = vp_fence_attach(pair.gpu[0], pair.handle[0], true);

	for (unsigned int i = 0; i < ALL_GUESSES; i++)
		igt_assert_eq(vp_try_fence_signal(pair.gpu[1], guess(i), 0),
			      -ENOENT);
	igt_assert(!vp_idle(pair.gpu[1], pair.handle[1], false));
	vp_fence_signal(pair.gpu[0], fence);
	igt_assert(vp_idle(pair.gpu[1], pair.handle[1], false));
	vp_pair_end(&pair);
}

/* Neither to read nor to write, from its beginning or from any page in it. */
static void cannot_map(int gpu, uint64_t offset, int refused)
{
	igt_assert_eq(vp_try_mmap(gpu, offset, VP_PAGE, PROT_READ, MAP_SHARED,
				  NULL), -refused);
	igt_assert_eq(vp_try_mmap(gpu, offset, VP_PAGE, RW, MAP_SHARED, NULL),
		      -refused);
	igt_assert_eq(vp_try_mmap(gpu, offset, VP_PAGE, PROT_NONE, MAP_SHARED,
				  NULL), -refused);
	igt_assert_neq(vp_try_mmap(gpu, offset, VP_PAGE, PROT_READ, MAP_PRIVATE,
				   NULL), 0);
}

static void guess_offsets(unsigned int other_gpu)
{
	struct owner o = owner(0);
	int stranger = vp_open(other_gpu);
	/* It lies among the other's, and so shows where those are. */
	uint64_t mine = vp_mmap_offset(stranger, vp_create(stranger, SIZE));
	uint64_t from = o.offset[0], to = o.offset[0];

	for (unsigned int i = 0; i < OBJECTS; i++) {
		from = o.offset[i] < from ? o.offset[i] : from;
		to = o.offset[i] > to ? o.offset[i] : to;
		if (other_gpu == 0)
			cannot_map(stranger, o.offset[i], EACCES);
	}
	from -= from > 64 * VP_PAGE ? 64 * VP_PAGE : from;
	for (uint64_t at = from; at < to + SIZE + 64 * VP_PAGE; at += VP_PAGE) {
		/* On another GPU it is the place of something else, of mine. */
		if (at == mine)
			continue;
		igt_assert_neq(vp_try_mmap(stranger, at, VP_PAGE, PROT_READ,
					   MAP_SHARED, NULL), 0);
		igt_assert_neq(vp_try_mmap(stranger, at, SIZE, RW, MAP_SHARED,
					   NULL), 0);
	}
	close(stranger);
	assert_untouched(&o);
}

/* From a mapping that is mine to what lies beside it in the file. */
static void beside_my_own(void)
{
	int one = vp_open(0), other = vp_open(0);
	uint32_t mine = vp_create(one, SIZE), theirs[2];
	uint64_t at, offset[2];
	void *map;

	theirs[0] = vp_create(other, SIZE);
	offset[0] = vp_mmap_offset(other, theirs[0]);
	at = vp_mmap_offset(one, mine);
	theirs[1] = vp_create(other, SIZE);
	offset[1] = vp_mmap_offset(other, theirs[1]);
	map = vp_map(one, mine, SIZE, RW);

	igt_assert_eq(vp_try_mmap(one, at, SIZE + VP_PAGE, RW, MAP_SHARED,
				  NULL), -EINVAL);
	igt_assert_eq(vp_try_mmap(one, at, 3 * SIZE, PROT_READ, MAP_SHARED,
				  NULL), -EINVAL);
	igt_assert(mremap(map, SIZE, 3 * SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	igt_assert(mremap(map, 0, 3 * SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	for (int i = 0; i < 2; i++) {
		/* The mapping that is there, moved to another place in the file. */
		igt_assert_neq(remap_file_pages(map, SIZE, 0,
						offset[i] / VP_PAGE, 0), 0);
		igt_assert_neq(remap_file_pages(map, VP_PAGE, 0,
						offset[i] / VP_PAGE, 0), 0);
	}
	vp_unmap(map, SIZE);
	close(one);
	close(other);
}

/* A place that was mine is another's now: knowing it is not having it. */
static void offset_of_before(void)
{
	int one = vp_open(0), other = vp_open(0);
	uint32_t mine = vp_create(one, SIZE), theirs;
	uint64_t at = vp_mmap_offset(one, mine), now;
	void *map = vp_map(one, mine, SIZE, RW);

	vp_fill(map, SIZE, 1);
	vp_unmap(map, SIZE);
	vp_close(one, mine);
	theirs = vp_create(other, SIZE);
	now = vp_mmap_offset(other, theirs);
	igt_debug("%#llx, then %#llx\n", (unsigned long long)at,
		  (unsigned long long)now);
	cannot_map(one, at, at == now ? EACCES : EINVAL);
	cannot_map(one, now, EACCES);

	/* Nor when my handle has the number that it had. */
	igt_assert_eq(vp_create(one, SIZE), mine);
	cannot_map(one, now, EACCES);
	close(one);
	close(other);
}

/* What is shared and given back is no longer mine, though others have it. */
static void given_back(void)
{
	int one = vp_open(0), other = vp_open(0);
	uint32_t theirs = vp_create(other, SIZE), mine;
	int dmabuf = vp_export(other, theirs);
	uint64_t at;

	mine = vp_import(one, dmabuf);
	at = vp_mmap_offset(one, mine);
	igt_assert_eq(at, vp_mmap_offset(other, theirs));
	igt_assert_eq(vp_try_mmap(one, at, SIZE, RW, MAP_SHARED, NULL), 0);
	vp_close(one, mine);
	handle_leads_nowhere(one, mine);
	cannot_map(one, at, EACCES);
	/* The owner's is as it was. */
	igt_assert_eq(vp_try_mmap(other, at, SIZE, RW, MAP_SHARED, NULL), 0);
	close(dmabuf);
	close(one);
	close(other);
}

/* Names for buffers are for those who trust each other: not on this node. */
static void no_names(void)
{
	int gpu = vp_open(0);
	struct drm_gem_flink flink = { .handle = vp_create(gpu, SIZE) };
	struct drm_gem_open open = {};

	igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_GEM_FLINK, &flink), -EACCES);
	for (open.name = 0; open.name < 64; open.name++)
		igt_assert_eq(vp_try_ioctl(gpu, DRM_IOCTL_GEM_OPEN, &open),
			      -EACCES);
	close(gpu);
}

/* Without the permission to open a node there is nothing to do at all. */
static void node_of_a_group(void)
{
	enum { RENDER_GROUP = 4242 };

	vp_nodes_mode(0660, 0660, RENDER_GROUP);
	igt_fork(child, 2) {
		int gpu;

		igt_assert_eq(vp_become_nobody(child ? RENDER_GROUP : 0), 0);
		gpu = vp_try_open_node(0, VP_RENDER, O_RDWR);
		if (!child) {
			igt_assert_eq(gpu, -EACCES);
			gpu = vp_try_open_node(0, VP_RENDER, O_RDONLY);
			igt_assert_eq(gpu, -EACCES);
			continue;
		}
		igt_assert_lte(0, gpu);
		vp_gpu_fill(gpu, vp_create(gpu, SIZE), SIZE, 1);
		close(gpu);
	}
	igt_waitchildren();
	vp_nodes_mode(0600, 0600, 0);
}

igt_main
{
	igt_describe("No number of a handle, fence, timeline or syncobj leads to another file's");
	vp_subtest("numbers-same-gpu")
		vp_as_nobody
			guess_numbers(0);

	igt_describe("The same from a file of another GPU");
	vp_subtest("numbers-other-gpu")
		vp_as_nobody
			guess_numbers(1);

	igt_describe("Descriptors that are not open lead nowhere");
	vp_subtest("descriptors")
		vp_as_nobody
			guess_descriptors();

	igt_describe("The same numbers in two files are different things");
	vp_subtest("same-numbers")
		vp_as_nobody
			same_numbers();

	igt_describe("Who shares a buffer does not signal the other's fences");
	vp_subtest("fences-on-shared")
		vp_as_nobody
			fences_on_a_shared_buffer();

	igt_describe("No place in the node's file maps what another file has");
	vp_subtest("offsets-same-gpu")
		vp_as_nobody
			guess_offsets(0);

	igt_describe("The same with another GPU's node");
	vp_subtest("offsets-other-gpu")
		vp_as_nobody
			guess_offsets(1);

	igt_describe("A mapping does not grow, or move in its file, into another's");
	vp_subtest("offsets-beside")
		vp_as_nobody
			beside_my_own();

	igt_describe("A place that was mine does not map what is there now");
	vp_subtest("offsets-of-before")
		vp_as_nobody
			offset_of_before();

	igt_describe("A shared buffer whose handle was closed is out of reach, though its owner has it");
	vp_subtest("given-back")
		vp_as_nobody
			given_back();

	igt_describe("Render nodes have no names for buffers");
	vp_subtest("no-names")
		vp_as_nobody
			no_names();

	igt_describe("A node of a group is open to its members only");
	vp_subtest("node-of-a-group")
		node_of_a_group();
}
