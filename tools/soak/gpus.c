// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GPUs of the soak, made with configfs, and how they come and go.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/clock.h"
#include "board.h"
#include "fail.h"
#include "gpus.h"

#define CONFIG_DIR	"/sys/kernel/config/vprime"
#define DEVICE_DIR	"/sys/bus/platform/devices"

#define PATIENT_MS	60000
#define HASTY_MS	100

/** struct sort - what kind of GPU it is; an attribute is left out where it is NULL */
struct sort {
	const char *coherent, *dma_bits, *max_segment;
};

static const struct sort sorts[] = {
	{ 0 },
	{ .coherent = "0" },
	{ .dma_bits = "32", .max_segment = "4096" },
	{ .coherent = "0", .dma_bits = "32" },
};

#define SORTS	(sizeof(sorts) / sizeof(sorts[0]))

static void folder_of(unsigned int gpu, char folder[GPU_PATH])
{
	snprintf(folder, GPU_PATH, CONFIG_DIR "/soak%u", gpu);
}

static void write_attribute(const char *folder, const char *name, const char *value)
{
	char path[GPU_PATH + 32];
	ssize_t length = (ssize_t)strlen(value);
	int file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		fail("%s: %s", path, strerror(errno));
	if (write(file, value, (size_t)length) != length)
		fail("'%s' to %s: %s", value, path, strerror(errno));
	close(file);
}

static void make_folder(const char *folder, unsigned int timeout_ms, const struct sort *sort)
{
	char timeout[16];

	if (mkdir(folder, 0755))
		fail("%s: %s%s", folder, strerror(errno),
		     errno == ENOENT ? "; load the module: modprobe vprime" : "");
	snprintf(timeout, sizeof(timeout), "%u", timeout_ms);
	write_attribute(folder, "fence_timeout_ms", timeout);
	if (sort->coherent)
		write_attribute(folder, "coherent", sort->coherent);
	if (sort->dma_bits)
		write_attribute(folder, "dma_bits", sort->dma_bits);
	if (sort->max_segment)
		write_attribute(folder, "max_segment", sort->max_segment);
}

/* The render node of one that is plugged in. */
static void find_node(const char *folder, char node[GPU_PATH])
{
	char path[GPU_PATH + 32], device[32] = "";
	struct dirent *entry;
	FILE *file;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/device", folder);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%31s", device) != 1)
		fail("%s says of no device", path);
	fclose(file);

	snprintf(path, sizeof(path), DEVICE_DIR "/%s/drm", device);
	dir = opendir(path);
	if (!dir)
		fail("%s: %s", path, strerror(errno));
	*node = '\0';
	while ((entry = readdir(dir)))
		if (!strncmp(entry->d_name, "renderD", 7))
			snprintf(node, GPU_PATH, "/dev/dri/%.40s", entry->d_name);
	closedir(dir);
	if (!*node)
		fail("%s has no render node", path);
}

static void plug(struct board_gpu *gpu, const char *folder)
{
	write_attribute(folder, "enabled", "1");
	find_node(folder, gpu->path);
}

void gpus_make(struct board *board)
{
	gpus_remove();
	for (unsigned int i = 0; i < GPUS; i++) {
		struct board_gpu *gpu = &board->gpus[i];
		char folder[GPU_PATH];

		gpu->timeout_ms = i == GPU_HASTY ? HASTY_MS : PATIENT_MS;
		gpu->epoch = 2;
		folder_of(i, folder);
		/* of those that stay, one has caches of its own */
		make_folder(folder, gpu->timeout_ms, &sorts[i == 1]);
		plug(gpu, folder);
	}
}

void gpus_remove(void)
{
	char folder[GPU_PATH];

	for (unsigned int i = 0; i < GPUS; i++) {
		folder_of(i, folder);
		rmdir(folder);
	}
}

void gpus_cycle(struct board *board, unsigned int index, bool again)
{
	struct board_gpu *gpu = &board->gpus[index];
	uint32_t epoch = gpu->epoch;
	char folder[GPU_PATH];

	folder_of(index, folder);
	/* odd: somebody was killed in the middle of this, and anything may be there */
	if (epoch % 2 == 0) {
		gpu->gone_ns[epoch / 2 % PAST] = clock_ns();
		gpu->epoch = ++epoch;
	} else {
		again = true;
	}

	if (again) {
		if (rmdir(folder) && errno != ENOENT)
			fail("rmdir %s: %s", folder, strerror(errno));
		gpu->went = epoch;
		make_folder(folder, gpu->timeout_ms, &sorts[epoch / 2 % SORTS]);
	} else {
		write_attribute(folder, "enabled", "0");
		gpu->went = epoch;
	}
	plug(gpu, folder);
	gpu->epoch = epoch + 1;
}
