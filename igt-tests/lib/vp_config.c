// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vp_config.h"
#include "vp_gpu.h"
#include "vp_igt.h"

#define CONFIGFS	"/sys/kernel/config"

/* The folder of all GPUs; less than 0 when the module is not loaded. */
static int open_dir(void)
{
	int dir = open(VP_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 && errno == ENOENT) {
		mount("configfs", CONFIGFS, "configfs", 0, NULL);
		dir = open(VP_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return dir < 0 ? -errno : dir;
}

static int open_attribute(const char *gpu, const char *attribute, int flags)
{
	int dir = open_dir(), file;
	char path[NAME_MAX + 32];

	if (dir < 0)
		return dir;
	snprintf(path, sizeof(path), "%s/%s", gpu, attribute);
	file = openat(dir, path, flags | O_CLOEXEC);
	if (file < 0)
		file = -errno;
	close(dir);
	return file;
}

int vp_try_config_make(const char *gpu)
{
	int dir = open_dir(), ret;

	if (dir < 0)
		return dir;
	ret = mkdirat(dir, gpu, 0755) ? -errno : 0;
	close(dir);
	return ret;
}

void vp_config_make(const char *gpu)
{
	int ret = vp_try_config_make(gpu);

	igt_assert_f(ret == 0, "mkdir " VP_CONFIG_DIR "/%s: %s\n", gpu,
		     strerror(-ret));
}

int vp_try_config_remove(const char *gpu)
{
	int dir = open_dir(), ret;

	if (dir < 0)
		return dir;
	ret = unlinkat(dir, gpu, AT_REMOVEDIR) ? -errno : 0;
	close(dir);
	return ret;
}

void vp_config_remove(const char *gpu)
{
	int ret = vp_try_config_remove(gpu);

	igt_assert_f(ret == 0, "rmdir " VP_CONFIG_DIR "/%s: %s\n", gpu,
		     strerror(-ret));
}

int vp_try_config_write(const char *gpu, const char *attribute,
			const void *value, size_t len)
{
	int file = open_attribute(gpu, attribute, O_WRONLY), ret = 0;
	ssize_t written;

	if (file < 0)
		return file;
	written = write(file, value, len);
	if (written < 0)
		ret = -errno;
	close(file);
	/* Half a value taken would be worse than none. */
	igt_assert(written < 0 || (size_t)written == len);
	return ret;
}

int vp_try_config_set(const char *gpu, const char *attribute,
		      const char *value)
{
	return vp_try_config_write(gpu, attribute, value, strlen(value));
}

void vp_config_set(const char *gpu, const char *attribute, const char *value)
{
	int ret = vp_try_config_set(gpu, attribute, value);

	igt_assert_f(ret == 0, "%s > %s/%s: %s\n", value, gpu, attribute,
		     strerror(-ret));
}

int vp_try_config_get(const char *gpu, const char *attribute,
		      char value[VP_CONFIG_LEN])
{
	int file = open_attribute(gpu, attribute, O_RDONLY), ret = 0;
	ssize_t len;

	if (file < 0)
		return file;
	len = read(file, value, VP_CONFIG_LEN);
	if (len < 0)
		ret = -errno;
	close(file);
	if (ret)
		return ret;
	igt_assert_f(len > 0 && value[len - 1] == '\n',
		     "%s/%s does not end in a newline\n", gpu, attribute);
	value[len - 1] = '\0';
	igt_assert_eq(strlen(value), len - 1);
	return 0;
}

void vp_config_get(const char *gpu, const char *attribute,
		   char value[VP_CONFIG_LEN])
{
	int ret = vp_try_config_get(gpu, attribute, value);

	igt_assert_f(ret == 0, "reading %s/%s: %s\n", gpu, attribute,
		     strerror(-ret));
}

bool vp_config_is(const char *gpu, const char *attribute, const char *value)
{
	char is[VP_CONFIG_LEN];

	vp_config_get(gpu, attribute, is);
	return !strcmp(is, value);
}

int vp_config_index(const char *gpu)
{
	char device[VP_CONFIG_LEN];
	int index;

	vp_config_get(gpu, "device", device);
	if (!device[0])
		return -1;
	igt_assert_f(sscanf(device, "vprime%d", &index) == 1,
		     "%s is device \"%s\"\n", gpu, device);
	return index;
}

int vp_try_config_enable(const char *gpu)
{
	return vp_try_config_set(gpu, "enabled", "1");
}

unsigned int vp_config_enable(const char *gpu)
{
	int index;

	vp_config_set(gpu, "enabled", "1");
	index = vp_config_index(gpu);
	igt_assert_lte(0, index);
	return (unsigned int)index;
}

void vp_config_disable(const char *gpu)
{
	vp_config_set(gpu, "enabled", "0");
}

unsigned int vp_config_plug(const char *gpu, const char *settings)
{
	char words[256], *rest, *value;

	vp_config_make(gpu);
	igt_assert_lt(strlen(settings), sizeof(words));
	strcpy(words, settings);
	for (char *word = strtok_r(words, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		value = strchr(word, '=');
		igt_assert(value);
		*value = '\0';
		vp_config_set(gpu, word, value + 1);
	}
	return vp_config_enable(gpu);
}

int vp_config_open(const char *gpu, const char *settings)
{
	return vp_open(vp_config_plug(gpu, settings));
}

/* Folders only: whatever else the module may put there is none of ours. */
static unsigned int for_each(bool remove)
{
	struct dirent *entry;
	unsigned int gpus = 0;
	int fd = open_dir(), ret;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	igt_assert(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		gpus++;
		if (!remove)
			continue;
		ret = vp_try_config_remove(entry->d_name);
		igt_assert_f(ret == 0, "rmdir " VP_CONFIG_DIR "/%s: %s\n",
			     entry->d_name, strerror(-ret));
		/* The list that is being read has changed. */
		rewinddir(dir);
	}
	closedir(dir);
	return gpus;
}

unsigned int vp_config_gpus(void)
{
	return for_each(false);
}

void vp_config_clean(void)
{
	for_each(true);
}
