// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vp_core.h"
#include "vp_igt.h"

#define MODULE	"vprime_core_test"

static bool stays;

static void parameter_path(const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "/sys/module/" MODULE "/parameters/%s", name);
}

static int set_parameter(const char *name, const char *value)
{
	char path[PATH_MAX];
	int file, err = 0;

	parameter_path(name, path);
	file = open(path, O_WRONLY | O_CLOEXEC);
	igt_assert_f(file >= 0, "%s: %s\n", path, strerror(errno));
	if (write(file, value, strlen(value)) < 0)
		err = -errno;
	close(file);
	return err;
}

void vp_core_load(void)
{
	const char *build = getenv("VPRIME_BUILD");
	char path[PATH_MAX];
	int file, err;

	igt_assert_f(build, "VPRIME_BUILD does not say where the modules are\n");
	snprintf(path, sizeof(path), "%s/%s.ko", build, MODULE);
	file = open(path, O_RDONLY | O_CLOEXEC);
	igt_assert_f(file >= 0, "%s: %s\n", path, strerror(errno));
	err = syscall(SYS_finit_module, file, "", 0) ? errno : 0;
	close(file);
	igt_assert_f(!err || err == EEXIST, "%s: %s\n", path, strerror(err));
}

void vp_core_unload(void)
{
	if (!stays)
		igt_assert_eq(syscall(SYS_delete_module, MODULE, 0), 0);
}

int vp_core_try_run(const char *test, int dmabuf)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", dmabuf);
	igt_assert_eq(set_parameter("fd", number), 0);
	return set_parameter("test", test);
}

void vp_core_run(const char *test, int dmabuf)
{
	int err;

	vp_core_load();
	err = vp_core_try_run(test, dmabuf);
	stays = stays || err;
	igt_assert_f(!err, "%s: %s; see the kernel log\n", test,
		     strerror(-err));
	vp_core_unload();
}

long vp_core_result(const char *name)
{
	char path[PATH_MAX];
	FILE *file;
	long value;

	parameter_path(name, path);
	file = fopen(path, "re");
	igt_assert_f(file, "%s: %s\n", path, strerror(errno));
	igt_assert_eq(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}
