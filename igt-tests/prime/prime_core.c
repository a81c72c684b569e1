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
#include "vp_foreign.h"
#include "vp_log.h"
#include "vp_test.h"
#include "vp_watch.h"

IGT_TEST_DESCRIPTION("The roles of dma-buf, as a driver author meets them");

#define RULES	18
#define MOST	8

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
	/* The exporter. */
	ROLE("export",
	     "An exporter defines its export info and exports; it is asked for its memory once"),
	ROLE("export-shared-lock",
	     "Two buffers that an exporter gives one reservation object; it outlives one of them"),
	ROLE("fd",
	     "A buffer becomes a file, with or without close-on-exec, and the file the buffer"),
	ROLE("exporter-refuses",
	     "An exporter refuses to attach, to pin, to map: the importer gets its errno, and nothing is left"),

	/* Importers. */
	ROLE("hand-on",
	     "An importer that only turns a file into a buffer and back: the exporter is asked for nothing"),
	ROLE("import",
	     "An importer gets, attaches, maps, reads and writes, unmaps and detaches"),
	ROLE("import-many",
	     "64 importers have a buffer mapped at once, and each sees what the one before has written"),
	ROLE("pinned",
	     "An importer without invalidate_mappings attaches, maps, pins, unmaps and detaches"),
	ROLE("movable",
	     "Several importers with invalidate_mappings are told of a move and map again"),
	ROLE("directions",
	     "A device that has mapped to read cannot write, and the other way round"),

	/* The CPU. */
	ROLE("cpu-access",
	     "CPU access waits for the fences it conflicts with, nests and is counted"),
	ROLE("cpu-access-fails",
	     "An exporter that fails to begin a CPU access leaves none begun, and takes none away"),
	ROLE("cpu-access-interrupted",
	     "A signal ends a begin that waits for a job, and none is begun"),
	ROLE("cpu-access-of-two",
	     "A process and a kernel thread have CPU accesses open, and each ends its own"),
	ROLE("fallback-read",
	     "Memory that only its device reaches is brought to the CPU in order, once, and not back"),
	ROLE("fallback-write",
	     "What the CPU writes between begin and end is where the device has it, and the rest as it was"),
	ROLE("fallback-nested",
	     "Readers and writers nest: one copy in, and one back for each writer, right after its end"),
	ROLE("fallback-waits",
	     "What a device is still drawing is waited for before it is copied"),
	ROLE("fallback-fails",
	     "A copy that cannot be begun leaves no access open, and nothing copied"),
	ROLE("fallback-mmap",
	     "What a program has mapped of such memory is right between begin and end"),
	ROLE("vmap",
	     "All users of a kernel mapping share one, and its failure leaves none"),
	ROLE("vmap-unsupported",
	     "An exporter that has no kernel mapping to offer"),
	ROLE("vmap-holds",
	     "A buffer that is mapped into the kernel neither moves nor is revoked"),

	/* Moving. */
	ROLE("lifetime",
	     "Mappings are pinned, movable or revocable, by what the importer can do and whether it pins"),
	ROLE("move",
	     "Memory moves: all who can are told, and find the data at the new place"),
	ROLE("move-under-program",
	     "Memory moves under a program's mapping, which shows the new place from its next touch on"),
	ROLE("move-pinned",
	     "A buffer that anybody has pinned does not move, and nobody is told"),
	ROLE("move-refused-at-once",
	     "A buffer that cannot move says so, and does not wait for a job first"),
	ROLE("move-to-reach",
	     "A device maps what it cannot reach: the memory moves in the middle of that, unless another holds it"),
	ROLE("move-unsupported",
	     "An exporter that cannot move, and nobody is told"),
	ROLE("move-fails",
	     "An exporter that fails to move: the memory is where it was, and is mapped there again"),
	ROLE("move-waits",
	     "A move waits for the jobs of every usage, and for those begun on being told"),
	ROLE("move-interrupted",
	     "A signal ends the wait of a move, and nothing has moved"),
	ROLE("move-stale",
	     "An importer that keeps its mapping cannot use it, until it maps again",
	     { "use-after-invalidate", 2, 1 }),
	ROLE("move-lazy",
	     "An importer that unmaps a while after being told does nothing wrong"),

	/* Revoking. */
	ROLE("revoke-unattached",
	     "A buffer is revoked that nobody is attached to"),
	ROLE("revoke-without-callback",
	     "A buffer is revoked whose exporter does not want to know"),
	ROLE("revoke-movable",
	     "Importers that can be told are told, unmap, and get nothing any more"),
	ROLE("revoke-revocable",
	     "A pin of an importer that can be told does not protect against it"),
	ROLE("revoke-pinned",
	     "An importer that cannot be told has it mapped or pinned: nothing changes at all"),
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
	     "Attach, map, pin, vmap, mmap, move and begin find that the memory is gone, and a touch is fatal"),
	ROLE("revoke-beside-begin",
	     "A begin that waited for a job meanwhile finds that the memory is gone"),
	ROLE("revoke-twice",
	     "Two revoke at once and one more later, and the exporter is asked to free it once"),
	ROLE("revoke-in-use",
	     "Four devices work without a pause; when revoke is back, none is served any more"),

	/* Rules. */
	ROLE("misuse",
	     "Breaches of the contract are counted and do no harm",
	     { "unmap-without-map", 1, 1 }, { "unpin-without-pin", 1, 1 },
	     { "vunmap-without-vmap", 1, 1 }, { "double-map", 1, 1 },
	     { "end-without-begin", 1, 1 }, { "detach-while-mapped", 1, 1 },
	     { "detach-while-pinned", 1, 1 }),
	ROLE("map-without-attach",
	     "A device maps before it attaches, and after it has detached; there is no buffer to report it once for",
	     { "map-without-attach", 2, 2 }),
	ROLE("without-attach",
	     "A device that has detached pins, unpins, unmaps and reads: each is reported",
	     { "map-without-attach", 1, 1 }, { "unpin-without-pin", 1, 1 },
	     { "unmap-without-map", 1, 1 }, { "access-without-map", 1, 1 }),
	ROLE("double-map",
	     "A device maps what it has mapped: the first mapping stays",
	     { "double-map", 2, 1 }),
	ROLE("unmap-without-map",
	     "A device unmaps another table, and what it has unmapped",
	     { "unmap-without-map", 2, 1 }),
	ROLE("unmap-direction",
	     "A device unmaps in another direction than it mapped: it is unmapped",
	     { "unmap-direction", 2, 1 }),
	ROLE("access-without-map",
	     "A device starts before it has mapped, and goes on after it has unmapped",
	     { "access-without-map", 2, 1 }),
	ROLE("detach-without-attach",
	     "A device detaches before it attaches, and twice",
	     { "detach-without-attach", 2, 2 }),
	ROLE("detach-while-mapped",
	     "Devices detach with a mapping in place: it is taken down",
	     { "detach-while-mapped", 2, 1 }),
	ROLE("detach-while-pinned",
	     "Devices detach with two pins in place: they are undone",
	     { "detach-while-pinned", 2, 1 }),
	ROLE("unpin-without-pin",
	     "A device gives back another's pin, and the one its mapping holds: both stay",
	     { "unpin-without-pin", 2, 1 }),
	ROLE("vunmap-without-vmap",
	     "A driver vunmaps too often, and another address",
	     { "vunmap-without-vmap", 2, 1 }),
	ROLE("end-without-begin",
	     "A CPU access ends that was never begun",
	     { "end-without-begin", 2, 1 }),
	ROLE("begin-left-open",
	     "A buffer goes with a CPU access open: it is ended, as often as it was begun",
	     { "begin-left-open", 1, 1 }),
	ROLE("use-after-invalidate",
	     "A device goes on by addresses that have been invalidated: it gets nothing",
	     { "use-after-invalidate", 2, 1 }),
	ROLE("use-after-revoke",
	     "A device goes on by addresses that have been revoked: it gets nothing",
	     { "use-after-revoke", 2, 1 }),
	ROLE("not-unmapped",
	     "Each revoke that has to give up says whom it waited for",
	     { "not-unmapped", 2, 1 }),
	ROLE("release-with-attachments",
	     "Somebody drops an importer's reference: the buffer stays until it detaches",
	     { "release-with-attachments", 2, 1 }),

	/* The kernel's own dma-buf, on either side. */
	ROLE("kernel-importer",
	     "A driver that knows only the kernel's dma-buf imports a vprime buffer"),
	ROLE("kernel-importer-static",
	     "One that cannot be told holds the memory for as long as it is attached"),
	ROLE("kernel-importer-twice",
	     "One that maps what it has mapped is reported, and keeps its mapping",
	     { "double-map", 2, 1 }),
	ROLE("kernel-importer-moves",
	     "One that can be told is, before a move and before a revoke"),
	ROLE("kernel-importer-read-only",
	     "One that maps to write what was exported to be read is reported",
	     { "writable-read-only", 2, 1 }),
	ROLE("kernel-exporter",
	     "A driver that knows only the kernel's dma-buf exports to vprime"),
	ROLE("kernel-exporter-moves",
	     "One that takes its memory away tells vprime's importers, for whom the same rules hold",
	     { "use-after-invalidate", 1, 1 }),
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

	igt_assert(!vp_watch_rule(RULES) && vp_watch_rule(RULES - 1));
	for (i = 0; i < RULES; i++) {
		totals[i] = vp_watch_total(vp_watch_rule(i));
		logs[i] = vp_log_open();
	}
	vp_core_run(role->name, -1);
	for (i = 0; i < RULES; i++) {
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

/* GPUs of all kinds have a buffer mapped; what are the tables that they got? */
static void tables(int dmabuf)
{
	static const char *const settings[] = {
		"", "max_segment=4096", "max_segment=8192 coherent=0",
		"coherent=0", "dma_bits=32 max_segment=2097152",
		"dma_bits=33 max_segment=12288",
	};
	const long mappings = vp_counts().mappings;
	enum { GPUS = VP_ARRAY_SIZE(settings) };
	uint32_t handle[GPUS], word;
	int gpu[GPUS];
	char name[16];

	for (unsigned int i = 0; i < GPUS; i++) {
		snprintf(name, sizeof(name), "gpu%u", i);
		gpu[i] = vp_config_open(name, settings[i]);
		handle[i] = vp_import(gpu[i], dmabuf);
	}
	/* Whoever comes later may have the memory moved, and others map again. */
	for (unsigned int i = 0; i < 2 * GPUS; i++)
		vp_peek(gpu[i % GPUS], handle[i % GPUS], 0, &word,
			sizeof(word));
	igt_assert_eq(vp_counts().mappings, mappings + GPUS);
	vp_core_run("tables", dmabuf);

	for (unsigned int i = 0; i < GPUS; i++)
		close(gpu[i]);
	vp_config_clean();
}

static void tables_own(void)
{
	const size_t size = 6 * VP_MIB + VP_PAGE;
	int gpu = vp_open(0), dmabuf;
	uint32_t handle = vp_create(gpu, size);
	void *map = vp_map(gpu, handle, size, PROT_READ | PROT_WRITE);

	vp_fill_sparse(map, size, 1);
	dmabuf = vp_export(gpu, handle);
	tables(dmabuf);
	vp_assert_pattern_sparse(map, size, 1);
	vp_unmap(map, size);
	close(dmabuf);
	close(gpu);
}

static void tables_foreign(void)
{
	int foreign = vp_foreign_open_fresh();
	int dmabuf = vp_foreign_export(foreign, 64 * VP_PAGE, 0);

	tables(dmabuf);
	close(dmabuf);
	close(foreign);
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

	igt_describe("A GPU's memory is the same by kernel mapping, device table, handle and file");
	vp_subtest("memory-small-pages")
		memory(3 * VP_PAGE);

	igt_describe("The same with huge pages and some small ones behind them");
	vp_subtest("memory-huge-pages")
		memory(4 * VP_MIB + 5 * VP_PAGE);

	igt_describe("Tables of a vprime buffer keep to max_segment and dma_bits of each GPU");
	vp_subtest("tables")
		tables_own();

	igt_describe("So do those of another driver's buffer that heeds what it is told");
	vp_subtest("tables-foreign")
		tables_foreign();

	igt_describe("The benchmark of attach, map, unmap and detach has all its results; prints ns");
	vp_subtest("bench-attach")
		bench_attach();

	igt_describe("A test that does not exist is an error, or none of the above would mean anything");
	vp_subtest("unknown-test")
		unknown_test();

	igt_fixture
		vp_foreign_unload();
}
