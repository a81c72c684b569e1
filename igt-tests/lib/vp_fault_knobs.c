// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
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
#define CACHES_DIR	"/sys/kernel/slab"
#define NO_END		"0xffffffffffffffff"

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
	/* What is plugged and unplugged waits for grace periods, one after the other. */
	{ "/sys/kernel/rcu_expedited", "1" },
	{ "failslab/probability", "0" },
	{ "failslab/times", "-1" },
	{ "failslab/interval", "1" },
	{ "failslab/space", "0" },
	{ "failslab/task-filter", "Y" },
	{ "failslab/verbose", "0" },
	{ "failslab/ignore-gfp-wait", "N" },
	{ "failslab/cache-filter", "Y" },
	{ "fail_page_alloc/probability", "0" },
	{ "fail_page_alloc/times", "-1" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	/* Of all calls on the way to an allocation. */
	{ "failslab/stacktrace-depth", "32" },
	{ "failslab/require-start", "0" },
	{ "failslab/require-end", NO_END },
	{ "failslab/reject-start", "0" },
	{ "failslab/reject-end", "0" },
	{ "fail_page_alloc/stacktrace-depth", "32" },
	{ "fail_page_alloc/require-start", "0" },
	{ "fail_page_alloc/require-end", NO_END },
	{ "fail_page_alloc/reject-start", "0" },
	{ "fail_page_alloc/reject-end", "0" },
};

#define VALUE_LEN	24

static char saved[VP_ARRAY_SIZE(settings)][VALUE_LEN];
static int nth = -1, dry = -1;	/* files of this thread */
static const char *required = "0";
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
	snprintf(path, 80, "%s%s", file[0] == '/' ? "" : DEBUG_DIR, file);
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
	/* What is not looked for is not found: no object fails. */
	set_knob("failslab/stacktrace-depth", sweep == VP_FAULT_PAGES_FAIL ? "0" : "32");
	set_knob("failslab/require-start", sweep == VP_FAULT_PAGES_FAIL ? "1" : required);
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

/* ---- who fails ---- */

/*
 * Only objects of caches fail that are marked: all but kmemleak's, which makes one
 * for each object that is allocated, and has some in store.
 */
static void mark_caches(void)
{
	DIR *dir = opendir(CACHES_DIR);
	struct dirent *entry;
	unsigned int marked = 0;
	char path[320];

	igt_assert(dir);
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "kmemleak_", 9))
			continue;
		snprintf(path, sizeof(path), CACHES_DIR "/%s/failslab",
			 entry->d_name);
		marked += vp_fault_write(path, "1") == 0;
	}
	closedir(dir);
	igt_assert_lt(0u, marked);
}

/* The module's own are new each time it is loaded. */
static bool caches_are_marked(void)
{
	char text[VALUE_LEN];

	return read_text(CACHES_DIR "/vprime_vp_fence/failslab", text, sizeof(text)) &&
	       text[0] == '1';
}

/* The kernel's own functions stay where they are. */
static struct range {
	char function[64];
	char start[24], end[24];
} ranges[8];

/* "name" is also what the compiler has made of it, "name.isra.0". */
static bool is_named(const char *symbol, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(symbol, function, len) &&
	       (!symbol[len] || symbol[len] == '.') &&
	       !strstr(symbol + len, ".cold");
}

/* From its first byte to the next function's. */
static bool find_symbol(struct range *range, const char *function)
{
	unsigned long address, from = 0, to = 0;
	char line[256], name[128];
	FILE *symbols = fopen("/proc/kallsyms", "re");

	igt_assert(symbols);
	/* In the order of the addresses, which several names may share. */
	while (!to && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) != 2)
			continue;
		if (from && address > from)
			to = address;
		else if (!from && is_named(name, function))
			from = address;
	}
	fclose(symbols);
	snprintf(range->start, sizeof(range->start), "%#lx", from);
	snprintf(range->end, sizeof(range->end), "%#lx", to);
	return to;
}

static const struct range *range_of(const char *function)
{
	size_t i;

	for (i = 0; ranges[i].function[0]; i++)
		if (!strcmp(ranges[i].function, function))
			return &ranges[i];
	igt_assert_lt(i, VP_ARRAY_SIZE(ranges) - 1);
	if (!find_symbol(&ranges[i], function))
		return NULL;
	snprintf(ranges[i].function, sizeof(ranges[i].function), "%s", function);
	return &ranges[i];
}

static void set_range(const char *which, const char *start, const char *end)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	char file[48];

	for (size_t i = 0; i < VP_ARRAY_SIZE(kinds); i++) {
		snprintf(file, sizeof(file), "%s/%s-start", kinds[i], which);
		set_knob(file, start);
		snprintf(file, sizeof(file), "%s/%s-end", kinds[i], which);
		set_knob(file, end);
	}
}

/*
 * The DMA API's debugging keeps a tree of what is mapped: without memory for it,
 * it says so, and is off from then on.
 */
#define DMA_DEBUG	"add_dma_entry"

void vp_fault_filter(const char *within, const char *spare)
{
	const struct range *range;

	if (!caches_are_marked())
		mark_caches();
	range = range_of(spare ? spare : DMA_DEBUG);
	igt_assert_f(range || !spare, "the kernel has no %s()\n", spare);
	set_range("reject", range ? range->start : "0", range ? range->end : "0");

	range = within ? range_of(within) : NULL;
	igt_assert_f(range || !within, "the kernel has no %s()\n", within);
	required = range ? range->start : "0";
	set_range("require", required, range ? range->end : NO_END);
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
	if (dry < 0 || !save_knobs() || access(CACHES_DIR, F_OK)) {
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
