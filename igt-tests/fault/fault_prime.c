// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory runs out inside the calls that share buffers: export and import, the
 * dma-buf's own calls, and the files in debugfs that show and disturb buffers.
 */
#define _GNU_SOURCE	/* SYS_getcpu */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_failslab.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Each allocation in the calls about sharing fails, one after the other");

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * VP_PAGE)

/* What the call that is swept needs, and what it has made. */
static struct {
	int gpu, other;		/* GPU 0, and what imports */
	int dmabuf;
	int sync;
	int file;
	char id[24];
	uint32_t handle, made_handle, fence;
	uint32_t read, write;	/* timelines */
	int made;
	void *map;
} s;

/* ---- what is needed ---- */

static void open_one(void)
{
	s.gpu = vp_open(0);
}

static void close_one(void)
{
	close(s.gpu);
}

static void open_same(void)
{
	open_one();
	s.other = s.gpu;
}

static void open_again(void)
{
	open_one();
	s.other = vp_open(0);
}

static void open_two(void)
{
	open_one();
	s.other = vp_open(1);
}

static void close_two(void)
{
	close(s.other);
	close_one();
}

static void make_buffer(void)
{
	s.handle = vp_create(s.gpu, SIZE);
	snprintf(s.id, sizeof(s.id), "%llu",
		 (unsigned long long)vp_id(s.gpu, s.handle));
}

static void close_buffer(void)
{
	vp_close(s.gpu, s.handle);
}

static void make_dmabuf(void)
{
	make_buffer();
	s.dmabuf = vp_export(s.gpu, s.handle);
}

static void drop_dmabuf(void)
{
	close(s.dmabuf);
	close_buffer();
}

/* It has no view any more: who imports it is the first. */
static void make_orphan(void)
{
	make_dmabuf();
	close_buffer();
}

static void drop_orphan(void)
{
	close(s.dmabuf);
}

/* ---- export and import ---- */

static int export_it(void)
{
	s.made = vp_try_export(s.gpu, s.handle, DRM_CLOEXEC | DRM_RDWR);
	return s.made < 0 ? s.made : 0;
}

static void close_made(void)
{
	close(s.made);
}

static void use_export(void)
{
	int gpu = vp_open(1);

	vp_close(gpu, vp_import(gpu, s.made));
	close(gpu);
}

static int import_it(void)
{
	return vp_try_import(s.other, s.dmabuf, &s.made_handle);
}

static void use_import(void)
{
	uint32_t in = 0x76707269, out = 0;

	/* Through the file, another view of the same pages. */
	vp_poke(s.other, s.made_handle, SIZE - 4, &in, sizeof(in));
	s.map = vp_map_dmabuf(s.dmabuf, SIZE, PROT_READ);
	out = ((uint32_t *)s.map)[SIZE / 4 - 1];
	vp_unmap(s.map, SIZE);
	igt_assert_eq(in, out);
}

static void close_import(void)
{
	vp_close(s.other, s.made_handle);
}

/* The file has the handle already, and gets the same. */
static void use_same(void)
{
	igt_assert_eq(s.made_handle, s.handle);
	use_import();
}

static int close_dmabuf(void)
{
	return close(s.dmabuf) ? -errno : 0;
}

/* ---- CPU ---- */

static int map_dmabuf(void)
{
	s.map = mmap(NULL, SIZE, RW, MAP_SHARED, s.dmabuf, 0);
	return s.map == MAP_FAILED ? -errno : 0;
}

static void unmap_it(void)
{
	vp_unmap(s.map, SIZE);
}

static void make_map(void)
{
	make_dmabuf();
	s.map = vp_map_dmabuf(s.dmabuf, SIZE, RW);
}

static void drop_map(void)
{
	unmap_it();
	drop_dmabuf();
}

/* By the kernel, which answers EFAULT where the program would get SIGBUS. */
static int touch(void)
{
	return syscall(SYS_getcpu, s.map, NULL, NULL) ? -errno : 0;
}

static int begin_access(void)
{
	return vp_try_sync(s.dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
}

static int end_access(void)
{
	return vp_try_sync(s.dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);
}

static void must_end(void)
{
	igt_assert_eq(end_access(), 0);
}

static void make_accessed(void)
{
	make_dmabuf();
	igt_assert_eq(begin_access(), 0);
}

static void open_incoherent(void)
{
	s.gpu = vp_config_open("fault", "coherent=0");
}

static void close_incoherent(void)
{
	close(s.gpu);
	vp_config_remove("fault");
}

/* The CPU and the GPU have written a page each that the other has not been shown. */
static void make_different(void)
{
	uint32_t word = 1;

	make_dmabuf();
	s.map = vp_map_dmabuf(s.dmabuf, SIZE, RW);
	memset(s.map, 2, SIZE);
	vp_poke(s.gpu, s.handle, SIZE - sizeof(word), &word, sizeof(word));
}

static void make_different_access(void)
{
	make_different();
	igt_assert_eq(begin_access(), 0);
}

static int set_name(void)
{
	return ioctl(s.dmabuf, DMA_BUF_SET_NAME_B, "fault") ? -errno : 0;
}

/* ---- fences on the dma-buf ---- */

/* A writer's fence, and one of another timeline as a reader's. */
static void make_fenced(void)
{
	int sync;

	make_dmabuf();
	s.read = vp_timeline(s.gpu, "read");
	s.write = vp_timeline(s.gpu, "write");
	s.sync = vp_fence(s.gpu, s.read, NULL);
	vp_dmabuf_put_sync(s.dmabuf, s.sync, DMA_BUF_SYNC_READ);
	sync = vp_fence(s.gpu, s.write, NULL);
	vp_dmabuf_put_sync(s.dmabuf, sync, DMA_BUF_SYNC_WRITE);
	close(sync);
}

static void drop_fenced(void)
{
	close(s.sync);
	vp_timeline_destroy(s.gpu, s.read);
	vp_timeline_destroy(s.gpu, s.write);
	drop_dmabuf();
}

static int get_sync(void)
{
	s.made = vp_try_dmabuf_get_sync(s.dmabuf, DMA_BUF_SYNC_RW);
	return s.made < 0 ? s.made : 0;
}

static void use_sync(void)
{
	igt_assert_eq(vp_sync_state(s.made), 0);
}

static int poll_dmabuf(void)
{
	struct pollfd poll_one = { .fd = s.dmabuf, .events = POLLIN | POLLOUT };

	return poll(&poll_one, 1, 0) < 0 ? -errno : 0;
}

/* A fence that is on no buffer yet. */
static void make_sync(void)
{
	make_dmabuf();
	s.write = vp_timeline(s.gpu, "write");
	s.sync = vp_fence(s.gpu, s.write, NULL);
}

static void drop_sync(void)
{
	close(s.sync);
	vp_timeline_destroy(s.gpu, s.write);
	drop_dmabuf();
}

static int put_sync(void)
{
	return vp_try_dmabuf_put_sync(s.dmabuf, s.sync, DMA_BUF_SYNC_WRITE);
}

static void use_busy(void)
{
	igt_assert(!vp_idle(s.gpu, s.handle, false));
}

/* ---- debugfs ---- */

static void open_file(const char *path, int flags)
{
	s.file = open(path, flags | O_CLOEXEC);
	igt_assert_f(s.file >= 0, "%s: %s\n", path, strerror(errno));
}

static void open_move(void)
{
	open_one();
	open_file(VP_WATCH_DIR "/move", O_WRONLY);
}

static void open_revoke(void)
{
	open_one();
	open_file(VP_WATCH_DIR "/revoke", O_WRONLY);
}

static void close_file(void)
{
	close(s.file);
	close_one();
}

static int write_id(void)
{
	size_t len = strlen(s.id);

	return write(s.file, s.id, len) < 0 ? -errno : 0;
}

/* With pages, a mapping on each of two GPUs, and a CPU's. */
static void make_movable(void)
{
	uint32_t word = 0x76707269;

	make_map();
	*(uint32_t *)s.map = word;
	vp_peek(s.gpu, s.handle, 0, &word, sizeof(word));
}

static void use_moved(void)
{
	uint32_t word = 0;

	igt_assert_eq(*(uint32_t *)s.map, 0x76707269);
	vp_peek(s.gpu, s.handle, 0, &word, sizeof(word));
	igt_assert_eq(word, 0x76707269);
}

static void use_revoked(void)
{
	uint32_t word;

	igt_assert_eq(vp_try_peek(s.gpu, s.handle, 0, &word, sizeof(word)),
		      -ENODEV);
}

static int open_list(const char *path)
{
	s.made = open(path, O_RDONLY | O_CLOEXEC);
	return s.made < 0 ? -errno : 0;
}

static int open_buffers(void)
{
	return open_list(VP_WATCH_LIST);
}

static int open_fences(void)
{
	return open_list(VP_WATCH_DIR "/fences");
}

static int read_list(void)
{
	static char text[4096];

	return pread(s.file, text, sizeof(text), 0) < 0 ? -errno : 0;
}

static void use_list(void)
{
	char byte;

	igt_assert_eq(read(s.made, &byte, 1), 1);
}

static void make_buffers_file(void)
{
	make_fenced();
	open_file(VP_WATCH_LIST, O_RDONLY);
}

static void make_fences_file(void)
{
	make_fenced();
	open_file(VP_WATCH_DIR "/fences", O_RDONLY);
}

static void drop_file(void)
{
	close(s.file);
	drop_fenced();
}

#define GPU	.begin = open_one, .end = close_one
#define DMABUF	GPU, .prepare = make_dmabuf, .finish = drop_dmabuf

static const struct vp_fault_op ops[] = {
	/* The DRM core keeps what it has made until the handle goes. */
	{ .name = "export", .what = "PRIME_HANDLE_TO_FD of a new buffer", GPU,
	  .prepare = make_buffer, .call = export_it, .verify = use_export,
	  .undo = close_made, .finish = close_buffer, .least = 5,
	  .may = VP_FAULT_EXPORT },
	{ .name = "export-again", .what = "PRIME_HANDLE_TO_FD once more", DMABUF,
	  .call = export_it, .verify = use_export, .undo = close_made },
	{ .name = "import-same-file",
	  .what = "PRIME_FD_TO_HANDLE in the file that has the handle",
	  .begin = open_same, .prepare = make_dmabuf, .call = import_it,
	  .verify = use_same, .finish = drop_dmabuf, .end = close_one },
	{ .name = "import-other-file",
	  .what = "PRIME_FD_TO_HANDLE in another file of the GPU",
	  .begin = open_again, .prepare = make_dmabuf, .call = import_it,
	  .verify = use_import, .undo = close_import, .finish = drop_dmabuf,
	  .end = close_two, .least = 2 },
	{ .name = "import-other-gpu",
	  .what = "PRIME_FD_TO_HANDLE on another GPU",
	  .begin = open_two, .prepare = make_dmabuf, .call = import_it,
	  .verify = use_import, .undo = close_import, .finish = drop_dmabuf,
	  .end = close_two, .least = 3 },
	{ .name = "import-orphan",
	  .what = "PRIME_FD_TO_HANDLE of a buffer that has no view any more",
	  .begin = open_two, .prepare = make_orphan, .call = import_it,
	  .verify = use_import, .undo = close_import, .finish = drop_orphan,
	  .end = close_two, .least = 3 },
	{ .name = "close-dmabuf",
	  .what = "Closing the last descriptor of a dma-buf", GPU,
	  .prepare = make_orphan, .call = close_dmabuf, .may = VP_FAULT_NEVER },

	{ .name = "mmap-dmabuf", .what = "mmap of a dma-buf", DMABUF,
	  .call = map_dmabuf, .undo = unmap_it, .least = 1 },
	{ .name = "touch-dmabuf",
	  .what = "The first touch of a dma-buf's mapping", GPU,
	  .prepare = make_map, .call = touch, .finish = drop_map, .least = 5,
	  .may = VP_FAULT_PAGES, .errnos = { EFAULT }, .not_enomem = true },
	{ .name = "touch-dmabuf-incoherent",
	  .what = "The same beside a GPU that does not snoop",
	  .begin = open_incoherent, .prepare = make_map, .call = touch,
	  .finish = drop_map, .end = close_incoherent, .least = 5,
	  .may = VP_FAULT_PAGES, .errnos = { EFAULT }, .not_enomem = true },
	{ .name = "sync-begin", .what = "DMA_BUF_IOCTL_SYNC, the first begin",
	  DMABUF, .call = begin_access, .undo = must_end, .least = 1 },
	{ .name = "sync-end", .what = "DMA_BUF_IOCTL_SYNC, an end", GPU,
	  .prepare = make_accessed, .call = end_access, .finish = drop_dmabuf,
	  .may = VP_FAULT_NEVER },
	{ .name = "sync-begin-incoherent",
	  .what = "DMA_BUF_IOCTL_SYNC, the begin, with a GPU that does not snoop",
	  .begin = open_incoherent, .prepare = make_different,
	  .call = begin_access, .undo = must_end, .finish = drop_map,
	  .end = close_incoherent, .least = 1 },
	{ .name = "sync-end-incoherent",
	  .what = "DMA_BUF_IOCTL_SYNC, the end, with a GPU that does not snoop",
	  .begin = open_incoherent, .prepare = make_different_access,
	  .call = end_access, .finish = drop_map, .end = close_incoherent,
	  .may = VP_FAULT_NEVER },

	{ .name = "set-name", .what = "DMA_BUF_SET_NAME", DMABUF,
	  .call = set_name, .least = 1 },
	{ .name = "poll", .what = "poll of a dma-buf that is busy", GPU,
	  .prepare = make_fenced, .call = poll_dmabuf, .finish = drop_fenced,
	  .may = VP_FAULT_NEVER },

	{ .name = "export-sync-file", .what = "DMA_BUF_IOCTL_EXPORT_SYNC_FILE",
	  GPU, .prepare = make_fenced, .call = get_sync, .verify = use_sync,
	  .undo = close_made, .finish = drop_fenced, .least = 3 },
	{ .name = "import-sync-file", .what = "DMA_BUF_IOCTL_IMPORT_SYNC_FILE",
	  GPU, .prepare = make_sync, .call = put_sync, .verify = use_busy,
	  .finish = drop_sync, .least = 1 },

	{ .name = "move", .what = "Moving a buffer by debugfs",
	  .begin = open_move, .prepare = make_movable, .call = write_id,
	  .verify = use_moved, .finish = drop_map, .end = close_file,
	  .least = 5, .may = VP_FAULT_MAPPINGS },
	{ .name = "revoke", .what = "Revoking a buffer by debugfs",
	  .begin = open_revoke, .prepare = make_movable, .call = write_id,
	  .verify = use_revoked, .finish = drop_map, .end = close_file },
	{ .name = "open-buffers", .what = "Opening the list of buffers", DMABUF,
	  .call = open_buffers, .verify = use_list, .undo = close_made,
	  .least = 2 },
	{ .name = "open-fences", .what = "Opening the list of fences", GPU,
	  .prepare = make_fenced, .call = open_fences, .verify = use_list,
	  .undo = close_made, .finish = drop_fenced, .least = 2 },
	{ .name = "read-buffers", .what = "Reading the list of buffers", GPU,
	  .prepare = make_buffers_file, .call = read_list,
	  .finish = drop_file },
	{ .name = "read-fences", .what = "Reading the list of fences", GPU,
	  .prepare = make_fences_file, .call = read_list,
	  .finish = drop_file },
};

igt_main
{
	vp_fault_begin();
	vp_fault_subtests(ops, VP_ARRAY_SIZE(ops));
	vp_fault_end();
}
