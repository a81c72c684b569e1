// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vprimectl makes of the kernel's list of fences: every word of it is in the
 * JSON, what is late is marked, and what is not understood is not shown.
 */
#include <string.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_ctl_fences.h"
#include "vp_fences.h"
#include "vp_json.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("vprimectl fences, and the list it reads");

static const struct vp_json *json_timeline(const struct vp_json *read,
					   uint64_t id)
{
	const struct vp_json *timeline = vp_json_get(read, "timelines")->first;

	while (timeline && vp_json_number(timeline, "id") != (int64_t)id)
		timeline = timeline->next;
	igt_assert_f(timeline, "no timeline %llu\n", (unsigned long long)id);
	return timeline;
}

static void assert_json_timeline(const struct vp_json *json,
				 const struct vp_fences_timeline *timeline)
{
	vp_assert_json_string(json, "device", timeline->device);
	vp_assert_json_string(json, "name", timeline->name);
	vp_assert_json_string(json, "kind", timeline->kind);
	vp_assert_json_string(json, "process", "maker");
	igt_assert_eq(vp_json_number(json, "pid"), getpid());
	igt_assert_eq(vp_json_number(json, "made"), timeline->made);
	igt_assert_eq(vp_json_number(json, "signaled"), timeline->signaled);
	igt_assert_eq(vp_json_number(json, "pending"), timeline->pending);
	igt_assert_eq(vp_json_length(json, "fence_list"), timeline->pending);
}

/* @fence is how it was before the JSON was made. */
static void assert_json_fence(const struct vp_json *json,
			      const struct vp_fences_fence *fence)
{
	const struct vp_fences_waiter *waiter;
	unsigned int i = 0;

	igt_assert_eq(vp_json_number(json, "seqno"), fence->seqno);
	igt_assert_eq(vp_json_number(json, "id"), fence->id);
	vp_assert_json_string(json, "usage", fence->usage);
	igt_assert_eq(vp_json_number(json, "buffer"), fence->buffer);
	igt_assert_lte(fence->age_ms, vp_json_number(json, "age_ms"));
	igt_assert_lte(vp_json_number(json, "left_ms"), fence->left_ms);
	igt_assert_lte(0, vp_json_number(json, "left_ms"));
	igt_assert_eq(vp_json_get(json, "deadline_ms")->type, VP_JSON_NULL);
	igt_assert_eq(vp_json_number(json, "callbacks"), fence->callbacks);
	igt_assert_eq(vp_json_length(json, "waiter_list"), fence->n_waiter);
	for (waiter = fence->waiter; waiter; waiter = waiter->next) {
		const struct vp_json *part = vp_json_at(json, "waiter_list",
							i++);

		vp_assert_json_string(part, "process", waiter->process);
		igt_assert_eq(vp_json_number(part, "pid"), waiter->pid);
		igt_assert_lte(waiter->wait_ms,
			       vp_json_number(part, "wait_ms"));
	}
}

static void fences_json(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	char *text = vp_fences_text(65536);
	const struct vp_fences_timeline *list = vp_fences_parse(text), *timeline;
	struct vp_ran ran = vp_ctl("fences", "--json");
	const struct vp_fences_fence *fence;
	struct vp_json *read;
	unsigned int waiters = 0, timelines = 0;

	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	for (timeline = list; timeline; timeline = timeline->next) {
		const struct vp_json *json = json_timeline(read, timeline->id);
		unsigned int i = 0;

		timelines++;
		assert_json_timeline(json, timeline);
		for (fence = timeline->fence; fence; fence = fence->next) {
			assert_json_fence(vp_json_at(json, "fence_list", i++),
					  fence);
			waiters += fence->n_waiter;
		}
	}
	igt_assert_eq(vp_json_length(read, "timelines"), timelines);
	igt_assert_eq(waiters, 1);
	vp_json_free(read);
	vp_ran_free(&ran);
	vp_fences_free(list);
	free(text);
	vp_fences_scene_end(&scene);
}

/* The JSON has all that the text has: each line at its place, in its order. */
static void assert_same(const char *list, const struct vp_json *read)
{
	char *text = strdup(list), *rest = text, *line;
	const struct vp_json *timeline = NULL, *fence = NULL;
	unsigned int timelines = 0, fences = 0, waiters = 0;

	while ((line = strsep(&rest, "\n")) && *line) {
		const struct vp_json *json;

		if (!strncmp(line, "timeline ", 9)) {
			json = timeline = vp_json_at(read, "timelines",
						     timelines++);
			fences = 0;
		} else if (!strncmp(line, "  fence ", 8)) {
			json = fence = vp_json_at(timeline, "fence_list",
						  fences++);
			waiters = 0;
		} else {
			igt_assert(strstr(line, " waiter "));
			json = vp_json_at(fence, "waiter_list", waiters++);
		}
		vp_assert_same_line(line + strspn(line, " "), json);
	}
	igt_assert_eq(vp_json_length(read, "timelines"), timelines);
	free(text);
}

/* What vprimectl makes of a list: JSON, and the table of --all. */
static struct vp_json *read_list(const char *list, struct vp_ran *table)
{
	char folder[] = VP_CTL_FOLDER;
	struct vp_json *read;
	struct vp_ran ran;

	vp_ctl_folder(folder);
	vp_ctl_put(folder, "fences", list);
	if (table) {
		*table = vp_ctl("fences", "--all", "--debugfs", folder);
		vp_assert_done(table);
	}
	ran = vp_ctl("fences", "--json", "--debugfs", folder);
	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	vp_ran_free(&ran);
	vp_ctl_folder_end(folder);
	return read;
}

/* The list as it is, from a file that stands still. */
static void fences_complete(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	char *list = vp_fences_text(65536);
	struct vp_json *read = read_list(list, NULL);

	assert_same(list, read);
	igt_assert(strstr(list, " waiter process=waiter "));
	vp_json_free(read);
	free(list);
	vp_fences_scene_end(&scene);
}

/* ---- what a file might say ------------------------------------------------------ */

#define LINE(id, name, rest) \
	"timeline id=" #id " device=vprime0 name=" name \
	" kind=ordered process=maker pid=161 made=9 signaled=3 " rest "\n"
#define FENCE(seqno, rest) \
	"  fence seqno=" #seqno " id=0 usage=none buffer=0 " rest "\n"
#define WAITER(id) \
	"    waiter process=player pid=" #id " wait_ms=7\n"

static void fences_mark(void)
{
	static const char list[] =
		LINE(1, "young", "pending=2")
		FENCE(4, "age_ms=999 left_ms=9001 deadline_ms=none callbacks=3")
		WAITER(162)
		FENCE(5, "age_ms=999 left_ms=9001 deadline_ms=0 callbacks=3")
		LINE(2, "lonely", "pending=1")
		FENCE(4, "age_ms=5000 left_ms=5000 deadline_ms=-40 callbacks=0")
		LINE(3, "old", "pending=1")
		FENCE(4, "age_ms=1000 left_ms=none deadline_ms=none callbacks=0")
		WAITER(162)
		LINE(4, "overdue", "pending=1")
		FENCE(4, "age_ms=20 left_ms=9980 deadline_ms=-4 callbacks=1")
		/* The first one is named, as a timeline signals in order; one waits for two. */
		LINE(5, "crowded", "pending=3")
		FENCE(4, "age_ms=2000 left_ms=8000 deadline_ms=none callbacks=2")
		WAITER(162)
		WAITER(163)
		FENCE(5, "age_ms=2001 left_ms=7999 deadline_ms=none callbacks=0")
		WAITER(163)
		WAITER(164)
		FENCE(6, "age_ms=2000 left_ms=8000 deadline_ms=12 callbacks=1");
	struct vp_ran table;
	struct vp_json *read = read_list(list, &table);
	const char *text;

	assert_same(list, read);
	text = vp_assert_row(table.out, "id|what|who|state");
	text = vp_assert_row(text, "1|timeline|maker[161]|vprime0 young, ordered, 9 made, signalled up to 3");
	text = vp_assert_row(text, "fence|number 4|pending for 999 ms, 9001 ms left, 3 callbacks");
	text = vp_assert_row(text, "waiter|player[162]|for 7 ms");
	text = vp_assert_row(text, "fence|number 5|pending for 999 ms, 9001 ms left, deadline in 0 ms, 3 callbacks");
	text = vp_assert_row(text, "2|timeline|maker[161]|vprime0 lonely, ordered, 9 made, signalled up to 3");
	text = vp_assert_row(text, "fence|number 4|pending for 5000 ms, 5000 ms left, deadline 40 ms ago");
	text = vp_assert_row(text, "3|timeline|maker[161]|vprime0 old, ordered, 9 made, signalled up to 3");
	text = vp_assert_row(text, "=>|fence|number 4|pending for 1000 ms, no limit");
	text = vp_assert_row(text, "waiter|player[162]|for 7 ms");
	text = vp_assert_row(text, "4|timeline|maker[161]|vprime0 overdue, ordered, 9 made, signalled up to 3");
	text = vp_assert_row(text, "=>|fence|number 4|pending for 20 ms, 9980 ms left, deadline 4 ms ago, 1 callback");
	text = vp_assert_row(text, "5|timeline|maker[161]|vprime0 crowded, ordered, 9 made, signalled up to 3");
	text = vp_assert_row(text, "=>|fence|number 4|pending for 2000 ms, 8000 ms left, 2 callbacks");
	text = vp_assert_row(text, "waiter|player[162]|for 7 ms");
	text = vp_assert_row(text, "waiter|player[163]|for 7 ms");
	text = vp_assert_row(text, "=>|fence|number 5|pending for 2001 ms, 7999 ms left");
	text = vp_assert_row(text, "waiter|player[163]|for 7 ms");
	text = vp_assert_row(text, "waiter|player[164]|for 7 ms");
	text = vp_assert_row(text, "=>|fence|number 6|pending for 2000 ms, 8000 ms left, deadline in 12 ms, 1 callback");
	text = vp_assert_row(text, "");
	text = vp_assert_row(text, "=> maker[161] keeps 1 process waiting: vprime0 old, number 4");
	text = vp_assert_row(text, "=> maker[161] keeps somebody waiting: vprime0 overdue, number 4");
	text = vp_assert_row(text, "=> maker[161] keeps 3 processes and others waiting: vprime0 crowded, number 4 and 2 more");
	igt_assert_f(!*text, "more: %s\n", text);
	vp_ran_free(&table);
	vp_json_free(read);
}

static void fences_future(void)
{
	static const char list[] =
		"timeline id=18446744073709551615 device=no name=17 kind=circular process=yes pid=3 made=x signaled=-2 pending=2 weight=-12 left_ms=none\n"
		"  waiter process=none pid=4 wait_ms=none\n"
		"  fence seqno=4 id=none usage=twice buffer=5 age_ms=old left_ms=soon deadline_ms=later callbacks=many colour=red\n"
		"    waiter process=a\"b\\c pid=5 wait_ms=6 how=poll\n"
		"    waiter process=d pid=6 wait_ms=7\n"
		"      future sky=blue depth=4\n"
		"  future sky=grey depth=3\n"
		"  fence seqno=5\n"
		"weather rain=yes\n"
		"  fence seqno=6 age_ms=2000 callbacks=1\n";
	struct vp_ran table;
	struct vp_json *read = read_list(list, &table);
	const struct vp_json *timeline = vp_json_at(read, "timelines", 0), *part;
	char row[VP_ROW];
	const char *text;

	/* Names are names, whatever they look like; the rest is what it is. */
	vp_assert_json_string(timeline, "device", "no");
	vp_assert_json_string(timeline, "name", "17");
	vp_assert_json_string(timeline, "kind", "circular");
	vp_assert_json_string(timeline, "process", "yes");
	vp_assert_json_string(timeline, "made", "x");
	igt_assert_eq(vp_json_number(timeline, "weight"), -12);
	igt_assert_eq(vp_json_get(timeline, "left_ms")->type, VP_JSON_NULL);
	igt_assert_eq(vp_json_get(timeline, "id")->type, VP_JSON_NUMBER);
	part = vp_json_at(timeline, "waiter_list", 0);
	vp_assert_json_string(part, "process", "none");
	igt_assert_eq(vp_json_length(timeline, "waiter_list"), 1);
	igt_assert_eq(vp_json_length(timeline, "fence_list"), 2);
	part = vp_json_at(timeline, "fence_list", 0);
	vp_assert_json_string(part, "id", "none");
	vp_assert_json_string(part, "left_ms", "soon");
	vp_assert_json_string(part, "colour", "red");
	igt_assert_eq(vp_json_length(part, "waiter_list"), 2);
	vp_assert_json_string(vp_json_at(part, "waiter_list", 0), "process",
			      "a\"b\\c");
	vp_assert_json_string(vp_json_at(part, "waiter_list", 0), "how",
			      "poll");
	part = vp_json_at(vp_json_at(part, "waiter_list", 1), "future_list", 0);
	igt_assert_eq(vp_json_number(part, "depth"), 4);
	part = vp_json_at(timeline, "fence_list", 1);
	igt_assert(!vp_json_find(part, "usage"));
	igt_assert_eq(vp_json_length(part, "waiter_list"), 0);
	part = vp_json_at(timeline, "future_list", 0);
	igt_assert_eq(vp_json_number(part, "depth"), 3);
	part = vp_json_at(read, "weather_list", 0);
	igt_assert(vp_json_bool(part, "rain"));
	igt_assert_eq(vp_json_length(part, "fence_list"), 1);

	text = vp_assert_row(table.out, "id|what|who|state");
	text = vp_assert_row(text, "18446744073709551615|timeline|yes[3]|no 17, circular, x made, signalled up to -2, weight=-12, left_ms=none");
	text = vp_assert_row(text, "waiter|none[4]|for none ms");
	text = vp_assert_row(text, "fence|number 4|twice on buffer 5, id none, pending for old ms, soon ms left, deadline in later ms, many callbacks, colour=red");
	text = vp_assert_row(text, "waiter|a\"b\\c[5]|for 6 ms, how=poll");
	text = vp_assert_row(text, "waiter|d[6]|for 7 ms");
	text = vp_assert_row(text, "future|sky=blue, depth=4");
	text = vp_assert_row(text, "future|sky=grey, depth=3");
	text = vp_assert_row(text, "fence|number 5|? on buffer ?, id ?, pending for ? ms, ? ms left, deadline in ? ms, ? callbacks");
	text = vp_assert_row(text, "weather|rain=yes");
	vp_find_row(text, "=>|fence|number 6|", row);
	vp_ran_free(&table);
	vp_json_free(read);
}

static void refuses(const char *list, const char *why)
{
	char folder[] = VP_CTL_FOLDER;
	struct vp_ran ran;

	vp_ctl_folder(folder);
	vp_ctl_put(folder, "fences", list);
	ran = vp_ctl("fences", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	ran = vp_ctl("fences", "--json", "--debugfs", folder);
	vp_assert_refuses(&ran, 1, why);
	vp_ctl_folder_end(folder);
}

static void fences_malformed(void)
{
	refuses("  fence seqno=1\n", "/vprime/fences: line 1: ");
	refuses("timeline id=1\n\ntimeline id=2\n", "line 2: ");
	refuses("timeline id=1\n   fence seqno=2\n", "line 2: ");
	refuses("timeline id=1\n    waiter pid=2\n", "line 2: ");
	refuses("timeline id=1\n  fence seqno=1\n      waiter pid=2\n",
		"line 3: ");
	refuses("timeline id=1 id=2\n", "'id'");
	refuses("timeline id=1 device\n", "'device'");
	refuses("timeline id=1 =5\n", "'=5'");
	refuses("id=1\n", "line 1: ");
}

igt_main
{
	igt_describe("The JSON says the same, with numbers as such and null where there is none");
	vp_subtest("fences-json")
		fences_json();

	igt_describe("Every word of the kernel's list is in the JSON");
	vp_subtest("fences-complete")
		fences_complete();

	igt_describe("Age, a passed deadline and waiters decide about the mark; no process counts twice");
	vp_subtest("fences-mark")
		fences_mark();

	igt_describe("Keys, words and kinds of line that a later module may have are kept");
	vp_subtest("fences-future")
		fences_future();

	igt_describe("A file that is not understood is one line that says where, and no output");
	vp_subtest("fences-malformed")
		fences_malformed();
}
