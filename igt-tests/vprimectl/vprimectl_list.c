// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vprimectl shows of the buffers: as a table, as JSON, and when the
 * kernel's list is not what it expects.
 */
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_foreign.h"
#include "vp_json.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("vprimectl list and counts");

#define SIZE	VP_SCENE_SIZE

static void list_empty(void)
{
	struct vp_ran plain = vp_run_words(NULL, "vprimectl"), json, named;
	struct vp_json *read;

	vp_assert_done(&plain);
	igt_assert_f(!strncmp(plain.out, "no buffers\n\ncounts: buffers 0, ", 31),
		     "printed: %s\n", plain.out);
	named = vp_ctl("list");
	igt_assert(!strcmp(named.out, plain.out));
	json = vp_ctl("--json");
	vp_assert_done(&json);
	read = vp_json_parse(json.out);
	igt_assert_eq(vp_json_length(read, "buffers"), 0);
	vp_json_free(read);
	vp_ran_free(&plain);
	vp_ran_free(&named);
	vp_ran_free(&json);
}

/* Everything that there can be on one buffer. */
struct busy {
	struct vp_scene scene;
	int foreign;
	pid_t holder;
};

static struct busy make_busy(void)
{
	struct busy busy = { .scene = vp_scene() };
	struct vp_scene *scene = &busy.scene;
	uint32_t word;

	vp_peek(scene->gpu[1], scene->handle[1], 0, &word, sizeof(word));
	busy.foreign = vp_foreign_open();
	/*
	 * In this order: these would end the holder's access, and a CPU access
	 * that begins waits for the fence.
	 */
	vp_try_sync(scene->dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	vp_try_sync(scene->dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ);
	busy.holder = vp_start_access("holder", scene->dmabuf, DMA_BUF_SYNC_RW,
				      1);
	vp_foreign_hold(busy.foreign, scene->dmabuf);
	vp_foreign_add_fence(busy.foreign, scene->dmabuf,
			     VP_FOREIGN_USAGE_WRITE, VP_FOREIGN_MAX_TIMEOUT_MS);
	return busy;
}

static void end_busy(struct busy *busy)
{
	/* Which signals the fence, where that has not been given up on. */
	close(busy->foreign);
	vp_kill(busy->holder);
	vp_scene_end(&busy->scene);
	vp_foreign_unload();
}

static void list_table(void)
{
	struct busy busy = make_busy();
	char row[VP_ROW], wanted[VP_ROW], begin[64];
	struct vp_ran ran = vp_ctl("list");
	const struct vp_watch_buffer *buffer = vp_watch(busy.scene.id);
	const char *text;
	int pins;

	vp_assert_done(&ran);
	igt_info("%s", ran.out);
	text = vp_assert_row(ran.out, "id|what|who|state");
	snprintf(begin, sizeof(begin), "%s|buffer|", busy.scene.digits);
	text = vp_find_row(text, begin, row);
	snprintf(wanted, sizeof(wanted),
		 "%s|buffer|vprime0|16 KiB, all resident, live, exported, %n%u pins",
		 busy.scene.digits, &pins, buffer->pins);
	if (buffer->pins == 1)
		snprintf(wanted + pins, sizeof(wanted) - (size_t)pins, "1 pin");
	igt_assert_f(!strcmp(row, wanted), "row: %s\nwanted: %s\n", row,
		     wanted);
	text = vp_assert_row(text, "attachment|vprime0 (vprime)|movable, not mapped");
	text = vp_assert_row(text, "attachment|vprime1 (vprime)|movable, mapped bidirectional");
	text = vp_find_row(text, "attachment|" VP_FOREIGN_DEVICE " (", row);
	igt_assert(strstr(row, "|pinned, mapped bidirectional"));
	snprintf(begin, sizeof(begin), "cpu access|holder[%d]|read-write, open for ",
		 busy.holder);
	text = vp_find_row(text, begin, row);
	snprintf(wanted, sizeof(wanted), "fence|" VP_FOREIGN_DEVICE "|write, timeline test, number %llu",
		 (unsigned long long)buffer->fence[0].seqno);
	text = vp_assert_row(text, wanted);
	text = vp_assert_row(text, "violation|end-without-begin|2 times");
	for (int gpu = 0; gpu < 2; gpu++) {
		snprintf(wanted, sizeof(wanted), "handle|vprimectl_list[%d]|%u of vprime%d", getpid(),
			 busy.scene.handle[gpu], gpu);
		text = vp_assert_row(text, wanted);
	}
	/* The child has inherited it. */
	snprintf(wanted, sizeof(wanted), "descriptor|vprimectl_list[%d]|1 time", getpid());
	text = vp_assert_row(text, wanted);
	snprintf(wanted, sizeof(wanted), "descriptor|holder[%d]|1 time", busy.holder);
	text = vp_assert_row(text, wanted);
	text = vp_assert_row(text, "");
	vp_find_row(text, "counts: buffers 1, views 2, attachments 3, ", row);
	text = vp_find_row(text, "violations: ", row);
	snprintf(wanted, sizeof(wanted), "end-without-begin %u",
		 vp_watch_total("end-without-begin"));
	/* With many to tell, it goes on in the next line. */
	igt_assert(strstr(row, wanted) || strstr(text, wanted));
	vp_ran_free(&ran);
	end_busy(&busy);
}

static void assert_json_attachment(const struct vp_json *json,
				   const struct vp_watch_attachment *attachment)
{
	vp_assert_json_string(json, "device", attachment->device);
	vp_assert_json_string(json, "driver", attachment->driver);
	vp_assert_json_string(json, "lifetime", attachment->lifetime);
	vp_assert_json_string(json, "mapped", attachment->mapped);
	vp_assert_json_string(json, "direction", attachment->direction);
	igt_assert_eq(vp_json_number(json, "pins"), attachment->pins);
}

static void list_json(void)
{
	struct busy busy = make_busy();
	struct vp_ran ran = vp_ctl("list", "--json");
	const struct vp_watch_buffer *buffer = vp_watch(busy.scene.id);
	const struct vp_json *json, *part;
	struct vp_json *read;

	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	igt_assert_eq(vp_json_length(read, "buffers"), 1);
	json = vp_json_at(read, "buffers", 0);
	igt_assert_eq(vp_json_number(json, "id"), busy.scene.id);
	vp_assert_json_string(json, "exporter", "vprime0");
	igt_assert_eq(vp_json_number(json, "size"), SIZE);
	igt_assert_eq(vp_json_number(json, "resident"), SIZE);
	vp_assert_json_string(json, "state", "live");
	igt_assert(!vp_json_bool(json, "foreign"));
	igt_assert(vp_json_bool(json, "exported"));
	igt_assert_eq(vp_json_number(json, "attachments"), 3);
	igt_assert_eq(vp_json_number(json, "mapped"), buffer->mapped);
	igt_assert_eq(vp_json_number(json, "pins"), buffer->pins);
	igt_assert_eq(vp_json_number(json, "vmaps"), 0);
	igt_assert_eq(vp_json_number(json, "cpu"), 1);
	igt_assert_eq(vp_json_number(json, "fences"), 1);
	igt_assert_eq(vp_json_number(json, "violations"), 2);

	igt_assert_eq(vp_json_length(json, "attachment_list"), 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_json_attachment(vp_json_at(json, "attachment_list", i),
				       &buffer->attachment[i]);
	igt_assert_eq(vp_json_length(json, "handle_list"), 2);
	part = vp_json_at(json, "handle_list", 1);
	vp_assert_json_string(part, "device", "vprime1");
	vp_assert_json_string(part, "process", "vprimectl_list");
	igt_assert_eq(vp_json_number(part, "handle"), busy.scene.handle[1]);
	igt_assert_eq(vp_json_length(json, "descriptor_list"), 2);
	igt_assert_eq(vp_json_number(vp_json_at(json, "descriptor_list", 0), "count"), 1);
	igt_assert_eq(vp_json_length(json, "mapping_list"), 0);
	igt_assert_eq(vp_json_length(json, "cpu_list"), 1);
	part = vp_json_at(json, "cpu_list", 0);
	vp_assert_json_string(part, "access", "read-write");
	vp_assert_json_string(part, "process", "holder");
	igt_assert_eq(vp_json_number(part, "pid"), busy.holder);
	igt_assert_lte(vp_json_number(part, "open_ms"), buffer->cpu[0].open_ms);
	igt_assert_eq(vp_json_length(json, "fence_list"), 1);
	part = vp_json_at(json, "fence_list", 0);
	vp_assert_json_string(part, "driver", VP_FOREIGN_DEVICE);
	vp_assert_json_string(part, "timeline", "test");
	igt_assert_eq(vp_json_number(part, "seqno"), buffer->fence[0].seqno);
	vp_assert_json_string(part, "usage", "write");
	igt_assert_eq(vp_json_length(json, "violation_list"), 1);
	part = vp_json_at(json, "violation_list", 0);
	vp_assert_json_string(part, "rule", "end-without-begin");
	igt_assert_eq(vp_json_number(part, "count"), 2);
	vp_json_free(read);
	vp_ran_free(&ran);
	end_busy(&busy);
}

static void list_one(void)
{
	struct vp_scene scene = vp_scene();
	uint32_t other = vp_create(scene.gpu[0], SIZE);
	char row[VP_ROW], begin[64], zeros[32], none[64];
	struct vp_ran ran = vp_ctl("list", scene.digits), again;
	struct vp_json *read;

	vp_assert_done(&ran);
	snprintf(begin, sizeof(begin), "%s|buffer|", scene.digits);
	vp_find_row(ran.out, begin, row);
	snprintf(begin, sizeof(begin), "%llu|buffer|",
		 (unsigned long long)vp_id(scene.gpu[0], other));
	igt_assert(!strstr(ran.out, "counts"));
	for (const char *text = ran.out; (text = vp_next_row(text, row));)
		igt_assert(strncmp(row, begin, strlen(begin)));

	snprintf(zeros, sizeof(zeros), "00%s", scene.digits);
	again = vp_ctl("list", zeros);
	igt_assert(!strcmp(ran.out, again.out));
	vp_ran_free(&again);
	vp_ran_free(&ran);

	ran = vp_ctl("--json", "list", scene.digits);
	read = vp_json_parse(ran.out);
	igt_assert_eq(vp_json_length(read, "buffers"), 1);
	igt_assert_eq(vp_json_number(vp_json_at(read, "buffers", 0), "id"),
		      scene.id);
	igt_assert(!vp_json_find(read, "counts"));
	vp_json_free(read);
	vp_ran_free(&ran);

	vp_scene_end(&scene);
	snprintf(none, sizeof(none), "there is no buffer %s", scene.digits);
	ran = vp_ctl("list", scene.digits);
	vp_assert_refuses(&ran, 1, none);
	ran = vp_ctl("list", scene.digits, "--json");
	vp_assert_refuses(&ran, 1, none);
}

static void counts(void)
{
	struct vp_scene scene = vp_scene();
	struct vp_ran ran = vp_ctl("counts"), json = vp_ctl("counts", "--json");
	const struct vp_json *numbers;
	struct vp_json *read;
	char row[VP_ROW], wanted[VP_ROW];
	const char *text, *rule;

	vp_assert_done(&ran);
	vp_assert_done(&json);
	read = vp_json_parse(json.out);
	text = vp_assert_row(ran.out, "count|now");
	text = vp_assert_row(text, "buffers|1");
	text = vp_assert_row(text, "views|2");
	text = vp_assert_row(text, "attachments|2");
	numbers = vp_json_get(read, "counts");
	igt_assert_eq(vp_json_number(numbers, "buffers"), 1);
	igt_assert_eq(vp_json_number(numbers, "views"), 2);
	igt_assert_eq(vp_json_number(numbers, "attachments"), 2);
	igt_assert_eq(vp_json_number(numbers, "mappings"), 0);

	text = vp_find_row(text, "violation|since the module was loaded", row);
	numbers = vp_json_get(read, "violations");
	for (unsigned int i = 0; (rule = vp_watch_rule(i)); i++) {
		snprintf(wanted, sizeof(wanted), "%s|%u", rule,
			 vp_watch_total(rule));
		text = vp_assert_row(text, wanted);
		igt_assert_eq(vp_json_number(numbers, rule),
			      vp_watch_total(rule));
	}
	igt_assert(!*text);
	vp_json_free(read);
	vp_ran_free(&ran);
	vp_ran_free(&json);
	vp_scene_end(&scene);
}

/* More than goes into a pipe, for a reader who takes his time. */
static void list_many(void)
{
	enum { MANY = 1000 };
	static const char *const arguments[] = { "vprimectl", "--json", NULL };
	int gpu = vp_open(0);
	struct vp_program program;
	struct vp_json *read;
	struct vp_ran ran;
	uint64_t first = 0;
	unsigned int i = 0;

	for (int n = 0; n < MANY; n++) {
		uint32_t handle = vp_create(gpu, SIZE);

		if (!n)
			first = vp_id(gpu, handle);
	}
	program = vp_start(NULL, arguments);
	usleep(500000);
	ran = vp_finish(&program);
	vp_assert_done(&ran);
	igt_assert_lt((size_t)65536 * 2, strlen(ran.out));
	read = vp_json_parse(ran.out);
	for (const struct vp_json *buffer = vp_json_get(read, "buffers")->first;
	     buffer; buffer = buffer->next)
		igt_assert_eq(vp_json_number(buffer, "id"), first + i++);
	igt_assert_eq(i, MANY);
	vp_json_free(read);
	vp_ran_free(&ran);
	close(gpu);
}

/* As "vprimectl list | head -1": the reader has gone, and that is fine. */
static void list_head(void)
{
	static const char *const arguments[] = { "vprimectl", "list", NULL };
	struct vp_program program = vp_start(NULL, arguments);
	struct vp_ran ran;

	close(program.out);
	program.out = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ran = vp_finish(&program);
	igt_assert(ran.status == 0 || ran.status == 128 + SIGPIPE);
	igt_assert_f(!*ran.err, "said: %s\n", ran.err);
	vp_ran_free(&ran);
}

/* ---- what a file might say ------------------------------------------------ */

/* A folder that looks like debugfs to vprimectl. */
static void make_folder(char *folder, const char *list)
{
	vp_ctl_folder(folder);
	vp_ctl_put(folder, "buffers", list);
	vp_ctl_put(folder, "counts", "buffers 1\nfuture -3\n");
	vp_ctl_put(folder, "violations", "unmap-direction 0\nfuture-rule 7\n");
}

/* The JSON has all that the text has: each line at its place, in its order. */
static void assert_same(const char *list, const struct vp_json *read)
{
	char *text = strdup(list), *rest = text, *line;
	const struct vp_json *buffer = NULL;
	unsigned int index = 0, seen[8] = {};
	static const char *const kinds[] = {
		"attachment", "cpu", "fence", "violation", "future",
	};

	while ((line = strsep(&rest, "\n")) && *line) {
		size_t blanks = strspn(line, " "), kind;
		char key[32];

		if (!blanks) {
			buffer = vp_json_at(read, "buffers", index++);
			memset(seen, 0, sizeof(seen));
			vp_assert_same_line(line, buffer);
			continue;
		}
		for (kind = 0; kind < VP_ARRAY_SIZE(kinds); kind++)
			if (!strncmp(line + blanks, kinds[kind],
				     strlen(kinds[kind])))
				break;
		igt_assert_lt(kind, VP_ARRAY_SIZE(kinds));
		snprintf(key, sizeof(key), "%s_list", kinds[kind]);
		vp_assert_same_line(line + blanks,
				 vp_json_at(buffer, key, seen[kind]++));
	}
	igt_assert_eq(vp_json_length(read, "buffers"), index);
	free(text);
}

static struct vp_json *read_list(const char *list, struct vp_ran *table)
{
	char folder[] = VP_CTL_FOLDER;
	struct vp_json *read;
	struct vp_ran ran;

	make_folder(folder, list);
	if (table) {
		*table = vp_ctl("list", "--debugfs", folder);
		vp_assert_done(table);
	}
	ran = vp_ctl("list", "--json", "--debugfs", folder);
	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	vp_ran_free(&ran);
	vp_ctl_folder_end(folder);
	return read;
}

/* The list as it is, from a file that stands still. */
static void list_complete(void)
{
	struct busy busy = make_busy();
	char *list = vp_watch_text(65536);
	struct vp_json *read = read_list(list, NULL);

	assert_same(list, read);
	vp_json_free(read);
	free(list);
	end_busy(&busy);
}

static void list_future(void)
{
	static const char list[] =
		"buffer id=18446744073709551615 exporter=yes size=5000 resident=4096 state=frozen foreign=no exported=no attachments=1 mapped=1 pins=0 vmaps=1 cpu=1 fences=0 violations=0 weight=-12 ready=yes code=007\n"
		"  attachment device=17 driver=no lifetime=endless mapped=stale direction=to-device pins=2 more=\n"
		"  cpu access=read process=a\"b\\c pid=3 open_ms=9\n"
		"  future sky=grey depth=3\n"
		"  future sky=blue depth=4\n";
	struct vp_ran table;
	struct vp_json *read = read_list(list, &table);
	const struct vp_json *buffer = vp_json_at(read, "buffers", 0), *part;
	const char *text;

	assert_same(list, read);
	/* Names are names, whatever they look like; the rest is what it is. */
	vp_assert_json_string(buffer, "exporter", "yes");
	igt_assert_eq(vp_json_number(buffer, "weight"), -12);
	igt_assert(vp_json_bool(buffer, "ready"));
	vp_assert_json_string(buffer, "code", "007");
	igt_assert_eq(vp_json_get(buffer, "id")->type, VP_JSON_NUMBER);
	part = vp_json_at(buffer, "attachment_list", 0);
	vp_assert_json_string(part, "device", "17");
	vp_assert_json_string(part, "driver", "no");
	vp_assert_json_string(part, "mapped", "stale");
	vp_assert_json_string(part, "more", "");
	vp_assert_json_string(vp_json_at(buffer, "cpu_list", 0), "process", "a\"b\\c");
	igt_assert_eq(vp_json_number(vp_json_at(buffer, "future_list", 1),
				     "depth"), 4);
	igt_assert_eq(vp_json_length(buffer, "fence_list"), 0);
	igt_assert_eq(vp_json_number(vp_json_get(read, "counts"), "future"),
		      -3);
	igt_assert_eq(vp_json_number(vp_json_get(read, "violations"),
				     "future-rule"), 7);

	text = vp_assert_row(table.out, "id|what|who|state");
	text = vp_assert_row(text, "18446744073709551615|buffer|yes|5000 B, 4 KiB resident, frozen, 1 vmap, weight=-12, ready=yes, code=007");
	text = vp_assert_row(text, "attachment|17 (no)|endless, stale mapping to-device, 2 pins, more=");
	text = vp_assert_row(text, "cpu access|a\"b\\c[3]|read, open for 9 ms");
	text = vp_assert_row(text, "future|sky=grey, depth=3");
	text = vp_assert_row(text, "future|sky=blue, depth=4");
	text = vp_assert_row(text, "");
	text = vp_assert_row(text, "counts: buffers 1, future -3");
	vp_assert_row(text, "violations: future-rule 7");
	vp_ran_free(&table);
	vp_json_free(read);
}

static void refuses_list(const char *list, const char *why)
{
	char folder[] = VP_CTL_FOLDER;
	struct vp_ran ran;

	make_folder(folder, list);
	ran = vp_ctl("list", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	ran = vp_ctl("list", "1", "--json", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	vp_ctl_folder_end(folder);
}

static void refuses_counts(const char *file, const char *text, const char *why)
{
	char folder[] = VP_CTL_FOLDER;
	struct vp_ran ran;

	make_folder(folder, "");
	vp_ctl_put(folder, file, text);
	ran = vp_ctl("counts", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	ran = vp_ctl("list", "--json", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	vp_ctl_folder_end(folder);
}

static void list_malformed(void)
{
	refuses_list("  attachment device=a\n", "/vprime/buffers: line 1: ");
	refuses_list("buffer id=1\n\nbuffer id=2\n", "line 2: ");
	refuses_list("buffer id=1\n   cpu pid=2\n", "line 2: ");
	refuses_list("buffer id=1\n      cpu pid=2\n", "line 2: ");
	refuses_list("buffer id=1 id=2\n", "'id'");
	refuses_list("buffer id=1 size\n", "'size'");
	refuses_list("buffer id=1 =5\n", "'=5'");
	refuses_list("id=1\n", "line 1: ");
	refuses_counts("counts", "buffers\n", "/vprime/counts: line 1 ");
	refuses_counts("counts", "a 1\nb x\n", "/vprime/counts: line 2 ");
	refuses_counts("violations", "unmap-direction 1 2\n",
		       "/vprime/violations: line 1 ");
}

igt_main
{
	igt_describe("Without buffers, list says so and shows the counts");
	vp_subtest("list-empty")
		list_empty();

	igt_describe("The table shows importers, CPU accesses with their process, fences and violations");
	vp_subtest("list-table")
		list_table();

	igt_describe("The JSON says the same, with numbers and truth values as such");
	vp_subtest("list-json")
		list_json();

	igt_describe("list ID shows that buffer only, and says when there is none");
	vp_subtest("list-one")
		list_one();

	igt_describe("Every word of the kernel's list is in the JSON");
	vp_subtest("list-complete")
		list_complete();

	igt_describe("Keys, words and kinds of line that a later module may have are kept");
	vp_subtest("list-future")
		list_future();

	igt_describe("A file that is not understood is one line that says where, and no output");
	vp_subtest("list-malformed")
		list_malformed();

	igt_describe("A thousand buffers arrive whole at a slow reader");
	vp_subtest("list-many")
		list_many();

	igt_describe("A reader who leaves early is no error worth a word");
	vp_subtest("list-head")
		list_head();

	igt_describe("counts shows all counts and all rules, those of 0 as well");
	vp_subtest("counts")
		counts();
}
