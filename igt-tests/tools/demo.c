// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo as its user meets it: it works, it fails when a pixel is wrong, and
 * when it is given what it cannot use it says so in one line and leaves
 * nothing behind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_program.h"
#include "vp_test.h"
#include "vp_xml.h"

IGT_TEST_DESCRIPTION("The demo, with good pictures and bad ones, and with sides that do not wait");

#define ARGUMENTS	16
#define FENCES		4

/* Longer than anything here takes; their fences do not time out before. */
#define VERY_LATE	"50000"
#define PATIENT_GPU	"fence_timeout_ms=60000"

struct result {
	int status;		/* the exit code, or 128 + the signal */
	char complaint[1024];	/* all of its standard error */
	bool wrote;		/* whether there is an OUT.png */
	struct stat out;
	char *timeline;		/* the text of its SVG, NULL when there is none */
};

/* A run that has been begun, and the folder that it writes to. */
struct run {
	char folder[24], out[64], timeline[64];
	struct vp_program program;
};

/* @arguments, of which the last is NULL, beside those for its files. */
static struct run begin_run(const char *const arguments[])
{
	struct run run = { .folder = "/tmp/demo.XXXXXX" };
	const char *all[ARGUMENTS] = {
		"demo", "--out", run.out, "--timeline", run.timeline,
	};

	igt_assert(mkdtemp(run.folder));
	snprintf(run.out, sizeof(run.out), "%s/out.png", run.folder);
	snprintf(run.timeline, sizeof(run.timeline), "%s/timeline.svg",
		 run.folder);
	for (int i = 0; arguments[i]; i++) {
		igt_assert_lt(i + 6, ARGUMENTS);
		all[i + 5] = arguments[i];
	}
	run.program = vp_start(NULL, all);
	return run;
}

static char *read_text(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, VP_MIB);
	ssize_t size;

	igt_assert(text);
	if (file < 0) {
		free(text);
		return NULL;
	}
	size = read(file, text, VP_MIB - 1);
	igt_assert_lt((ssize_t)0, size);
	igt_assert_lt(size, (ssize_t)VP_MIB - 1);
	close(file);
	return text;
}

static struct result end_run(struct run *run)
{
	struct vp_ran ran = vp_finish(&run->program);
	struct result result = { .status = ran.status };

	igt_info("%s%s", ran.out, ran.err);
	snprintf(result.complaint, sizeof(result.complaint), "%s", ran.err);
	vp_ran_free(&ran);
	result.wrote = !stat(run->out, &result.out);
	if (result.wrote)
		unlink(run->out);
	result.timeline = read_text(run->timeline);
	if (result.timeline)
		unlink(run->timeline);
	/* Fails when there is anything else in it, half a picture for one. */
	igt_assert_eq(rmdir(run->folder), 0);
	return result;
}

static struct result run_demo(const char *const arguments[])
{
	struct run run = begin_run(arguments);

	return end_run(&run);
}

#define demo(...) run_demo((const char *const[]){ __VA_ARGS__, NULL })

static void make_card(const char *width, const char *height)
{
	struct vp_ran ran = vp_run_words(NULL, "testcard", "/tmp/card.png",
					 width, height);

	igt_assert_f(!ran.status, "exit code %d: %s\n", ran.status, ran.err);
	vp_ran_free(&ran);
}

static void assert_works(const struct result *result)
{
	igt_assert_f(!result->status, "exit code %d: %s\n", result->status,
		     result->complaint);
	igt_assert(result->wrote && result->out.st_size > 0);
	igt_assert(result->timeline);
}

#define works(...) \
	do { \
		struct result result__ = demo(__VA_ARGS__); \
		assert_works(&result__); \
		free(result__.timeline); \
	} while (0)

static void works_with_size(const char *width, const char *height)
{
	make_card(width, height);
	works("--image", "/tmp/card.png");
	unlink("/tmp/card.png");
}

static void assert_refuses(const struct result *result, const char *why)
{
	const char *end = strchr(result->complaint, '\n');

	igt_assert_eq(result->status, 1);
	igt_assert(!result->wrote);
	igt_assert(!result->timeline);
	igt_assert_f(strstr(result->complaint, why), "said: %s\n",
		     result->complaint);
	igt_assert_f(end && !end[1], "more than a line: %s\n",
		     result->complaint);
}

#define refuses(why, ...) \
	do { \
		struct result result__ = demo(__VA_ARGS__); \
		assert_refuses(&result__, why); \
	} while (0)

static void refuses_file(const void *bytes, size_t size, const char *why)
{
	int file = open("/tmp/bad.png", O_CREAT | O_TRUNC | O_WRONLY, 0600);

	igt_assert_lte(0, file);
	igt_assert_eq(write(file, bytes, size), (ssize_t)size);
	close(file);
	refuses(why, "--image", "/tmp/bad.png");
	unlink("/tmp/bad.png");
}

static void truncated(void)
{
	static char bytes[1 << 20];
	int file;
	ssize_t size;

	make_card("100", "80");
	file = open("/tmp/card.png", O_RDONLY);
	size = read(file, bytes, sizeof(bytes));
	close(file);
	unlink("/tmp/card.png");
	igt_assert_lt((ssize_t)100, size);

	/* In the middle of the pixels, the header, and the signature. */
	refuses_file(bytes, (size_t)size / 2, "truncated");
	refuses_file(bytes, 20, "truncated");
	refuses_file(bytes, 4, "");
}

/* What the timeline says of a fence and of the wait for it; ms. */
struct told {
	char device[16], process[16];
	double made, signalled;
	double begin, end;
};

static struct told read_fence(const char *svg, unsigned int number,
			      const char *name)
{
	char id[32], format[160], *group;
	struct told told;

	snprintf(id, sizeof(id), "fence-%u", number);
	snprintf(format, sizeof(format),
		 "<title>fence %u, %s, of %%15[a-z0-9]: made at %%lf ms, signalled at %%lf ms</title>",
		 number, name);
	group = vp_xml_by_id(svg, id);
	igt_assert_f(group && strstr(group, "<title>"), "no %s\n", id);
	igt_assert_f(sscanf(strstr(group, "<title>"), format, told.device,
			    &told.made, &told.signalled) == 3,
		     "it says: %s\n", group);
	free(group);

	snprintf(id, sizeof(id), "wait-%u", number);
	snprintf(format, sizeof(format),
		 "<title>process %%15[AB], pid %%*d waits for fence %u, %s: from %%lf to %%lf ms, by ",
		 number, name);
	group = vp_xml_by_id(svg, id);
	igt_assert_f(group && strstr(group, "<title>"), "no %s\n", id);
	igt_assert_f(sscanf(strstr(group, "<title>"), format, told.process,
			    &told.begin, &told.end) == 3,
		     "it says: %s\n", group);
	free(group);
	return told;
}

/* The fence's dot is not to the right of where the wait's bar ends. */
static void assert_drawn_in_order(const char *svg, unsigned int number)
{
	char id[32], *fence, *wait;
	double signalled, end;

	snprintf(id, sizeof(id), "fence-%u", number);
	fence = vp_xml_by_id(svg, id);
	/* The first circle is the dot, the other one is its number's. */
	signalled = vp_xml_number(fence, "circle", "cx");
	snprintf(id, sizeof(id), "wait-%u", number);
	wait = vp_xml_by_id(svg, id);
	end = vp_xml_number(wait, "rect", "x") +
	      vp_xml_number(wait, "rect", "width");
	/* They are written with two digits behind the point. */
	igt_assert_f(signalled <= end + 0.02,
		     "wait %u ends at x=%f, before the signal at x=%f\n",
		     number, end, signalled);
	free(fence);
	free(wait);
}

/* As options call them, and as the timeline does; they are counted from 1. */
static const struct {
	const char *option;
	const char *words;
} fences[FENCES + 1] = {
	{ NULL, NULL },
	{ "picture-drawn", "picture drawn" },
	{ "target-cleared", "target cleared" },
	{ "picture-read", "picture read" },
	{ "target-drawn", "target drawn" },
};

/* The fences of a run, as its timeline has them, checked for their order. */
static void read_timeline(const char *svg, const char *device_a,
			  const char *device_b, struct told told[FENCES + 1])
{
	vp_assert_xml(svg, "svg");
	igt_assert_eq(vp_xml_count(svg, "script"), 0);
	igt_assert_eq((int)vp_xml_number(svg, "svg", "width"), 1000);
	igt_assert_f(vp_xml_number(svg, "svg", "version") == 1.1,
		     "not version 1.1\n");
	for (unsigned int i = 1; i <= FENCES; i++) {
		/* The first two are made by A, and B waits for them. */
		const char *device = i <= 2 ? device_a : device_b;

		told[i] = read_fence(svg, i, fences[i].words);
		igt_info("%s: made %.3f, signalled %.3f; wait %.3f to %.3f\n",
			 fences[i].words, told[i].made, told[i].signalled,
			 told[i].begin, told[i].end);
		igt_assert_f(!strcmp(told[i].device, device),
			     "%s is a fence of %s\n", fences[i].words,
			     told[i].device);
		igt_assert_f(!strcmp(told[i].process, i <= 2 ? "B" : "A"),
			     "%s is waited for by %s\n", fences[i].words,
			     told[i].process);
		igt_assert(told[i].made < told[i].signalled);
		igt_assert(told[i].begin <= told[i].end);
		igt_assert(told[i].made <= told[i].end);
		igt_assert(told[i].signalled <= told[i].end);
		assert_drawn_in_order(svg, i);
	}
	/* Side B's fences come when side A's on the same buffer are over. */
	igt_assert(told[1].end <= told[3].made);
	igt_assert(told[2].end <= told[4].made);
}

/* When a process was at something, in ms. */
static void read_bar(const char *svg, const char *what, double *begin,
		     double *end)
{
	char wanted[64];
	const char *at;

	snprintf(wanted, sizeof(wanted), ": %s: from ", what);
	at = strstr(svg, wanted);
	igt_assert_f(at, "nobody was at: %s\n", what);
	igt_assert_eq(sscanf(at + strlen(wanted), "%lf to %lf ms</title>",
			     begin, end), 2);
	igt_assert(*begin <= *end);
}

static void timeline(void)
{
	struct result result = demo("--card");
	double imported, drawing, checking, drawn, unused;
	struct told told[FENCES + 1];

	assert_works(&result);
	read_timeline(result.timeline, "vprime0", "vprime1", told);
	/* Side B has the buffer before there is anything in it. */
	read_bar(result.timeline, "import buffers", &unused, &imported);
	read_bar(result.timeline, "draw picture", &drawing, &drawn);
	read_bar(result.timeline, "check picture", &checking, &unused);
	igt_assert(imported <= drawing);
	igt_assert(drawn <= told[1].signalled);
	igt_assert(told[1].end <= checking);
	free(result.timeline);
}

/* Also the GPUs' names are not fixed. */
static void timeline_other_way(void)
{
	struct result result = demo("--gpu-a=1", "--gpu-b=0");
	struct told told[FENCES + 1];

	assert_works(&result);
	read_timeline(result.timeline, "vprime1", "vprime0", told);
	free(result.timeline);
}

/* Two GPUs whose fences have a long time, or a short one. */
struct pair {
	char name_a[16], name_b[16];
	/* As arguments. */
	char a[16], b[16];
};

static struct pair make_pair(const char *settings)
{
	unsigned int a = vp_config_plug("demo-a", settings);
	unsigned int b = vp_config_plug("demo-b", settings);
	struct pair pair;

	snprintf(pair.name_a, sizeof(pair.name_a), "vprime%u", a);
	snprintf(pair.name_b, sizeof(pair.name_b), "vprime%u", b);
	snprintf(pair.a, sizeof(pair.a), "--gpu-a=%u", a);
	snprintf(pair.b, sizeof(pair.b), "--gpu-b=%u", b);
	return pair;
}

static void drop_pair(void)
{
	vp_config_remove("demo-a");
	vp_config_remove("demo-b");
}

#define OPTION	64

static void late_option(char option[OPTION], unsigned int fence,
			const char *ms)
{
	snprintf(option, OPTION, "--late=%s=%s", fences[fence].option, ms);
}

/* What one side does late, the other waits for. */
static void waits_for(unsigned int fence)
{
	struct pair pair = make_pair(PATIENT_GPU);
	struct told told[FENCES + 1];
	struct result result;
	char late[OPTION];

	late_option(late, fence, "1500");
	result = demo(late, pair.a, pair.b);
	assert_works(&result);
	read_timeline(result.timeline, pair.name_a, pair.name_b, told);
	igt_assert(told[fence].made + 1500 <= told[fence].signalled);
	free(result.timeline);
	drop_pair();
}

/* Were it not for the wait, the check would see it. */
static void fails_without(unsigned int fence)
{
	struct pair pair = make_pair(PATIENT_GPU);
	char late[OPTION], early[OPTION];

	late_option(late, fence, VERY_LATE);
	snprintf(early, OPTION, "--early=%s", fences[fence].option);
	refuses(" is wrong at ", late, early, pair.a, pair.b);
	drop_pair();
}

/*
 * Side A is the CPU, and side B a GPU that does not snoop: in the first run that of
 * both sides, then only the one that has made the buffers.
 */
static void noncoherent(void)
{
	struct pair pair = make_pair(PATIENT_GPU " coherent=0");

	works(pair.a, pair.b);
	works(pair.a, "--gpu-b=0");
	drop_pair();
}

/* Without a sync the check sees it there, and nowhere else. */
static void unsynced(const char *option)
{
	struct pair pair = make_pair(PATIENT_GPU " coherent=0");

	refuses(" is wrong at ", option, pair.a, pair.b);
	works(option);
	drop_pair();
}

/* A fence that times out is what is said, and not which pixels are wrong. */
static void times_out(unsigned int fence)
{
	struct pair pair = make_pair("fence_timeout_ms=2000");
	char late[OPTION];

	late_option(late, fence, VERY_LATE);
	refuses("timed out", late, pair.a, pair.b);
	drop_pair();
}

/* Whichever side it is that does not come, the other gives up. */
static void patience(unsigned int fence)
{
	struct pair pair = make_pair(PATIENT_GPU);
	char late[OPTION];

	late_option(late, fence, "3600000");
	refuses("patience is at an end", late, "--patience=5", pair.a, pair.b);
	drop_pair();
}

/* 0 when it has gone meanwhile. */
static pid_t parent_of(const char *pid)
{
	char path[300], line[256] = "", *name_end;
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	name_end = strrchr(line, ')');
	if (name_end)
		sscanf(name_end, ") %*c %d", &parent);
	return parent;
}

/* A kernel need not have lists of children. */
static pid_t child_of(pid_t parent)
{
	struct dirent *entry;
	pid_t child = 0;

	while (!child) {
		DIR *dir = opendir("/proc");

		igt_assert(dir);
		while (!child && (entry = readdir(dir)))
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			    parent_of(entry->d_name) == parent)
				child = (pid_t)strtol(entry->d_name, NULL, 10);
		closedir(dir);
		usleep(1000);
	}
	return child;
}

static void run_until(struct run *run, const char *step)
{
	char line[256];

	do
		igt_assert_f(vp_next_line(&run->program, line, sizeof(line)),
			     "no step %s\n", step);
	while (strncmp(line, step, strlen(step)));
}

/*
 * Process B stands still as soon as it is ready, or while it waits for the picture,
 * which comes late enough for that. It has made no fence by then that side A would
 * wait for instead of a word.
 */
static void side_b_hangs(void)
{
	struct pair pair = make_pair(PATIENT_GPU);
	char late[OPTION];
	struct result result;
	struct run run;
	pid_t child;

	late_option(late, 1, "9000");
	run = begin_run((const char *const[]){ late, "--patience=10", pair.a,
					       pair.b, NULL });
	run_until(&run, "start Mesa");
	child = child_of(run.program.pid);
	igt_assert_eq(kill(child, SIGSTOP), 0);
	result = end_run(&run);
	assert_refuses(&result, "has not said anything for 10 s");
	/* And does not stay there. */
	igt_assert_eq(kill(child, 0), -1);
	drop_pair();
}

/* With side A at what it waits for, or about to. */
static void side_b_killed(void)
{
	struct pair pair = make_pair(PATIENT_GPU);
	struct result result;
	char late[OPTION];
	struct run run;

	late_option(late, 4, VERY_LATE);
	run = begin_run((const char *const[]){ late, pair.a, pair.b, NULL });
	run_until(&run, "clear target");
	igt_assert_eq(kill(child_of(run.program.pid), SIGKILL), 0);
	result = end_run(&run);
	assert_refuses(&result, "process B was killed by signal 9");
	drop_pair();
}

static void refuses_options(void)
{
	refuses("not one of", "--late", "somebody=1");
	refuses("should be FENCE=MS", "--late", "picture-drawn");
	refuses("not a number of ms", "--late", "picture-drawn=soon");
	refuses("not one of", "--early", "");
	refuses("neither picture nor result", "--unsynced", "all");
	refuses("not a number of seconds", "--patience", "0");
	refuses("not the number of a GPU", "--gpu-a", "64");
}

/* The subtests that are about one of the fences. */
static void about_fence(unsigned int fence)
{
	char name[OPTION];

	snprintf(name, sizeof(name), "late-%s", fences[fence].option);
	igt_describe("What one side does late the other waits for, and all pixels are right");
	vp_subtest(name)
		waits_for(fence);

	snprintf(name, sizeof(name), "no-wait-%s", fences[fence].option);
	igt_describe("Without the wait for it, the check finds a wrong pixel");
	vp_subtest(name)
		fails_without(fence);
}

igt_main
{
	igt_describe("The test card arrives, every pixel of it");
	vp_subtest("card")
		works("--card");

	igt_describe("So does a picture of one pixel");
	vp_subtest("one-pixel")
		works_with_size("1", "1");

	igt_describe("And one of odd sides");
	vp_subtest("odd-size")
		works_with_size("129", "67");

	igt_describe("From the second GPU to the first it works as well");
	vp_subtest("other-way")
		works("--gpu-a=1", "--gpu-b=0");

	igt_describe("A bit that changes before the importer looks is noticed");
	vp_subtest("spoiled-picture")
		refuses("wrong", "--spoil", "picture");

	igt_describe("A bit that changes after the drawing is noticed");
	vp_subtest("spoiled-result")
		refuses("wrong", "--spoil", "result");

	igt_describe("Every pixel arrives by way of GPUs that do not snoop");
	vp_subtest("noncoherent")
		noncoherent();

	igt_describe("There a picture drawn without a sync is noticed");
	vp_subtest("unsynced-picture")
		unsynced("--unsynced=picture");

	igt_describe("And a result that is read without one");
	vp_subtest("unsynced-result")
		unsynced("--unsynced=result");

	igt_describe("A file that does not exist is one line and exit code 1");
	vp_subtest("no-file")
		refuses("No such file or directory", "--image",
			"/tmp/nothing-here.png");

	igt_describe("So is one that is no PNG");
	vp_subtest("no-png")
		refuses_file("This is no picture at all.\n", 27,
			     "not a PNG file");

	igt_describe("So is one that ends too early");
	vp_subtest("truncated")
		truncated();

	igt_describe("So is a GPU that is not there");
	vp_subtest("no-gpu")
		refuses("vprime7", "--gpu-b", "7");

	igt_describe("The timeline is a well-formed SVG and has all fences, each made before it signals and its wait not over before that");
	vp_subtest("timeline")
		timeline();

	igt_describe("And with the GPUs changed round, it says so");
	vp_subtest("timeline-other-way")
		timeline_other_way();

	for (unsigned int i = 1; i <= FENCES; i++)
		about_fence(i);

	igt_describe("A fence of side A that times out is what side B says, and no pixel");
	vp_subtest("timeout-picture-drawn")
		times_out(1);

	igt_describe("And one of side B's is what side A says");
	vp_subtest("timeout-target-drawn")
		times_out(4);

	igt_describe("Side B does not wait for ever for side A");
	vp_subtest("patience-picture-drawn")
		patience(1);

	igt_describe("Nor side A for side B");
	vp_subtest("patience-target-drawn")
		patience(4);

	igt_describe("When process B hangs, the demo ends all the same and takes it along");
	vp_subtest("side-b-hangs")
		side_b_hangs();

	igt_describe("When process B is killed, the demo says by what");
	vp_subtest("side-b-killed")
		side_b_killed();

	igt_describe("Options that mean nothing are one line and exit code 1");
	vp_subtest("bad-options")
		refuses_options();
}
