// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long a mapping lasts, and what happens to it when the memory moves.
 */
#include "core_test.h"

static const char *vp_test_lifetime(struct vp_test_importer *importer)
{
	struct dma_resv *resv = importer->base.buf->resv;
	const char *lifetime;

	dma_resv_lock(resv, NULL);
	lifetime = vp_attachment_lifetime(&importer->base);
	dma_resv_unlock(resv);
	return lifetime;
}

/* Decided by what the importer can do, and by whether it pins. */
static int test_lifetime(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed, *moving, *holding;

	CHECK(buffer);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	holding = vp_test_attach(&buffer->base, VP_TEST_HOLDING);
	CHECK(!IS_ERR(fixed) && !IS_ERR(moving) && !IS_ERR(holding));
	CHECK(!strcmp(vp_test_lifetime(fixed), "pinned"));
	CHECK(!strcmp(vp_test_lifetime(moving), "movable"));
	CHECK(!strcmp(vp_test_lifetime(holding), "movable"));

	CHECK(!vp_test_map(fixed) && !vp_test_map(moving));
	CHECK(buffer->pins == 1);
	CHECK(!strcmp(vp_test_lifetime(fixed), "pinned"));
	CHECK(!strcmp(vp_test_lifetime(moving), "movable"));

	CHECK(!vp_test_pin(moving) && !vp_test_pin(moving));
	CHECK(!strcmp(vp_test_lifetime(moving), "revocable"));
	vp_test_unpin(moving);
	CHECK(!strcmp(vp_test_lifetime(moving), "revocable"));
	vp_test_unpin(moving);
	CHECK(!strcmp(vp_test_lifetime(moving), "movable"));
	CHECK(!vp_test_pin(holding));
	CHECK(!strcmp(vp_test_lifetime(holding), "pinned"));
	vp_test_unpin(holding);
	CHECK(!strcmp(vp_test_lifetime(holding), "movable"));

	vp_test_unmap(fixed);
	CHECK(!strcmp(vp_test_lifetime(fixed), "pinned"));
	vp_test_unmap(moving);
	vp_test_detach(fixed);
	vp_test_detach(moving);
	vp_test_detach(holding);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Everybody who can is told, and finds the data at the new place. */
static int test_move(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *one, *two, *idle, *fixed;
	dma_addr_t before;

	CHECK(buffer);
	one = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	two = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	idle = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(one) && !IS_ERR(two) && !IS_ERR(idle) && !IS_ERR(fixed));
	CHECK(!vp_test_map(one) && !vp_test_map(two));
	CHECK(!vp_test_poke(one, 0, 0x11) && !vp_test_poke(two, PAGE_SIZE, 22));
	before = vp_test_address(one->mapping);

	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(buffer->moves == 1 && !buffer->wronged);
	CHECK(one->told == 1 && two->told == 1 && idle->told <= 1);
	CHECK(!one->mapping && !two->mapping && buffer->base.mapped == 0);

	CHECK(!vp_test_map(one) && !vp_test_map(two) && !vp_test_map(fixed));
	CHECK(vp_test_address(one->mapping) != before);
	CHECK(vp_test_sees(one, PAGE_SIZE, 22) && vp_test_sees(two, 0, 0x11));
	CHECK(vp_test_sees(fixed, 0, 0x11));

	vp_test_detach(idle);
	vp_test_unmap(one);
	vp_test_detach(one);
	vp_test_unmap(two);
	vp_test_detach(two);
	vp_test_unmap(fixed);
	vp_test_detach(fixed);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A pin of anybody's, and nobody is so much as told. */
static int test_move_pinned(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *moving, *fixed;

	CHECK(buffer);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(moving) && !IS_ERR(fixed));
	CHECK(!vp_test_map(moving) && !vp_test_map(fixed));
	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	vp_test_unmap(fixed);

	CHECK(!vp_test_pin(fixed));
	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	vp_test_unpin(fixed);

	/* Those who could give it up do not while they pin. */
	CHECK(!vp_test_pin(moving));
	CHECK(vp_dmabuf_move(&buffer->base) == -EBUSY);
	CHECK(moving->told == 0 && moving->mapping && buffer->maps == 1);
	vp_test_unpin(moving);

	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(moving->told == 1 && buffer->moves == 1 && !buffer->wronged);
	vp_test_detach(moving);
	vp_test_detach(fixed);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* What cannot be is said before whatever job there is has ended. */
static int test_move_refused_at_once(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *fixed;
	struct vp_test_thread *thread;
	struct dma_fence *job;
	int ret;

	CHECK(buffer);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(fixed) && !vp_test_map(fixed));
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_READ);
	CHECK(job);
	thread = vp_test_start(vp_test_thread_move, &buffer->base);
	CHECK(thread);
	ret = vp_test_join(thread);
	vp_test_job_end(job);
	CHECK(ret == -EBUSY);
	vp_test_unmap(fixed);
	vp_test_detach(fixed);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/*
 * A device that cannot reach the memory maps or pins it: it moves in the middle
 * of that, unless a pin holds it where it is.
 */
static int test_move_to_reach(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *moving, *fixed, *other;

	CHECK(buffer);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	other = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(moving) && !IS_ERR(fixed) && !IS_ERR(other));
	CHECK(!vp_test_map(moving) && !vp_test_poke(moving, 40, 0x9ea));

	/* The pin that its own mapping needs is not in its way. */
	buffer->out_of_reach = true;
	CHECK(!vp_test_map(fixed));
	CHECK(buffer->moves == 1 && moving->told == 1 && !moving->mapping);
	CHECK(vp_test_sees(fixed, 40, 0x9ea) && buffer->pins == 1);

	/* That of another is. */
	buffer->out_of_reach = true;
	CHECK(vp_test_map(other) == -EBUSY && vp_test_map(moving) == -EBUSY);
	CHECK(buffer->moves == 1 && buffer->pins == 1 && buffer->maps == 1);
	CHECK(vp_test_sees(fixed, 40, 0x9ea));
	vp_test_unmap(fixed);
	CHECK(!vp_test_map(moving) && vp_test_sees(moving, 40, 0x9ea));
	CHECK(buffer->moves == 2);
	vp_test_unmap(moving);

	/* One that pins, and maps after that, had it moved when it pinned. */
	buffer->out_of_reach = true;
	CHECK(!vp_test_pin(moving) && buffer->moves == 3);
	CHECK(!vp_test_map(moving) && vp_test_sees(moving, 40, 0x9ea));
	CHECK(buffer->moves == 3 && !buffer->wronged);

	vp_test_unmap(moving);
	vp_test_unpin(moving);
	vp_test_detach(moving);
	vp_test_detach(fixed);
	vp_test_detach(other);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* No memory elsewhere: it is where it was, and is mapped there again. */
static int test_move_fails(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct page *page;

	CHECK(buffer);
	page = buffer->pages[0];
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	CHECK(!vp_test_poke(importer, 8, 88));

	buffer->fail_move = -ENOSPC;
	CHECK(vp_dmabuf_move(&buffer->base) == -ENOSPC);
	CHECK(importer->told == 1 && !importer->mapping);
	CHECK(buffer->pages[0] == page && !buffer->moves);
	CHECK(!vp_test_map(importer));
	CHECK(vp_test_address(importer->mapping) == page_to_phys(page));
	CHECK(vp_test_sees(importer, 8, 88));

	buffer->fail_move = 0;
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(!vp_test_map(importer) && vp_test_sees(importer, 8, 88));
	vp_test_unmap(importer);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* Jobs of every kind end first, those too that are begun on being told. */
static int test_move_waits(void)
{
	static const enum dma_resv_usage usages[] = {
		DMA_RESV_USAGE_KERNEL, DMA_RESV_USAGE_WRITE,
		DMA_RESV_USAGE_READ, DMA_RESV_USAGE_BOOKKEEP,
	};
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct dma_fence *job;
	unsigned int i;

	CHECK(buffer);
	for (i = 0; i < ARRAY_SIZE(usages); i++) {
		job = vp_test_job(&buffer->base, usages[i]);
		CHECK(job);
		vp_test_job_ends_in(job, 100);
		CHECK(!vp_dmabuf_move(&buffer->base));
		CHECK(dma_fence_is_signaled(job));
		vp_test_job_end(job);
	}

	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	importer->job = vp_test_new_job();
	CHECK(importer->job);
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(importer->told == 1 && dma_fence_is_signaled(importer->job));
	vp_test_job_end(importer->job);

	CHECK(buffer->moves == ARRAY_SIZE(usages) + 1 && !buffer->wronged);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/* A signal ends the wait for a job that does not end, and nothing has moved. */
static int test_move_interrupted(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct vp_test_thread *thread;
	struct dma_fence *job;
	struct page *page;

	CHECK(buffer);
	page = buffer->pages[0];
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	CHECK(!vp_test_poke(importer, 4, 44));
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_READ);
	CHECK(job);

	thread = vp_test_start(vp_test_thread_move, &buffer->base);
	CHECK(thread);
	CHECK(vp_test_is_waiting(thread));
	vp_test_interrupt(thread);
	CHECK(vp_test_join(thread) == -ERESTARTSYS);
	CHECK(buffer->pages[0] == page && !buffer->moves);
	vp_test_job_end(job);

	if (!importer->mapping)
		CHECK(!vp_test_map(importer));
	CHECK(vp_test_sees(importer, 4, 44));
	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(buffer->moves == 1 && !buffer->wronged);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

/*
 * One that keeps its mapping does nothing wrong: it has the old place, whatever
 * moves meanwhile, until it unmaps.
 */
static int test_move_stale(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *keeper;
	long before = vp_test_violations();
	dma_addr_t address;

	CHECK(buffer);
	keeper = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(keeper) && !vp_test_map(keeper));
	CHECK(!vp_test_poke(keeper, 0, 0x0ace));
	address = vp_test_address(keeper->mapping);

	CHECK(!vp_dmabuf_move(&buffer->base) && !vp_dmabuf_move(&buffer->base));
	CHECK(keeper->told == 2 && keeper->mapping->stale);
	CHECK(buffer->moves == 2 && !buffer->wronged);
	CHECK(buffer->base.mapped == 1 && buffer->maps == 1);
	CHECK(vp_test_address(keeper->mapping) == address);
	CHECK(vp_test_sees(keeper, 0, VP_TEST_WRECK));

	vp_test_unmap(keeper);
	CHECK(buffer->base.mapped == 0 && buffer->maps == 0);
	CHECK(!vp_test_map(keeper) && !keeper->mapping->stale);
	CHECK(vp_test_sees(keeper, 0, 0x0ace));
	CHECK(vp_test_violations() == before);

	vp_test_unmap(keeper);
	vp_test_detach(keeper);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* What an access uses outlives that its importer is told and unmaps. */
static int test_move_in_use(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct vp_mapping *used;
	u32 word = 0;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	CHECK(!vp_test_poke(importer, 0, 0x0ace));
	dma_resv_lock(buffer->base.resv, NULL);
	used = vp_mapping_get(importer->mapping);
	dma_resv_unlock(buffer->base.resv);

	CHECK(!vp_dmabuf_move(&buffer->base));
	CHECK(importer->told == 1 && !importer->mapping);
	CHECK(buffer->moves == 1 && !buffer->wronged);
	CHECK(buffer->base.mapped == 1 && buffer->maps == 1 && used->stale);

	/* The next one is not waiting for it. */
	CHECK(!vp_test_map(importer) && vp_test_sees(importer, 0, 0x0ace));
	CHECK(buffer->maps == 2 && importer->mapping != used);
	CHECK(!vp_dmabuf_access(used, 0, &word, sizeof(word), false));
	CHECK(word == VP_TEST_WRECK);
	vp_mapping_put(used);
	CHECK(buffer->maps == 1 && buffer->base.mapped == 1);
	CHECK(vp_test_sees(importer, 0, 0x0ace));

	vp_test_unmap(importer);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* One that unmaps a while later does nothing wrong. */
static int test_move_lazy(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *lazy;

	CHECK(buffer);
	lazy = vp_test_attach(&buffer->base, VP_TEST_LAZY);
	CHECK(!IS_ERR(lazy) && !vp_test_map(lazy));
	CHECK(!vp_test_poke(lazy, 0, 0x1a2));
	CHECK(!vp_dmabuf_move(&buffer->base));
	flush_delayed_work(&lazy->later);
	CHECK(!lazy->mapping && !buffer->maps && !buffer->wronged);
	CHECK(!vp_test_map(lazy) && vp_test_sees(lazy, 0, 0x1a2));
	vp_test_unmap(lazy);
	vp_test_detach(lazy);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

const struct vp_test vp_move_tests[] = {
	{ "lifetime", test_lifetime },
	{ "move", test_move },
	{ "move-pinned", test_move_pinned },
	{ "move-refused-at-once", test_move_refused_at_once },
	{ "move-to-reach", test_move_to_reach },
	{ "move-fails", test_move_fails },
	{ "move-waits", test_move_waits },
	{ "move-interrupted", test_move_interrupted },
	{ "move-stale", test_move_stale },
	{ "move-in-use", test_move_in_use },
	{ "move-lazy", test_move_lazy },
	{}
};
