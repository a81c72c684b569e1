// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl add, set, remove, plug, unplug and apply: the GPUs of configfs, and
 * what is said when the kernel refuses.
 */
#define _GNU_SOURCE	/* unshare */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_json.h"
#include "vp_test.h"

IGT_TEST_DESCRIPTION("vprimectl add, set, remove, plug, unplug and apply");

#define CONF	"/tmp/vprimectl-config.conf"

static void says(struct vp_ran ran, const char *wanted)
{
	vp_assert_done(&ran);
	igt_assert_f(!strcmp(ran.out, wanted), "printed: %s\nwanted: %s\n", ran.out, wanted);
	vp_ran_free(&ran);
}

static void refuses(struct vp_ran ran, const char *why)
{
	vp_assert_refuses(&ran, 1, why);
}

/* "phone: CHANGE: vprime2, /dev/dri/card2, /dev/dri/renderD130" */
static void says_nodes(struct vp_ran ran, const char *gpu, const char *change)
{
	unsigned int index = (unsigned int)vp_config_index(gpu);
	char wanted[1024], card[300], render[300];

	igt_assert_eq(vp_node_path(index, VP_PRIMARY, card, sizeof(card)), 0);
	igt_assert_eq(vp_node_path(index, VP_RENDER, render, sizeof(render)), 0);
	snprintf(wanted, sizeof(wanted), "%s: %s: vprime%u, %s, %s\n", gpu, change, index, card, render);
	says(ran, wanted);
}

/* ---- one GPU -------------------------------------------------------------- */

static void add(void)
{
	struct vp_json *read;
	const struct vp_json *change;
	struct vp_ran ran;
	int gpu;

	says_nodes(vp_ctl("add", "phone", "coherent=0", "dma_bits=40"), "phone", "added");
	vp_assert_config("phone", "coherent", "0");
	vp_assert_config("phone", "dma_bits", "40");
	gpu = vp_open((unsigned int)vp_config_index("phone"));
	igt_assert_eq(vp_param(gpu, DRM_VPRIME_PARAM_DMA_BITS), 40);
	close(gpu);

	says(vp_ctl("add", "spare", "enabled=off"), "spare: added, not plugged in\n");
	vp_assert_config("spare", "enabled", "0");

	ran = vp_ctl("add", "desk", "--json");
	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	change = vp_json_at(read, "changes", 0);
	vp_assert_json_string(change, "gpu", "desk");
	vp_assert_json_string(change, "change", "added");
	igt_assert(vp_json_find(change, "render"));
	vp_json_free(read);
	vp_ran_free(&ran);
	vp_config_clean();
}

static void add_refused(void)
{
	struct vp_ran ran;
	char name[24];

	/* What the kernel says is passed on. */
	refuses(vp_ctl("add", "bad", "dma_bits=12"), "bad: dma_bits: '12' is not 32 to 64\n");
	refuses(vp_ctl("add", "bad", "coherent=maybe"), "bad: coherent: 'maybe' is not 0 or 1\n");
	refuses(vp_ctl("add", "bad", "coherent="), "bad: coherent: '' is not 0 or 1\n");
	refuses(vp_ctl("add", "bad", "coherent=0", "prime=5"), "bad: prime: '5' is not import, export, both or none\n");
	refuses(vp_ctl("add", "bad", "colour=red"), "bad: colour: there is no such attribute, but coherent, dma_bits, ");
	refuses(vp_ctl("add", "bad", "../bad=1"), "there is no such attribute");
	refuses(vp_ctl("add", "bad", "device=x"), "bad: device: it can only be read\n");
	igt_assert_eq(vp_config_gpus(), 0);

	vp_config_make("there");
	refuses(vp_ctl("add", "there"), "there: there is such a GPU already: vprimectl set changes it\n");
	igt_assert_eq(vp_config_gpus(), 1);

	ran = vp_ctl_as(vp_ctl_nobody, "add", "mine");
	refuses(ran, "mine: only root may change GPUs: try sudo vprimectl\n");

	while (vp_config_gpus() < 64 - VP_DEFAULT_GPUS) {
		snprintf(name, sizeof(name), "full%u", vp_config_gpus());
		vp_config_make(name);
	}
	refuses(vp_ctl("add", "late"), "late: there are 64 GPUs already\n");
	vp_config_clean();
}

static void wrong(struct vp_ran ran, const char *why)
{
	vp_assert_refuses(&ran, 2, why);
}

static void usage(void)
{
	wrong(vp_ctl("add"), "add: the name of the GPU to be");
	wrong(vp_ctl("add", "a/b"), "'a/b' cannot be the name of a GPU");
	wrong(vp_ctl("add", ""), "'' cannot be the name of a GPU");
	wrong(vp_ctl("add", ".."), "'..' cannot be the name of a GPU");
	wrong(vp_ctl("add", "phone", "coherent"), "coherent: not KEY=VALUE");
	wrong(vp_ctl("add", "phone", "=0"), "=0: not KEY=VALUE");
	wrong(vp_ctl("add", "phone", "prime=none", "prime=both"), "prime: it is there twice");
	wrong(vp_ctl("add", "phone", "enabled=2"), "enabled: '2' is not 0 or 1");
	wrong(vp_ctl("set", "phone"), "set: NAME and KEY=VALUE");
	wrong(vp_ctl("remove"), "remove: which GPU?");
	wrong(vp_ctl("remove", "phone", "desk"), "desk: one word too many after remove");
	wrong(vp_ctl("plug", "a/b"), "'a/b' cannot be the name of a GPU");
	wrong(vp_ctl("apply"), "apply: which file?");
	igt_assert_eq(vp_config_gpus(), 0);
}

static void set(void)
{
	vp_config_make("phone");
	says(vp_ctl("set", "phone", "coherent=0", "max_segment=65536"), "phone: set\n");
	vp_assert_config("phone", "coherent", "0");
	vp_assert_config("phone", "max_segment", "65536");
	/* All or nothing. */
	refuses(vp_ctl("set", "phone", "coherent=1", "dma_bits=40", "syncobj=7"), "phone: syncobj: '7' is not 0 or 1\n");
	vp_assert_config("phone", "coherent", "0");
	vp_assert_config("phone", "dma_bits", "64");

	says_nodes(vp_ctl("set", "phone", "dma_bits=40", "enabled=1"), "phone", "set");
	refuses(vp_ctl("set", "phone", "coherent=1"),
		"phone: coherent: it cannot be changed while the GPU is plugged in: vprimectl unplug first\n");
	vp_assert_config("phone", "coherent", "0");
	refuses(vp_ctl("set", "desk", "coherent=1"), "desk: there is no such GPU: vprimectl gpus shows those there are\n");
	refuses(vp_ctl_as(vp_ctl_nobody, "set", "phone", "enabled=0"), "phone: only root may change GPUs");
	vp_assert_config("phone", "enabled", "1");
	vp_config_clean();
}

static void plug(void)
{
	struct drm_vprime_gem_info info;
	uint32_t handle;
	int gpu;

	vp_config_make("phone");
	says_nodes(vp_ctl("plug", "phone"), "phone", "plugged in");
	gpu = vp_open((unsigned int)vp_config_index("phone"));
	handle = vp_create(gpu, VP_PAGE);
	/* Once more is no mistake. */
	says_nodes(vp_ctl("plug", "phone"), "phone", "plugged in");
	igt_assert_eq(vp_try_info(gpu, handle, 0, &info), 0);
	says(vp_ctl("unplug", "phone"), "phone: unplugged\n");
	igt_assert_eq(vp_try_info(gpu, handle, 0, &info), -ENODEV);
	close(gpu);
	refuses(vp_ctl("plug", "desk"), "desk: there is no such GPU");
	refuses(vp_ctl("unplug", "vprime0"), "vprime0: not a name in " VP_CONFIG_DIR);
	refuses(vp_ctl_as(vp_ctl_nobody, "remove", "phone"), "phone: only root may change GPUs");
	igt_assert_eq(vp_config_gpus(), 1);
	says(vp_ctl("remove", "phone"), "phone: removed\n");
	igt_assert_eq(vp_config_gpus(), 0);
	refuses(vp_ctl("remove", "phone"), "phone: there is no such GPU");
}

/* ---- a file --------------------------------------------------------------- */

static void put(const char *text)
{
	FILE *file = fopen(CONF, "we");

	igt_assert(file);
	fputs(text, file);
	igt_assert_eq(fclose(file), 0);
}

/* It begins with one, and has the other. */
static void says_both(struct vp_ran ran, const char *first, const char *second)
{
	vp_assert_done(&ran);
	igt_assert_f(!strncmp(ran.out, first, strlen(first)) && strstr(ran.out, second), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
}

static void apply(void)
{
	int phone, gpu;

	put("# two GPUs\n"
	    "[phone]\n"
	    "coherent = off\n"
	    "  dma_bits=40\r\n"
	    "\n"
	    "; not plugged in\n"
	    "[ desk ]\n"
	    "enabled = 0\n"
	    "driver_name = acme");
	vp_config_make("other");
	vp_config_set("other", "dma_bits", "33");
	says_both(vp_ctl("apply", CONF), "phone: added: vprime", "\ndesk: added, not plugged in\n");
	phone = vp_config_index("phone");
	igt_assert_lte(0, phone);
	vp_assert_config("phone", "coherent", "0");
	vp_assert_config("phone", "dma_bits", "40");
	vp_assert_config("desk", "driver_name", "acme");
	vp_assert_config("desk", "enabled", "0");

	/* Twice changes nothing: an open file goes on. */
	gpu = vp_open((unsigned int)phone);
	says(vp_ctl("apply", CONF), "nothing to change\n");
	says(vp_ctl("apply", CONF, "--json"), "{\"changes\":[]}\n");
	vp_close(gpu, vp_create(gpu, VP_PAGE));

	/* What is not named any more is as by default; others are left alone. */
	put("[phone]\ndma_bits = 41\n");
	says_both(vp_ctl("apply", CONF), "phone: ", "dma_bits=41");
	vp_assert_config("phone", "coherent", "1");
	vp_assert_config("phone", "dma_bits", "41");
	igt_assert_eq(vp_config_index("phone"), phone);
	igt_assert_eq(vp_try_param(gpu, DRM_VPRIME_PARAM_DMA_BITS, 0, &(uint64_t){ 0 }), -ENODEV);
	close(gpu);
	vp_assert_config("desk", "driver_name", "acme");
	vp_assert_config("other", "dma_bits", "33");

	put("[desk]\ndriver_name = acme\n[phone]\nenabled = 0\ndma_bits = 42\n");
	says_both(vp_ctl("apply", CONF), "desk: plugged in: vprime", "\nphone: dma_bits=42, unplugged\n");
	says(vp_ctl("apply", CONF), "nothing to change\n");
	put("");
	says(vp_ctl("apply", CONF), "nothing to change\n");
	igt_assert_eq(vp_config_gpus(), 3);
	vp_config_clean();
}

/* Whatever is wrong, and wherever, nothing is changed. */
static void apply_refused(void)
{
	static const struct {
		const char *text;
		const char *why;
	} files[] = {
		{ "coherent = 0\n", CONF ":1: an attribute of no GPU: a line [NAME] comes first\n" },
		{ "[phone]\ncoherent\n", CONF ":2: neither [NAME] nor KEY = VALUE\n" },
		{ "[phone]\n= 0\n", CONF ":2: neither [NAME] nor KEY = VALUE\n" },
		{ "[phone\n", CONF ":1: a section is [NAME]\n" },
		{ "[a/b]\n", CONF ":1: 'a/b' cannot be the name of a GPU\n" },
		{ "[]\n", CONF ":1: '' cannot be the name of a GPU\n" },
		{ "[phone]\n[phone]\n", CONF ":2: [phone] is there twice, in line 1 too\n" },
		{ "[phone]\ncoherent=0\ncoherent=0\n", CONF ":3: coherent: it is there twice\n" },
		{ "[phone]\nenabled=maybe\n", CONF ":2: enabled: 'maybe' is not 0 or 1\n" },
		{ "[desk]\n\n[phone]\ndma_bits = 12\n", CONF ":4: dma_bits: '12' is not 32 to 64\n" },
		{ "[desk]\n[phone]\ncolour = red\n", CONF ":3: colour: there is no such attribute, but coherent, " },
	};

	for (size_t i = 0; i < VP_ARRAY_SIZE(files); i++) {
		put(files[i].text);
		refuses(vp_ctl("apply", CONF), files[i].why);
		igt_assert_eq(vp_config_gpus(), 0);
	}
	put("[phone]\n");
	refuses(vp_ctl_as(vp_ctl_nobody, "apply", CONF), "only root may change GPUs");
	unlink(CONF);
	refuses(vp_ctl("apply", CONF), CONF ": No such file or directory\n");
	refuses(vp_ctl("apply", "/tmp"), "/tmp: Is a directory\n");
}

static void put_many(unsigned int gpus)
{
	FILE *file = fopen(CONF, "we");

	igt_assert(file);
	for (unsigned int i = 1; i <= gpus; i++)
		fprintf(file, "[full%u]\nenabled = 0\n", i);
	igt_assert_eq(fclose(file), 0);
}

/* As many as fit, with one left for trying values in; no name is longer than that of a file. */
static void apply_limits(void)
{
	const unsigned int most = 64 - VP_DEFAULT_GPUS;
	char text[512], name[257] = {};
	struct vp_ran ran;

	put_many(most + 1);
	refuses(vp_ctl("apply", CONF), ": there are 64 GPUs already\n");
	igt_assert_eq(vp_config_gpus(), 0);
	put_many(most);
	refuses(vp_ctl("apply", CONF), ": there are 64 GPUs already: apply needs one more, to try values in\n");
	igt_assert_eq(vp_config_gpus(), 0);
	put_many(most - 1);
	ran = vp_ctl("apply", CONF);
	vp_assert_done(&ran);
	vp_ran_free(&ran);
	igt_assert_eq(vp_config_gpus(), most - 1);
	says(vp_ctl("apply", CONF), "nothing to change\n");
	vp_config_clean();

	memset(name, 'a', sizeof(name) - 1);
	snprintf(text, sizeof(text), "[desk]\n[%s]\n", name);
	put(text);
	refuses(vp_ctl("apply", CONF), "' cannot be the name of a GPU\n");
	snprintf(text, sizeof(text), "[desk]\n%s = 1\n", name);
	put(text);
	refuses(vp_ctl("apply", CONF), ": there is no such attribute\n");
	igt_assert_eq(vp_config_gpus(), 0);
}

static struct itimerval kill_after;

static void kill_soon(void)
{
	setitimer(ITIMER_REAL, &kill_after, NULL);
}

/* Whenever a signal comes, all GPUs are there or none. */
static void apply_killed(void)
{
	const unsigned int gpus = 20;

	put_many(gpus);
	for (unsigned int ms = 1; ms < 1000; ms *= 2) {
		struct vp_ran ran;

		kill_after.it_value.tv_usec = ms * 1000;
		ran = vp_ctl_as(kill_soon, "apply", CONF);
		igt_assert_f(ran.status == 0 || ran.status == 128 + SIGALRM, "exit status %d: %s\n", ran.status, ran.err);
		igt_assert_eq(vp_config_gpus(), ran.status ? 0 : gpus);
		vp_ran_free(&ran);
		vp_config_clean();
	}
}

/* One value of phone cannot be written, in a namespace that this process alone sees. */
static void without_dma_bits(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("/dev/full", VP_CONFIG_DIR "/phone/dma_bits", NULL, MS_BIND, NULL))
		_exit(126);
}

/* What is wrong shows only when all is tried already. */
static void apply_fails(void)
{
	const struct vp_json *change;
	struct vp_json *read;
	struct vp_ran ran;

	vp_config_plug("phone", "");
	/* Whichever comes first, one of phone's is before the one that fails. */
	put("[desk]\n[phone]\ncoherent = 0\ndma_bits = 40\nsyncobj_timeline = 0\nenabled = 0\n[late]\n");
	ran = vp_ctl_as(without_dma_bits, "apply", CONF, "--json");
	igt_assert_eq(ran.status, 1);
	igt_assert_f(strstr(ran.err, CONF ":2: phone: dma_bits: No space left on device\n"), "said: %s\n", ran.err);
	read = vp_json_parse(ran.out);
	igt_assert_eq(vp_json_length(read, "changes"), 2);
	vp_assert_json_string(vp_json_at(read, "changes", 0), "change", "added");
	change = vp_json_at(read, "changes", 1);
	vp_assert_json_string(change, "gpu", "phone");
	igt_assert(vp_json_find(change, "render"));
	vp_json_free(read);
	vp_ran_free(&ran);

	/* Plugged in again; and what comes after is not made. */
	vp_assert_config("phone", "enabled", "1");
	vp_assert_config("phone", "dma_bits", "64");
	igt_assert(vp_config_is("phone", "coherent", "0") || vp_config_is("phone", "syncobj_timeline", "0"));
	igt_assert_eq(vp_config_gpus(), 2);
	vp_config_clean();
}

/* ---- what is in the way --------------------------------------------------- */

static void without_configfs(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    umount2("/sys/kernel/config", MNT_DETACH))
		_exit(126);
}

static void in_the_way(void)
{
	static const char *const commands[][4] = {
		{ "vprimectl", "add", "phone" }, { "vprimectl", "set", "phone", "coherent=0" },
	};

	vp_config_gpus(); /* mounts it */
	refuses(vp_ctl_as(without_configfs, "add", "phone"),
		"configfs is not mounted at /sys/kernel/config: mount -t configfs nodev /sys/kernel/config\n");
	vp_unload();
	for (size_t i = 0; i < VP_ARRAY_SIZE(commands); i++) {
		const char *words[5] = {};

		memcpy(words, commands[i], sizeof(commands[i]));
		refuses(vp_run(NULL, words), "the module vprime is not loaded: modprobe vprime\n");
	}
	vp_reload(VP_DEFAULT_GPUS);
}

igt_main
{
	igt_describe("add makes a GPU with these attributes, plugs it in and names its nodes");
	vp_subtest("add")
		add();

	igt_describe("A refused value is told in the kernel's words, and leaves no GPU");
	vp_subtest("add-refused")
		add_refused();

	igt_describe("set changes all or nothing, of a GPU that is not plugged in");
	vp_subtest("set")
		set();

	igt_describe("plug, unplug and remove do so, twice too, and name what is not there");
	vp_subtest("plug")
		plug();

	igt_describe("apply makes the GPUs of a file; applied again it changes nothing, and later only what differs");
	vp_subtest("apply")
		apply();

	igt_describe("A file with a mistake changes nothing, and the line is named");
	vp_subtest("apply-refused")
		apply_refused();

	igt_describe("A file with more GPUs than fit, or a name that cannot be, changes nothing; one that fits can be applied again");
	vp_subtest("apply-limits")
		apply_limits();

	igt_describe("apply that a signal ends has made all GPUs or none, and leaves nothing behind");
	vp_subtest("apply-killed")
		apply_killed();

	igt_describe("apply that fails half-way says what it has changed, and leaves no GPU unplugged");
	vp_subtest("apply-fails")
		apply_fails();

	igt_describe("Without configfs, or the module, the command that helps is named");
	vp_subtest("in-the-way")
		in_the_way();

	igt_describe("A wrong command line is exit status 2 and one line");
	vp_subtest("usage")
		usage();
}
