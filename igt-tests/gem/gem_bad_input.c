// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a GPU refuses: each with the errno its documentation promises, and
 * without a trace in the module's object counts while the file is still open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_test.h"

IGT_TEST_DESCRIPTION("Bad sizes, flags, handles, pointers and mappings");

#define NO_SUCH_HANDLE	0x00abcdefu

static void size_zero(void)
{
	int gpu = vp_open(0);

	vp_assert_refused(vp_try_create(gpu, 0, 0, NULL), EINVAL);
	close(gpu);
}

/* What no file could have: above 2^63 - 1 when rounded up to pages. */
static void size_impossible(void)
{
	static const uint64_t sizes[] = {
		1ull << 63,
		(1ull << 63) - 1,
		(1ull << 63) - VP_PAGE + 1,
		(1ull << 63) + 1,
		~0ull,
		~0ull - VP_PAGE + 1,
	};
	int gpu = vp_open(0);

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
		igt_debug("size %#llx\n", (unsigned long long)sizes[i]);
		vp_assert_refused(vp_try_create(gpu, sizes[i], 0, NULL),
				  EINVAL);
	}
	close(gpu);
}

static void size_beyond_memory(void)
{
	int gpu = vp_open(0);
	uint64_t max = vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE);
	const uint64_t sizes[] = {
		max + 1,
		max + VP_PAGE,
		2 * max,
		1ull << 48,
		1ull << 62,
		(1ull << 63) - VP_PAGE,
	};

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(sizes); i++) {
		igt_debug("size %#llx\n", (unsigned long long)sizes[i]);
		vp_assert_refused(vp_try_create(gpu, sizes[i], 0, NULL),
				  ENOMEM);
	}
	close(gpu);
}

static void create_flags(void)
{
	int gpu = vp_open(0);

	for (int bit = 0; bit < 32; bit++)
		vp_assert_refused(vp_try_create(gpu, VP_PAGE, 1u << bit, NULL),
				  EINVAL);
	close(gpu);
}

static void padding(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, VP_PAGE);

	for (int bit = 0; bit < 32; bit++) {
		uint32_t pad = 1u << bit;

		vp_assert_refused(vp_try_mmap_offset(gpu, handle, pad, NULL),
				  EINVAL);
		vp_assert_refused(vp_try_info(gpu, handle, pad, NULL), EINVAL);
		vp_assert_refused(vp_try_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE,
					       pad, NULL), EINVAL);
	}
	close(gpu);
}

static void unknown_param(void)
{
	static const uint32_t unknown[] = { 8, 9, 1000, 1u << 31, ~0u };
	int gpu = vp_open(0);

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(unknown); i++)
		vp_assert_refused(vp_try_param(gpu, unknown[i], 0, NULL),
				  EINVAL);
	close(gpu);
}

static void unknown_ioctl(void)
{
	uint64_t space[64] = {};
	int gpu = vp_open(0);

	/* Beyond vprime's own, and between vgem's two and vprime's first. */
	for (unsigned int nr = 0x03; nr < 0x60; nr++) {
		unsigned long request = DRM_IOWR(DRM_COMMAND_BASE + nr,
						 struct drm_vprime_gem_info);

		if (nr >= DRM_VPRIME_GEM_CREATE && nr <= 0x1f)
			continue;	/* taken, or for what comes next */
		vp_assert_refused(vp_try_ioctl(gpu, request, space), EINVAL);
	}
	close(gpu);
}

/* Every ioctl that takes a handle, with one that this file does not have. */
static void assert_no_such_handle(int gpu, uint32_t handle)
{
	vp_assert_refused(vp_try_info(gpu, handle, 0, NULL), ENOENT);
	vp_assert_refused(vp_try_mmap_offset(gpu, handle, 0, NULL), ENOENT);
	vp_assert_refused(vp_try_map_dumb(gpu, handle, NULL), ENOENT);
	vp_assert_refused(vp_try_export(gpu, handle, DRM_CLOEXEC), ENOENT);
	/* These two are the DRM core's, and that is what it says. */
	vp_assert_refused(vp_try_close(gpu, handle), EINVAL);
	vp_assert_refused(vp_try_destroy_dumb(gpu, handle), EINVAL);
}

static void unknown_handle(void)
{
	int gpu = vp_open(0);

	assert_no_such_handle(gpu, NO_SUCH_HANDLE);
	assert_no_such_handle(gpu, 0);
	assert_no_such_handle(gpu, ~0u);
	close(gpu);
}

static void closed_handle(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, VP_PAGE);

	vp_close(gpu, handle);
	assert_no_such_handle(gpu, handle);
	close(gpu);
}

static void handle_of_another_file(unsigned int other_gpu)
{
	int owner = vp_open(0), stranger = vp_open(other_gpu);
	uint32_t handle = vp_create(owner, VP_PAGE);

	assert_no_such_handle(stranger, handle);
	igt_assert_eq(vp_info(owner, handle).size, VP_PAGE);
	close(stranger);
	close(owner);
}

static const unsigned long ioctls[] = {
	DRM_IOCTL_VPRIME_GEM_CREATE,
	DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET,
	DRM_IOCTL_VPRIME_GEM_INFO,
	DRM_IOCTL_VPRIME_GET_PARAM,
	DRM_IOCTL_MODE_CREATE_DUMB,
	DRM_IOCTL_MODE_MAP_DUMB,
	DRM_IOCTL_MODE_DESTROY_DUMB,
	DRM_IOCTL_PRIME_HANDLE_TO_FD,
	DRM_IOCTL_PRIME_FD_TO_HANDLE,
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
	for (unsigned int i = 0; i < VP_ARRAY_SIZE(ioctls); i++)
		for (unsigned int p = 0; p < VP_ARRAY_SIZE(bad); p++) {
			igt_debug("ioctl %#lx, pointer %p\n", ioctls[i],
				  bad[p]);
			vp_assert_refused(vp_try_ioctl(gpu, ioctls[i], bad[p]),
					  EFAULT);
		}
	munmap(page, VP_PAGE);
	close(gpu);
}

/*
 * The argument can be read, so the work is done; but its result has nowhere to
 * go. The buffer stays until the file is closed, as with the DRM core's own
 * ioctls. The next one is whole, and has a handle of its own.
 */
static void read_only_pointer(enum vp_node node, unsigned long request, const void *arg,
			      size_t size)
{
	struct vp_counts before = vp_counts();
	int gpu = vp_open_node(0, node);
	uint32_t handle;
	void *page = mmap(NULL, VP_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(page != MAP_FAILED);
	memcpy(page, arg, size);
	igt_assert_eq(mprotect(page, VP_PAGE, PROT_READ), 0);
	igt_assert_eq(vp_try_ioctl(gpu, request, page), -EFAULT);
	igt_assert_eq(vp_counts().buffers, before.buffers + 1);

	handle = vp_create(gpu, VP_PAGE);
	igt_assert_eq(vp_info(gpu, handle).size, VP_PAGE);
	igt_assert_eq(vp_counts().buffers, before.buffers + 2);
	munmap(page, VP_PAGE);
	close(gpu);
	vp_assert_counts(&before);
}

static void read_only_pointer_create(void)
{
	const struct drm_vprime_gem_create create = { .size = VP_PAGE };

	read_only_pointer(VP_RENDER, DRM_IOCTL_VPRIME_GEM_CREATE, &create, sizeof(create));
}

static void read_only_pointer_dumb(enum vp_node node)
{
	const struct drm_mode_create_dumb create = { .width = 64, .height = 64, .bpp = 32 };

	read_only_pointer(node, DRM_IOCTL_MODE_CREATE_DUMB, &create, sizeof(create));
}

static void bad_dumb(enum vp_node node)
{
	static const struct {
		uint32_t width, height, bpp;
	} bad[] = {
		{ 0, 64, 32 }, { 64, 0, 32 }, { 64, 64, 0 }, { 0, 0, 0 },
		/* Pitch or size beyond 32 bits. */
		{ ~0u, 1, 32 }, { ~0u, ~0u, 32 }, { 1u << 30, 1, 32 },
		{ 1u << 16, 1u << 16, 32 }, { 64, 1u << 26, 32 },
		{ 1, ~0u, 8 },
		/* Within 32 bits until the pitch, or the size, is rounded up. */
		{ (1u << 30) - 1, 1, 32 }, { (1u << 30) - 16, 1, 32 },
		{ 1, 1u << 26, 8 }, { 1, 0xf0000000u, 8 },
		/* Bits per pixel that wrap when counted in bytes. */
		{ 1, 1, ~0u }, { 8, 1, ~0u - 7 }, { 64, 64, 1u << 31 },
	};
	int gpu = vp_open_node(0, node);

	for (unsigned int i = 0; i < VP_ARRAY_SIZE(bad); i++) {
		igt_debug("%u x %u, %u bits\n", bad[i].width, bad[i].height,
			  bad[i].bpp);
		vp_assert_refused(vp_try_create_dumb(gpu, bad[i].width,
						     bad[i].height, bad[i].bpp,
						     NULL), EINVAL);
	}
	close(gpu);
}

/* 4 GiB less 1 MiB: no overflow, but more than a small machine has. */
static void dumb_beyond_memory(enum vp_node node)
{
	const uint64_t size = 65536ull * 65520;
	int gpu = vp_open_node(0, node);

	igt_require_f(vp_param(gpu, DRM_VPRIME_PARAM_MAX_SIZE) < size,
		      "this machine has the memory\n");
	vp_assert_refused(vp_try_create_dumb(gpu, 16384, 65520, 32, NULL),
			  ENOMEM);
	close(gpu);
}

static void mmap_beyond_end(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, 2 * VP_PAGE);
	uint64_t at = vp_mmap_offset(gpu, handle);
	const int rw = PROT_READ | PROT_WRITE;

	vp_assert_refused(vp_try_mmap(gpu, at, 3 * VP_PAGE, rw, MAP_SHARED,
				      NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, at, 64 * VP_MIB, PROT_READ,
				      MAP_SHARED, NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, at + VP_PAGE, 2 * VP_PAGE, rw,
				      MAP_SHARED, NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, at + 2 * VP_PAGE, VP_PAGE, rw,
				      MAP_SHARED, NULL), EINVAL);
	close(gpu);
}

static void mmap_no_buffer(void)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, VP_PAGE);
	uint64_t at = vp_mmap_offset(gpu, handle);

	vp_close(gpu, handle);
	vp_assert_refused(vp_try_mmap(gpu, at, VP_PAGE, PROT_READ, MAP_SHARED,
				      NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, 0, VP_PAGE, PROT_READ, MAP_SHARED,
				      NULL), EINVAL);
	close(gpu);
}

static void mmap_private(void)
{
	int gpu = vp_open(0);
	uint64_t at = vp_mmap_offset(gpu, vp_create(gpu, VP_PAGE));

	vp_assert_refused(vp_try_mmap(gpu, at, VP_PAGE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE, NULL), EINVAL);
	vp_assert_refused(vp_try_mmap(gpu, at, VP_PAGE, PROT_READ,
				      MAP_PRIVATE, NULL), EINVAL);
	close(gpu);
}

static void mmap_read_only_node(void)
{
	int owner = vp_open(0);
	int reader = vp_try_open_node(0, VP_RENDER, O_RDONLY);
	int dmabuf = vp_export(owner, vp_create(owner, VP_PAGE));
	uint64_t at;

	igt_assert_lte(0, reader);
	at = vp_mmap_offset(reader, vp_import(reader, dmabuf));
	vp_assert_refused(vp_try_mmap(reader, at, VP_PAGE,
				      PROT_READ | PROT_WRITE, MAP_SHARED, NULL),
			  EACCES);
	igt_assert_eq(vp_try_mmap(reader, at, VP_PAGE, PROT_READ, MAP_SHARED,
				  NULL), 0);
	close(dmabuf);
	close(reader);
	close(owner);
}

/* Offsets are numbers that can be guessed; only who has the handle may map. */
static void mmap_of_another_file(void)
{
	int owner = vp_open(0), stranger = vp_open(0);
	uint64_t at = vp_mmap_offset(owner, vp_create(owner, VP_PAGE));

	vp_assert_refused(vp_try_mmap(stranger, at, VP_PAGE, PROT_READ,
				      MAP_SHARED, NULL), EACCES);
	close(stranger);
	close(owner);
}

igt_main
{
	igt_describe("GEM_CREATE of 0 bytes is EINVAL");
	vp_subtest("create-size-zero")
		size_zero();

	igt_describe("GEM_CREATE of 2^63 bytes and more, rounded up, is EINVAL");
	vp_subtest("create-size-impossible")
		size_impossible();

	igt_describe("GEM_CREATE of more than all memory is ENOMEM");
	vp_subtest("create-size-beyond-memory")
		size_beyond_memory();

	igt_describe("Every bit of GEM_CREATE's flags is unknown, and EINVAL");
	vp_subtest("create-unknown-flag")
		create_flags();

	igt_describe("Padding that is not zero is EINVAL");
	vp_subtest("padding-not-zero")
		padding();

	igt_describe("GET_PARAM of no parameter is EINVAL");
	vp_subtest("get-param-unknown")
		unknown_param();

	igt_describe("Ioctl numbers that nothing answers to are EINVAL");
	vp_subtest("unknown-ioctl")
		unknown_ioctl();

	igt_describe("A handle that never was is ENOENT");
	vp_subtest("unknown-handle")
		unknown_handle();

	igt_describe("A handle that was closed is ENOENT, a second close EINVAL");
	vp_subtest("closed-handle")
		closed_handle();

	igt_describe("A handle of another file of the same GPU is ENOENT");
	vp_subtest("handle-of-another-file")
		handle_of_another_file(0);

	igt_describe("A handle of another GPU is ENOENT");
	vp_subtest("handle-of-another-gpu")
		handle_of_another_file(1);

	igt_describe("Argument pointers that fault are EFAULT on the render node");
	vp_subtest("faulting-pointer-render")
		faulting_pointer(VP_RENDER);

	igt_describe("Argument pointers that fault are EFAULT on the primary node");
	vp_subtest("faulting-pointer-primary")
		faulting_pointer(VP_PRIMARY);

	igt_describe("GEM_CREATE with an argument that cannot be written leaves its buffer to the file");
	vp_subtest("read-only-pointer")
		read_only_pointer_create();

	igt_describe("So does CREATE_DUMB on a render node");
	vp_subtest("read-only-pointer-dumb-render")
		read_only_pointer_dumb(VP_RENDER);

	igt_describe("So does CREATE_DUMB on a primary node");
	vp_subtest("read-only-pointer-dumb-primary")
		read_only_pointer_dumb(VP_PRIMARY);

	igt_describe("CREATE_DUMB on the render node: zero and overflowing sizes are EINVAL");
	vp_subtest("dumb-bad-size-render")
		bad_dumb(VP_RENDER);

	igt_describe("CREATE_DUMB on the primary node: zero and overflowing sizes are EINVAL");
	vp_subtest("dumb-bad-size-primary")
		bad_dumb(VP_PRIMARY);

	igt_describe("CREATE_DUMB of more than all memory is ENOMEM on both nodes");
	vp_subtest("dumb-beyond-memory") {
		dumb_beyond_memory(VP_RENDER);
		dumb_beyond_memory(VP_PRIMARY);
	}

	igt_describe("A mapping that reaches beyond the buffer is EINVAL");
	vp_subtest("mmap-beyond-end")
		mmap_beyond_end();

	igt_describe("An offset at which there is no buffer is EINVAL");
	vp_subtest("mmap-no-buffer")
		mmap_no_buffer();

	igt_describe("A private mapping is EINVAL, even to read only");
	vp_subtest("mmap-private")
		mmap_private();

	igt_describe("A writable mapping of a node opened read-only is EACCES");
	vp_subtest("mmap-read-only-node")
		mmap_read_only_node();

	igt_describe("Another file's offset is EACCES");
	vp_subtest("mmap-of-another-file")
		mmap_of_another_file();
}
