// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vprimectl follows: every event in its order, at once, until it is told
 * to end or there is nothing left to follow; and no trace of it afterwards.
 */
#define _GNU_SOURCE	/* unshare */
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_foreign.h"
#include "vp_json.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("vprimectl watch");

#define TRACING		"/sys/kernel/debug/tracing"
#define POLL_MS		10

static void instance_path(pid_t pid, const char *file, char path[128])
{
	snprintf(path, 128, TRACING "/instances/vprimectl-%d%s", pid, file);
}

static bool has_instance(pid_t pid)
{
	char path[128];

	instance_path(pid, "", path);
	return !access(path, F_OK);
}

/* What a file of one character says; 0 when it is not there. */
static char read_switch(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte = 0;

	if (fd < 0)
		return 0;
	if (read(fd, &byte, 1) != 1)
		byte = 0;
	close(fd);
	return byte;
}

/* From here on it sees what happens. */
static void wait_until_watching(const struct vp_program *watch)
{
	char path[128];

	instance_path(watch->pid, "/events/vprime/enable", path);
	for (int ms = 0; ms < VP_PATIENCE_MS; ms += POLL_MS) {
		if (read_switch(path) == '1')
			return;
		usleep(POLL_MS * 1000);
	}
	igt_assert_f(false, "%s is not 1\n", path);
}

static struct vp_program start_watch(const char *option, const char *value)
{
	const char *const arguments[] = {
		"vprimectl", "watch", option, value, NULL,
	};
	struct vp_program watch = vp_start(NULL, arguments);

	wait_until_watching(&watch);
	return watch;
}

/* Ends well, and leaves nothing behind. */
static struct vp_ran stop_watch(struct vp_program *watch, int signal)
{
	struct vp_ran ran;

	if (signal)
		igt_assert_eq(kill(watch->pid, signal), 0);
	ran = vp_finish(watch);
	igt_assert_f(!ran.status, "exit status %d: %s\n", ran.status, ran.err);
	igt_assert(!has_instance(watch->pid));
	return ran;
}

/* Every kind of event, on one buffer; returns its id. */
static uint64_t play(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, VP_SCENE_SIZE), handle1;
	uint32_t words[VP_SCENE_SIZE / 4];
	uint64_t id = vp_id(gpu, handle);

	dmabuf = vp_export(gpu, handle);
	handle1 = vp_import(gpu1, dmabuf);
	vp_peek(gpu1, handle1, 0, words, sizeof(words));
	vp_sync_start(dmabuf, DMA_BUF_SYNC_READ);
	vp_sync_end(dmabuf, DMA_BUF_SYNC_READ);
	vp_try_sync(dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE);
	igt_assert_eq(vp_try_move(id), 0);
	vp_poke(gpu1, handle1, 0, words, sizeof(words[0]));
	igt_assert_eq(vp_try_revoke(id), 0);
	close(dmabuf);
	close(gpu1);
	close(gpu);
	return id;
}

static const struct {
	const char *event;
	const char *what;
} played[] = {
	{ "attach", "vprime0, movable" },
	{ "export", "16 KiB" },
	{ "attach", "vprime1, movable" },
	{ "import", "16 KiB, vprime1" },
	{ "map", "vprime1, bidirectional" },
	{ "cpu_access", "begins, read" },
	{ "cpu_access", "ends, read" },
	{ "violation", "end-without-begin, cpu" },
	{ "cpu_access", "ends, write" },
	{ "unmap", "vprime1, bidirectional" },
	{ "move", "16 KiB, done" },
	{ "map", "vprime1, bidirectional" },
	{ "unmap", "vprime1, bidirectional" },
	{ "revoke", "done" },
	{ "detach", "vprime1, movable" },
	{ "detach", "vprime0, movable" },
};

#define PLAYED	VP_ARRAY_SIZE(played)
/* The one access that begins, in it. */
#define BEGINS	5

/* "SECONDS|map|17 vprime0|PROCESS[PID]|what": the part after the first bar. */
static void assert_event(const char *row, uint64_t id, size_t index)
{
	char wanted[VP_ROW];
	const char *bar = strchr(row, '|');

	snprintf(wanted, sizeof(wanted), "|%s|%llu vprime0|vprimectl_watch[%d]|%s",
		 played[index].event, (unsigned long long)id, getpid(),
		 played[index].what);
	igt_assert_f(bar && !strcmp(bar, wanted), "row %s\nwanted %s\n", row,
		     wanted);
}

static void in_order(void)
{
	struct vp_program watch = start_watch(NULL, NULL);
	uint64_t id = play();
	struct vp_ran ran = stop_watch(&watch, SIGINT);
	const char *text = ran.out;
	double time, last = 0;
	size_t index = 0;
	char row[VP_ROW];

	igt_info("%s", ran.out);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	/* The head is moved to the right, so the first column is empty. */
	text = vp_next_row(text, row);
	igt_assert(strstr(row, "seconds|event|buffer|process|what"));
	while ((text = vp_next_row(text, row))) {
		igt_assert_lt(index, PLAYED);
		assert_event(row, id, index++);
		igt_assert_eq(sscanf(row, "%lf|", &time), 1);
		igt_assert_f(last <= time, "%f after %f\n", time, last);
		last = time;
	}
	igt_assert_eq(index, PLAYED);
	vp_ran_free(&ran);
}

/* What an event has beside what all have. */
static void assert_members(const struct vp_json *json, const char *event,
			   size_t index)
{
	if (!strcmp(event, "export") || !strcmp(event, "import"))
		igt_assert_eq(vp_json_number(json, "size"), VP_SCENE_SIZE);
	if (!strcmp(event, "import"))
		igt_assert(!vp_json_bool(json, "foreign"));
	if (!strcmp(event, "attach") || !strcmp(event, "detach"))
		vp_assert_json_string(json, "lifetime", "movable");
	if (!strcmp(event, "map") || !strcmp(event, "unmap") ||
	    !strcmp(event, "import"))
		vp_assert_json_string(json, "device", "vprime1");
	if (!strcmp(event, "map") || !strcmp(event, "unmap"))
		vp_assert_json_string(json, "direction", "bidirectional");
	if (!strcmp(event, "cpu_access"))
		igt_assert_eq(vp_json_bool(json, "begin"), index == BEGINS);
	if (!strcmp(event, "violation"))
		vp_assert_json_string(json, "rule", "end-without-begin");
	if (!strcmp(event, "move"))
		igt_assert_eq(vp_json_number(json, "bytes"), VP_SCENE_SIZE);
	if (!strcmp(event, "move") || !strcmp(event, "revoke"))
		igt_assert_eq(vp_json_number(json, "ret"), 0);
}

static void in_order_json(void)
{
	struct vp_program watch = start_watch("--json", NULL);
	uint64_t id = play();
	struct vp_ran ran = stop_watch(&watch, SIGTERM);
	char *rest = ran.out, *line;
	struct vp_json *json;
	size_t index = 0;

	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	while ((line = strsep(&rest, "\n")) && *line) {
		igt_assert_lt(index, PLAYED);
		json = vp_json_parse(line);
		vp_assert_json_string(json, "event", played[index].event);
		igt_assert_eq(vp_json_number(json, "id"), id);
		vp_assert_json_string(json, "exporter", "vprime0");
		vp_assert_json_string(json, "process", "vprimectl_watch");
		igt_assert_eq(vp_json_number(json, "pid"), getpid());
		igt_assert_eq(vp_json_number(json, "tid"), getpid());
		igt_assert_eq(vp_json_get(json, "time")->type, VP_JSON_NUMBER);
		igt_assert_lte((int64_t)0, vp_json_number(json, "cpu"));
		assert_members(json, played[index].event, index);
		vp_json_free(json);
		index++;
	}
	igt_assert_eq(index, PLAYED);
	vp_ran_free(&ran);
}

static struct vp_json *find_event(char *out, const char *event)
{
	struct vp_json *found = NULL, *json;
	char *rest = out, *line;

	while ((line = strsep(&rest, "\n")) && *line) {
		json = vp_json_parse(line);
		if (!found && !strcmp(vp_json_string(json, "event"), event))
			found = json;
		else
			vp_json_free(json);
	}
	igt_assert_f(found, "no event %s\n", event);
	return found;
}

/* By the name of vprimectl, or the one that its process had before. */
static bool is_vprimectls(const char *row)
{
	return strstr(row, "|vprimectl[") || strstr(row, "|vprimectl_watch[");
}

/*
 * What vprimectl itself does is seen as its doing. The kernel's tracing has names
 * of processes from when they were last switched, and so may have the one of this
 * program for what has become another since.
 */
static void acts(void)
{
	struct vp_scene scene = vp_scene();
	struct vp_program watch = start_watch(NULL, NULL);
	struct vp_ran moved = vp_ctl("move", scene.digits);
	struct vp_ran revoked = vp_ctl("revoke", scene.digits);
	struct vp_ran ran = stop_watch(&watch, SIGINT);
	char row[VP_ROW];
	const char *text;

	igt_assert(!moved.status && !revoked.status);
	text = vp_next_row(ran.out, row);
	text = vp_next_row(text, row);
	igt_assert_f(strstr(row, "|move|") && is_vprimectls(row),
		     "not the move: %s\n", row);
	text = vp_next_row(text, row);
	igt_assert_f(strstr(row, "|revoke|") && is_vprimectls(row),
		     "not the revocation: %s\n", row);
	igt_assert(!*text);
	vp_ran_free(&moved);
	vp_ran_free(&revoked);
	vp_ran_free(&ran);
	vp_scene_end(&scene);
}

/* A static importer cannot be told to let go of what it has mapped. */
static void refused(void)
{
	struct vp_scene scene = vp_scene();
	struct vp_program watch, plain;
	struct vp_json *json;
	struct vp_ran ran;
	char row[VP_ROW];
	int foreign;

	foreign = vp_foreign_open();
	vp_foreign_hold(foreign, scene.dmabuf);
	watch = start_watch("--json", NULL);
	plain = start_watch(NULL, NULL);
	igt_assert_eq(vp_try_revoke(scene.id), -EBUSY);
	ran = stop_watch(&plain, SIGINT);
	vp_next_row(vp_next_row(ran.out, row), row);
	igt_assert_f(strstr(row, "|revoke|") &&
		     strstr(row, "]|Device or resource busy"), "row: %s\n", row);
	vp_ran_free(&ran);
	ran = stop_watch(&watch, SIGINT);
	json = find_event(ran.out, "revoke");
	igt_assert_eq(vp_json_number(json, "ret"), -EBUSY);
	vp_json_free(json);
	vp_ran_free(&ran);
	close(foreign);
	vp_scene_end(&scene);
	vp_foreign_unload();
}

/* Line by line into a pipe, while it goes on. */
static void at_once(void)
{
	struct vp_program watch = start_watch(NULL, NULL);
	int gpu = vp_open(0), dmabuf;
	char line[VP_ROW];
	struct vp_ran ran;

	igt_assert(vp_next_line(&watch, line, sizeof(line)));
	for (int round = 0; round < 3; round++) {
		dmabuf = vp_export(gpu, vp_create(gpu, VP_SCENE_SIZE));
		igt_assert(vp_next_line(&watch, line, sizeof(line)));
		igt_assert(strstr(line, "attach"));
		igt_assert(vp_next_line(&watch, line, sizeof(line)));
		igt_assert(strstr(line, "export"));
		close(dmabuf);
	}
	ran = stop_watch(&watch, SIGHUP);
	igt_assert_f(!*ran.out, "more than was to come: %s\n", ran.out);
	vp_ran_free(&ran);
	close(gpu);
}

static void seconds(void)
{
	/* Long enough to be seen watching. */
	int64_t end = vp_in_ms(10000);
	struct vp_program watch;
	struct vp_ran ran;
	bool in_time;

	watch = start_watch("--seconds", "10");
	play();
	in_time = vp_now_ns() < end;
	ran = stop_watch(&watch, 0);
	igt_assert(strstr(ran.out, "export") || !in_time);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	igt_assert_lte(end, vp_now_ns());
	vp_ran_free(&ran);
}

/* The reader goes, while nothing happens that could be written to it. */
static void reader_gone(void)
{
	struct vp_program watch = start_watch("--json", NULL);
	struct vp_ran ran;

	close(watch.out);
	watch.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ran = vp_finish(&watch);
	igt_assert_eq(ran.status, 128 + SIGPIPE);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	igt_assert(!has_instance(watch.pid));
	vp_ran_free(&ran);
}

/* One that was killed leaves its instance to the next. */
static void killed(void)
{
	struct vp_program watch = start_watch(NULL, NULL), next;
	struct vp_ran ran;

	igt_assert_eq(kill(watch.pid, SIGKILL), 0);
	ran = vp_finish(&watch);
	igt_assert_eq(ran.status, 128 + SIGKILL);
	vp_ran_free(&ran);
	igt_assert(has_instance(watch.pid));
	next = start_watch(NULL, NULL);
	igt_assert(!has_instance(watch.pid));
	ran = stop_watch(&next, SIGINT);
	vp_ran_free(&ran);
}

/*
 * Each records for itself: it has its own time for an event, and its own processor, as
 * the task may move to another one between the two records.
 */
static void blank(char *out, const char *key)
{
	while ((out = strstr(out, key))) {
		out += strlen(key);
		memset(out, '0', strcspn(out, ","));
	}
}

static void blank_own(char *out)
{
	blank(out, "\"time\":");
	blank(out, "\"cpu\":");
}

static void two(void)
{
	struct vp_program watch = start_watch("--json", NULL);
	struct vp_program other = start_watch("--json", NULL);
	struct vp_ran ran, ran_other;

	/* Nor is anybody else's tracing touched. */
	igt_assert_eq(read_switch(TRACING "/events/vprime/enable"), '0');
	play();
	ran = stop_watch(&watch, SIGINT);
	ran_other = stop_watch(&other, SIGINT);
	igt_assert(*ran.out);
	blank_own(ran.out);
	blank_own(ran_other.out);
	igt_assert_f(!strcmp(ran.out, ran_other.out), "one saw:\n%sthe other:\n%s",
		     ran.out, ran_other.out);
	vp_ran_free(&ran);
	vp_ran_free(&ran_other);
}

static void unloaded(void)
{
	struct vp_program watch = start_watch(NULL, NULL);
	struct vp_ran ran;

	vp_unload();
	ran = stop_watch(&watch, 0);
	igt_assert_f(!strcmp(ran.err, "vprimectl: the module vprime was unloaded\n"),
		     "said: %s\n", ran.err);
	vp_ran_free(&ran);
	vp_reload(VP_DEFAULT_GPUS);
}

/* For so many threads the kernel keeps a name, or a few more than that. */
static void keep_names(const char *threads)
{
	int fd = open(TRACING "/saved_cmdlines_size", O_WRONLY | O_CLOEXEC);

	igt_assert(fd >= 0);
	igt_assert(write(fd, threads, strlen(threads)) > 0);
	close(fd);
}

/* A name may have everything in it but NUL, the end of a line for one. */
static void odd_name(void)
{
	struct vp_program watch = start_watch("--json", NULL), plain;
	struct vp_scene scene = vp_scene();
	struct vp_json *json;
	struct vp_ran ran;
	pid_t holder;

	plain = start_watch(NULL, NULL);
	holder = vp_start_access("\"a\\ -1 [0]\n\033\xff", scene.dmabuf,
				 DMA_BUF_SYNC_RW, 1);
	ran = stop_watch(&plain, SIGINT);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	igt_assert(strstr(ran.out, "  \"a\\_-1_[0]___["));
	vp_ran_free(&ran);
	ran = stop_watch(&watch, SIGINT);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	json = find_event(ran.out, "cpu_access");
	vp_assert_json_string(json, "process", "\"a\\_-1_[0]___");
	igt_assert_eq(vp_json_number(json, "pid"), holder);
	vp_json_free(json);
	vp_ran_free(&ran);
	vp_kill(holder);
	vp_scene_end(&scene);
}

static void *access_in_thread(void *dmabuf)
{
	static pid_t tid;

	tid = (pid_t)syscall(SYS_gettid);
	vp_sync_start(*(int *)dmabuf, DMA_BUF_SYNC_READ);
	vp_sync_end(*(int *)dmabuf, DMA_BUF_SYNC_READ);
	return &tid;
}

static void thread(void)
{
	struct vp_program watch = start_watch("--json", NULL);
	struct vp_scene scene = vp_scene();
	struct vp_json *json;
	struct vp_ran ran;
	pthread_t runs;
	void *tid;

	igt_assert_eq(pthread_create(&runs, NULL, access_in_thread,
				     &scene.dmabuf), 0);
	igt_assert_eq(pthread_join(runs, &tid), 0);
	ran = stop_watch(&watch, SIGINT);
	json = find_event(ran.out, "cpu_access");
	igt_assert_eq(vp_json_number(json, "tid"), *(pid_t *)tid);
	igt_assert_eq(vp_json_number(json, "pid"), getpid());
	vp_json_free(json);
	vp_ran_free(&ran);
	vp_scene_end(&scene);
}

/* While it stands still, more happens than the kernel keeps. */
static void lost(void)
{
	struct vp_program watch = start_watch("--json", NULL);
	struct vp_program plain = start_watch(NULL, NULL);
	const struct vp_program *both[] = { &watch, &plain };
	struct vp_scene scene = vp_scene();
	struct vp_json *json;
	struct vp_ran ran;
	char path[128];

	for (int i = 0; i < 2; i++) {
		int fd;

		igt_assert_eq(kill(both[i]->pid, SIGSTOP), 0);
		igt_assert_eq(waitpid(both[i]->pid, NULL, WUNTRACED),
			      both[i]->pid);
		instance_path(both[i]->pid, "/buffer_size_kb", path);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		igt_assert_lte(0, fd);
		igt_assert_eq(write(fd, "4", 1), 1);
		close(fd);
	}
	for (int round = 0; round < 1000; round++) {
		vp_sync_start(scene.dmabuf, DMA_BUF_SYNC_READ);
		vp_sync_end(scene.dmabuf, DMA_BUF_SYNC_READ);
	}
	vp_scene_end(&scene);
	kill(watch.pid, SIGCONT);
	kill(plain.pid, SIGCONT);
	ran = stop_watch(&watch, SIGINT);
	json = find_event(ran.out, "lost");
	if (vp_json_get(json, "count")->type != VP_JSON_NULL)
		igt_assert_lt((int64_t)0, vp_json_number(json, "count"));
	vp_json_free(json);
	vp_ran_free(&ran);
	ran = stop_watch(&plain, SIGINT);
	igt_assert(strstr(ran.out, "events are missing here"));
	vp_ran_free(&ran);
}

/* ---- what is in the way --------------------------------------------------- */

static void private_mounts(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(126);
}

static void without_tracefs(void)
{
	private_mounts();
	umount2("/sys/kernel/tracing", MNT_DETACH);
	umount2("/sys/kernel/debug/tracing", MNT_DETACH);
	if (umount2("/sys/kernel/debug", MNT_DETACH))
		_exit(126);
}

/* Mounted where it belongs, and debugfs not at all. */
static void with_tracefs_only(void)
{
	without_tracefs();
	if (mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL))
		_exit(126);
}

static void no_tracefs(void)
{
	static const char why[] =
		"tracefs is not mounted at /sys/kernel/tracing: mount -t tracefs nodev /sys/kernel/tracing";
	struct vp_ran ran = vp_ctl_as(without_tracefs, "watch");

	vp_assert_refuses(&ran, 1, why);
	ran = vp_ctl_as(without_tracefs, "watch", "--json");
	vp_assert_refuses(&ran, 1, why);
	ran = vp_ctl("watch", "--tracefs", "/tmp");
	vp_assert_refuses(&ran, 1,
			  "tracefs is not mounted at /tmp: mount -t tracefs nodev /tmp");
}

static void tracefs_only(void)
{
	struct vp_ran ran = vp_ctl_as(with_tracefs_only, "watch", "--seconds",
				      "1");

	vp_assert_done(&ran);
	igt_assert(strstr(ran.out, "seconds"));
	vp_ran_free(&ran);
}

/* A folder that looks like a tracefs without vprime's events. */
static void no_events(void)
{
	char folder[] = "/tmp/vprimectl.XXXXXX", path[64];
	struct vp_ran ran;

	igt_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/instances", folder);
	igt_assert_eq(mkdir(path, 0755), 0);
	ran = vp_ctl("watch", "--tracefs", folder);
	vp_assert_refuses(&ran, 1, "the loaded module vprime has no events");
	/* It has taken its instance away again. */
	igt_assert_eq(rmdir(path), 0);
	igt_assert_eq(rmdir(folder), 0);
}

static void as_nobody(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(126);
}

static void not_root(void)
{
	struct vp_ran ran = vp_ctl_as(as_nobody, "watch");

	vp_assert_refuses(&ran, 1,
			  "only root may use it: try sudo vprimectl watch");
}

igt_main
{
	igt_describe("Export, import, attach, map, CPU access, violation, move, revoke: each is a line, in order");
	vp_subtest("in-order")
		in_order();

	igt_describe("The same as JSON, an object per line");
	vp_subtest("in-order-json")
		in_order_json();

	igt_describe("What vprimectl moves and revokes is seen, and that it was vprimectl");
	vp_subtest("acts")
		acts();

	igt_describe("What is refused is a line with the reason");
	vp_subtest("refused")
		refused();

	igt_describe("A line is there as soon as its event");
	vp_subtest("at-once")
		at_once();

	igt_describe("--seconds ends it");
	vp_subtest("seconds")
		seconds();

	igt_describe("When its reader leaves, it ends too, and takes its instance away");
	vp_subtest("reader-gone")
		reader_gone();

	igt_describe("The instance of one that was killed is removed by the next");
	vp_subtest("killed")
		killed();

	igt_describe("Two of them see the same, and the machine's own tracing stays off");
	vp_subtest("two")
		two();

	igt_describe("It does not keep the module from being unloaded, and ends with a word then");
	vp_subtest("unloaded")
		unloaded();

	igt_describe("A process may have any name");
	vp_subtest("odd-name")
		odd_name();

	igt_describe("So may one whose name the kernel has not kept");
	vp_subtest("odd-name-not-kept") {
		keep_names("1");
		odd_name();
		keep_names("128");
	}

	igt_describe("A thread's event names its process");
	vp_subtest("thread")
		thread();

	igt_describe("Events that were lost are said to be");
	vp_subtest("lost")
		lost();

	igt_describe("Without tracefs the command that mounts it is named");
	vp_subtest("no-tracefs")
		no_tracefs();

	igt_describe("tracefs is enough, debugfs is not needed");
	vp_subtest("tracefs-only")
		tracefs_only();

	igt_describe("A module without events is said to be older, and no instance stays");
	vp_subtest("no-events")
		no_events();

	igt_describe("Who is not root is told so");
	vp_subtest("not-root")
		not_root();
}
