// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dma-buf core from inside the kernel: what exporters and importers may
 * expect of it, beyond what ioctls reach. Nearly each subtest is a test of the
 * same name in igt-tests/kernel/core, where it reads as documentation. Here it
 * is looked at what the kernel counted and logged meanwhile: a test that breaks
 * no rule of the contract is reported for none.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vp_core.h"
#include "vp_log.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The roles of dma-buf, as a driver author meets them");

/* More than there are, and than a test breaks. */
#define RULES	32
#define MOST	2

/* A rule that a test breaks, how often, and how many lines the log gets. */
struct breach {
	const char *rule;
	unsigned int times;
	unsigned int lines;
};

struct role {
	const char *name;
	const char *what;
	struct breach breaches[MOST];
};

#define ROLE(of, says, ...) \
	{ .name = (of), .what = (says), .breaches = { __VA_ARGS__ } }

static const struct role roles[] = {
	/* Importers. */
	ROLE("hand-on",
	     "An importer that only turns a dma-buf into a buffer and back: the exporter is asked for nothing"),
	ROLE("import",
	     "An importer attaches, maps, reads and writes, unmaps and detaches"),
	ROLE("import-many",
	     "64 importers have a buffer mapped at once, and each sees what the one before has written"),
	ROLE("pinned",
	     "An importer without invalidate_mappings attaches, maps, pins, unmaps and detaches"),
	ROLE("movable",
	     "Several importers with invalidate_mappings are told of a move and map again"),
	ROLE("two-mappings",
	     "A device maps twice: each mapping works, has its pin, and goes by itself"),
	ROLE("directions",
	     "A device that has mapped to read cannot write, and the other way round"),
	ROLE("exporter-refuses",
	     "An exporter refuses to attach, to pin, to map: the importer gets its errno, and nothing is left"),

	/* The CPU. */
	ROLE("cpu-access-of-two",
	     "A process and a kernel thread have CPU accesses open, and each ends its own"),
	ROLE("vmap",
	     "All users of a kernel mapping share one, and its failure leaves none"),
	ROLE("vmap-holds",
	     "A buffer that is mapped into the kernel neither moves nor is revoked"),

	/* Moving. */
	ROLE("lifetime",
	     "Mappings are pinned, movable or revocable, by what the importer can do and whether it pins"),
	ROLE("move",
	     "Memory moves: all who can are told, and find the data at the new place"),
	ROLE("move-pinned",
	     "A buffer that anybody has pinned does not move, and nobody is told"),
	ROLE("move-refused-at-once",
	     "A buffer that cannot move says so, and does not wait for a job first"),
	ROLE("move-to-reach",
	     "A device maps what it cannot reach: the memory moves in the middle of that, unless another holds it"),
	ROLE("move-fails",
	     "An exporter that fails to move: the memory is where it was, and is mapped there again"),
	ROLE("move-waits",
	     "A move waits for the jobs of every usage, and for those begun on being told"),
	ROLE("move-interrupted",
	     "A signal ends the wait of a move, and nothing has moved"),
	ROLE("move-stale",
	     "An importer that keeps its mapping has the old place, until it maps again"),
	ROLE("move-in-use",
	     "A mapping that an access uses is at the old place until that is done, and the next one at the new"),
	ROLE("move-lazy",
	     "An importer that unmaps a while after being told does nothing wrong"),

	/* Revoking. */
	ROLE("revoke-movable",
	     "Importers that can be told are told, unmap, and get nothing any more"),
	ROLE("revoke-revocable",
	     "A pin of an importer that gives it up when told does not protect against it"),
	ROLE("revoke-pinned",
	     "An importer that cannot be told, or cannot give up a pin, has one: nothing changes at all"),
	ROLE("revoke-waits",
	     "Jobs are waited for first, however long they take, and without the lock"),
	ROLE("revoke-lazy",
	     "An importer that unmaps 200 ms later is waited for, and so is what it begins last"),
	ROLE("revoke-stubborn",
	     "An importer that does not unmap is reported after two seconds; once it does, another call succeeds",
	     { "not-unmapped", 1, 1 }),
	ROLE("revoke-interrupted",
	     "A signal ends the wait; the buffer stays revoked, and another call goes on"),
	ROLE("revoke-afterwards",
	     "Attach, map, pin, vmap, move and begin find that the memory is gone"),
	ROLE("revoke-beside-begin",
	     "A begin that waited for a job meanwhile finds that the memory is gone"),
	ROLE("revoke-twice",
	     "Two revoke at once and one more later, and the exporter is asked to free it once"),
	ROLE("revoke-beside-access",
	     "An access that does not end keeps the memory, and is reported; once it does, another call succeeds",
	     { "not-unmapped", 1, 1 }),
	ROLE("revoke-in-use",
	     "Four devices work without a pause; when revoke is back, none is served any more"),

	/* Rules. */
	ROLE("unmap-without-map",
	     "A device unmaps another's mapping, and what it has unmapped",
	     { "unmap-without-map", 2, 1 }),
	ROLE("unmap-direction",
	     "A device unmaps in another direction than it mapped: it is unmapped",
	     { "unmap-direction", 2, 1 }),
	ROLE("detach-while-mapped",
	     "Devices detach with a mapping in place: it is taken down",
	     { "detach-while-mapped", 2, 1 }),
	ROLE("detach-while-pinned",
	     "Devices detach with two pins in place: they are undone",
	     { "detach-while-pinned", 2, 1 }),
	ROLE("unpin-without-pin",
	     "A device gives back another's pin, and the one its mapping holds: both stay",
	     { "unpin-without-pin", 2, 1 }),

	/* The kernel's own dma-buf, on either side. */
	ROLE("kernel-importer",
	     "A driver that knows only the kernel's dma-buf imports a vprime buffer"),
	ROLE("kernel-importer-static",
	     "One that cannot be told holds the memory for as long as it is attached"),
	ROLE("kernel-importer-two-mappings",
	     "One that maps twice has two mappings, and gives back whichever it likes"),
	ROLE("kernel-importer-moves",
	     "One that can be told is, before a move, and before a revoke where the kernel has that"),
	ROLE("kernel-importer-read-only",
	     "One that maps only to write what was exported to be read is reported",
	     { "writable-read-only", 2, 1 }),
	ROLE("kernel-exporter",
	     "A driver that knows only the kernel's dma-buf exports to vprime"),
	ROLE("kernel-exporter-moves",
	     "One that takes its memory away tells vprime's importers, for whom the same rules hold"),
};

static const struct breach *breach_of(const struct role *role, const char *rule)
{
	static const struct breach none;

	for (int i = 0; i < MOST && role->breaches[i].rule; i++)
		if (!strcmp(role->breaches[i].rule, rule))
			return &role->breaches[i];
	return &none;
}

static void play(const struct role *role)
{
	unsigned int totals[RULES], i;
	int logs[RULES];
	const char *rule;
	char word[64];

	vp_be_another();
	igt_assert(vp_watch_rule(0) && !vp_watch_rule(RULES - 1));
	for (i = 0; vp_watch_rule(i); i++) {
		totals[i] = vp_watch_total(vp_watch_rule(i));
		logs[i] = vp_log_open();
	}
	vp_core_run(role->name, -1);
	for (i = 0; vp_watch_rule(i); i++) {
		rule = vp_watch_rule(i);
		snprintf(word, sizeof(word), " %s: ", rule);
		igt_debug("%s\n", rule);
		igt_assert_eq(vp_watch_total(rule) - totals[i],
			      breach_of(role, rule)->times);
		igt_assert_eq(vp_logged(logs[i], "dma-buf contract:", word),
			      breach_of(role, rule)->lines);
		close(logs[i]);
	}
}

static void memory(size_t size)
{
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, size);
	uint32_t *by_handle = vp_map(gpu, handle, size, PROT_READ | PROT_WRITE);
	int dmabuf = vp_export(gpu, handle);
	uint32_t *by_fd = vp_map_dmabuf(dmabuf, size, PROT_READ | PROT_WRITE);
	const size_t step = VP_PAGE / sizeof(*by_handle);

	for (uint32_t page = 0; page < size / VP_PAGE; page++)
		by_handle[page * step] = page + 1;
	vp_core_run("memory", dmabuf);
	for (uint32_t page = 0; page < size / VP_PAGE; page++) {
		igt_assert_eq(by_handle[page * step], page + 2);
		igt_assert_eq(by_fd[page * step], page + 2);
	}

	vp_unmap(by_fd, size);
	vp_unmap(by_handle, size);
	close(dmabuf);
	vp_close(gpu, handle);
	close(gpu);
}

static void unknown_test(void)
{
	vp_core_load();
	igt_assert_eq(vp_core_try_run("no-such-test", -1), -ENOENT);
	vp_core_unload();
}

static void bench_attach(void)
{
	static const char *const results[] = {
		"own_ns", "core_ns", "foreign_ns", "one_ns", "many_ns",
	};
	int gpu = vp_open(0);
	uint32_t handle = vp_create(gpu, 4 * VP_MIB);
	int dmabuf = vp_export(gpu, handle);

	vp_core_load();
	igt_assert_eq(vp_core_try_run("bench-attach", dmabuf), 0);
	for (size_t i = 0; i < VP_ARRAY_SIZE(results); i++) {
		igt_info("%s %ld\n", results[i], vp_core_result(results[i]));
		igt_assert_lt(0, vp_core_result(results[i]));
	}
	vp_core_unload();
	close(dmabuf);
	vp_close(gpu, handle);
	close(gpu);
}

igt_main
{
	/* A subtest that fails jumps back into the loop. */
	static size_t i;

	for (i = 0; i < VP_ARRAY_SIZE(roles); i++) {
		igt_describe(roles[i].what);
		vp_subtest(roles[i].name)
			play(&roles[i]);
	}

	igt_describe("A GPU's memory is the same by kernel mapping, device table, handle and file; the table is what the device takes");
	vp_subtest("memory-small-pages")
		memory(3 * VP_PAGE);

	igt_describe("The same with huge pages and some small ones behind them");
	vp_subtest("memory-huge-pages")
		memory(4 * VP_MIB + 5 * VP_PAGE);

	igt_describe("The benchmark of attach, map, unmap and detach has all its results; prints ns");
	vp_subtest("bench-attach")
		bench_attach();

	igt_describe("A test that does not exist is an error, or none of the above would mean anything");
	vp_subtest("unknown-test")
		unknown_test();
}
