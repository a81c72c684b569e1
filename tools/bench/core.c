// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has no ioctl: attaching and mapping, measured inside the kernel by the module of tests that
 * lies beside vprime's; and moving, which that does when it is told.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#include "bench.h"

#define MODULE	"vprime_core_test"
#define SIZE	(4ull << 20)

static void parameter_path(const char *name, char path[128])
{
	snprintf(path, 128, "/sys/module/" MODULE "/parameters/%s", name);
}

static void set_parameter(const char *name, const char *value)
{
	char path[128];
	int file;

	parameter_path(name, path);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, value, strlen(value)) < 0)
		err(1, "%s > %s", value, path);
	close(file);
}

/* in microseconds */
static double get_parameter(const char *name)
{
	char path[128];
	double ns;
	FILE *file;

	parameter_path(name, path);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%lf", &ns) != 1)
		err(1, "%s", path);
	fclose(file);
	return ns / 1e3;
}

static void load(void)
{
	const char *build = getenv("VPRIME_BUILD");
	char path[4096];
	int file;

	if (!build)
		errx(1, "VPRIME_BUILD does not say where the modules are");
	snprintf(path, sizeof(path), "%s/" MODULE ".ko", build);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || syscall(SYS_finit_module, file, "", 0))
		err(1, "%s", path);
	close(file);
}

void core_begin(const struct buffer *buffer)
{
	char dmabuf[16];

	load();
	snprintf(dmabuf, sizeof(dmabuf), "%d", buffer->dmabuf);
	set_parameter("fd", dmabuf);
}

/* it is done while that is written, on the buffer of the process that writes */
void core_run(const char *test)
{
	set_parameter("test", test);
}

void core_end(void)
{
	if (syscall(SYS_delete_module, MODULE, 0))
		err(1, "unloading " MODULE);
}

static void measure(const struct subject *subject, const char *vprime, const char *other,
		    struct result *result)
{
	struct buffer buffer = BUFFER_NONE;

	create_or_die(subject, SIZE, &buffer);
	if (buffer_export(&buffer))
		errx(1, "export");
	core_begin(&buffer);
	core_run("bench-attach");
	result->vprime = get_parameter(vprime);
	result->other = get_parameter(other);
	core_end();
	buffer_close(&buffer);
}

void measure_attach(const struct subject *subject, unsigned int rounds, struct result *result)
{
	(void)rounds;
	measure(subject, "own_ns", "foreign_ns", result);
}

void measure_importers(const struct subject *subject, unsigned int rounds, struct result *result)
{
	(void)rounds;
	measure(subject, "many_ns", "one_ns", result);
}
