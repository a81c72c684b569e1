// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of the dma-buf contract that a program can break, and who is told so:
 * once per process and rule in the kernel log, every time in the counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/dma-buf.h>
#include <linux/sched.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("Breaches of the dma-buf contract by programs");

#define RW	(PROT_READ | PROT_WRITE)
#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE

/* A GPU that refuses writes to what it exported read-only. */
#define ENFORCING	"enforcing"

/* A buffer of GPU 0 or ENFORCING, its dma-buf, and the process that broke a rule on it last. */
struct scene {
	int gpu;
	uint32_t handle;
	size_t size;
	int dmabuf;
	uint64_t id;
	char name[17];
	pid_t process;
};

static struct scene prepare_on(unsigned int gpu, size_t size, uint32_t flags)
{
	struct scene scene = {
		.gpu = vp_open(gpu), .size = size, .process = getpid(),
	};

	prctl(PR_GET_NAME, scene.name);
	scene.handle = vp_create(scene.gpu, size);
	scene.dmabuf = vp_try_export(scene.gpu, scene.handle,
				     DRM_CLOEXEC | flags);
	igt_assert_lte(0, scene.dmabuf);
	scene.id = vp_id(scene.gpu, scene.handle);
	return scene;
}

static struct scene prepare(size_t size, uint32_t flags)
{
	return prepare_on(0, size, flags);
}

static unsigned int plug_enforcing(void)
{
	return vp_config_plug(ENFORCING, "enforce_read_only=1");
}

static void let_go(struct scene *scene)
{
	close(scene->dmabuf);
	close(scene->gpu);
}

static void assert_no_line(int log, const struct scene *scene)
{
	char words[40];

	snprintf(words, sizeof(words), "buffer %llu of",
		 (unsigned long long)scene->id);
	igt_assert_eq(vp_logged(log, "contract: ", words), 0);
}

/* The buffer has broken @rule so often, and no other. */
static void assert_count(const struct scene *scene, const char *rule,
			 unsigned int count)
{
	igt_assert_eq(vp_watch_violations(scene->id, rule), count);
	igt_assert_eq(vp_watch(scene->id)->violations, count);
	igt_assert_eq(vp_watch(scene->id)->n_violation, count ? 1 : 0);
}

/*
 * A rule is broken twice on one buffer and once on another, and by another process
 * on a third: four counts, and a line for each process.
 */
static void breaks_on(unsigned int gpu, const char *rule, const char *device,
		      uint32_t flags, void (*breach)(struct scene *scene))
{
	unsigned int before = vp_watch_total(rule);
	struct scene one, two, three;
	int log, later;

	vp_be_another();
	one = prepare_on(gpu, VP_PAGE, flags);
	two = prepare_on(gpu, 3 * VP_PAGE, flags);
	three = prepare_on(gpu, 2 * VP_PAGE, flags);
	log = vp_log_open();
	later = vp_log_open();

	breach(&one);
	assert_count(&one, rule, 1);
	vp_assert_reported(log, one.id, rule, device, one.name, one.process);
	assert_count(&two, rule, 0);
	igt_assert_eq(vp_watch_total(rule), before + 1);

	close(log);
	log = vp_log_open();
	breach(&one);
	breach(&two);
	assert_count(&one, rule, 2);
	assert_count(&two, rule, 1);
	assert_no_line(log, &one);
	assert_no_line(log, &two);
	igt_assert_eq(vp_watch_total(rule), before + 3);

	igt_fork(child, 1)
		breach(&three);
	igt_waitchildren();
	assert_count(&three, rule, 1);
	igt_assert_eq(vp_logged(later, rule, ", 8192 bytes, by "), 1);
	igt_assert_eq(vp_watch_total(rule), before + 4);

	/* The count is of all time. */
	let_go(&one);
	let_go(&two);
	let_go(&three);
	igt_assert_eq(vp_watch_total(rule), before + 4);
	close(log);
	close(later);
}

static void breaks(const char *rule, const char *device, uint32_t flags,
		   void (*breach)(struct scene *scene))
{
	breaks_on(0, rule, device, flags, breach);
}

/* The exporter is what enforces: GPU 1, which would only report, is refused. */
static void is_refused(void (*breach)(struct scene *scene))
{
	breaks_on(plug_enforcing(), "writable-read-only", "vprime1", 0, breach);
	vp_config_remove(ENFORCING);
}

static void ends_without_begin(struct scene *scene)
{
	vp_sync_end(scene->dmabuf, READ);
}

/* Two processes, each with its line. */
static void leaves_begin_open(void)
{
	struct scene scene = prepare(VP_PAGE, DRM_RDWR);

	for (unsigned int n = 1; n <= 2; n++) {
		int log = vp_log_open();
		pid_t child = vp_start_access("doomed", scene.dmabuf, WRITE, 1);

		vp_kill(child);
		assert_count(&scene, "begin-left-open", n);
		vp_assert_reported(log, scene.id, "begin-left-open", "cpu",
				   "doomed", child);
		close(log);
	}
	let_go(&scene);
}

static void writes_through(struct scene *scene, int fd, uint64_t offset)
{
	uint32_t *own = vp_map(scene->gpu, scene->handle, scene->size, RW);
	void *address;
	uint32_t *map;

	igt_assert_eq(vp_try_mmap(fd, offset, scene->size, RW, MAP_SHARED,
				  &address), 0);
	map = address;
	*map = *own + 1;
	igt_assert_eq(*map, *own);
	vp_unmap(map, scene->size);
	vp_unmap(own, scene->size);
}

/* Where it is only reported: what real programs do works, and is not in the contract. */
static void maps_read_only_unenforced(struct scene *scene)
{
	int gpu = vp_open(1);

	writes_through(scene, gpu,
		       vp_mmap_offset(gpu, vp_import(gpu, scene->dmabuf)));
	close(gpu);
}

/* So does mapping the descriptor itself, where Mesa before 26.1 draws. */
static void maps_descriptor(struct scene *scene)
{
	igt_assert_eq(fcntl(scene->dmabuf, F_GETFL) & O_ACCMODE, O_RDWR);
	writes_through(scene, scene->dmabuf, 0);
}

static void pokes_read_only_unenforced(struct scene *scene)
{
	int gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, scene->dmabuf), word = 0x5eed, seen;

	vp_poke(gpu, handle, 0, &word, sizeof(word));
	vp_peek(scene->gpu, scene->handle, 0, &seen, sizeof(seen));
	igt_assert_eq(seen, word);
	close(gpu);
}

/* Refused, and reported all the same. */
static void maps_read_only_writable(struct scene *scene)
{
	int gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, scene->dmabuf);
	uint64_t offset = vp_mmap_offset(gpu, handle);

	igt_assert_eq(vp_try_mmap(gpu, offset, scene->size, RW, MAP_SHARED,
				  NULL), -EACCES);
	close(gpu);
}

static void pokes_read_only(struct scene *scene)
{
	int gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, scene->dmabuf), word = 0x5eed, seen;

	igt_assert_eq(vp_try_poke(gpu, handle, 0, &word, sizeof(word)),
		      -EACCES);
	vp_peek(scene->gpu, scene->handle, 0, &seen, sizeof(seen));
	igt_assert_eq(seen, 0);
	close(gpu);
}

static void *thread_writes(void *data)
{
	struct scene *scene = data;

	prctl(PR_SET_NAME, "worker-0");
	pokes_read_only_unenforced(scene);
	return NULL;
}

/* A thread of a library's: its own name says little. */
static void names_the_program(void)
{
	struct scene scene;
	pthread_t thread;
	int log;

	vp_be_another();
	scene = prepare(VP_PAGE, 0);
	log = vp_log_open();
	igt_assert_eq(pthread_create(&thread, NULL, thread_writes, &scene), 0);
	igt_assert_eq(pthread_join(thread, NULL), 0);
	vp_assert_reported(log, scene.id, "writable-read-only", "vprime1",
			   scene.name, scene.process);
	close(log);
	let_go(&scene);
}

/* Returns 0 in the child, which has the number @pid, or any if that is 0. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid ? 1 : 0,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Two processes, one after the other, have the same number and the same name. */
static void number_again(void)
{
	struct scene scene;
	pid_t process = 0;
	int log;

	vp_be_another();
	scene = prepare(VP_PAGE, 0);
	log = vp_log_open();
	for (unsigned int i = 1; i <= 2; i++) {
		process = fork_as(process);
		igt_assert_lte(0, process);
		if (!process) {
			vp_try_sync(scene.dmabuf, DMA_BUF_SYNC_END | READ);
			_exit(0);
		}
		igt_assert_eq(waitpid(process, NULL, 0), process);
		assert_count(&scene, "end-without-begin", i);
		igt_assert_eq(vp_logged(log, "end-without-begin", scene.name), 1);
	}
	close(log);
	let_go(&scene);
}

/* As a compositor and its client, 60 times a second. */
static void many_frames(void)
{
	int gpu = vp_open(1), log;
	uint32_t pixel = 1;

	vp_be_another();
	log = vp_log_open();
	for (unsigned int frame = 0; frame < 100; frame++) {
		struct scene scene = prepare(VP_PAGE, 0);
		uint32_t handle = vp_import(gpu, scene.dmabuf);

		for (int i = 0; i < 3; i++)
			vp_poke(gpu, handle, 0, &pixel, sizeof(pixel));
		assert_count(&scene, "writable-read-only", 3);
		vp_close(gpu, handle);
		let_go(&scene);
	}
	igt_assert_eq(vp_logged(log, "contract: ", "export with DRM_RDWR"), 1);
	close(log);
	close(gpu);
}

static void all_listed(void)
{
	const char *rule;

	for (unsigned int i = 0; (rule = vp_watch_rule(i)); i++)
		vp_watch_total(rule);
}

/* For what GPU 1 has the buffer mapped. */
static void assert_direction(const struct scene *scene, const char *direction)
{
	const struct vp_watch_attachment *attachment =
		vp_watch_attachment(scene->id, "vprime1");

	igt_assert_f(attachment && !strcmp(attachment->direction, direction),
		     "not mapped %s\n", direction);
}

/* What is seen, and done, without a breach. */
static void read_only(void)
{
	struct scene scene = prepare_on(plug_enforcing(), 2 * VP_PAGE, 0);
	int gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, scene.dmabuf), word = 0;
	uint32_t *own = vp_map(scene.gpu, scene.handle, scene.size, RW), *map;

	igt_assert_eq(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_READ_ONLY,
		      DRM_VPRIME_INFO_READ_ONLY);
	igt_assert_eq(vp_info(scene.gpu, scene.handle).flags &
		      DRM_VPRIME_INFO_READ_ONLY, 0);
	own[0] = 1;
	map = vp_map(gpu, handle, scene.size, PROT_READ);
	igt_assert_eq(map[0], 1);
	own[0] = 2;
	igt_assert_eq(map[0], 2);
	igt_assert_eq(vp_touch(map, true), SIGSEGV);

	/* The GPU says that it only reads, when it maps. */
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(word, 2);
	assert_direction(&scene, "to-device");
	/* Its maker does both. */
	vp_poke(scene.gpu, scene.handle, 0, &(uint32_t){ 4 }, sizeof(word));
	igt_assert_eq(map[0], 4);
	assert_count(&scene, "writable-read-only", 0);
	vp_unmap(map, scene.size);
	vp_unmap(own, scene.size);
	close(gpu);
	let_go(&scene);
	vp_config_remove(ENFORCING);
}

static void read_only_stays_so(void)
{
	struct scene scene = prepare_on(plug_enforcing(), 2 * VP_PAGE, 0);
	int gpu = vp_open(1);
	uint32_t handle = vp_import(gpu, scene.dmabuf);
	uint64_t offset = vp_mmap_offset(gpu, handle);
	void *map;

	map = vp_map(gpu, handle, scene.size, PROT_READ);
	igt_assert_eq(mprotect(map, scene.size, RW), -1);
	igt_assert_eq(errno, EACCES);
	igt_assert_eq(mprotect(map, VP_PAGE, PROT_WRITE), -1);
	igt_assert_eq(errno, EACCES);
	igt_assert_eq(mprotect(map, scene.size, PROT_NONE), 0);
	igt_assert_eq(mprotect(map, scene.size, PROT_READ), 0);
	igt_assert_eq(vp_touch(map, true), SIGSEGV);
	assert_count(&scene, "writable-read-only", 0);

	vp_assert_refused(vp_try_mmap(gpu, offset, scene.size, RW, MAP_SHARED,
				      NULL), EACCES);
	vp_assert_refused(vp_try_mmap(gpu, offset, VP_PAGE, PROT_WRITE,
				      MAP_SHARED, NULL), EACCES);
	assert_count(&scene, "writable-read-only", 2);
	/* Its maker is not concerned. */
	vp_unmap(vp_map(scene.gpu, scene.handle, scene.size, RW), scene.size);
	vp_unmap(map, scene.size);
	close(gpu);
	let_go(&scene);
	vp_config_remove(ENFORCING);
}

/* The same file comes back to who made it: that is no import. */
static void read_only_own(void)
{
	struct scene scene = prepare(VP_PAGE, 0);
	int again = vp_open(0);
	uint32_t handle = vp_import(scene.gpu, scene.dmabuf), word = 1;

	igt_assert_eq(handle, scene.handle);
	igt_assert_eq(vp_info(scene.gpu, handle).flags &
		      DRM_VPRIME_INFO_READ_ONLY, 0);
	vp_poke(scene.gpu, handle, 0, &word, sizeof(word));
	vp_unmap(vp_map(scene.gpu, handle, VP_PAGE, RW), VP_PAGE);
	assert_count(&scene, "writable-read-only", 0);
	close(again);
	let_go(&scene);
}

/* A buffer has one file: who exports it again does not make it another one. */
static void read_only_is_inherited(void)
{
	struct scene scene = prepare(VP_PAGE, 0);
	int gpu = vp_open(1), again;

	again = vp_export(gpu, vp_import(gpu, scene.dmabuf));
	close(gpu);
	gpu = vp_open(1);
	igt_assert_eq(vp_info(gpu, vp_import(gpu, again)).flags &
		      DRM_VPRIME_INFO_READ_ONLY, DRM_VPRIME_INFO_READ_ONLY);
	close(again);
	close(gpu);
	let_go(&scene);
}

static void first_export_decides(void)
{
	struct scene scene = prepare(VP_PAGE, DRM_RDWR);
	int gpu = vp_open(1), again;
	uint32_t handle, word = 7;
	uint32_t *map;

	again = vp_try_export(scene.gpu, scene.handle, DRM_CLOEXEC);
	igt_assert_lte(0, again);
	handle = vp_import(gpu, again);
	igt_assert_eq(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_READ_ONLY,
		      0);
	map = vp_map(gpu, handle, VP_PAGE, RW);
	vp_poke(gpu, handle, 0, &word, sizeof(word));
	igt_assert_eq(map[0], 7);
	assert_count(&scene, "writable-read-only", 0);
	vp_unmap(map, VP_PAGE);
	close(again);
	close(gpu);
	let_go(&scene);
}

/* Another driver's buffer is guarded by the GPU that imports it. */
static void read_only_foreign(void)
{
	int gpu = vp_open(0), strict = vp_open(plug_enforcing()), vgem, dmabuf;
	struct vp_dumb dumb;
	uint32_t handle;
	uint64_t id;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_try_export(vgem, dumb.handle, DRM_CLOEXEC);
	igt_assert_lte(0, dmabuf);
	handle = vp_import(gpu, dmabuf);
	id = vp_id(gpu, handle);
	igt_assert_eq(vp_info(gpu, handle).flags & DRM_VPRIME_INFO_READ_ONLY,
		      DRM_VPRIME_INFO_READ_ONLY);
	vp_unmap(vp_map(gpu, handle, dumb.size, PROT_READ), dumb.size);
	igt_assert_eq(vp_watch_violations(id, "writable-read-only"), 0);
	vp_unmap(vp_map(gpu, handle, dumb.size, RW), dumb.size);
	igt_assert_eq(vp_watch_violations(id, "writable-read-only"), 1);
	handle = vp_import(strict, dmabuf);
	igt_assert_eq(vp_try_mmap(strict, vp_mmap_offset(strict, handle),
				  dumb.size, RW, MAP_SHARED, NULL), -EACCES);
	igt_assert_eq(vp_watch_violations(id, "writable-read-only"), 2);
	close(dmabuf);
	close(vgem);
	close(strict);
	close(gpu);
	vp_config_remove(ENFORCING);
}

igt_main
{
	igt_describe("Every rule has a line in the file of counts");
	vp_subtest("all-listed")
		all_listed();

	igt_describe("A CPU access ends that has not begun");
	vp_subtest("end-without-begin")
		breaks("end-without-begin", "cpu", DRM_RDWR,
		       ends_without_begin);

	igt_describe("A process dies between begin and end");
	vp_subtest("begin-left-open")
		leaves_begin_open();

	igt_describe("A program makes a writable mapping of what it got through a read-only file");
	vp_subtest("writable-read-only-mmap")
		is_refused(maps_read_only_writable);

	igt_describe("A GPU writes to what it got through a read-only file");
	vp_subtest("writable-read-only-poke")
		is_refused(pokes_read_only);

	igt_describe("enforce_read_only=0: the writable mapping is reported, and works");
	vp_subtest("unenforced-read-only-mmap")
		breaks("writable-read-only", "vprime1", 0,
		       maps_read_only_unenforced);

	igt_describe("enforce_read_only=0: the GPU's write is reported, and works");
	vp_subtest("unenforced-read-only-poke")
		breaks("writable-read-only", "vprime1", 0,
		       pokes_read_only_unenforced);

	igt_describe("A writable mapping of the descriptor of a read-only export is reported, and works");
	vp_subtest("unenforced-read-only-descriptor")
		breaks("writable-read-only", "cpu", 0, maps_descriptor);

	igt_describe("What a thread does is reported in the name of its program");
	vp_subtest("names-the-program")
		names_the_program();

	igt_describe("A process that has the number and the name of one that has gone is another one");
	vp_subtest("number-again")
		number_again();

	igt_describe("A program that breaks a rule on each frame, in new buffers, has one line, with what to do");
	vp_subtest("many-frames")
		many_frames();

	igt_describe("What came in through a read-only file is read by CPU and GPU without a breach");
	vp_subtest("read-only")
		read_only();

	igt_describe("A mapping of it cannot be made writable, or made writable later");
	vp_subtest("read-only-stays-so")
		read_only_stays_so();

	igt_describe("A GPU's own buffer stays its own when it comes back read-only");
	vp_subtest("read-only-own")
		read_only_own();

	igt_describe("A file that came in read-only goes out read-only");
	vp_subtest("read-only-is-inherited")
		read_only_is_inherited();

	igt_describe("A buffer's first export decides whether its file can be written");
	vp_subtest("first-export-decides")
		first_export_decides();

	igt_describe("Another driver's buffer through a read-only file");
	vp_subtest("read-only-foreign")
		read_only_foreign();

	igt_fixture
		vp_unload_foreign("vgem");
}
