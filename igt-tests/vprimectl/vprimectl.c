// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl as its user meets it: what it does to a buffer, what it knows of
 * the GPUs, and what it says when something is in the way. What it shows of the
 * buffers is in vprimectl_list, what it follows in vprimectl_watch.
 */
#define _GNU_SOURCE	/* unshare */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_ctl.h"
#include "vp_foreign.h"
#include "vp_json.h"
#include "vp_nobody.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("vprimectl move, revoke and gpus, and what can be in the way");

#define SIZE	VP_SCENE_SIZE
#define RW	(PROT_READ | PROT_WRITE)

/* ---- move and revoke ------------------------------------------------------ */

static void did(struct vp_ran *ran, const char *digits, const char *what)
{
	char wanted[64];

	vp_assert_done(ran);
	snprintf(wanted, sizeof(wanted), "buffer %s: %s\n", digits, what);
	igt_assert_f(!strcmp(ran->out, wanted), "printed: %s\n", ran->out);
	vp_ran_free(ran);
}

static void moves(void)
{
	struct vp_scene scene = vp_scene();
	char *map = vp_map(scene.gpu[0], scene.handle[0], SIZE, RW);
	struct vp_ran ran;
	char wanted[64];
	uint32_t word;

	vp_fill(map, SIZE, 1);
	vp_peek(scene.gpu[1], scene.handle[1], 0, &word, sizeof(word));
	igt_assert_eq(vp_watch(scene.id)->mapped, 1);
	ran = vp_ctl("move", scene.digits);
	did(&ran, scene.digits, "moved");
	igt_assert_eq(vp_watch(scene.id)->mapped, 0);
	ran = vp_ctl("move", scene.digits, "--json");
	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), "{\"buffer\":%s,\"change\":\"moved\"}\n", scene.digits);
	igt_assert_f(!strcmp(ran.out, wanted), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
	vp_assert_pattern(map, SIZE, 1);
	vp_unmap(map, SIZE);
	vp_scene_end(&scene);

	ran = vp_ctl("move", scene.digits);
	vp_assert_refuses(&ran, 1, "there is no such buffer");
}

static void revokes(void)
{
	struct vp_scene scene = vp_scene();
	char *map = vp_map(scene.gpu[0], scene.handle[0], SIZE, RW);
	struct vp_ran ran;

	igt_assert_eq(vp_touch(map, true), 0);
	ran = vp_ctl("revoke", scene.digits);
	did(&ran, scene.digits, "revoked");
	igt_assert_eq(vp_touch(map, false), SIGBUS);
	/* Once more is no mistake. */
	ran = vp_ctl("revoke", scene.digits);
	did(&ran, scene.digits, "revoked");
	ran = vp_ctl("move", scene.digits);
	vp_assert_refuses(&ran, 1, "it has been revoked");
	ran = vp_ctl("list", scene.digits);
	igt_assert(strstr(ran.out, ", revoked"));
	vp_ran_free(&ran);
	vp_unmap(map, SIZE);
	vp_scene_end(&scene);

	ran = vp_ctl("revoke", scene.digits);
	vp_assert_refuses(&ran, 1, "there is no such buffer");
}

/* A static importer cannot be told to let go of what it has mapped. */
static void act_pinned(void)
{
	struct vp_scene scene = vp_scene();
	int foreign = vp_foreign_open();
	struct vp_ran ran;

	vp_foreign_hold(foreign, scene.dmabuf);
	ran = vp_ctl("move", scene.digits);
	vp_assert_refuses(&ran, 1, "it has to stay where it is");
	ran = vp_ctl("revoke", scene.digits);
	vp_assert_refuses(&ran, 1, "an importer that cannot give it up");
	igt_assert(!strcmp(vp_watch(scene.id)->state, "live"));
	close(foreign);
	ran = vp_ctl("move", scene.digits);
	did(&ran, scene.digits, "moved");
	vp_scene_end(&scene);
	vp_foreign_unload();
}

/* The kernel itself has it mapped. */
static void act_vmapped(void)
{
	struct vp_scene scene = vp_scene();
	int foreign = vp_foreign_open();
	struct vp_ran ran;
	uint32_t vmap;

	igt_assert_eq(vp_foreign_try_vmap(foreign, scene.dmabuf, &vmap), 0);
	ran = vp_ctl("list", scene.digits);
	igt_assert(strstr(ran.out, ", 1 vmap\n"));
	vp_ran_free(&ran);
	ran = vp_ctl("move", scene.digits);
	vp_assert_refuses(&ran, 1, "it has to stay where it is");
	ran = vp_ctl("revoke", scene.digits);
	vp_assert_refuses(&ran, 1, "the kernel has it mapped for itself");
	vp_foreign_vunmap(foreign, vmap);
	ran = vp_ctl("revoke", scene.digits);
	did(&ran, scene.digits, "revoked");
	close(foreign);
	vp_scene_end(&scene);
	vp_foreign_unload();
}

/* An importer that is told to unmap, and does not. */
static void revoke_in_vain(void)
{
	struct vp_scene scene = vp_scene();
	int foreign = vp_foreign_open();
	uint32_t id = vp_foreign_attach(foreign, scene.dmabuf,
					VP_FOREIGN_STUBBORN);
	struct vp_ran ran;
	uint32_t word;
	bool held;

	igt_assert_eq(vp_foreign_try_read(foreign, id, 0, &word, sizeof(word)),
		      0);
	/* On kernels that do not know revocation, mapping may have pinned it. */
	held = !strcmp(vp_watch_attachment(scene.id, VP_FOREIGN_DEVICE)->lifetime,
		       "pinned");
	ran = vp_ctl("revoke", scene.digits);
	if (held) {
		vp_assert_refuses(&ran, 1, "an importer that cannot give it up has it mapped or pinned");
		goto out;
	}
	vp_assert_refuses(&ran, 1, "it is revoked, but an importer has not unmapped it in time");
	ran = vp_ctl("list", scene.digits);
	igt_assert(strstr(ran.out, ", revoked"));
	igt_assert(strstr(ran.out, "stale mapping bidirectional"));
	igt_assert(strstr(ran.out, "violation   not-unmapped"));
	vp_ran_free(&ran);
out:
	close(foreign);
	vp_scene_end(&scene);
	vp_foreign_unload();
}

static void act_foreign(void)
{
	int gpu = vp_open(0), vgem, dmabuf;
	struct vp_dumb dumb;
	char digits[24];
	struct vp_ran ran;

	vp_load_foreign("vgem");
	vgem = vp_open_foreign("vgem");
	dumb = vp_create_dumb(vgem, 64, 64, 32);
	dmabuf = vp_export(vgem, dumb.handle);
	snprintf(digits, sizeof(digits), "%llu",
		 (unsigned long long)vp_id(gpu, vp_import(gpu, dmabuf)));
	ran = vp_ctl("move", digits);
	vp_assert_refuses(&ran, 1, "another driver's, which alone can move it");
	ran = vp_ctl("revoke", digits);
	vp_assert_refuses(&ran, 1,
			  "another driver's, which alone can revoke it");
	ran = vp_ctl("list", digits);
	igt_assert(strstr(ran.out, "16 KiB, foreign, live, exported"));
	vp_ran_free(&ran);
	close(dmabuf);
	close(vgem);
	close(gpu);
	vp_unload_foreign("vgem");
}

/* ---- gpus ----------------------------------------------------------------- */

static const char *node(unsigned int gpu, enum vp_node kind, char path[300])
{
	igt_assert_eq(vp_node_path(gpu, kind, path, 300), 0);
	return path;
}

static void assert_gpu(const char *text, unsigned int gpu, const char *rest)
{
	char wanted[700], row[VP_ROW], card[300], render[300];

	snprintf(wanted, sizeof(wanted), "vprime%u|%s|%s|%s", gpu,
		 node(gpu, VP_PRIMARY, card) + strlen("/dev/dri/"),
		 node(gpu, VP_RENDER, render) + strlen("/dev/dri/"), rest);
	vp_find_row(text, wanted, row);
	igt_assert_f(!strcmp(row, wanted), "row: %s\nwanted: %s\n", row,
		     wanted);
}

static void gpus(void)
{
	unsigned int third = vp_config_plug("desk", "dma_bits=40 coherent=0 "
					    "max_segment=65536 prime=import "
					    "driver_name=acme "
					    "syncobj_timeline=0");
	unsigned int fourth = vp_config_plug("alone",
					     "prime=none syncobj=0");
	struct vp_ran ran = vp_ctl("gpus");
	const struct vp_json *gpu;
	struct vp_json *read;
	char path[300];

	vp_assert_done(&ran);
	vp_assert_row(ran.out, "gpu|card|render node|driver|config|coherent|dma|max segment|prime|syncobj");
	assert_gpu(ran.out, 0, "vprime|-|yes|64 bits|4194300 KiB|both|timeline");
	assert_gpu(ran.out, 1, "vprime|-|yes|64 bits|4194300 KiB|both|timeline");
	assert_gpu(ran.out, third, "acme|desk|no|40 bits|64 KiB|import|binary");
	assert_gpu(ran.out, fourth, "vprime|alone|yes|64 bits|4194300 KiB|none|none");
	vp_ran_free(&ran);

	ran = vp_ctl("gpus", "--json");
	vp_assert_done(&ran);
	read = vp_json_parse(ran.out);
	igt_assert_eq(vp_json_length(read, "gpus"), 4);
	gpu = vp_json_at(read, "gpus", 0);
	vp_assert_json_string(gpu, "name", "vprime0");
	igt_assert_eq(vp_json_get(gpu, "config")->type, VP_JSON_NULL);
	gpu = vp_json_at(read, "gpus", third);
	igt_assert_eq(vp_json_number(gpu, "index"), third);
	vp_assert_json_string(gpu, "card", node(third, VP_PRIMARY, path));
	vp_assert_json_string(gpu, "render", node(third, VP_RENDER, path));
	vp_assert_json_string(gpu, "driver", "acme");
	vp_assert_json_string(gpu, "config", "desk");
	igt_assert(!vp_json_bool(gpu, "coherent"));
	igt_assert_eq(vp_json_number(gpu, "dma_bits"), 40);
	igt_assert_eq(vp_json_number(gpu, "max_segment"), 65536);
	igt_assert_eq(vp_json_number(gpu, "page_size"), VP_PAGE);
	igt_assert_lt((int64_t)0, vp_json_number(gpu, "max_size"));
	igt_assert_lte(0, vp_json_number(gpu, "huge_page_size"));
	vp_assert_json_string(gpu, "prime", "import");
	igt_assert(vp_json_bool(gpu, "syncobj"));
	igt_assert(!vp_json_bool(gpu, "syncobj_timeline"));
	vp_json_free(read);
	vp_ran_free(&ran);
	vp_config_remove("desk");
	vp_config_remove("alone");
}

static void gpus_none(void)
{
	struct vp_ran ran;

	vp_reload(0);
	ran = vp_ctl("gpus");
	vp_assert_done(&ran);
	igt_assert_f(!strncmp(ran.out, "no GPUs: ", 9), "printed: %s\n",
		     ran.out);
	vp_ran_free(&ran);
	ran = vp_ctl("gpus", "--json");
	vp_assert_done(&ran);
	igt_assert(!strcmp(ran.out, "{\"gpus\":[]}\n"));
	vp_ran_free(&ran);
	vp_reload(VP_DEFAULT_GPUS);
}

/* ---- what is in the way --------------------------------------------------- */

/* Mounts that this process alone sees. */
static void private_mounts(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(126);
}

static void without_debugfs(void)
{
	private_mounts();
	if (umount2("/sys/kernel/debug", MNT_DETACH))
		_exit(126);
}

/* As with a module that is older than vprimectl. */
static void without_files(void)
{
	private_mounts();
	if (mount("none", "/sys/kernel/debug/vprime", "tmpfs", 0, NULL))
		_exit(126);
}

/* All commands that need a file of debugfs. */
static void all_refuse(void (*before)(void), const char *why)
{
	static const char *const commands[][4] = {
		{ "vprimectl" }, { "vprimectl", "--json" },
		{ "vprimectl", "list", "1" }, { "vprimectl", "counts" },
		{ "vprimectl", "fences" }, { "vprimectl", "fences", "--json" },
		{ "vprimectl", "move", "1" }, { "vprimectl", "revoke", "1" },
	};

	for (size_t i = 0; i < VP_ARRAY_SIZE(commands); i++) {
		struct vp_ran ran = vp_run(before, commands[i]);

		vp_assert_refuses(&ran, 1, why);
	}
}

static void not_root(void)
{
	struct vp_ran ran;

	all_refuse(vp_ctl_nobody, "only root may use it: try sudo vprimectl");

	/* What is known without asking the GPUs is shown all the same. */
	vp_await_udev();
	igt_assert_eq(chmod("/dev/dri/renderD128", 0600), 0);
	ran = vp_ctl_as(vp_ctl_nobody, "gpus");
	igt_assert_eq(ran.status, 1);
	vp_assert_row(ran.out, "gpu|card|render node|driver|config|coherent|dma|max segment|prime|syncobj");
	igt_assert(strstr(ran.out, "\nvprime1  card"));
	igt_assert_f(strstr(ran.err, "could not be asked: /dev/dri/renderD128: Permission denied: be root"),
		     "said: %s\n", ran.err);
	vp_ran_free(&ran);
}

static void not_loaded(void)
{
	struct vp_ran ran;

	vp_unload();
	all_refuse(NULL, "the module vprime is not loaded: modprobe vprime");
	ran = vp_ctl("gpus");
	vp_assert_refuses(&ran, 1, "not loaded");
	ran = vp_ctl("watch");
	vp_assert_refuses(&ran, 1, "not loaded");
	vp_reload(VP_DEFAULT_GPUS);
}

static void no_debugfs(void)
{
	all_refuse(without_debugfs, "debugfs is not mounted at /sys/kernel/debug: mount -t debugfs nodev /sys/kernel/debug");
}

static void no_files(void)
{
	all_refuse(without_files, " is not there: the loaded module is older");
}

static void full_disk(void)
{
	dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
}

static void full(void)
{
	struct vp_ran ran = vp_ctl_as(full_disk, "list");

	vp_assert_refuses(&ran, 1, "standard output: No space left on device");
	ran = vp_ctl_as(full_disk, "gpus", "--json");
	vp_assert_refuses(&ran, 1, "standard output: No space left on device");
}

static void wrong_usage(struct vp_ran ran, const char *why)
{
	vp_assert_refuses(&ran, 2, why);
}

/* Each command has a help of its own. */
static void help_of(const char *command)
{
	struct vp_ran ran = vp_ctl(command, "--help");
	char wanted[64];

	vp_assert_done(&ran);
	snprintf(wanted, sizeof(wanted), "usage: vprimectl %s ", command);
	igt_assert_f(!strncmp(ran.out, wanted, strlen(wanted)), "printed: %s\n", ran.out);
	vp_ran_free(&ran);
}

static void usage(void)
{
	struct vp_ran ran = vp_ctl("--help");
	int end = 0;

	vp_assert_done(&ran);
	igt_assert(!strncmp(ran.out, "usage: vprimectl ", 17));
	for (const char *line = ran.out; (line = strstr(line, "\n  ")); line += 3) {
		char command[16];

		if (line[3] != ' ' && sscanf(line, "\n  %15[a-z] ", command) == 1)
			help_of(command);
	}
	vp_ran_free(&ran);

	ran = vp_ctl("--version");
	vp_assert_done(&ran);
	igt_assert_f(sscanf(ran.out, "vprimectl %*d.%*d%n", &end) == 0 && end, "printed: %s\n", ran.out);
	vp_ran_free(&ran);

	wrong_usage(vp_ctl("dance"), "dance: no such command");
	wrong_usage(vp_ctl("17"), "17: no such command");
	wrong_usage(vp_ctl("--dance"), "unrecognized option '--dance'");
	wrong_usage(vp_ctl("list", "1", "2"), "2: one word too many");
	wrong_usage(vp_ctl("counts", "1"), "1: one word too many");
	wrong_usage(vp_ctl("fences", "1"), "1: one word too many");
	wrong_usage(vp_ctl("gpus", "1"), "1: one word too many");
	wrong_usage(vp_ctl("watch", "1"), "1: one word too many");
	wrong_usage(vp_ctl("move"), "move: which buffer?");
	wrong_usage(vp_ctl("revoke"), "revoke: which buffer?");
	wrong_usage(vp_ctl("list", "--all"), "--all: not with list");
	wrong_usage(vp_ctl("fences", "--seconds", "1"),
		    "--seconds: not with fences");
	wrong_usage(vp_ctl("list", "--seconds", "1"), "--seconds: not with list");
	wrong_usage(vp_ctl("watch", "--seconds"), "requires an argument");
	wrong_usage(vp_ctl("watch", "--seconds", "0"), "--seconds 0: ");
	wrong_usage(vp_ctl("watch", "--seconds", "-1"), "--seconds -1: ");
	wrong_usage(vp_ctl("watch", "--seconds", "1s"), "--seconds 1s: ");
	wrong_usage(vp_ctl("list", ""), ": not the number of a buffer");
	wrong_usage(vp_ctl("list", "x"), "x: not the number of a buffer");
	wrong_usage(vp_ctl("move", "+1"), "+1: not the number of a buffer");
	wrong_usage(vp_ctl("move", "0x1"), "0x1: not the number of a buffer");
	wrong_usage(vp_ctl("revoke", "18446744073709551616"),
		    "not the number of a buffer");
}

igt_main
{
	igt_describe("move moves: mappings go, the pixels stay; a buffer that is not there is named");
	vp_subtest("move")
		moves();

	igt_describe("revoke revokes: who touches it gets SIGBUS; twice is fine");
	vp_subtest("revoke")
		revokes();

	igt_describe("What an importer holds is explained when it can be neither moved nor revoked");
	vp_subtest("act-pinned")
		act_pinned();

	igt_describe("So is what the kernel has mapped for itself");
	vp_subtest("act-vmapped")
		act_vmapped();

	igt_describe("Who does not unmap what is revoked is told of, and shown as what he is");
	vp_subtest("revoke-in-vain")
		revoke_in_vain();

	igt_describe("A buffer of another driver is said to be one");
	vp_subtest("act-foreign")
		act_foreign();

	igt_describe("gpus shows nodes, driver, attributes and configfs name of every GPU");
	vp_subtest("gpus")
		gpus();

	igt_describe("Without GPUs, gpus says how to make one");
	vp_subtest("gpus-none")
		gpus_none();

	igt_describe("Who is not root is told so");
	vp_subtest("not-root")
		not_root();

	igt_describe("Without the module every command names modprobe");
	vp_subtest("not-loaded")
		not_loaded();

	igt_describe("Without debugfs the command that mounts it is named");
	vp_subtest("no-debugfs")
		no_debugfs();

	igt_describe("A module without the files is said to be older");
	vp_subtest("no-files")
		no_files();

	igt_describe("Output that cannot be written is an error");
	vp_subtest("full-disk")
		full();

	igt_describe("A wrong command line is exit status 2, and one line with the word that is wrong; help and version are there");
	vp_subtest("usage")
		usage();
}
