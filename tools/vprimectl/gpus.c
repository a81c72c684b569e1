// SPDX-License-Identifier: GPL-2.0-only
/*
 * vprimectl gpus: the GPUs there are, whatever name their driver goes by.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <drm/vprime_drm.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xf86drm.h>

#include "debugfs.h"
#include "gpus.h"
#include "grid.h"
#include "json.h"
#include "text.h"
#include "vprimectl.h"

#define DRIVER		"/sys/bus/platform/drivers/vprime"
#define CONFIGFS	"/sys/kernel/config/vprime"

/* what this program asks a GPU for, and what it is called in JSON */
static const struct {
	uint32_t param;
	const char *name;
} params[] = {
	{ DRM_VPRIME_PARAM_COHERENT, "coherent" },
	{ DRM_VPRIME_PARAM_DMA_BITS, "dma_bits" },
	{ DRM_VPRIME_PARAM_MAX_SEGMENT, "max_segment" },
	{ DRM_VPRIME_PARAM_MAX_SIZE, "max_size" },
	{ DRM_VPRIME_PARAM_PAGE_SIZE, "page_size" },
	{ DRM_VPRIME_PARAM_HUGE_PAGE_SIZE, "huge_page_size" },
};

enum { COHERENT, DMA_BITS, MAX_SEGMENT, PARAMS = sizeof(params) / sizeof(*params) };

static const struct {
	uint64_t capability;
	const char *name;
} capabilities[] = {
	{ DRM_CAP_PRIME, "prime" },
	{ DRM_CAP_SYNCOBJ, "syncobj" },
	{ DRM_CAP_SYNCOBJ_TIMELINE, "syncobj_timeline" },
};

enum { PRIME, SYNCOBJ, TIMELINE, CAPABILITIES };

/** struct answer - of a GPU, if it has given one */
struct answer {
	bool given;
	uint64_t value;
};

/** struct found - one GPU, and what is known of it */
struct found {
	struct gpu gpu;
	/** @driver: the name its driver goes by, empty if it could not be asked */
	char driver[NAME_MAX + 1];
	/** @config: its folder in configfs, empty if it has none */
	char config[NAME_MAX + 1];
	/** @error: why it could not be asked, or 0 */
	int error;
	struct answer params[PARAMS];
	struct answer capabilities[CAPABILITIES];
};

void gpus_find_nodes(struct gpu *gpu)
{
	char folder[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	snprintf(folder, sizeof(folder), DRIVER "/vprime%" PRIu32 "/drm", gpu->index);
	dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "card", 4))
			snprintf(gpu->primary, GPU_PATH, "/dev/dri/%.32s", entry->d_name);
		if (!strncmp(entry->d_name, "renderD", 7))
			snprintf(gpu->render, GPU_PATH, "/dev/dri/%.32s", entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void ask(struct found *found)
{
	drmVersionPtr version;
	int fd, i;

	fd = gpu_open(*found->gpu.render ? found->gpu.render : found->gpu.primary);
	if (fd < 0) {
		found->error = -fd;
		return;
	}
	version = drmGetVersion(fd);
	if (version)
		snprintf(found->driver, sizeof(found->driver), "%s", version->name);
	drmFreeVersion(version);
	for (i = 0; i < PARAMS; i++) {
		struct drm_vprime_get_param get = { .param = params[i].param };

		found->params[i].given = !drmIoctl(fd, DRM_IOCTL_VPRIME_GET_PARAM, &get);
		found->params[i].value = get.value;
	}
	for (i = 0; i < CAPABILITIES; i++)
		found->capabilities[i].given = !drmGetCap(fd, capabilities[i].capability,
							  &found->capabilities[i].value);
	close(fd);
}

/* Whether the attribute "device" of the folder is "vprimeN". */
static bool is_config_of(const char *folder, uint32_t index)
{
	char path[PATH_MAX], line[64] = "", name[32];
	FILE *file;

	snprintf(path, sizeof(path), CONFIGFS "/%s/device", folder);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		*line = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	snprintf(name, sizeof(name), "vprime%" PRIu32, index);
	return !strcmp(line, name);
}

void gpus_find_config(const struct gpu *gpu, char config[NAME_MAX + 1])
{
	DIR *dir = opendir(CONFIGFS);
	struct dirent *entry;

	*config = '\0';
	while (dir && !*config && (entry = readdir(dir)))
		if (*entry->d_name != '.' && is_config_of(entry->d_name, gpu->index))
			snprintf(config, NAME_MAX + 1, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

static int by_index(const void *a, const void *b)
{
	const struct gpu *one = a, *other = b;

	return (one->index > other->index) - (one->index < other->index);
}

int gpus_list(struct gpu gpus[GPU_MAX])
{
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	module_require();
	dir = opendir(DRIVER);
	if (!dir)
		err(1, "%s", DRIVER);
	while (count < GPU_MAX && (entry = readdir(dir))) {
		uint64_t index;

		if (strncmp(entry->d_name, "vprime", 6) || !text_number(entry->d_name + 6, &index))
			continue;
		gpus[count] = (struct gpu){ .index = (uint32_t)index };
		gpus_find_nodes(&gpus[count++]);
	}
	closedir(dir);
	qsort(gpus, (size_t)count, sizeof(*gpus), by_index);
	return count;
}

static const char *after_slash(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : "-";
}

static const char *prime_word(const struct answer *prime)
{
	static const char *const words[] = { "none", "import", "export", "both" };

	return prime->given ? words[prime->value & 3] : "-";
}

static const char *syncobj_word(const struct found *found)
{
	if (!found->capabilities[SYNCOBJ].given)
		return "-";
	if (!found->capabilities[SYNCOBJ].value)
		return "none";
	return found->capabilities[TIMELINE].value ? "timeline" : "binary";
}

static void add_row(struct grid *grid, const struct found *found)
{
	const struct answer *answers = found->params;
	char digits[32], size[TEXT_SIZE];

	grid_cell(grid, "vprime%" PRIu32, found->gpu.index);
	grid_cell(grid, "%s", after_slash(found->gpu.primary));
	grid_cell(grid, "%s", after_slash(found->gpu.render));
	grid_cell(grid, "%s", *found->driver ? found->driver : "-");
	grid_cell(grid, "%s", *found->config ? found->config : "-");
	grid_cell(grid, "%s", !answers[COHERENT].given ? "-" :
			      answers[COHERENT].value ? "yes" : "no");
	if (answers[DMA_BITS].given)
		grid_cell(grid, "%" PRIu64 " bits", answers[DMA_BITS].value);
	else
		grid_cell(grid, "-");
	snprintf(digits, sizeof(digits), "%" PRIu64, answers[MAX_SEGMENT].value);
	grid_cell(grid, "%s", answers[MAX_SEGMENT].given ? text_size(digits, size) : "-");
	grid_cell(grid, "%s", prime_word(&found->capabilities[PRIME]));
	grid_cell(grid, "%s", syncobj_word(found));
}

static void print_table(const struct found *founds, int count)
{
	static const char *const head[] = {
		"gpu", "card", "render node", "driver", "config", "coherent", "dma",
		"max segment", "prime", "syncobj",
	};
	struct grid grid = { .columns = sizeof(head) / sizeof(*head) };

	if (!count) {
		puts("no GPUs: make one with vprimectl add NAME, or load the module with gpus=N");
		return;
	}
	for (size_t i = 0; i < grid.columns; i++)
		grid_cell(&grid, "%s", head[i]);
	for (int i = 0; i < count; i++)
		add_row(&grid, &founds[i]);
	grid_print(&grid);
}

static void write_text(const char *key, const char *text)
{
	json_key(key);
	if (*text)
		json_string(text);
	else
		json_null();
}

static void write_gpu(const struct found *found)
{
	char name[32];
	int i;

	snprintf(name, sizeof(name), "vprime%" PRIu32, found->gpu.index);
	json_open('{');
	write_text("name", name);
	json_key("index");
	json_number(found->gpu.index);
	write_text("card", found->gpu.primary);
	write_text("render", found->gpu.render);
	write_text("driver", found->driver);
	write_text("config", found->config);
	for (i = 0; i < PARAMS; i++) {
		json_key(params[i].name);
		if (!found->params[i].given)
			json_null();
		else if (i == COHERENT)
			json_bool(found->params[i].value);
		else
			json_number(found->params[i].value);
	}
	for (i = 0; i < CAPABILITIES; i++) {
		json_key(capabilities[i].name);
		if (!found->capabilities[i].given)
			json_null();
		else if (i == PRIME)
			json_string(prime_word(&found->capabilities[i]));
		else
			json_bool(found->capabilities[i].value);
	}
	json_close('}');
}

static void print_json(const struct found *founds, int count)
{
	json_open('{');
	json_key("gpus");
	json_open('[');
	for (int i = 0; i < count; i++)
		write_gpu(&founds[i]);
	json_close(']');
	json_close('}');
	json_end();
}

int command_gpus(const struct options *options)
{
	static struct found founds[GPU_MAX];
	struct gpu gpus[GPU_MAX];
	int count = gpus_list(gpus), status = 0;

	for (int i = 0; i < count; i++) {
		founds[i].gpu = gpus[i];
		ask(&founds[i]);
		gpus_find_config(&gpus[i], founds[i].config);
	}
	if (options->json)
		print_json(founds, count);
	else
		print_table(founds, count);
	for (int i = 0; i < count; i++) {
		const struct gpu *gpu = &founds[i].gpu;

		if (!founds[i].error)
			continue;
		status = 1;
		fflush(stdout);
		warnx("vprime%" PRIu32 " could not be asked: %s: %s%s", gpu->index,
		      *gpu->render ? gpu->render : gpu->primary, strerror(founds[i].error),
		      founds[i].error == EACCES ? ": be root, or in the group of that file" : "");
	}
	return status;
}
