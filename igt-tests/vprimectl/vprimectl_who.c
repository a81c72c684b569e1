// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl who: whatever keeps a GPU or the module has a line, with its process
 * where it has one.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_foreign.h"
#include "vp_json.h"
#include "vp_sw_sync.h"
#include "vp_syncobj.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("vprimectl who: what keeps the GPUs and the module");

#define NAME	"vprimectl_who"		/* what this process is called */
#define RW	(PROT_READ | PROT_WRITE)

/* All that who prints is this row, which is formatted, and that these keep the module. */
static void only(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void only(const char *format, ...)
{
	struct vp_ran ran = vp_ctl("who");
	char wanted[VP_ROW], row[VP_ROW];
	const char *text;
	va_list args;

	vp_assert_done(&ran);
	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	text = vp_assert_row(ran.out, "who|gpu|keeps");
	text = vp_assert_row(text, wanted);
	text = vp_next_row(text, row);
	igt_assert_f(text && !*text && !strncmp(row, "the module is in use (", 22), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
}

static void nothing(void)
{
	struct vp_ran ran = vp_ctl("who");

	vp_assert_done(&ran);
	igt_assert_f(!strcmp(ran.out, "nothing keeps the module: modprobe -r vprime removes it\n"),
		     "printed: %s\n", ran.out);
	vp_ran_free(&ran);
}

/* Released fences let go of the module a moment later. */
static bool is_unused(void)
{
	struct vp_ran ran = vp_ctl("who");
	bool unused = !strncmp(ran.out, "nothing keeps", 13);

	vp_ran_free(&ran);
	return unused;
}

static void node(void)
{
	int gpu = vp_open(0), again;

	only(NAME "[%d]|vprime0|1 open file", getpid());
	vp_create(gpu, VP_PAGE);
	vp_create(gpu, 3 * VP_PAGE);
	only(NAME "[%d]|vprime0|1 open file, 2 handles (16 KiB)", getpid());
	again = vp_open_node(0, VP_PRIMARY);
	vp_create(again, VP_PAGE);
	only(NAME "[%d]|vprime0|2 open files, 3 handles (20 KiB)", getpid());
	close(again);
	close(gpu);
	nothing();
}

struct opener {
	pthread_barrier_t opened;
	int gpu;
};

static void *open_in_thread(void *data)
{
	struct opener *opener = data;

	prctl(PR_SET_NAME, "opener");
	opener->gpu = vp_open(0);
	pthread_barrier_wait(&opener->opened);
	pause();
	return NULL;
}

/* Before Linux 6.4 the kernel notes the thread. The line has its process. */
static void thread(void)
{
	struct opener opener;
	pthread_t id;

	pthread_barrier_init(&opener.opened, NULL, 2);
	igt_assert_eq(pthread_create(&id, NULL, open_in_thread, &opener), 0);
	pthread_barrier_wait(&opener.opened);
	vp_create(opener.gpu, VP_PAGE);
	only(NAME "[%d]|vprime0|1 open file, 1 handle (4 KiB)", getpid());
	igt_assert_eq(pthread_cancel(id), 0);
	igt_assert_eq(pthread_join(id, NULL), 0);
	pthread_barrier_destroy(&opener.opened);
	close(opener.gpu);
	nothing();
}

static void dmabuf(void)
{
	int gpu = vp_open(1), fd = vp_export(gpu, vp_create(gpu, VP_PAGE)), twice = dup(fd);

	close(gpu);
	only(NAME "[%d]|vprime1|2 dma-bufs", getpid());
	close(twice);
	only(NAME "[%d]|vprime1|1 dma-buf", getpid());
	close(fd);
	nothing();
}

static void mapping(void)
{
	int gpu = vp_open(0), fd = vp_export(gpu, vp_create(gpu, VP_PAGE));
	void *map = vp_map_dmabuf(fd, VP_PAGE, RW);

	close(fd);
	close(gpu);
	only(NAME "[%d]|vprime0|1 mapping", getpid());
	vp_unmap(map, VP_PAGE);
	nothing();
}

static void node_mapping(void)
{
	int gpu = vp_open(0);
	void *map = vp_map(gpu, vp_create(gpu, VP_PAGE), VP_PAGE, RW);

	close(gpu);
	only(NAME "[%d]|vprime0|1 handle (4 KiB), 1 mapping", getpid());
	vp_unmap(map, VP_PAGE);
	nothing();
}

static void sync_file(void)
{
	int gpu = vp_open(0), fd = vp_fence(gpu, vp_timeline(gpu, "frames"), NULL);
	char wanted[VP_ROW], owner[VP_ROW];
	struct vp_ran ran;

	only(NAME "[%d]|vprime0|1 open file, 1 fence in sync_files", getpid());
	/* It signals, and on Linux 7.x does not tell its driver any more. */
	close(gpu);
	ran = vp_ctl("who");
	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), "\n" NAME "[%d]  vprime0  1 fence in sync_files\n", getpid());
	snprintf(owner, sizeof(owner), " or on buffers of other drivers, of: " NAME "[%d]\n", getpid());
	igt_assert_f(strstr(ran.out, wanted) || strstr(ran.out, owner), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
	close(fd);
	vp_await(is_unused());
}

/* A dma-buf, and a file, that have been sent and not received. */
static void in_socket(void)
{
	int gpu = vp_open(0), fd, sock[2];
	uint64_t id;
	uint32_t handle = vp_create(gpu, VP_PAGE);

	id = vp_id(gpu, handle);
	fd = vp_export(gpu, handle);
	vp_socketpair(sock);
	vp_send_fd(sock[0], fd);
	close(fd);
	close(gpu);
	only("socket|vprime0|1 dma-buf, buffer %llu: no process has it, so it is on its way in a socket, "
	     "not received by: " NAME "[%d]", (unsigned long long)id, getpid());
	close(vp_recv_fd(sock[1]));

	gpu = vp_open(0);
	vp_send_fd(sock[0], gpu);
	close(gpu);
	only(NAME "[%d]|vprime0|a file that it opened, and that is on its way in a socket", getpid());
	close(sock[0]);
	close(sock[1]);
	vp_await(is_unused());
}

static void syncobj(void)
{
	int gpu = vp_open(0), fence = vp_fence(gpu, vp_timeline(gpu, "frames"), NULL), fd;
	uint32_t handle = vp_syncobj(gpu, 0);

	vp_syncobj_put_sync(gpu, handle, fence);
	fd = vp_syncobj_to_fd(gpu, handle);
	close(fence);
	close(gpu);
	only("fences|-|1 in syncobjs, signalled in sync_files, or on buffers of other drivers, of: " NAME "[%d]", getpid());
	close(fd);
	vp_await(is_unused());
}

/* A fence that stays in the reservation of a buffer of vgem's, signalled or not. */
static void foreign_fence(void)
{
	int gpu = vp_open(0), vgem, fd;
	uint32_t handle;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	fd = vp_export(vgem, vp_create_dumb(vgem, 64, 64, 32).handle);
	handle = vp_import(gpu, fd);
	vp_fence_signal(gpu, vp_fence_attach(gpu, handle, true));
	close(fd);
	close(gpu);
	only("fences|-|1 in syncobjs, signalled in sync_files, or on buffers of other drivers, of: " NAME "[%d]", getpid());
	close(vgem);
	vp_await(is_unused());
	vp_unload_foreign("vgem");
}

static void foreign_import(void)
{
	int gpu = vp_open(0), vgem, fd;
	uint32_t handle = vp_create(gpu, VP_PAGE);
	unsigned long long id = vp_id(gpu, handle);
	struct vp_ran ran;
	char row[VP_ROW], wanted[VP_ROW];

	fd = vp_export(gpu, handle);
	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	vp_import(vgem, fd);
	close(fd);
	close(gpu);
	ran = vp_ctl("who");
	vp_assert_done(&ran);
	vp_find_row(ran.out, "device vgem (", row);
	snprintf(wanted, sizeof(wanted), ")|vprime0|1 dma-buf, imports buffer %llu, for a process that has it open: "
		 NAME "[%d]", id, getpid());
	igt_assert_f(strstr(row, wanted), "row: %s\n", row);
	vp_ran_free(&ran);
	close(vgem);
	vp_await(is_unused());
	vp_unload_foreign("vgem");
}

/* An importer whose device has no node. */
static void module_import(void)
{
	struct vp_foreign_shared shared = vp_foreign_share(VP_PAGE);
	struct vp_ran ran;
	char row[VP_ROW];

	vp_foreign_hold(shared.foreign, shared.dmabuf);
	ran = vp_ctl("who");
	vp_assert_done(&ran);
	vp_find_row(ran.out, "device " VP_FOREIGN_DEVICE " (", row);
	igt_assert_f(strstr(row, ")|vprime0|1 dma-buf, imports buffer "), "row: %s\n", row);
	vp_ran_free(&ran);
	vp_foreign_unshare(&shared);
	vp_foreign_unload();
}

static void folder(void)
{
	unsigned int index;

	vp_config_make("forgotten");
	only("configfs|-|folder forgotten: vprimectl remove forgotten");
	index = vp_config_enable("forgotten");
	only("configfs|vprime%u|folder forgotten: vprimectl remove forgotten", index);
	vp_config_remove("forgotten");
	nothing();
}

static void sw_sync(void)
{
	int fd;

	igt_require(access(VP_SW_SYNC_DIR "/info", F_OK)); /* the kernel's own, if it has that */
	fd = open(VP_SW_SYNC_PATH, O_RDWR | O_CLOEXEC);
	igt_assert_lte(0, fd);
	only(NAME "[%d]|-|/sys/kernel/debug/sync/sw_sync open", getpid());
	close(fd);
	nothing();
}

/* A file that a child has inherited, and its parent has closed. */
static void passed_on(void)
{
	int gpu = vp_open(0);
	char wanted[VP_ROW];
	struct vp_ran ran;
	int sock[2];
	pid_t heir;

	vp_create(gpu, VP_PAGE);
	vp_socketpair(sock);
	heir = fork();
	igt_assert_lte(0, heir);
	if (!heir) {
		prctl(PR_SET_NAME, "heir");
		vp_tell(sock[1], 'h');
		pause();
		_exit(0);
	}
	vp_started(heir);
	close(gpu);
	igt_assert_eq(vp_hear(sock[0]), 'h');
	ran = vp_ctl("who");
	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), "heir[%d]|vprime0|1 open file", heir);
	vp_assert_row(vp_assert_row(ran.out, "who|gpu|keeps"), wanted);
	snprintf(wanted, sizeof(wanted), "1 handle (4 KiB), a file that it opened and passed on to: heir[%d]\n", heir);
	igt_assert_f(strstr(ran.out, wanted), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
	vp_kill(heir);
	close(sock[0]);
	close(sock[1]);
	nothing();
}

/* A GPU that is no more, but for a file of it. */
static void unplugged(void)
{
	unsigned int index = vp_config_plug("phone", "");
	int gpu = vp_open(index);

	vp_create(gpu, VP_PAGE);
	vp_config_remove("phone");
	only(NAME "[%d]|vprime%u|1 open file, 1 handle (4 KiB)", getpid(), index);
	close(gpu);
	nothing();
}

/* Many handles and descriptors have one owner. */
static void many(void)
{
	enum { MANY = 500 };
	int gpu = vp_open(0), fds[MANY];
	struct vp_ran ran;
	char wanted[VP_ROW], begin[VP_ROW], row[VP_ROW], digits[24];

	for (int i = 0; i < MANY; i++) {
		uint32_t handle = vp_create(gpu, VP_PAGE);

		fds[i] = vp_export(gpu, handle);
		if (!i)
			snprintf(digits, sizeof(digits), "%llu", (unsigned long long)vp_id(gpu, handle));
	}
	only(NAME "[%d]|vprime0|1 open file, %d handles (2000 KiB), %d dma-bufs", getpid(), MANY, MANY);
	ran = vp_ctl("list", digits);
	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), "handle|" NAME "[%d]|1 of vprime0", getpid());
	snprintf(begin, sizeof(begin), "handle|");
	vp_find_row(ran.out, begin, row);
	igt_assert_f(!strcmp(row, wanted), "row: %s\n", row);
	snprintf(wanted, sizeof(wanted), "descriptor|" NAME "[%d]|1 time", getpid());
	vp_find_row(ran.out, "descriptor|", row);
	igt_assert_f(!strcmp(row, wanted), "row: %s\n", row);
	vp_ran_free(&ran);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	close(gpu);
}

static void one_gpu(void)
{
	int gpus[] = { vp_open(0), vp_open(1) };
	struct vp_ran ran = vp_ctl("who", "vprime1");
	char wanted[VP_ROW];

	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), NAME "[%d]|vprime1|1 open file", getpid());
	igt_assert(!*vp_assert_row(vp_assert_row(ran.out, "who|gpu|keeps"), wanted));
	vp_ran_free(&ran);
	ran = vp_ctl("who", "desk");
	vp_assert_refuses(&ran, 1, "desk: there is no such GPU: vprimectl gpus shows those there are");
	close(gpus[0]);
	close(gpus[1]);
}

static void json(void)
{
	int gpu = vp_open(0);
	const struct vp_json *holder;
	struct vp_json *read;
	struct vp_ran ran;

	vp_create(gpu, VP_PAGE);
	ran = vp_ctl("who", "--json");
	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	igt_assert_lt((int64_t)0, vp_json_number(read, "references"));
	igt_assert_eq(vp_json_length(read, "holders"), 1);
	holder = vp_json_at(read, "holders", 0);
	vp_assert_json_string(holder, "who", NAME);
	vp_assert_json_string(holder, "gpu", "vprime0");
	igt_assert_eq(vp_json_number(holder, "pid"), getpid());
	igt_assert_eq(vp_json_number(holder, "files"), 1);
	igt_assert_eq(vp_json_number(holder, "handles"), 1);
	igt_assert_eq(vp_json_number(holder, "bytes"), VP_PAGE);
	igt_assert_eq(vp_json_number(holder, "dmabufs"), 0);
	igt_assert_eq(vp_json_get(holder, "what")->type, VP_JSON_NULL);
	vp_json_free(read);
	vp_ran_free(&ran);
	close(gpu);
}

static void as_nobody(void)
{
	struct vp_ran ran;
	int gpu = vp_open(0);

	vp_config_make("forgotten");
	ran = vp_ctl_as(vp_ctl_nobody, "who");
	igt_assert_eq(ran.status, 1);
	igt_assert(strstr(ran.out, "folder forgotten: vprimectl remove forgotten\n"));
	igt_assert_f(!strcmp(ran.err, "vprimectl: only root sees the handles, the fences, and other users' processes: "
				      "try sudo vprimectl who\n"), "said: %s\n", ran.err);
	vp_ran_free(&ran);
	vp_config_remove("forgotten");
	close(gpu);
}

igt_main
{
	igt_describe("Nothing is said to be nothing");
	vp_subtest("nothing")
		nothing();

	igt_describe("An open node, with its handles and their size");
	vp_subtest("node")
		node();

	igt_describe("A node that a thread has opened is its process's");
	vp_subtest("thread")
		thread();

	igt_describe("Descriptors of a dma-buf");
	vp_subtest("dmabuf")
		dmabuf();

	igt_describe("A mapping of a dma-buf that has no descriptor");
	vp_subtest("mapping")
		mapping();

	igt_describe("A mapping of a node that has no descriptor");
	vp_subtest("node-mapping")
		node_mapping();

	igt_describe("A fence in a sync_file");
	vp_subtest("sync-file")
		sync_file();

	igt_describe("A dma-buf, and a file, in a socket");
	vp_subtest("socket")
		in_socket();

	igt_describe("A fence in a syncobj");
	vp_subtest("syncobj")
		syncobj();

	igt_describe("A signalled fence on a buffer of vgem's");
	vp_subtest("foreign-fence")
		foreign_fence();

	igt_describe("An import of vgem's, and the process that has vgem open");
	vp_subtest("foreign-import")
		foreign_import();

	igt_describe("An import of a driver without nodes");
	vp_subtest("module-import")
		module_import();

	igt_describe("A folder in configfs, plugged in or not");
	vp_subtest("folder")
		folder();

	igt_describe("A file of sw_sync");
	vp_subtest("sw-sync")
		sw_sync();

	igt_describe("A file that was passed on: who opened it, and who has it");
	vp_subtest("passed-on")
		passed_on();

	igt_describe("A file of a GPU that has been unplugged");
	vp_subtest("unplugged")
		unplugged();

	igt_describe("Hundreds of handles and descriptors are one line, and the buffer's list names their owner");
	vp_subtest("many")
		many();

	igt_describe("One GPU alone, and one that is not there");
	vp_subtest("one-gpu")
		one_gpu();

	igt_describe("The JSON says the same");
	vp_subtest("json")
		json();

	igt_describe("An ordinary user is shown what can be read, and told what cannot");
	vp_subtest("nobody")
		as_nobody();
}
