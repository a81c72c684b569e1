// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl doctor: whether programs will find the GPUs and what they need of them,
 * a line for each thing that was looked at.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "debugfs.h"
#include "gpus.h"
#include "grid.h"
#include "holders.h"
#include "json.h"
#include "text.h"
#include "vprimectl.h"

#define DRICONF		"/usr/share/drirc.d/60-vprime.conf"
#define PARAMETERS	"/sys/module/vprime/parameters"

/* ---- lines -------------------------------------------------------------------------------- */

/** struct report - the lines so far */
struct report {
	const struct options *options;
	struct grid grid;
	bool wrong;
};

static void line(struct report *report, const char *subject, const char *finding, const char *advice)
{
	report->wrong = report->wrong || advice;
	if (!report->options->json) {
		grid_cell(&report->grid, advice ? "=>" : "ok");
		grid_cell(&report->grid, "%s", subject);
		grid_cell(&report->grid, "%s%s%s", finding, advice ? ": " : "", advice ? advice : "");
		return;
	}
	json_open('{');
	json_key("subject");
	json_string(subject);
	json_key("finding");
	json_string(finding);
	json_key("advice");
	if (advice)
		json_string(advice);
	else
		json_null();
	json_close('}');
}

/* With a finding that is put together. @advice is NULL if it is fine. */
static void say(struct report *report, const char *subject, const char *advice, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void say(struct report *report, const char *subject, const char *advice, const char *format, ...)
{
	char *finding;
	va_list args;

	va_start(args, format);
	if (vasprintf(&finding, format, args) < 0)
		err(1, "memory");
	va_end(args);
	line(report, subject, finding, advice);
	free(finding);
}

/* The first line of a file; empty if there is none. */
static void first_line(const char *path, char text[256])
{
	FILE *file = fopen(path, "re");

	*text = '\0';
	if (file && !fgets(text, 256, file))
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* ---- the module and the kernel ------------------------------------------------------------ */

/* Of a choice that is no fault, but shows in what programs do. */
static const char *parameter_effect(const char *name, const char *value)
{
	if (!strcmp(name, "enforce_read_only") && *value == 'Y')
		return ": nobody writes to what was exported read-only; compositors that draw so, "
		       "with Mesa before 26.1, crash";
	return "";
}

static const char *parameter_advice(const char *name, const char *value)
{
	if (!strcmp(name, "user_fences") && *value == 'N')
		return "programs cannot make timelines and fences: load the module with user_fences=1 if they are to";
	return NULL;
}

static void look_at_module(struct report *report)
{
	struct dirent **entries;
	char path[PATH_MAX], value[256];
	int count;

	if (!module_loading()) {
		line(report, "module", "not loaded", "modprobe vprime");
		return;
	}
	first_line("/sys/module/vprime/version", value);
	say(report, "module", NULL, "loaded%s%s", *value ? ", version " : "", value);
	count = scandir(PARAMETERS, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		if (*entries[i]->d_name != '.') {
			snprintf(path, sizeof(path), PARAMETERS "/%s", entries[i]->d_name);
			first_line(path, value);
			say(report, "parameter", parameter_advice(entries[i]->d_name, value), "%s=%s%s",
			    entries[i]->d_name, value, parameter_effect(entries[i]->d_name, value));
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* An option of the running kernel: 'y', 'm', 'n', or '?' if its configuration is not there. */
static char kernel_option(const char *release, const char *name)
{
	char path[PATH_MAX], text[256];
	size_t length = strlen(name);
	char answer = 'n';
	FILE *file;

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	file = fopen(path, "re");
	if (!file) {
		snprintf(path, sizeof(path), "/lib/modules/%s/config", release);
		file = fopen(path, "re");
	}
	if (!file)
		return '?';
	while (fgets(text, sizeof(text), file))
		if (!strncmp(text, name, length) && text[length] == '=')
			answer = text[length + 1];
	fclose(file);
	return answer;
}

/* What the kernel may lack is no fault, but explains what does not work. */
static void look_at_kernel(struct report *report)
{
	static const struct {
		const char *path;
		const char *what;
	} things[] = {
		{ "/sys/kernel/config/vprime", "configfs, for vprimectl add" },
		{ "/sys/kernel/debug/vprime", "debugfs, for vprimectl list" },
		{ "/dev/udmabuf", "udmabuf" },
		{ "/dev/dma_heap", "DMA heaps" },
	};
	struct utsname kernel;
	int major = 0;
	char option;

	uname(&kernel);
	sscanf(kernel.release, "%d", &major);
	say(report, "kernel", NULL, "%s", kernel.release);
	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++) {
		bool there = !access(things[i].path, F_OK);

		/* what only root may look at is there for others all the same */
		if (there || (errno == EACCES && geteuid()))
			say(report, "kernel", NULL, "has %s", things[i].what);
		else
			say(report, "kernel", i < 2 && module_loading() ? "mount it, see vprime(4)" : NULL,
			    "has no %s", things[i].what);
	}
	option = kernel_option(kernel.release, "CONFIG_DMABUF_MOVE_NOTIFY");
	if (major >= 7 || option == 'y')
		line(report, "kernel", "tells importers of moves", NULL);
	else if (option == 'n')
		line(report, "kernel", "does not tell importers of moves (CONFIG_DMABUF_MOVE_NOTIFY): "
				       "what another driver imports cannot be moved", NULL);
}

/* ---- the nodes ---------------------------------------------------------------------------- */

static void look_at_node(struct report *report, const char *node)
{
	const struct group *group;
	const struct passwd *user = getpwuid(getuid());
	struct stat status;
	char *advice = NULL;

	if (stat(node, &status)) {
		line(report, "node", node, "it is not there: udev makes it, or in a container its host");
		return;
	}
	if (!access(node, R_OK | W_OK)) {
		say(report, "node", NULL, "%s can be opened", node);
		return;
	}
	group = getgrgid(status.st_gid);
	if (asprintf(&advice, "sudo usermod -aG %s %s, and log in again", group ? group->gr_name : "GROUP",
		     user ? user->pw_name : "USER") < 0)
		err(1, "memory");
	if (group && !status.st_gid)
		say(report, "node", "the groups video and render are udev's to give: is it running?",
		    "%s cannot be opened, and belongs to the group root", node);
	else
		say(report, "node", advice, "%s cannot be opened", node);
	free(advice);
}

static void look_at_nodes(struct report *report)
{
	struct gpu gpus[GPU_MAX];
	int count;

	if (!module_loading())
		return;
	count = gpus_list(gpus);
	if (!count)
		line(report, "GPUs", "none", "vprimectl add NAME");
	for (int i = 0; i < count; i++) {
		look_at_node(report, gpus[i].primary);
		look_at_node(report, gpus[i].render);
	}
}

/* ---- Mesa --------------------------------------------------------------------------------- */

/* The first "Mesa N.N" in a library; empty if there is none. */
static void find_version(const char *path, char version[64])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *text, *at, *end;
	struct stat status;

	*version = '\0';
	if (fd < 0)
		return;
	text = fstat(fd, &status) ? MAP_FAILED :
				    mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		return;
	end = text + status.st_size;
	for (at = text; (at = memmem(at, (size_t)(end - at), "Mesa ", 5)); at++) {
		if (end - at < 64 || !isdigit((unsigned char)at[5]) || !memchr(at + 5, '.', 4))
			continue;
		snprintf(version, 64, "%.*s", (int)strspn(at + 5, "0123456789."), at + 5);
		break;
	}
	munmap((void *)text, (size_t)status.st_size);
}

/* Since 24.2 there is one library of all drivers, with the version in its name. */
static void find_mesa(char version[64])
{
	static const char *const places[] = {
		"/usr/lib/*/libgallium-*.so", "/usr/lib64/libgallium-*.so", "/usr/lib/libgallium-*.so",
		"/usr/lib/*/dri/swrast_dri.so", "/usr/lib64/dri/swrast_dri.so", "/usr/lib/dri/swrast_dri.so",
	};

	*version = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !*version; i++) {
		const char *name;
		glob_t found;

		if (glob(places[i], 0, NULL, &found))
			continue;
		name = strstr(found.gl_pathv[0], "libgallium-");
		if (name)
			snprintf(version, 64, "%.*s", (int)strspn(name + 11, "0123456789."), name + 11);
		else
			find_version(found.gl_pathv[0], version);
		globfree(&found);
	}
}

static void look_at_mesa(struct report *report)
{
	char version[64], text[4096] = "";
	FILE *file = fopen(DRICONF, "re");

	find_mesa(version);
	if (*version)
		say(report, "Mesa", NULL, "%s", version);
	else
		line(report, "Mesa", "not found", "programs without it draw on the CPU by themselves");
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	if (!file)
		line(report, "Mesa", DRICONF " is not there",
		     "make install, or the package vprime-tools, installs it: without it programs on EGL's "
		     "device platform do not draw on vprime");
	else if (!strstr(text, "kernel_driver=\"vprime\"") || !strstr(text, "kms_swrast"))
		line(report, "Mesa", DRICONF " does not name kms_swrast for vprime", "install it again");
	else
		line(report, "Mesa", DRICONF " has it draw on vprime", NULL);
}

/* ---- a process's dma-bufs ----------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct hold *one = a, *other = b;

	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	return strcmp(one->name, other->name);
}

static void look_at_process(struct report *report, pid_t pid, struct holds *holds)
{
	bool any = false;

	if (holds->count)
		qsort(holds->list, holds->count, sizeof(*holds->list), by_name);
	for (size_t i = 0, next; i < holds->count; i = next) {
		const struct hold *hold = &holds->list[i];
		const char *whose = "another driver's";

		for (next = i + 1; next < holds->count && !by_name(hold, &holds->list[next]);)
			next++;
		if (hold->kind != HOLD_DMABUF)
			continue;
		any = true;
		if (!strcmp(hold->name, "vprime"))
			whose = "vprime's";
		else if (!strcmp(hold->name, "udmabuf"))
			whose = "memory of a program, which vprime has no say in: Mesa's software renderer exports such "
				"buffers where it does not draw on a DRM node";
		say(report, "dma-bufs", NULL, "%zu of %s: %s", next - i, hold->name, whose);
	}
	if (!any)
		say(report, "dma-bufs", NULL, "process %d has none", pid);
}

static pid_t parse_pid(const char *word)
{
	uint64_t number;
	char path[64];

	if (!text_number(word, &number) || !number || number > INT_MAX)
		errx(2, "%s: not the number of a process", word);
	snprintf(path, sizeof(path), "/proc/%s", word);
	if (access(path, F_OK))
		errx(1, "%s: there is no such process", word);
	return (pid_t)number;
}

int command_doctor(const struct options *options)
{
	struct report report = { .options = options, .grid.columns = 3 };
	pid_t pid = options->words[0] ? parse_pid(options->words[0]) : 0;
	struct holds holds = {};

	if (pid)
		holds = holds_find(pid);
	if (holds.hidden)
		errx(1, "%d: the process is another user's: try sudo vprimectl doctor", pid);
	if (options->json) {
		json_open('{');
		json_key("findings");
		json_open('[');
	}
	look_at_module(&report);
	look_at_kernel(&report);
	look_at_nodes(&report);
	look_at_mesa(&report);
	if (pid)
		look_at_process(&report, pid, &holds);
	holds_free(&holds);
	if (options->json) {
		json_close(']');
		json_close('}');
		json_end();
	} else {
		grid_print(&report.grid);
	}
	return report.wrong;
}
