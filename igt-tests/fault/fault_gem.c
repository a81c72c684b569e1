// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out inside the calls about buffers of one GPU: its nodes, handles,
 * mappings, and its own reads and writes.
 */
#define _GNU_SOURCE	/* SYS_getcpu, mremap */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_failslab.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("Each allocation in the calls about buffers fails, one after the other");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * VP_PAGE)
/* As large as it takes for huge pages, and for copying in pieces. */
#define LARGE	(4 * VP_MIB)
#define CHUNKS	(160 * VP_KIB)

/* What the call that is swept needs, and what it has made. */
static struct {
	int gpu, other;
	char path[300];
	uint32_t handle, imported, name;
	uint64_t offset;
	void *map, *place;
	int made;
	uint32_t made_handle;
	uint8_t bytes[CHUNKS];
} s;

/* ---- a GPU and a buffer ---- */

static void open_gpu(void)
{
	s.gpu = vp_open(0);
}

static void close_gpu(void)
{
	close(s.gpu);
}

static void make_buffer(void)
{
	s.handle = vp_create(s.gpu, SIZE);
}

static void make_large(void)
{
	s.handle = vp_create(s.gpu, LARGE);
}

static void make_touched(void)
{
	uint32_t word = 1;

	make_buffer();
	vp_poke(s.gpu, s.handle, 0, &word, sizeof(word));
}

static void close_buffer(void)
{
	vp_close(s.gpu, s.handle);
}

static void close_made(void)
{
	vp_close(s.gpu, s.made_handle);
}

/* A GPU of a sort of its own, made with configfs. */
static void open_incoherent(void)
{
	s.gpu = vp_config_open("fault", "coherent=0");
}

static void open_short(void)
{
	s.gpu = vp_config_open("fault", "dma_bits=32");
}

static void open_scattered(void)
{
	s.gpu = vp_config_open("fault", "max_segment=4096");
}

static void close_own(void)
{
	close(s.gpu);
	vp_config_remove("fault");
}

/* ---- nodes ---- */

static void find_render(void)
{
	igt_assert_eq(vp_node_path(0, VP_RENDER, s.path, sizeof(s.path)), 0);
}

static void find_primary(void)
{
	igt_assert_eq(vp_node_path(0, VP_PRIMARY, s.path, sizeof(s.path)), 0);
}

static int open_node(void)
{
	s.made = open(s.path, O_RDWR | O_CLOEXEC);
	return s.made < 0 ? -errno : 0;
}

/* It is one that works. */
static void use_node(void)
{
	vp_close(s.made, vp_create(s.made, SIZE));
	vp_timeline_destroy(s.made, vp_timeline(s.made, "fault"));
}

static void close_node(void)
{
	close(s.made);
}

/* Everything in it goes with it: a handle, a timeline, a fence on a buffer. */
static void fill_node(void)
{
	uint32_t timeline;

	s.gpu = vp_open(0);
	make_touched();
	vp_fence_attach(s.gpu, s.handle, true);
	timeline = vp_timeline(s.gpu, "fault");
	close(vp_fence(s.gpu, timeline, NULL));
}

static int close_filled(void)
{
	return close(s.gpu) ? -errno : 0;
}

/* ---- ioctls ---- */

static int gem_create(void)
{
	struct drm_vprime_gem_create create = { .size = SIZE };
	int ret = ioctl(s.gpu, DRM_IOCTL_VPRIME_GEM_CREATE, &create);

	s.made_handle = create.handle;
	return ret ? -errno : 0;
}

static int dumb_create(void)
{
	struct drm_mode_create_dumb create = {
		.width = 64, .height = 64, .bpp = 32,
	};
	int ret = ioctl(s.gpu, DRM_IOCTL_MODE_CREATE_DUMB, &create);

	s.made_handle = create.handle;
	return ret ? -errno : 0;
}

static void use_made(void)
{
	uint32_t in = 0x76707269, out = 0;

	vp_poke(s.gpu, s.made_handle, 0, &in, sizeof(in));
	vp_peek(s.gpu, s.made_handle, 0, &out, sizeof(out));
	igt_assert_eq(in, out);
}

static int dumb_map(void)
{
	return vp_try_map_dumb(s.gpu, s.handle, &s.offset);
}

static int mmap_offset(void)
{
	return vp_try_mmap_offset(s.gpu, s.handle, 0, &s.offset);
}

static void use_offset(void)
{
	void *map = NULL;

	igt_assert_eq(vp_try_mmap(s.gpu, s.offset, SIZE, RW, MAP_SHARED, &map),
		      0);
	igt_assert(vp_all_zero(map, SIZE));
	vp_unmap(map, SIZE);
}

static int gem_info(void)
{
	return vp_try_info(s.gpu, s.handle, 0, NULL);
}

static int get_param(void)
{
	return vp_try_param(s.gpu, DRM_VPRIME_PARAM_MAX_SIZE, 0, NULL);
}

static int get_cap(void)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_PRIME };

	return ioctl(s.gpu, DRM_IOCTL_GET_CAP, &cap) ? -errno : 0;
}

static int get_version(void)
{
	char name[32];
	struct drm_version version = { .name_len = sizeof(name), .name = name };

	return ioctl(s.gpu, DRM_IOCTL_VERSION, &version) ? -errno : 0;
}

/* Names are for primary nodes, and who has been let in by the first. */
static void open_primaries(void)
{
	drm_auth_t auth = {};

	s.gpu = vp_open_node(0, VP_PRIMARY);
	s.other = vp_open_node(0, VP_PRIMARY);
	igt_assert_eq(vp_try_ioctl(s.other, DRM_IOCTL_GET_MAGIC, &auth), 0);
	igt_assert_eq(vp_try_ioctl(s.gpu, DRM_IOCTL_AUTH_MAGIC, &auth), 0);
}

static void close_primaries(void)
{
	close(s.other);
	close_gpu();
}

static int give_name(void)
{
	struct drm_gem_flink flink = { .handle = s.handle };
	int ret = ioctl(s.gpu, DRM_IOCTL_GEM_FLINK, &flink);

	s.name = flink.name;
	return ret ? -errno : 0;
}

static int open_name(void)
{
	struct drm_gem_open open = { .name = s.name };
	int ret = ioctl(s.other, DRM_IOCTL_GEM_OPEN, &open);

	s.made_handle = open.handle;
	return ret ? -errno : 0;
}

static void use_opened(void)
{
	igt_assert_eq(vp_id(s.other, s.made_handle), vp_id(s.gpu, s.handle));
}

static void close_opened(void)
{
	vp_close(s.other, s.made_handle);
}

static void use_name(void)
{
	igt_assert_eq(open_name(), 0);
	use_opened();
	close_opened();
}

static void make_named(void)
{
	make_buffer();
	igt_assert_eq(give_name(), 0);
}

static void open_fdinfo(void)
{
	make_touched();
	snprintf(s.path, sizeof(s.path), "/proc/self/fdinfo/%d", s.gpu);
	s.other = open(s.path, O_RDONLY | O_CLOEXEC);
	igt_assert_lte(0, s.other);
}

static void close_fdinfo(void)
{
	close(s.other);
	close_buffer();
}

static int read_fdinfo(void)
{
	static char text[4096];

	return pread(s.other, text, sizeof(text), 0) < 0 ? -errno : 0;
}

static int gem_close(void)
{
	return vp_try_close(s.gpu, s.handle);
}

static int dumb_destroy(void)
{
	return vp_try_destroy_dumb(s.gpu, s.handle);
}

/* ---- the GPU reads and writes ---- */

static int peek(void)
{
	return vp_try_peek(s.gpu, s.handle, 0, s.bytes, SIZE);
}

static int poke(void)
{
	return vp_try_poke(s.gpu, s.handle, 0, s.bytes, SIZE);
}

static int poke_chunks(void)
{
	return vp_try_poke(s.gpu, s.handle, VP_MIB, s.bytes, CHUNKS);
}

static void seed_bytes(void)
{
	vp_fill(s.bytes, sizeof(s.bytes), 7);
}

static void see_poked(void)
{
	static uint8_t seen[SIZE];

	vp_peek(s.gpu, s.handle, 0, seen, SIZE);
	igt_assert_eq(memcmp(seen, s.bytes, SIZE), 0);
}

static void see_chunks(void)
{
	static uint8_t seen[CHUNKS];

	vp_peek(s.gpu, s.handle, VP_MIB, seen, CHUNKS);
	igt_assert_eq(memcmp(seen, s.bytes, CHUNKS), 0);
}

/*
 * The memory of a GPU that does not snoop lies anywhere, so the buffer moves when a
 * GPU that does not reach all memory writes to it.
 */
static void open_far(void)
{
	open_short();
	vp_drop_file_pages();
	s.other = vp_config_open("far", "coherent=0");
}

static void make_far(void)
{
	int dmabuf;

	s.imported = vp_create(s.other, SIZE);
	dmabuf = vp_export(s.other, s.imported);
	vp_poke(s.other, s.imported, 0, s.bytes + SIZE, SIZE);
	s.handle = vp_import(s.gpu, dmabuf);
	close(dmabuf);
}

static void drop_far(void)
{
	close_buffer();
	vp_close(s.other, s.imported);
}

static void close_far(void)
{
	close(s.other);
	vp_config_remove("far");
	close_own();
}

/* ---- mappings ---- */

static int map_it(void)
{
	void *map = mmap(NULL, SIZE, RW, MAP_SHARED, s.gpu, (off_t)s.offset);

	s.map = map;
	return map == MAP_FAILED ? -errno : 0;
}

static void make_offset(void)
{
	make_buffer();
	s.offset = vp_mmap_offset(s.gpu, s.handle);
}

static void unmap_it(void)
{
	vp_unmap(s.map, SIZE);
}

/*
 * The kernel touches it for us, and says EFAULT for what is SIGBUS otherwise:
 * a lack of memory for page tables would be a line in the kernel's log, and
 * another try.
 */
static int touch(void)
{
	return syscall(SYS_getcpu, s.map, NULL, NULL) ? -errno : 0;
}

static void make_map(void)
{
	make_offset();
	s.map = vp_map(s.gpu, s.handle, SIZE, RW);
}

static void drop_map(void)
{
	unmap_it();
	close_buffer();
}

/* One mapping becomes two. */
static int split(void)
{
	return munmap((char *)s.map + VP_PAGE, VP_PAGE) ? -errno : 0;
}

static void make_place(void)
{
	make_map();
	s.place = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(s.place != MAP_FAILED);
}

/* Without memory to take it away, the kernel leaves the old one there, too. */
static void drop_place(void)
{
	vp_unmap(s.place, SIZE);
	vp_unmap(s.map, SIZE);
	close_buffer();
}

static int move_map(void)
{
	void *map = mremap(s.map, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   s.place);

	return map == MAP_FAILED ? -errno : 0;
}

static void use_place(void)
{
	igt_assert(vp_all_zero(s.place, SIZE));
}

static void make_large_map(void)
{
	make_large();
	s.map = vp_map(s.gpu, s.handle, LARGE, RW);
}

static void drop_large_map(void)
{
	vp_unmap(s.map, LARGE);
	close_buffer();
}

#define GPU	.begin = open_gpu, .end = close_gpu
#define BUFFER	.prepare = make_buffer, .finish = close_buffer
#define GEM	GPU, BUFFER

static const struct vp_fault_op ops[] = {
	{ .name = "open-render", .what = "Opening a render node",
	  .begin = find_render, .call = open_node, .verify = use_node,
	  .undo = close_node, .least = 5 },
	{ .name = "open-primary", .what = "Opening a primary node",
	  .begin = find_primary, .call = open_node, .verify = use_node,
	  .undo = close_node, .least = 5 },
	{ .name = "close", .what = "Closing a node with all that is in it",
	  .prepare = fill_node, .call = close_filled, .may = VP_FAULT_NEVER },

	{ .name = "gem-create", .what = "GEM_CREATE", GPU,
	  .call = gem_create, .verify = use_made, .undo = close_made,
	  .least = 3 },
	{ .name = "dumb-create", .what = "MODE_CREATE_DUMB", GPU,
	  .call = dumb_create, .verify = use_made, .undo = close_made,
	  .least = 3 },
	{ .name = "dumb-map", .what = "MODE_MAP_DUMB", GEM,
	  .call = dumb_map, .verify = use_offset },
	{ .name = "mmap-offset", .what = "GEM_MMAP_OFFSET", GEM,
	  .call = mmap_offset, .verify = use_offset },
	{ .name = "gem-info", .what = "GEM_INFO", GEM, .call = gem_info,
	  .may = VP_FAULT_NEVER },
	{ .name = "get-param", .what = "GET_PARAM", GPU, .call = get_param,
	  .may = VP_FAULT_NEVER },
	{ .name = "get-cap", .what = "GET_CAP", GPU, .call = get_cap,
	  .may = VP_FAULT_NEVER },
	{ .name = "version", .what = "VERSION", GPU, .call = get_version,
	  .may = VP_FAULT_NEVER },
	{ .name = "flink", .what = "GEM_FLINK", .begin = open_primaries, BUFFER,
	  .call = give_name, .verify = use_name, .end = close_primaries,
	  .least = 1 },
	{ .name = "open-name", .what = "GEM_OPEN in another file",
	  .begin = open_primaries, .prepare = make_named, .call = open_name,
	  .verify = use_opened, .undo = close_opened, .finish = close_buffer,
	  .end = close_primaries, .least = 2 },
	{ .name = "fdinfo", .what = "Reading a node's fdinfo", GPU,
	  .prepare = open_fdinfo, .call = read_fdinfo, .finish = close_fdinfo,
	  .least = 1 },
	{ .name = "gem-close", .what = "GEM_CLOSE", GPU,
	  .prepare = make_touched, .call = gem_close, .may = VP_FAULT_NEVER },
	{ .name = "dumb-destroy", .what = "MODE_DESTROY_DUMB", GPU,
	  .prepare = make_touched, .call = dumb_destroy,
	  .may = VP_FAULT_NEVER },

	{ .name = "peek", .what = "GEM_PEEK of a buffer without pages", GEM,
	  .call = peek, .least = 6, .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke", .what = "GEM_POKE to a buffer without pages", GEM,
	  .call = poke, .verify = see_poked, .least = 6,
	  .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke-large",
	  .what = "GEM_POKE in pieces to a buffer of huge pages",
	  .begin = open_gpu, .prepare = make_large, .call = poke_chunks,
	  .verify = see_chunks, .finish = close_buffer, .end = close_gpu,
	  .least = 6, .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke-incoherent",
	  .what = "GEM_POKE on a GPU that does not snoop",
	  .begin = open_incoherent, BUFFER, .call = poke, .verify = see_poked,
	  .end = close_own, .least = 10,
	  .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke-scattered",
	  .what = "GEM_POKE on a GPU that takes one page at a time",
	  .begin = open_scattered, BUFFER, .call = poke, .verify = see_poked,
	  .end = close_own, .least = 6,
	  .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke-below-4g",
	  .what = "GEM_POKE on a GPU that reaches 4 GiB, whose pages lie there",
	  .begin = open_short, BUFFER, .call = poke, .verify = see_poked,
	  .end = close_own, .least = 6,
	  .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },
	{ .name = "poke-moves",
	  .what = "GEM_POKE on a GPU that reaches 4 GiB, so that pages move there",
	  .begin = open_far, .prepare = make_far, .call = poke,
	  .verify = see_poked, .finish = drop_far, .end = close_far,
	  .least = 6, .may = VP_FAULT_PAGES | VP_FAULT_MAPPINGS },

	{ .name = "mmap", .what = "mmap of a view", GPU,
	  .prepare = make_offset, .call = map_it, .undo = unmap_it,
	  .finish = close_buffer, .least = 1 },
	{ .name = "munmap-part", .what = "munmap of a part of a mapping", GPU,
	  .prepare = make_map, .call = split, .finish = drop_map, .least = 1 },
	{ .name = "mremap", .what = "mremap of a mapping to another place", GPU,
	  .prepare = make_place, .call = move_map, .verify = use_place,
	  .finish = drop_place, .least = 1 },
	/* The errno is that of who wanted the kernel to write there. */
	{ .name = "touch", .what = "The first touch of a view's mapping", GPU,
	  .prepare = make_map, .call = touch, .finish = drop_map, .least = 5,
	  .may = VP_FAULT_PAGES, .errnos = { EFAULT }, .not_enomem = true },
	{ .name = "touch-large",
	  .what = "The first touch of a mapping with huge pages", GPU,
	  .prepare = make_large_map, .call = touch, .finish = drop_large_map,
	  .least = 6, .may = VP_FAULT_PAGES, .errnos = { EFAULT },
	  .not_enomem = true },
};

igt_main
{
	vp_fault_begin();
	igt_fixture
		seed_bytes();
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
	vp_fault_end();
}
