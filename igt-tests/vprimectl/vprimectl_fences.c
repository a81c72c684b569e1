// SPDX-License-Identifier: GPL-2.0-only
/*
 * What vprimectl shows of the fences: who has made them, who waits for them and
 * for how long. What it makes of the kernel's list is in vprimectl_fences_text.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_ctl_fences.h"
#include "vp_fences.h"
#include "vp_json.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("vprimectl fences");

/* What vprimectl takes for long. */
#define OLD_MS	1000

/* ---- the table ------------------------------------------------------------------ */

/* A row without its mark, and with # for every number of milliseconds. */
static void blur(char row[VP_ROW])
{
	char *from = row, *to = row;

	if (!strncmp(from, "=>|", 3))
		from += 3;
	while (*from) {
		size_t digits = strspn(from, "0123456789");

		if (digits && !strncmp(from + digits, " ms", 3)) {
			*to++ = '#';
			from += digits;
			continue;
		}
		*to++ = *from++;
	}
	*to = '\0';
}

static const char *assert_blurred(const char *text, const char *wanted)
{
	char row[VP_ROW];

	text = vp_next_row(text, row);
	igt_assert_f(text, "no row %s\n", wanted);
	blur(row);
	igt_assert_f(!strcmp(row, wanted), "row: %s\nwanted: %s\n", row,
		     wanted);
	return text;
}

/* The timeline's row, whichever comes before; returns what follows it. */
static const char *find_timeline(const char *text, const char *name,
				 const char *state)
{
	const struct vp_fences_timeline *timeline =
		vp_fences_named(name, getpid());
	char row[VP_ROW], begin[32], wanted[VP_ROW];

	igt_assert_f(timeline, "no timeline %s\n", name);
	snprintf(begin, sizeof(begin), "%llu|timeline|",
		 (unsigned long long)timeline->id);
	text = vp_find_row(text, begin, row);
	snprintf(wanted, sizeof(wanted), "%smaker[%d]|%s %s, %s", begin,
		 getpid(), timeline->device, name, state);
	igt_assert_f(!strcmp(row, wanted), "row: %s\nwanted: %s\n", row,
		     wanted);
	return text;
}

static void fences_table(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	struct vp_ran ran = vp_ctl("fences");
	char wanted[VP_ROW];
	const char *text;

	vp_assert_done(&ran);
	igt_info("%s", ran.out);
	vp_assert_row(ran.out, "id|what|who|state");
	text = find_timeline(ran.out, "render",
			     "ordered, 3 made, signalled up to 1");
	text = assert_blurred(text, "fence|number 2|pending for # ms, # ms left");
	snprintf(wanted, sizeof(wanted), "waiter|waiter[%d]|for # ms",
		 scene.waiter);
	text = assert_blurred(text, wanted);
	assert_blurred(text, "fence|number 3|pending for # ms, # ms left, 1 callback");

	text = find_timeline(ran.out, "write", "on buffers, 1 made, 0 signalled");
	snprintf(wanted, sizeof(wanted),
		 "fence|number 1|write on buffer %llu, id %u, pending for # ms, # ms left",
		 (unsigned long long)scene.id[1], scene.writer);
	assert_blurred(text, wanted);
	text = find_timeline(ran.out, "read", "on buffers, 1 made, 0 signalled");
	snprintf(wanted, sizeof(wanted),
		 "fence|number 1|read on buffer %llu, id %u, pending for # ms, # ms left",
		 (unsigned long long)scene.id[2], scene.reader);
	assert_blurred(text, wanted);
	vp_ran_free(&ran);
	vp_fences_scene_end(&scene);
}

/* How many rows begin so. */
static unsigned int count_rows(const char *text, const char *begin)
{
	unsigned int count = 0;
	char row[VP_ROW];

	while ((text = vp_next_row(text, row)))
		count += !strncmp(row, begin, strlen(begin));
	return count;
}

static void await_age(const char *timeline, uint64_t seqno)
{
	const struct vp_fences_fence *fence;

	do {
		usleep(50000);
		fence = vp_fences_find(vp_fences_named(timeline, getpid()),
				       seqno);
		igt_assert(fence);
	} while (fence->age_ms < OLD_MS);
}

/* Who is everybody waiting for? */
static void fences_late(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	char wanted[VP_ROW], row[VP_ROW];
	struct vp_ran ran;

	await_age("render", 3);
	await_age("write", 1);
	ran = vp_ctl("fences");
	vp_assert_done(&ran);
	igt_info("%s", ran.out);
	vp_find_row(ran.out, "=>|fence|number 2|pending for ", row);
	vp_find_row(ran.out, "=>|fence|number 3|pending for ", row);
	/* As old, but nobody waits for it. */
	vp_find_row(ran.out, "fence|number 1|write on ", row);
	igt_assert_eq(count_rows(ran.out, "=>|fence|"), 2);
	snprintf(wanted, sizeof(wanted),
		 "\n\n=> maker[%d] keeps 1 process and others waiting: %s render, number 2 and 1 more\n",
		 getpid(), scene.device);
	igt_assert_f(strstr(ran.out, wanted), "printed: %s\n", ran.out);
	vp_ran_free(&ran);

	/* Once its maker has done what all wait for, that is gone. */
	vp_timeline_signal(scene.gpu, scene.timeline, 2);
	ran = vp_ctl("fences");
	vp_assert_done(&ran);
	igt_assert_eq(count_rows(ran.out, "fence|number 2|"), 0);
	igt_assert_eq(count_rows(ran.out, "=>|fence|number 2|"), 0);
	snprintf(wanted, sizeof(wanted),
		 "\n\n=> maker[%d] keeps somebody waiting: %s render, number 3\n",
		 getpid(), scene.device);
	igt_assert_f(strstr(ran.out, wanted), "printed: %s\n", ran.out);
	vp_ran_free(&ran);

	vp_timeline_signal(scene.gpu, scene.timeline, 3);
	ran = vp_ctl("fences");
	vp_assert_done(&ran);
	igt_assert_f(!strstr(ran.out, "=>"), "printed: %s\n", ran.out);
	igt_assert_f(!strstr(ran.out, " render,"), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
	vp_fences_scene_end(&scene);
}

static void assert_prints(struct vp_ran ran, const char *wanted)
{
	vp_assert_done(&ran);
	igt_assert_f(!strcmp(ran.out, wanted), "printed: %s\nwanted: %s\n",
		     ran.out, wanted);
	vp_ran_free(&ran);
}

static void fences_none(void)
{
	const struct vp_fences_timeline *timeline;
	unsigned int timelines = 0;
	char wanted[128];
	struct vp_ran ran;
	int gpu;

	assert_prints(vp_ctl("fences"), "no pending fences\n");
	assert_prints(vp_ctl("fences", "--all"), "no pending fences\n");
	assert_prints(vp_ctl("fences", "--json"), "{\"timelines\":[]}\n");

	prctl(PR_SET_NAME, "maker");
	gpu = vp_open(0);
	vp_timeline(gpu, "idle");
	vp_timeline(gpu, "idler");
	for (timeline = vp_fences(); timeline; timeline = timeline->next)
		timelines++;
	snprintf(wanted, sizeof(wanted),
		 "no pending fences, on %u timelines: --all shows them\n",
		 timelines);
	assert_prints(vp_ctl("fences"), wanted);
	ran = vp_ctl("fences", "--all");
	vp_assert_done(&ran);
	find_timeline(ran.out, "idle", "ordered, 0 made, signalled up to 0");
	find_timeline(ran.out, "idler", "ordered, 0 made, signalled up to 0");
	vp_ran_free(&ran);
	close(gpu);
}

/* Among timelines with pending fences the others are shown with --all only. */
static void fences_all(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	struct vp_ran some, all;

	vp_timeline(scene.gpu, "idle");
	some = vp_ctl("fences");
	all = vp_ctl("fences", "--all");
	vp_assert_done(&some);
	vp_assert_done(&all);
	igt_assert(!strstr(some.out, " idle, "));
	find_timeline(some.out, "render", "ordered, 3 made, signalled up to 1");
	find_timeline(all.out, "render", "ordered, 3 made, signalled up to 1");
	find_timeline(all.out, "idle", "ordered, 0 made, signalled up to 0");
	vp_ran_free(&some);
	vp_ran_free(&all);
	vp_fences_scene_end(&scene);
}

static int open_sw_sync(void)
{
	return open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
}

struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE \
	_IOWR('W', 0, struct sw_sync_create_fence_data)

static void fences_sw_sync(void)
{
	struct sw_sync_create_fence_data create = {
		.value = 3, .name = "point",
	};
	const struct vp_fences_timeline *timeline = NULL;
	char wanted[VP_ROW], row[VP_ROW];
	struct vp_ran ran;
	const char *text;
	int sw_sync;

	prctl(PR_SET_NAME, "maker");
	sw_sync = open_sw_sync();
	igt_require_f(sw_sync >= 0, "no sw_sync: %s\n", strerror(errno));
	igt_assert_eq(vp_try_ioctl(sw_sync, SW_SYNC_IOC_CREATE_FENCE, &create),
		      0);
	timeline = vp_fences_named("maker", getpid());
	igt_require_f(timeline, "sw_sync is the kernel's own\n");
	ran = vp_ctl("fences");
	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted),
		 "%llu|timeline|maker[%d]|sw_sync maker, sw_sync, 1 made, signalled up to 0",
		 (unsigned long long)timeline->id, getpid());
	text = vp_find_row(ran.out, wanted, row);
	assert_blurred(text, "fence|number 3|pending for # ms, no limit");
	vp_ran_free(&ran);
	close(create.fence);
	close(sw_sync);
}

struct sync_deadline {
	uint64_t deadline_ns;
	uint64_t pad;
};

#define SYNC_SET_DEADLINE	_IOW('>', 5, struct sync_deadline)

/* Kernels from 6.4 on let a program say by when it needs a sync_file. */
static void fences_deadline(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	struct sync_deadline hour = {
		.deadline_ns = (uint64_t)vp_in_ms(3600000),
	}, now = {
		.deadline_ns = (uint64_t)vp_now_ns(),
	};
	char row[VP_ROW];
	struct vp_ran ran;
	const char *text;
	int ret;

	ret = vp_try_ioctl(scene.sync[1], SYNC_SET_DEADLINE, &hour);
	if (!ret) {
		igt_assert_eq(vp_try_ioctl(scene.sync[2], SYNC_SET_DEADLINE,
					   &now), 0);
		usleep(10000);
		ran = vp_ctl("fences");
		vp_assert_done(&ran);
		text = find_timeline(ran.out, "render",
				     "ordered, 3 made, signalled up to 1");
		text = assert_blurred(text, "fence|number 2|pending for # ms, # ms left, deadline in # ms");
		text = vp_next_row(text, row);
		assert_blurred(text, "fence|number 3|pending for # ms, # ms left, deadline # ms ago, 1 callback");
		/* It may be young, but it is late. */
		vp_find_row(ran.out, "=>|fence|number 3|", row);
		vp_ran_free(&ran);
	}
	vp_fences_scene_end(&scene);
	igt_require_f(ret != -ENOTTY, "this kernel has no deadlines\n");
	igt_assert_eq(ret, 0);
}

static const struct vp_json *json_timeline(const struct vp_json *read,
					   uint64_t id)
{
	const struct vp_json *timeline = vp_json_get(read, "timelines")->first;

	while (timeline && vp_json_number(timeline, "id") != (int64_t)id)
		timeline = timeline->next;
	igt_assert_f(timeline, "no timeline %llu\n", (unsigned long long)id);
	return timeline;
}

/* More than goes into a pipe, for a reader who takes his time. */
static void fences_many(void)
{
	enum { MANY = 1000 };
	static const char *const arguments[] = {
		"vprimectl", "fences", "--json", NULL
	};
	const struct vp_fences_timeline *timeline;
	const struct vp_json *fence;
	struct vp_program program;
	uint32_t handle, ids[MANY];
	struct vp_json *read;
	unsigned int i = 0;
	struct vp_ran ran;
	int gpu;

	gpu = vp_config_open("slow", "fence_timeout_ms=60000");
	handle = vp_create(gpu, VP_PAGE);
	for (int n = 0; n < MANY; n++)
		ids[n] = vp_fence_attach(gpu, handle, false);
	program = vp_start(NULL, arguments);
	usleep(500000);
	ran = vp_finish(&program);
	vp_assert_done(&ran);
	igt_assert_lt((size_t)65536, strlen(ran.out));
	timeline = vp_fences_named("read", getpid());
	igt_assert_eq(timeline->pending, MANY);
	read = vp_json_parse(ran.out);
	fence = vp_json_get(json_timeline(read, timeline->id),
			    "fence_list")->first;
	for (; fence; fence = fence->next) {
		igt_assert_eq(vp_json_number(fence, "seqno"), i + 1);
		igt_assert_eq(vp_json_number(fence, "id"), ids[i++]);
	}
	igt_assert_eq(i, MANY);
	vp_json_free(read);
	vp_ran_free(&ran);
	close(gpu);
	vp_config_remove("slow");
}

/* ---- counts --------------------------------------------------------------------- */

static void fences_counts(void)
{
	struct vp_fences_scene scene = vp_fences_scene();
	struct vp_ran ran = vp_ctl("counts"), json = vp_ctl("counts", "--json");
	struct vp_ran list = vp_ctl("list");
	struct vp_counts counts = vp_counts();
	const struct vp_json *numbers;
	char wanted[64], row[VP_ROW];
	struct vp_json *read;

	vp_assert_done(&ran);
	vp_assert_done(&json);
	vp_assert_done(&list);
	/* The three that were made but not signalled, and those attached. */
	igt_assert_lte(4, counts.fences);
	igt_assert_lte(3, counts.timelines);
	read = vp_json_parse(json.out);
	numbers = vp_json_get(read, "counts");
	igt_assert_eq(vp_json_number(numbers, "fences"), counts.fences);
	igt_assert_eq(vp_json_number(numbers, "timelines"), counts.timelines);
	snprintf(wanted, sizeof(wanted), "fences|%ld", counts.fences);
	vp_find_row(ran.out, wanted, row);
	snprintf(wanted, sizeof(wanted), "timelines|%ld", counts.timelines);
	vp_find_row(ran.out, wanted, row);
	snprintf(wanted, sizeof(wanted), " fences %ld", counts.fences);
	igt_assert(strstr(list.out, wanted));
	snprintf(wanted, sizeof(wanted), " timelines %ld", counts.timelines);
	igt_assert(strstr(list.out, wanted));
	vp_json_free(read);
	vp_ran_free(&ran);
	vp_ran_free(&json);
	vp_ran_free(&list);
	vp_fences_scene_end(&scene);
}

igt_main
{
	igt_describe("Without pending fences that is what it says, and how to see the timelines");
	vp_subtest("fences-none")
		fences_none();

	igt_describe("The table shows makers, buffers, times and those who wait, with their processes");
	vp_subtest("fences-table")
		fences_table();

	igt_describe("What somebody has waited for longer than a second is marked, with its maker, until it signals");
	vp_subtest("fences-late")
		fences_late();

	igt_describe("Timelines without pending fences are shown with --all only");
	vp_subtest("fences-all")
		fences_all();

	igt_describe("A deadline that a program has set is shown");
	vp_subtest("fences-deadline")
		fences_deadline();

	igt_describe("A sw_sync timeline is shown like any other, without a limit");
	vp_subtest("fences-sw-sync")
		fences_sw_sync();

	igt_describe("A thousand fences arrive whole at a slow reader");
	vp_subtest("fences-many")
		fences_many();

	igt_describe("list and counts show how many timelines and fences there are");
	vp_subtest("fences-counts")
		fences_counts();
}
