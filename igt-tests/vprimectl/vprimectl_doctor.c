// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl doctor: a line for each thing, and what to do where something is wrong.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_json.h"
#include "vp_nobody.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("vprimectl doctor");

static bool has_udmabuf(void)
{
	return !access("/dev/udmabuf", F_OK);
}

static void healthy(void)
{
	int gpu = vp_open(0), fd = vp_export(gpu, vp_create(gpu, VP_PAGE));
	char digits[16], row[VP_ROW];
	struct vp_json *read;
	struct vp_ran ran;

	snprintf(digits, sizeof(digits), "%d", getpid());
	ran = vp_ctl("doctor", digits);
	igt_assert(!*ran.err && (ran.status == 0 || ran.status == 1));
	vp_find_row(ran.out, "ok|module|loaded", row);
	vp_find_row(ran.out, "ok|parameter|gpus=2", row);
	vp_find_row(ran.out, "ok|node|/dev/dri/renderD128 can be opened", row);
	vp_find_row(ran.out, has_udmabuf() ? "ok|kernel|has udmabuf" : "ok|kernel|has no udmabuf", row);
	vp_find_row(ran.out, "ok|dma-bufs|1 of vprime: vprime's", row);
	igt_assert_eq(ran.status, !!strstr(ran.out, "\n=> "));
	vp_ran_free(&ran);
	close(fd);
	close(gpu);

	ran = vp_ctl("doctor", digits, "--json");
	read = vp_json_parse(ran.out);
	vp_assert_json_string(vp_json_at(read, "findings", 0), "subject", "module");
	igt_assert(strstr(ran.out, " has none\",\"advice\":null}]}"));
	vp_json_free(read);
	vp_ran_free(&ran);
}

/* What the documentation recommends is no fault. */
static void enforcing(void)
{
	struct vp_ran ran = vp_ctl("doctor");
	int status = ran.status;
	char row[VP_ROW];

	vp_find_row(ran.out, "ok|parameter|enforce_read_only=N", row);
	vp_ran_free(&ran);
	vp_enforce_read_only(true);
	ran = vp_ctl("doctor");
	vp_find_row(ran.out, "ok|parameter|enforce_read_only=Y: nobody writes to what was exported read-only", row);
	igt_assert_eq(ran.status, status);
	vp_ran_free(&ran);
	vp_enforce_read_only(false);
}

static void ill(void)
{
	struct vp_ran ran;
	char row[VP_ROW];

	vp_await_udev();
	igt_assert_eq(chmod("/dev/dri/renderD128", 0660), 0);
	ran = vp_ctl_as(vp_ctl_nobody, "doctor");
	igt_assert_eq(ran.status, 1);
	vp_find_row(ran.out, "=>|node|/dev/dri/renderD128 cannot be opened", row);
	vp_ran_free(&ran);

	vp_unload();
	ran = vp_ctl("doctor");
	igt_assert_eq(ran.status, 1);
	vp_find_row(ran.out, "=>|module|not loaded: modprobe vprime", row);
	vp_ran_free(&ran);
	vp_reload(VP_DEFAULT_GPUS);
}

/* A process that is not there, and one that is another user's. */
static void no_process(void)
{
	struct vp_ran ran = vp_ctl("doctor", "0");

	vp_assert_refuses(&ran, 2, "0: not the number of a process");
	ran = vp_ctl("doctor", "4194305");
	vp_assert_refuses(&ran, 1, "4194305: there is no such process");
	ran = vp_ctl_as(vp_ctl_nobody, "doctor", "1");
	vp_assert_refuses(&ran, 1, "1: the process is another user's: try sudo vprimectl doctor");
}

igt_main
{
	igt_describe("Module, parameters, kernel, nodes and a process's dma-bufs have a line each");
	vp_subtest("healthy")
		healthy();

	igt_describe("That read-only is enforced is said with what it does, and is nothing to mend");
	vp_subtest("enforcing")
		enforcing();

	igt_describe("A node that cannot be opened, and no module, are marked, with what to do");
	vp_subtest("ill")
		ill();

	igt_describe("A process that cannot be looked at is said to be one, and nothing else");
	vp_subtest("no-process")
		no_process();
}
