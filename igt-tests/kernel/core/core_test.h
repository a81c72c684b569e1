/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests of the dma-buf core have on stage: an exporter that writes down
 * what it is asked for, importers of all manners, jobs that are under way, and
 * threads that do something meanwhile. They are in actors.c; the tests, by
 * role, in the files beside it.
 *
 * What the core wants called with the reservation lock is called with it here,
 * so a test that reads "map, move, unmap" takes no lock itself. A test that is
 * about the lock, or about what is done under one lock, takes it.
 */
#ifndef VP_CORE_TEST_H
#define VP_CORE_TEST_H

#ifndef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#endif

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/platform_device.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "count.h"
#include "prime/dmabuf.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			pr_err("%s, line %d: not so: %s\n", __func__, \
			       __LINE__, #condition); \
			return -EIO; \
		} \
	} while (0)

/**
 * struct vp_test - a test
 * @name: what is written to the parameter "test"
 * @run: returns 0, or -EIO when something did not hold
 */
struct vp_test {
	const char *name;
	int (*run)(void);
};

/* The tests of each role; the last one has no name. */
extern const struct vp_test vp_importer_tests[];
extern const struct vp_test vp_cpu_tests[];
extern const struct vp_test vp_move_tests[];
extern const struct vp_test vp_revoke_tests[];
extern const struct vp_test vp_rule_tests[];
extern const struct vp_test vp_face_tests[];
extern const struct vp_test vp_bench_tests[];

/* The device that imports; it is on no bus that does DMA, and need not be. */
extern struct platform_device *vp_test_pdev;

/* The parameter "fd": a dma-buf of the process that runs the test, or -1. */
extern int vp_test_fd;

/* The buffer behind it, with a reference. */
struct vp_dmabuf *vp_test_fd_buffer(void);

/* How many buffers of the test exporters have gone in this test. */
extern int vp_test_released;

static inline long vp_test_violations(void)
{
	return vp_count_read(&vp_dmabuf_counts.violations);
}

static inline unsigned int vp_test_ms_since(ktime_t start)
{
	return ktime_ms_delta(ktime_get(), start);
}

/* ---- an exporter ---- */

#define VP_TEST_PAGES	2
#define VP_TEST_SIZE	(VP_TEST_PAGES * PAGE_SIZE)

/* What is read where memory has been. */
#define VP_TEST_WRECK	0xdddddddd

/**
 * struct vp_test_buffer - a buffer of two pages
 * @base: the core's part
 * @pages: where its memory is
 * @old: pages it has been in before, linked by their lru; full of VP_TEST_WRECK
 * @places: attach callbacks without their detach; likewise the next four
 * @moves: how often it has been moved; likewise @revokes
 * @fail_attach: what the callback returns; likewise those below
 * @out_of_reach: the next device to map or pin cannot reach @pages: they move
 *	first
 * @wronged: a callback came when the core should still have waited, or had
 *	promised that none would come, or with what is not its own
 */
struct vp_test_buffer {
	struct vp_dmabuf base;
	struct page *pages[VP_TEST_PAGES];
	struct list_head old;
	int places, pins, maps, vmaps, begins;
	int moves, revokes;
	int fail_attach, fail_pin, fail_map, fail_vmap, fail_move;
	bool out_of_reach;
	bool wronged;
};

static inline struct vp_test_buffer *to_test(struct vp_dmabuf *buf)
{
	return container_of(buf, struct vp_test_buffer, base);
}

/* A buffer that cannot be mapped into programs; all else it can. */
struct vp_test_buffer *vp_test_buffer(void);
struct sg_table *vp_test_table(struct page **pages, unsigned int count);
void vp_test_free_table(struct sg_table *sgt);

/* Where a mapping begins. */
static inline dma_addr_t vp_test_address(struct vp_mapping *mapping)
{
	return sg_dma_address(mapping->sgt->sgl);
}

/* ---- importers ---- */

/**
 * enum vp_test_manners - what an importer does when its mapping has to go
 * @VP_TEST_PROMPT: unmaps at once, and gives its pins up
 * @VP_TEST_HOLDING: unmaps at once, but does not give its pins up
 * @VP_TEST_LAZY: unmaps a while later, from a work item
 * @VP_TEST_STUBBORN: nothing
 * @VP_TEST_FIXED: cannot be told: it has no invalidate_mappings
 */
enum vp_test_manners {
	VP_TEST_PROMPT,
	VP_TEST_HOLDING,
	VP_TEST_LAZY,
	VP_TEST_STUBBORN,
	VP_TEST_FIXED,
};

/**
 * struct vp_test_importer - a device that imports
 * @base: its place at the buffer
 * @manners: what it does when told
 * @mapping: how it reaches the buffer, or NULL; guarded by the reservation
 * @told: how often it has been told
 * @job: what it begins when told, and has to be waited for; NULL for nothing
 * @later: unmaps
 */
struct vp_test_importer {
	struct vp_attachment base;
	enum vp_test_manners manners;
	struct vp_mapping *mapping;
	int told;
	struct dma_fence *job;
	struct delayed_work later;
};

struct vp_test_importer *vp_test_attach(struct vp_dmabuf *buf,
					enum vp_test_manners manners);
void vp_test_detach(struct vp_test_importer *importer);
int vp_test_map(struct vp_test_importer *importer);
void vp_test_drop(struct vp_test_importer *importer);
void vp_test_unmap(struct vp_test_importer *importer);
int vp_test_pin(struct vp_test_importer *importer);
void vp_test_unpin(struct vp_test_importer *importer);

/* The device reads and writes a word, through its mapping; -ENXIO without one. */
int vp_test_peek(struct vp_test_importer *importer, size_t offset, u32 *word);
int vp_test_poke(struct vp_test_importer *importer, size_t offset, u32 word);

/* Whether the device has the buffer mapped, and reads @word there. */
bool vp_test_sees(struct vp_test_importer *importer, size_t offset, u32 word);

/* ---- jobs ---- */

struct dma_fence *vp_test_new_job(void);
struct dma_fence *vp_test_job(struct vp_dmabuf *buf, enum dma_resv_usage usage);
void vp_test_job_ends_in(struct dma_fence *job, unsigned int ms);
void vp_test_job_end(struct dma_fence *job);

/* ---- threads ---- */

/**
 * struct vp_test_thread - somebody who does something at the same time
 * @task: the kernel thread
 * @func: what it does
 * @arg: with what
 * @result: what came of it
 * @done: completed then
 */
struct vp_test_thread {
	struct task_struct *task;
	int (*func)(void *arg);
	void *arg;
	int result;
	struct completion done;
};

struct vp_test_thread *vp_test_start(int (*func)(void *arg), void *arg);
bool vp_test_is_running(struct vp_test_thread *thread);
bool vp_test_is_waiting(struct vp_test_thread *thread);
void vp_test_interrupt(struct vp_test_thread *thread);
int vp_test_join(struct vp_test_thread *thread);

/* For vp_test_start(), with a struct vp_dmabuf. */
int vp_test_thread_move(void *buf);
int vp_test_thread_revoke(void *buf);

#endif /* VP_CORE_TEST_H */
