// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our module that takes the kernel's vgem's place: that it loads and stands by
 * itself, what it does not take over from vprime, what keeps it in place, and
 * that nothing of it is left behind. What it answers is vgem_compare.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <xf86drm.h>

#include "vp_sync.h"
#include "vp_test.h"
#include "vp_vgem.h"

IGT_TEST_DESCRIPTION("Our vgem: loading, what keeps it in place, what it leaves");

#define RW		(PROT_READ | PROT_WRITE)

static uint32_t new_buffer(int vgem)
{
	return vp_create_dumb(vgem, 64, 64, 32).handle;
}

/* Nothing keeps it any more. */
static void assert_free(void)
{
	vp_vgem_unload();
	igt_assert_eq(vp_try_vgem_load(), 0);
}

static void load(void)
{
	char path[300];
	int fd;

	for (int i = 0; i < 5; i++) {
		for (enum vp_node node = VP_RENDER; node <= VP_PRIMARY;
		     node++) {
			fd = vp_vgem_open(node);
			drmVersionPtr version = drmGetVersion(fd);

			igt_assert(version);
			igt_assert(!strcmp(version->name, "vgem"));
			drmFreeVersion(version);
			close(fd);
		}
		igt_assert_eq(vp_try_vgem_load(), -EEXIST);
		igt_assert_eq(vp_try_vgem_unload(), 0);
		igt_assert_eq(vp_vgem_node_path(VP_RENDER, path, sizeof(path)),
			      -ENODEV);
		igt_assert_eq(vp_try_vgem_load(), 0);
	}
}

/* One name, one module: who comes first stays. */
static void beside_stock(void)
{
	vp_load_foreign("vgem");
	igt_assert_eq(vp_vgem_which(), VP_VGEM_OURS);
	vp_vgem_load(VP_VGEM_STOCK);
	igt_assert_eq(vp_try_vgem_load(), -EEXIST);
	igt_assert_eq(vp_vgem_which(), VP_VGEM_STOCK);
	vp_vgem_load(VP_VGEM_OURS);
}

static void use(void)
{
	int vgem = vp_vgem_open(VP_PRIMARY), other = vp_vgem_open(VP_RENDER);
	struct vp_dumb dumb = vp_create_dumb(vgem, 64, 64, 32);
	int dmabuf = vp_export(vgem, dumb.handle);
	void *map = vp_map_dumb(vgem, dumb.handle, dumb.size), *through;
	uint32_t imported = vp_import(other, dmabuf), fence;

	vp_fill(map, dumb.size, 1);
	through = vp_map_dmabuf(dmabuf, dumb.size, RW);
	vp_assert_pattern(through, dumb.size, 1);
	vp_fill(through, dumb.size, 2);
	vp_assert_pattern(map, dumb.size, 2);
	fence = vp_fence_attach(other, imported, true);
	igt_assert_eq(vp_poll(dmabuf, POLLIN, 0), 0);
	vp_fence_signal(other, fence);
	igt_assert_eq(vp_poll(dmabuf, POLLIN, 0), POLLIN);
	vp_unmap(through, dumb.size);
	vp_unmap(map, dumb.size);
	close(dmabuf);
	close(other);
	close(vgem);
}

static void without_vprime(void)
{
	vp_vgem_unload();
	vp_unload();
	igt_assert_eq(vp_try_vgem_load(), 0);
	use();
	igt_assert(!vp_loaded());
	vp_vgem_unload();
	vp_reload(VP_DEFAULT_GPUS);
	igt_assert_eq(vp_try_vgem_load(), 0);
}

/* Whichever comes first, and whichever goes. */
static void beside_vprime(void)
{
	use();
	vp_unload();
	use();
	vp_reload(VP_DEFAULT_GPUS);
	use();
	vp_vgem_unload();
	igt_assert_eq(vp_gpus(), VP_DEFAULT_GPUS);
	igt_assert_eq(vp_try_vgem_load(), 0);
	use();
}

static void no_ioctls_of_vprime(void)
{
	static const unsigned long ours[] = {
		DRM_IOCTL_VPRIME_GEM_CREATE, DRM_IOCTL_VPRIME_GEM_MMAP_OFFSET,
		DRM_IOCTL_VPRIME_GEM_INFO, DRM_IOCTL_VPRIME_GET_PARAM,
		DRM_IOCTL_VPRIME_GEM_PEEK, DRM_IOCTL_VPRIME_GEM_POKE,
		DRM_IOCTL_VPRIME_GEM_WAIT, DRM_IOCTL_VPRIME_TIMELINE_CREATE,
		DRM_IOCTL_VPRIME_TIMELINE_DESTROY,
		DRM_IOCTL_VPRIME_TIMELINE_SIGNAL,
		DRM_IOCTL_VPRIME_FENCE_CREATE,
	};

	for (enum vp_node node = VP_RENDER; node <= VP_PRIMARY; node++) {
		int vgem = vp_vgem_open(node);

		for (size_t i = 0; i < VP_ARRAY_SIZE(ours); i++) {
			uint64_t argument[16] = {};

			igt_assert_eq(vp_try_ioctl(vgem, ours[i], argument),
				      -EINVAL);
		}
		close(vgem);
	}
}

static void kept_by_file(enum vp_node node)
{
	int vgem = vp_vgem_open(node), again;

	vp_assert_vgem_kept();
	again = dup(vgem);
	close(vgem);
	vp_assert_vgem_kept();
	close(again);
	assert_free();
}

static void kept_by_dmabuf(void)
{
	int vgem = vp_vgem_open(VP_PRIMARY), dmabuf;

	dmabuf = vp_export(vgem, new_buffer(vgem));
	close(vgem);
	vp_assert_vgem_kept();
	close(dmabuf);
	assert_free();
}

static void kept_by_mapping(bool through_fd)
{
	int vgem = vp_vgem_open(VP_PRIMARY);
	struct vp_dumb dumb = vp_create_dumb(vgem, 64, 64, 32);
	int dmabuf = vp_export(vgem, dumb.handle);
	void *map = through_fd ? vp_map_dmabuf(dmabuf, dumb.size, RW) :
				 vp_map_dumb(vgem, dumb.handle, dumb.size);

	vp_fill(map, dumb.size, 1);
	close(dmabuf);
	close(vgem);
	vp_assert_vgem_kept();
	vp_assert_pattern(map, dumb.size, 1);
	/* Half of one is one. */
	vp_unmap(map, dumb.size / 2);
	vp_assert_vgem_kept();
	vp_unmap((char *)map + dumb.size / 2, dumb.size / 2);
	assert_free();
}

static void kept_by_forked_mapping(void)
{
	int vgem = vp_vgem_open(VP_PRIMARY), sock[2];
	struct vp_dumb dumb = vp_create_dumb(vgem, 64, 64, 32);
	void *map = vp_map_dumb(vgem, dumb.handle, dumb.size);

	close(vgem);
	vp_fill(map, dumb.size, 1);
	vp_socketpair(sock);
	igt_fork(child, 1) {
		vp_hear(sock[1]);
		vp_assert_pattern(map, dumb.size, 1);
	}
	vp_unmap(map, dumb.size);
	vp_assert_vgem_kept();
	vp_tell(sock[0], 'g');
	igt_waitchildren();
	close(sock[0]);
	close(sock[1]);
	assert_free();
}

/* Someone has the fence as a sync_file, and nothing else of vgem. */
static int only_sync(bool signaled)
{
	int vgem = vp_vgem_open(VP_PRIMARY), dmabuf, sync;
	uint32_t handle = new_buffer(vgem), fence;

	dmabuf = vp_export(vgem, handle);
	fence = vp_fence_attach(vgem, handle, true);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_READ);
	vp_assert_sync(sync, "vgem", "unbound", 0);
	if (signaled)
		vp_fence_signal(vgem, fence);
	close(dmabuf);
	close(vgem);
	return sync;
}

static void kept_by_sync_file(bool signaled)
{
	int sync = only_sync(signaled), other = only_sync(!signaled), merged;

	vp_assert_vgem_kept();
	/* All that it is asked for, its names if it keeps them, is in the module. */
	vp_assert_sync(sync, "vgem", "unbound", 1);
	merged = vp_sync_merge(sync, other, "both");
	close(sync);
	close(other);
	vp_assert_vgem_kept();
	igt_assert_eq(vp_poll(merged, POLLIN, VP_PATIENCE_MS), POLLIN);
	close(merged);
	/* The last reference may be dropped by a callback that is under way. */
	assert_free();
}

/* In a sync object of another driver. */
static void kept_by_syncobj(void)
{
	int sync = only_sync(false), gpu = vp_open(0);
	uint32_t object;

	igt_assert_eq(drmSyncobjCreate(gpu, 0, &object), 0);
	igt_assert_eq(drmSyncobjImportSyncFile(gpu, object, sync), 0);
	close(sync);
	vp_assert_vgem_kept();
	igt_assert_eq(drmSyncobjWait(gpu, &object, 1, 0, 0, NULL), 0);
	vp_assert_vgem_kept();
	igt_assert_eq(drmSyncobjDestroy(gpu, object), 0);
	close(gpu);
	assert_free();
}

/*
 * On a buffer of another driver, which asks it for its names when it lists what
 * its buffers wait for.
 */
static void kept_by_reservation(void)
{
	int vgem = vp_vgem_open(VP_RENDER), gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, VP_PAGE);

	dmabuf = vp_export(gpu, handle);
	vp_fence_attach(vgem, vp_import(vgem, dmabuf), true);
	igt_assert(!vp_idle(gpu, handle, false));
	close(vgem);
	igt_assert(vp_idle(gpu, handle, false));
	vp_assert_vgem_kept();
	/* The next one takes the place of one that has signalled. */
	vp_fence_attach(gpu, handle, true);
	assert_free();
	close(dmabuf);
	close(gpu);
}

static void kept_by_import(void)
{
	int vgem = vp_vgem_open(VP_PRIMARY), gpu = vp_open(0), dmabuf;

	dmabuf = vp_export(vgem, new_buffer(vgem));
	vp_import(gpu, dmabuf);
	close(dmabuf);
	close(vgem);
	vp_assert_vgem_kept();
	close(gpu);
	assert_free();
}

/* vgem has a buffer of vprime's: vprime is the one that stays. */
static void keeps_vprime(void)
{
	int vgem = vp_vgem_open(VP_RENDER), gpu = vp_open(0), dmabuf;

	dmabuf = vp_export(gpu, vp_create(gpu, VP_PAGE));
	vp_import(vgem, dmabuf);
	close(dmabuf);
	close(gpu);
	igt_assert_eq(vp_try_unload(), -EWOULDBLOCK);
	close(vgem);
	vp_unload();
	vp_reload(VP_DEFAULT_GPUS);
}

/* A child that has put a pending fence on a buffer, and sent the dma-buf. */
static void __attribute__((noreturn)) hold_fence(int sock)
{
	int vgem = vp_vgem_open(VP_PRIMARY);
	uint32_t handle = new_buffer(vgem);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	vp_fence_attach(vgem, handle, true);
	vp_send_fd(sock, vp_export(vgem, handle));
	for (;;)
		pause();
}

static void maker_is_killed(void)
{
	int sock[2], dmabuf, sync;
	pid_t child;

	vp_socketpair(sock);
	child = fork();
	igt_assert_lte(0, child);
	if (!child)
		hold_fence(sock[1]);
	vp_started(child);
	dmabuf = vp_recv_fd(sock[0]);
	sync = vp_dmabuf_get_sync(dmabuf, DMA_BUF_SYNC_READ);
	igt_assert_eq(vp_sync_state(sync), 0);
	vp_kill(child);
	igt_assert_eq(vp_poll(dmabuf, POLLIN, VP_PATIENCE_MS), POLLIN);
	/* As the kernel's vgem, and unlike vprime: no error. */
	igt_assert_eq(vp_sync_state(sync), 1);
	close(sync);
	close(dmabuf);
	close(sock[0]);
	close(sock[1]);
	assert_free();
}

static long shmem_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = -1;

	igt_assert(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %ld kB", &kib) == 1)
			break;
	fclose(file);
	igt_assert_lte(0, kib);
	return kib;
}

/* Whoever has it last, the pages go with it, and not before. */
static void memory_goes(void)
{
	enum { MIB = 64, SLACK_KIB = 16 * 1024 };
	long before = shmem_kib(), with = before + MIB * 1024 - SLACK_KIB;

	for (int last = 0; last < 3; last++) {
		int vgem = vp_vgem_open(VP_PRIMARY), dmabuf;
		struct vp_dumb dumb = vp_create_dumb(vgem, 1024, MIB * 256, 32);
		void *map;

		igt_assert_eq(dumb.size, MIB * VP_MIB);
		igt_assert_lt(shmem_kib(), before + SLACK_KIB);
		map = vp_map_dumb(vgem, dumb.handle, dumb.size);
		vp_fill_sparse(map, dumb.size, 1);
		dmabuf = vp_export(vgem, dumb.handle);
		igt_assert_lt(with, shmem_kib());
		if (last != 0)
			vp_close(vgem, dumb.handle);
		if (last != 1)
			close(dmabuf);
		if (last != 2)
			vp_unmap(map, dumb.size);
		igt_assert_lt(with, shmem_kib());
		if (last == 0)
			vp_close(vgem, dumb.handle);
		if (last == 1)
			close(dmabuf);
		if (last == 2)
			vp_unmap(map, dumb.size);
		/* What a closed file held is let go of a moment later. */
		for (int ms = 0; shmem_kib() >= before + SLACK_KIB; ms += 10) {
			igt_assert_lt(ms, VP_PATIENCE_MS);
			usleep(10000);
		}
		close(vgem);
	}
}

igt_main
{
	igt_describe("It loads and unloads, over and over, and has one node of each kind");
	vp_vgem_subtest("load")
		load();

	igt_describe("It and the kernel's own cannot be loaded at once");
	vp_vgem_subtest("beside-stock")
		beside_stock();

	igt_describe("It works where vprime is not loaded");
	vp_vgem_subtest("without-vprime")
		without_vprime();

	igt_describe("It and vprime come and go without minding each other");
	vp_vgem_subtest("beside-vprime")
		beside_vprime();

	igt_describe("It has none of vprime's ioctls");
	vp_vgem_subtest("no-ioctls-of-vprime")
		no_ioctls_of_vprime();

	igt_describe("An open primary node keeps it in place");
	vp_vgem_subtest("kept-by-primary-node")
		kept_by_file(VP_PRIMARY);

	igt_describe("An open render node keeps it in place");
	vp_vgem_subtest("kept-by-render-node")
		kept_by_file(VP_RENDER);

	igt_describe("A dma-buf of it keeps it in place");
	vp_vgem_subtest("kept-by-dmabuf")
		kept_by_dmabuf();

	igt_describe("A mapping made through the node keeps it in place");
	vp_vgem_subtest("kept-by-mapping")
		kept_by_mapping(false);

	igt_describe("A mapping made through the dma-buf keeps it in place");
	vp_vgem_subtest("kept-by-dmabuf-mapping")
		kept_by_mapping(true);

	igt_describe("A mapping that only a child has left keeps it in place");
	vp_vgem_subtest("kept-by-forked-mapping")
		kept_by_forked_mapping();

	igt_describe("A sync_file of a fence whose file was closed keeps it in place");
	vp_vgem_subtest("kept-by-sync-file")
		kept_by_sync_file(false);

	igt_describe("A sync_file of a fence that was signalled keeps it in place");
	vp_vgem_subtest("kept-by-signaled-sync-file")
		kept_by_sync_file(true);

	igt_describe("A fence of it in a sync object of vprime's keeps it in place");
	vp_vgem_subtest("kept-by-syncobj")
		kept_by_syncobj();

	igt_describe("A fence of it on a buffer of vprime's keeps it in place, and goes with the buffer");
	vp_vgem_subtest("kept-by-reservation")
		kept_by_reservation();

	igt_describe("A GPU that has a buffer of it keeps it in place");
	vp_vgem_subtest("kept-by-import")
		kept_by_import();

	igt_describe("A buffer of vprime's on it keeps vprime in place");
	vp_vgem_subtest("keeps-vprime")
		keeps_vprime();

	igt_describe("When a process is killed its fences signal, and nothing is left");
	vp_vgem_subtest("maker-is-killed")
		maker_is_killed();

	igt_describe("A buffer's memory goes with the last who has it: handle, dma-buf or mapping");
	vp_vgem_subtest("memory-goes")
		memory_goes();

	igt_fixture
		vp_vgem_end();
}
