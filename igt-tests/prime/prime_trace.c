// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints vprime:*, one for each edge of a buffer's life.
 */
#define _GNU_SOURCE	/* memrchr */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/dma-buf.h>

#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("What a trace shows of buffers");

#define TRACING		"/sys/kernel/tracing"
/* A trace of our own, which others do not disturb. */
#define INSTANCE	TRACING "/instances/vprime_test"
#define SIZE		(4 * VP_PAGE)
#define EVENTS_MAX	64

static const char *const names[] = {
	"export", "import", "attach", "detach", "map", "unmap", "move",
	"revoke", "cpu_access", "violation",
};

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
	igt_assert_f(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		     "%s > %s: %s\n", text, path, strerror(errno));
	close(fd);
}

/* @event is one of the names, or "." for all of them. */
static void start_trace(const char *event)
{
	char path[160];

	if (access(TRACING "/instances", F_OK))
		igt_assert_eq(mount("tracefs", TRACING, "tracefs", 0, NULL), 0);
	/* Of a subtest that failed. */
	rmdir(INSTANCE);
	igt_assert_eq(mkdir(INSTANCE, 0700), 0);
	snprintf(path, sizeof(path), INSTANCE "/events/vprime/%s/enable",
		 event);
	write_file(path, "1");
}

static void stop_trace(void)
{
	write_file(INSTANCE "/events/vprime/enable", "0");
	igt_assert_eq(rmdir(INSTANCE), 0);
}

struct event {
	char name[32];
	int pid;
	/* What follows the id, with a blank before and behind it. */
	char words[256];
};

/* "   comm-pid   [001] .....   12.345678: name: id=1 exporter=..." */
static bool parse(const char *line, uint64_t id, const char *from,
		  struct event *event)
{
	const char *text = strstr(line, ": "), *name;
	unsigned long long is;
	char exporter[64];
	int words = 0;

	igt_assert_f(text, "no event: %s\n", line);
	name = text + 2;
	igt_assert_f(sscanf(name, "%31[^:]: id=%llu exporter=%63s %n",
			    event->name, &is, exporter, &words) == 3 && words,
		     "no id and exporter first: %s\n", name);
	snprintf(event->words, sizeof(event->words), " %s ", name + words);
	text = memrchr(line, '-', (size_t)(strchr(line, '[') - line));
	igt_assert(text);
	event->pid = atoi(text + 1);
	if (is != id)
		return false;
	igt_assert_f(!strcmp(exporter, from), "exporter %s\n", exporter);
	return true;
}

/* The events of a buffer of that exporter's, in their order. */
static unsigned int read_trace_of(uint64_t id, const char *exporter,
				  struct event events[EVENTS_MAX])
{
	FILE *file = fopen(INSTANCE "/trace", "re");
	unsigned int count = 0;
	char line[1024];

	igt_assert(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = 0;
		if (!parse(line, id, exporter, &events[count]))
			continue;
		igt_info("%s\n", line);
		count++;
		igt_assert_lt(count, EVENTS_MAX);
	}
	fclose(file);
	return count;
}

static unsigned int read_trace(uint64_t id, struct event events[EVENTS_MAX])
{
	return read_trace_of(id, "vprime0", events);
}

static bool is_event(const struct event *event, const char *name,
		     const char *words)
{
	char spaced[128];

	snprintf(spaced, sizeof(spaced), " %s ", words);
	return !strcmp(event->name, name) && strstr(event->words, spaced);
}

static void expect(const struct event *event, const char *name,
		   const char *words)
{
	igt_assert_f(is_event(event, name, words), "%s:%s, not %s: %s\n",
		     event->name, event->words, name, words);
}

/* Two events of which either may come first. */
static void expect_both(const struct event *event, const char *name,
			const char *words, const char *name2,
			const char *words2)
{
	bool swapped = is_event(event, name2, words2);

	expect(event + swapped, name, words);
	expect(event + !swapped, name2, words2);
}

static void all_there(void)
{
	static const char *const fields[] = {
		" id;", " exporter[", " common_pid;",
	};
	char path[160], format[4096];
	ssize_t len;
	int fd;

	start_trace(".");
	for (size_t i = 0; i < VP_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path),
			 INSTANCE "/events/vprime/%s/format", names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		igt_assert_f(fd >= 0, "%s: %s\n", path, strerror(errno));
		len = read(fd, format, sizeof(format) - 1);
		igt_assert_lt(0, len);
		format[len] = 0;
		close(fd);
		for (size_t j = 0; j < VP_ARRAY_SIZE(fields); j++)
			igt_assert_f(strstr(format, fields[j]), "%s: no%s\n",
				     names[i], fields[j]);
	}
	stop_trace();
}

static uint64_t play(void)
{
	int gpu = vp_open(0), gpu1 = vp_open(1), dmabuf;
	uint32_t handle = vp_create(gpu, SIZE), handle1, words[SIZE / 4];
	uint64_t id = vp_id(gpu, handle);

	dmabuf = vp_export(gpu, handle);
	handle1 = vp_import(gpu1, dmabuf);
	vp_peek(gpu1, handle1, 0, words, SIZE);
	vp_sync_start(dmabuf, DMA_BUF_SYNC_READ);
	vp_sync_end(dmabuf, DMA_BUF_SYNC_READ);
	vp_sync_start(dmabuf, DMA_BUF_SYNC_RW);
	vp_sync_end(dmabuf, DMA_BUF_SYNC_RW);
	igt_assert_eq(vp_try_move(id), 0);
	vp_poke(gpu, handle, 0, words, sizeof(words[0]));
	vp_sync_end(dmabuf, DMA_BUF_SYNC_WRITE);
	igt_assert_eq(vp_try_revoke(id), 0);
	close(gpu1);
	vp_close(gpu, handle);
	close(dmabuf);
	close(gpu);
	return id;
}

static void scenario(void)
{
	struct event events[EVENTS_MAX], *at = events;
	unsigned int count;

	start_trace(".");
	count = read_trace(play(), events);
	igt_assert_eq(count, 18);
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq(events[i].pid, getpid());

	expect(at, "attach", "device=vprime0 lifetime=movable");
	expect(at + 1, "export", "size=16384");
	expect_both(at + 2, "attach", "device=vprime1 lifetime=movable",
		    "import", "size=16384 foreign=0 device=vprime1");
	at += 4;
	expect(at, "map", "device=vprime1 direction=bidirectional");
	expect(at + 1, "cpu_access", "begin=1 direction=from-device");
	expect(at + 2, "cpu_access", "begin=0 direction=from-device");
	expect(at + 3, "cpu_access", "begin=1 direction=bidirectional");
	expect(at + 4, "cpu_access", "begin=0 direction=bidirectional");
	at += 5;
	expect_both(at, "unmap", "device=vprime1 direction=bidirectional",
		    "move", "bytes=16384 ret=0");
	expect(at + 2, "map", "device=vprime0 direction=bidirectional");
	expect_both(at + 3, "violation", "rule=end-without-begin device=cpu",
		    "cpu_access", "begin=0 direction=to-device");
	expect_both(at + 5, "unmap", "device=vprime0 direction=bidirectional",
		    "revoke", "ret=0");
	at += 7;
	expect(at, "detach", "device=vprime1 lifetime=movable");
	expect(at + 1, "detach", "device=vprime0 lifetime=movable");
	stop_trace();
}

/* One event alone can be followed as well. */
static void one_event(void)
{
	struct event events[EVENTS_MAX];

	start_trace("move");
	igt_assert_eq(read_trace(play(), events), 1);
	expect(events, "move", "bytes=16384 ret=0");
	stop_trace();
}

static void foreign(void)
{
	struct event events[EVENTS_MAX];
	int gpu = vp_open(0), vgem, dmabuf;
	uint32_t handle = vp_create(gpu, SIZE);
	uint64_t id = vp_id(gpu, handle);

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dmabuf = vp_export(gpu, handle);
	start_trace("attach");
	vp_import(vgem, dmabuf);
	igt_assert_eq(read_trace(id, events), 1);
	expect(events, "attach", "device=vgem lifetime=pinned");
	stop_trace();
	close(dmabuf);
	close(vgem);
	close(gpu);
}

/* A buffer that is another driver's, by the name its exporter has given it. */
static void foreign_buffer(void)
{
	struct event events[EVENTS_MAX], *at = events;
	int gpu = vp_open(0), vgem, dmabuf;
	uint32_t handle, word;
	struct vp_dumb dumb;
	char words[64];
	uint64_t id;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	start_trace(".");
	handle = vp_import(gpu, dmabuf);
	id = vp_id(gpu, handle);
	vp_peek(gpu, handle, 0, &word, sizeof(word));
	vp_close(gpu, handle);

	igt_assert_eq(read_trace_of(id, "drm", events), 5);
	snprintf(words, sizeof(words), "size=%llu foreign=1 device=vprime0",
		 (unsigned long long)dumb.size);
	expect_both(at, "attach", "device=vprime0 lifetime=movable", "import",
		    words);
	expect(at + 2, "map", "device=vprime0 direction=bidirectional");
	expect(at + 3, "unmap", "device=vprime0 direction=bidirectional");
	expect(at + 4, "detach", "device=vprime0 lifetime=movable");
	stop_trace();
	close(dmabuf);
	close(vgem);
	close(gpu);
}

igt_main
{
	igt_describe("Each tracepoint is there, with a buffer's id and exporter");
	vp_subtest("all-there")
		all_there();

	igt_describe("A buffer's whole life, in order, in the name of who did it");
	vp_subtest("scenario")
		scenario();

	igt_describe("One event is traced and no other");
	vp_subtest("one-event")
		one_event();

	igt_describe("Another driver's attach is traced too");
	vp_subtest("foreign")
		foreign();

	igt_describe("What GPUs do with another driver's buffer is traced as with vprime's own");
	vp_subtest("foreign-buffer")
		foreign_buffer();

	igt_fixture
		vp_unload_foreign("vgem");
}
