// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is taken away for good: who is told, who is waited for, and what is
 * left for those who come afterwards.
 */
#include "core_test.h"

#include <linux/delay.h>

/* Importers that can be told are, and unmap; one with a mapping or without. */
static int test_revoke_movable(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *one, *two, *idle, *fixed;

	CHECK(buffer);
	one = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	two = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	idle = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	/* One that could not be told, but has nothing to give up. */
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(one) && !IS_ERR(two) && !IS_ERR(idle) && !IS_ERR(fixed));
	CHECK(!vp_test_map(one) && !vp_test_map(two));

	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(one->told == 1 && two->told == 1 && idle->told <= 1);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	CHECK(vp_test_map(one) == -ENODEV && vp_test_map(idle) == -ENODEV);
	CHECK(vp_test_map(fixed) == -ENODEV && buffer->pins == 0);

	vp_test_detach(one);
	vp_test_detach(two);
	vp_test_detach(idle);
	vp_test_detach(fixed);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A pin does not protect against it, if the importer gives it up when told. */
static int test_revoke_revocable(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *pinning;

	CHECK(buffer);
	pinning = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(pinning));
	CHECK(!vp_test_pin(pinning) && !vp_test_map(pinning));

	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(pinning->told == 1 && !pinning->mapping);
	CHECK(buffer->revokes == 1 && !buffer->wronged);

	/* The pin is still the importer's to give back; no other is given. */
	CHECK(vp_test_pin(pinning) == -ENODEV && buffer->pins == 1);
	vp_test_unpin(pinning);
	CHECK(buffer->pins == 0 && buffer->base.pins == 0);
	vp_test_detach(pinning);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/*
 * One that cannot be told has it mapped, or pinned, or one has pinned that does
 * not give that up: nothing changes at all.
 */
static int test_revoke_pinned(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *moving, *holding, *fixed, *late;

	CHECK(buffer);
	moving = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	holding = vp_test_attach(&buffer->base, VP_TEST_HOLDING);
	fixed = vp_test_attach(&buffer->base, VP_TEST_FIXED);
	CHECK(!IS_ERR(moving) && !IS_ERR(holding) && !IS_ERR(fixed));
	CHECK(!vp_test_map(moving) && !vp_test_map(holding));
	CHECK(!vp_test_map(fixed));

	CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);
	vp_test_unmap(fixed);
	CHECK(!vp_test_pin(fixed));
	CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);
	vp_test_unpin(fixed);
	CHECK(!vp_test_pin(holding));
	CHECK(vp_dmabuf_revoke(&buffer->base) == -EBUSY);

	CHECK(!buffer->base.revoked && !buffer->revokes);
	CHECK(!moving->told && !holding->told);
	CHECK(moving->mapping && !moving->mapping->stale);
	CHECK(!vp_test_poke(moving, 0, 31) && vp_test_sees(moving, 0, 31));
	late = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(late) && !vp_test_map(late));

	vp_test_unpin(holding);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(late);
	vp_test_detach(moving);
	vp_test_detach(holding);
	vp_test_detach(fixed);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/*
 * Jobs end first, however long they take: the time that importers have counts
 * from there. Nobody is kept from the lock meanwhile.
 */
static int test_revoke_waits(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *slow;
	struct vp_test_thread *thread;
	struct dma_fence *job;

	CHECK(buffer);
	slow = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(slow) && !vp_test_map(slow));
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_BOOKKEEP);
	CHECK(job);

	thread = vp_test_start(vp_test_thread_revoke, &buffer->base);
	CHECK(thread);
	CHECK(vp_test_is_waiting(thread));
	CHECK(READ_ONCE(buffer->base.revoked));
	CHECK(dma_resv_trylock(buffer->base.resv));
	CHECK(slow->told == 1 && slow->mapping->stale);
	dma_resv_unlock(buffer->base.resv);

	/* Longer than importers have. */
	msleep(2300);
	CHECK(vp_test_is_running(thread));
	vp_test_unmap(slow);
	CHECK(vp_test_is_running(thread) && !buffer->revokes);
	vp_test_job_end(job);
	CHECK(vp_test_join(thread) == 0);
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(slow);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* An importer may take a while; what it begins last is waited for as well. */
static int test_revoke_lazy(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *lazy;
	long before = vp_test_violations();

	CHECK(buffer);
	lazy = vp_test_attach(&buffer->base, VP_TEST_LAZY);
	CHECK(!IS_ERR(lazy) && !vp_test_map(lazy));
	lazy->job = vp_test_new_job();
	CHECK(lazy->job);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(!lazy->mapping && buffer->maps == 0);
	CHECK(dma_fence_is_signaled(lazy->job));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	CHECK(vp_test_violations() == before);
	vp_test_job_end(lazy->job);
	vp_test_detach(lazy);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* One that does not unmap: reported after two seconds, and still revoked. */
static int test_revoke_stubborn(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *stubborn, *prompt;
	long before = vp_test_violations();
	ktime_t start;

	CHECK(buffer);
	stubborn = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	prompt = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(stubborn) && !IS_ERR(prompt));
	CHECK(!vp_test_map(stubborn) && !vp_test_map(prompt));

	start = ktime_get();
	CHECK(vp_dmabuf_revoke(&buffer->base) == -ETIMEDOUT);
	/* The kernel's timers may be behind the clock on a busy machine. */
	CHECK(vp_test_ms_since(start) >= 1000);
	CHECK(vp_test_violations() == before + 1);
	CHECK(buffer->base.revoked && !buffer->revokes);
	CHECK(buffer->maps == 1 && !prompt->mapping);
	CHECK(vp_test_map(prompt) == -ENODEV);

	/* Once it does, another call gets to the end. */
	vp_test_unmap(stubborn);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	CHECK(vp_test_violations() == before + 1);
	vp_test_detach(stubborn);
	vp_test_detach(prompt);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A signal ends the waiting; what was begun stays, and can be gone on with. */
static int test_revoke_interrupted(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct vp_test_thread *thread;
	struct dma_fence *job;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_STUBBORN);
	CHECK(!IS_ERR(importer));
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_READ);
	CHECK(job);
	thread = vp_test_start(vp_test_thread_revoke, &buffer->base);
	CHECK(thread);
	CHECK(vp_test_is_waiting(thread));
	vp_test_interrupt(thread);
	CHECK(vp_test_join(thread) == -ERESTARTSYS);
	CHECK(buffer->base.revoked && !buffer->revokes);
	CHECK(vp_test_map(importer) == -ENODEV);
	vp_test_job_end(job);

	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Everything that would lead to the memory says that it is gone. */
static int test_revoke_afterwards(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	long before = vp_test_violations();
	struct iosys_map map;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	CHECK(!vp_dmabuf_begin_cpu_access(&buffer->base, DMA_FROM_DEVICE));

	CHECK(!vp_dmabuf_revoke(&buffer->base));

	CHECK(PTR_ERR(vp_test_attach(&buffer->base, VP_TEST_PROMPT)) ==
	      -ENODEV);
	CHECK(PTR_ERR(vp_test_attach(&buffer->base, VP_TEST_FIXED)) == -ENODEV);
	CHECK(buffer->places == 1 && buffer->base.attached == 1);
	CHECK(vp_test_map(importer) == -ENODEV);
	CHECK(vp_test_pin(importer) == -ENODEV);
	CHECK(vp_dmabuf_begin_cpu_access(&buffer->base, DMA_FROM_DEVICE) ==
	      -ENODEV);
	CHECK(vp_dmabuf_move(&buffer->base) == -ENODEV);
	dma_resv_lock(buffer->base.resv, NULL);
	CHECK(vp_dmabuf_vmap(&buffer->base, &map) == -ENODEV);
	dma_resv_unlock(buffer->base.resv);
	CHECK(iosys_map_is_null(&map));

	/* What was begun before can be ended. */
	CHECK(!vp_dmabuf_end_cpu_access(&buffer->base, DMA_FROM_DEVICE));
	CHECK(!buffer->begins && !buffer->pins);
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	CHECK(vp_test_violations() == before);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	return 0;
}

static int vp_test_begin(void *buf)
{
	return vp_dmabuf_begin_cpu_access(buf, DMA_FROM_DEVICE);
}

/* One that waits for a job to begin finds that the memory is gone meanwhile. */
static int test_revoke_beside_begin(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_thread *begin, *revoke;
	struct dma_fence *job;

	CHECK(buffer);
	job = vp_test_job(&buffer->base, DMA_RESV_USAGE_WRITE);
	CHECK(job);
	begin = vp_test_start(vp_test_begin, &buffer->base);
	CHECK(begin);
	CHECK(vp_test_is_waiting(begin));
	revoke = vp_test_start(vp_test_thread_revoke, &buffer->base);
	CHECK(revoke);
	CHECK(vp_test_is_waiting(revoke) && vp_test_is_running(begin));
	vp_test_job_end(job);
	CHECK(vp_test_join(begin) == -ENODEV);
	CHECK(vp_test_join(revoke) == 0);
	CHECK(buffer->begins == 0);
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* Two at once, and a third afterwards: all is well, the memory goes once. */
static int test_revoke_twice(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_thread *one, *two;
	struct vp_test_importer *lazy;

	CHECK(buffer);
	lazy = vp_test_attach(&buffer->base, VP_TEST_LAZY);
	CHECK(!IS_ERR(lazy) && !vp_test_map(lazy));
	one = vp_test_start(vp_test_thread_revoke, &buffer->base);
	two = vp_test_start(vp_test_thread_revoke, &buffer->base);
	CHECK(one && two);
	CHECK(vp_test_join(one) == 0 && vp_test_join(two) == 0);
	CHECK(lazy->told == 1 && !lazy->mapping);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_test_detach(lazy);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* An access that does not end keeps the memory, though its importer has unmapped. */
static int test_revoke_beside_access(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_importer *importer;
	struct vp_mapping *used;
	u32 word = 1;

	CHECK(buffer);
	importer = vp_test_attach(&buffer->base, VP_TEST_PROMPT);
	CHECK(!IS_ERR(importer) && !vp_test_map(importer));
	dma_resv_lock(buffer->base.resv, NULL);
	used = vp_mapping_get(importer->mapping);
	dma_resv_unlock(buffer->base.resv);

	CHECK(vp_dmabuf_revoke(&buffer->base) == -ETIMEDOUT);
	CHECK(importer->told == 1 && !importer->mapping);
	CHECK(!buffer->revokes && buffer->maps == 1);
	CHECK(!vp_dmabuf_access(used, 0, &word, sizeof(word), false));
	CHECK(word == 0);
	vp_mapping_put(used);
	CHECK(!vp_dmabuf_revoke(&buffer->base));
	CHECK(buffer->revokes == 1 && buffer->maps == 0 && !buffer->wronged);
	vp_test_detach(importer);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

/* A device that never stops working. */
struct vp_test_worker {
	struct vp_test_importer *importer;
	struct vp_test_thread *thread;
	bool keeps;		/* its mapping, from one round to the next */
	unsigned long served;
	unsigned long late;	/* served although it was all over */
};

static bool vp_test_all_over, vp_test_stop;

static int vp_test_work(void *arg)
{
	struct vp_test_worker *worker = arg;
	struct vp_test_importer *importer = worker->importer;

	while (!READ_ONCE(vp_test_stop)) {
		bool over = smp_load_acquire(&vp_test_all_over);
		int ret = vp_test_poke(importer, 0, 0);

		if (ret == -ENXIO)
			ret = vp_test_map(importer) ?:
			      vp_test_poke(importer, 0, 0);
		if (!worker->keeps)
			vp_test_unmap(importer);

		if (!ret && over)
			worker->late++;
		else if (!ret)
			WRITE_ONCE(worker->served, worker->served + 1);
		/* It has been revoked, before the device mapped or after. */
		else if (ret != -ENODEV && ret != -ENXIO)
			return ret;
		usleep_range(10, 50);
	}
	return 0;
}

/* In the middle of work: when the call is back, nobody is served any more. */
static int test_revoke_in_use(void)
{
	struct vp_test_buffer *buffer = vp_test_buffer();
	struct vp_test_worker workers[4] = {};
	struct vp_test_worker *worker;
	unsigned int i;

	CHECK(buffer);
	vp_test_all_over = false;
	vp_test_stop = false;
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		worker = &workers[i];
		worker->keeps = i % 2;
		worker->importer = vp_test_attach(&buffer->base,
						  VP_TEST_PROMPT);
		CHECK(!IS_ERR(worker->importer));
		worker->thread = vp_test_start(vp_test_work, worker);
		CHECK(worker->thread);
	}
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		while (READ_ONCE(workers[i].served) < 100) {
			CHECK(vp_test_is_running(workers[i].thread));
			msleep(1);
		}
	}

	CHECK(!vp_dmabuf_revoke(&buffer->base));
	smp_store_release(&vp_test_all_over, true);
	CHECK(buffer->maps == 0 && buffer->base.mapped == 0);
	msleep(50);
	WRITE_ONCE(vp_test_stop, true);
	for (i = 0; i < ARRAY_SIZE(workers); i++) {
		CHECK(vp_test_join(workers[i].thread) == 0);
		CHECK(workers[i].late == 0);
		vp_test_detach(workers[i].importer);
	}
	CHECK(buffer->revokes == 1 && !buffer->wronged);
	vp_dmabuf_put(&buffer->base);
	CHECK(vp_test_released == 1);
	return 0;
}

const struct vp_test vp_revoke_tests[] = {
	{ "revoke-movable", test_revoke_movable },
	{ "revoke-revocable", test_revoke_revocable },
	{ "revoke-pinned", test_revoke_pinned },
	{ "revoke-waits", test_revoke_waits },
	{ "revoke-lazy", test_revoke_lazy },
	{ "revoke-stubborn", test_revoke_stubborn },
	{ "revoke-interrupted", test_revoke_interrupted },
	{ "revoke-afterwards", test_revoke_afterwards },
	{ "revoke-beside-begin", test_revoke_beside_begin },
	{ "revoke-twice", test_revoke_twice },
	{ "revoke-beside-access", test_revoke_beside_access },
	{ "revoke-in-use", test_revoke_in_use },
	{}
};
