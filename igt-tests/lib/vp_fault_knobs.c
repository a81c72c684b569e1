// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "vp_fault_knobs.h"
#include "vp_test.h"

#define DEBUG_DIR	"/sys/kernel/debug/"
#define NTH_PATH	"/proc/thread-self/fail-nth"
#define DRY_PATH	"/proc/self/make-it-fail"

/*
 * With a probability of 0 nothing fails but what fail-nth counts, with another
 * one what threads do that have asked for it. There is no line in the log for
 * each fault, with a stack that looks like a report; and "times" would be counted
 * down.
 */
static const struct {
	const char *file;
	const char *value;
} settings[] = {
	{ "failslab/probability", "0" },
	{ "failslab/times", "-1" },
	{ "failslab/interval", "1" },
	{ "failslab/space", "0" },
	{ "failslab/task-filter", "Y" },
	{ "failslab/verbose", "0" },
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/cache-filter", "N" },
	{ "fail_page_alloc/probability", "0" },
	{ "fail_page_alloc/times", "-1" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
};

#define VALUE_LEN	24

static char saved[VP_ARRAY_SIZE(settings)][VALUE_LEN];
static int nth = -1, dry = -1;	/* files of this thread */
static const char *verbose;

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

int vp_fault_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void knob_path(char path[80], const char *file)
{
	snprintf(path, 80, DEBUG_DIR "%s", file);
}

static void set_knob(const char *file, const char *value)
{
	char path[80];
	int ret;

	knob_path(path, file);
	ret = vp_fault_write(path, value);
	igt_assert_f(ret == 0, "%s > %s: %s\n", value, path, strerror(-ret));
}

/* What cannot be read now is not put back. */
static bool save_knobs(void)
{
	char path[80];

	for (size_t i = 0; i < VP_ARRAY_SIZE(settings); i++) {
		knob_path(path, settings[i].file);
		if (!read_text(path, saved[i], VALUE_LEN))
			return false;
	}
	return true;
}

static void restore_knobs(int sig)
{
	char path[80];

	(void)sig;
	for (size_t i = 0; nth >= 0 && i < VP_ARRAY_SIZE(settings); i++) {
		knob_path(path, settings[i].file);
		vp_fault_write(path, saved[i]);
	}
}

void vp_fault_choose(enum vp_fault_kind sweep)
{
	/* No cache has the flag that this filter asks for. */
	set_knob("failslab/cache-filter", sweep == VP_FAULT_PAGES_FAIL ? "Y" : "N");
	/* No allocation is that large. */
	set_knob("fail_page_alloc/min-order", sweep == VP_FAULT_PAGES_FAIL ? "0" : "64");
	set_knob("failslab/probability", sweep == VP_FAULT_DROUGHT ? "100" : "0");
}

static unsigned int read_number(const char *file)
{
	char path[80], text[VALUE_LEN];

	knob_path(path, file);
	igt_assert(read_text(path, text, sizeof(text)));
	return (unsigned int)strtoul(text, NULL, 10);
}

/* The kernel counts it down with each fault. */
#define MANY_TIMES	1000000

void vp_fault_begin_drought(unsigned int bytes)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", bytes);
	set_knob("failslab/space", text);
	snprintf(text, sizeof(text), "%u", MANY_TIMES);
	set_knob("failslab/times", text);
	igt_assert_eq(pwrite(dry, "1", 1, 0), 1);
}

bool vp_fault_end_drought(unsigned int bytes, unsigned int *used)
{
	igt_assert_eq(pwrite(dry, "0", 1, 0), 1);
	*used = bytes - read_number("failslab/space");
	return read_number("failslab/times") != MANY_TIMES;
}

#define REJECT_START	"failslab/reject-start"

static void reject(const char *start, const char *end)
{
	set_knob(REJECT_START, start);
	set_knob("failslab/reject-end", end);
	set_knob("fail_page_alloc/reject-start", start);
	set_knob("fail_page_alloc/reject-end", end);
}

bool vp_fault_can_leave_out(void)
{
	return !access(DEBUG_DIR REJECT_START, F_OK);
}

void vp_fault_leave_out(const char *function)
{
	char line[256], name[128], start[24] = "", end[24] = "";
	FILE *symbols;
	unsigned long address;

	if (!function) {
		reject("0", "0");
		return;
	}
	symbols = fopen("/proc/kallsyms", "re");
	igt_assert(symbols);
	/* In the order of the addresses, which several names may share. */
	while (!end[0] && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) != 2)
			continue;
		if (!strcmp(name, function))
			snprintf(start, sizeof(start), "%#lx", address);
		else if (start[0] && strtoul(start, NULL, 16) < address)
			snprintf(end, sizeof(end), "%#lx", address);
	}
	fclose(symbols);
	igt_assert_f(end[0], "the kernel has no %s()\n", function);
	reject(start, end);
}

void vp_fault_arm(unsigned int n)
{
	char text[12];
	int len = snprintf(text, sizeof(text), "%u", n);

	igt_assert_eq(pwrite(nth, text, (size_t)len, 0), len);
}

bool vp_fault_disarm(void)
{
	char text[12] = "";
	ssize_t len = pread(nth, text, sizeof(text) - 1, 0);

	igt_assert_eq(pwrite(nth, "0", 1, 0), 1);
	igt_assert_lt(0, len);
	return atoi(text) == 0;
}

int vp_fault_knobs_open(void)
{
	nth = open(NTH_PATH, O_RDWR | O_CLOEXEC);
	if (nth < 0)
		return -errno;
	dry = open(DRY_PATH, O_RDWR | O_CLOEXEC);
	if (dry < 0 || !save_knobs()) {
		close(nth);
		nth = -1;
		return -ENOENT;
	}
	igt_install_exit_handler(restore_knobs);
	for (size_t i = 0; i < VP_ARRAY_SIZE(settings); i++)
		set_knob(settings[i].file, settings[i].value);
	verbose = getenv("VPRIME_FAULT_VERBOSE");
	if (verbose) {
		set_knob("failslab/verbose", verbose);
		set_knob("fail_page_alloc/verbose", verbose);
	}
	return 0;
}

void vp_fault_knobs_close(void)
{
	restore_knobs(0);
	close(dry);
	close(nth);
	nth = -1;
}

void vp_fault_announce(const char *format, ...)
{
	char text[120];
	va_list args;

	if (!verbose)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vp_fault_write("/dev/kmsg", text);
}
