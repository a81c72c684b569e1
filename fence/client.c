// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: clients
 *
 * A program makes fences through a device's file, and names them by numbers
 * that hold in that file only. When the file goes, because the program closed it
 * or died, so do its timelines, and every fence it has not signalled signals
 * with -ECANCELED. When the device goes, they signal with -ENODEV.
 */
#include <linux/err.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "compat.h"
#include "fence/client.h"
#include "fence/fence.h"
#include "fence/resv.h"

/**
 * vp_fence_device_init - let a device have clients
 * @device: the device's part, zeroed
 * @name: what the device is called; kept
 * @timeout_ms: how long fences last that are not signalled, in milliseconds
 *
 * Context: before the device has a file.
 */
void vp_fence_device_init(struct vp_fence_device *device, const char *name,
			  unsigned int timeout_ms)
{
	device->owner.device = name;
	device->owner.timeout_ms = timeout_ms;
	device->names[false] = "read";
	device->names[true] = "write";
}

/**
 * vp_fence_device_end - a device has gone
 * @device: its part
 *
 * What its clients have not signalled signals with -ENODEV, and whoever wants
 * another fence gets that. Unlocked, sleeps.
 */
void vp_fence_device_end(struct vp_fence_device *device)
{
	vp_timelines_end(&device->owner, -ENODEV);
}

/*
 * By id. A program makes and signals fences all the time, so ids come and go: in
 * a tree of them, each would cost the nodes that lead to it.
 */
static const struct rhashtable_params vp_fence_client_params = {
	.key_len = sizeof_field(struct vp_fence, id),
	.key_offset = offsetof(struct vp_fence, id),
	.head_offset = offsetof(struct vp_fence, by_id),
	.automatic_shrinking = true,
};

/**
 * vp_fence_client_create - a program has opened a device's file
 * @device: the device's part
 *
 * Return: the client, for vp_fence_client_destroy(); -ENOMEM.
 */
struct vp_fence_client *vp_fence_client_create(struct vp_fence_device *device)
{
	struct vp_fence_client *client;
	int ret;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->device = device;
	xa_init_flags(&client->timelines, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	ret = rhashtable_init(&client->fences, &vp_fence_client_params);
	if (!ret)
		return client;
	kfree(client);
	return ERR_PTR(ret);
}

/**
 * vp_fence_client_end - the file is being closed for the last time
 * @client: from vp_fence_client_create()
 *
 * Comes before anything that waits for a lock of a buffer: who holds it may be
 * waiting for one of these fences. Unlocked, sleeps.
 */
void vp_fence_client_end(struct vp_fence_client *client)
{
	struct vp_timeline *timeline;
	unsigned long index;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(client->buffers); i++)
		if (client->buffers[i])
			vp_timeline_end(client->buffers[i], -ECANCELED);
	xa_for_each(&client->timelines, index, timeline)
		vp_timeline_end(timeline, -ECANCELED);
}

static void vp_fence_client_forget(void *fence, void *unused)
{
	vp_fence_put(fence);
}

/**
 * vp_fence_client_destroy - the file has been closed for the last time
 * @client: from vp_fence_client_create(), after vp_fence_client_end()
 *
 * Unlocked, sleeps.
 */
void vp_fence_client_destroy(struct vp_fence_client *client)
{
	struct vp_timeline *timeline;
	unsigned long index;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(client->buffers); i++)
		if (client->buffers[i])
			vp_timeline_destroy(client->buffers[i], -ECANCELED);
	xa_for_each(&client->timelines, index, timeline)
		vp_timeline_destroy(timeline, -ECANCELED);

	xa_destroy(&client->timelines);
	rhashtable_free_and_destroy(&client->fences, vp_fence_client_forget,
				    NULL);
	kfree(client);
}

/* Take a fence out of the table; the reference comes with it. */
static struct vp_fence *vp_fence_client_take(struct vp_fence_client *client,
					     u32 id)
{
	struct vp_fence *fence;

	rcu_read_lock();
	fence = rhashtable_lookup(&client->fences, &id,
				  vp_fence_client_params);
	/* Of two who want it, one gets it. */
	if (fence && rhashtable_remove_fast(&client->fences, &fence->by_id,
					    vp_fence_client_params))
		fence = NULL;
	rcu_read_unlock();
	return fence;
}

/* Give a fence an id, by which the program can signal it from now on. */
static int vp_fence_client_keep(struct vp_fence_client *client,
				struct vp_fence *fence)
{
	int ret;

	/* When the numbers begin anew, old ones may still be there. */
	do {
		fence->id = atomic_inc_return(&client->last_id) & INT_MAX;
		ret = -EEXIST;
		if (!fence->id)
			continue;
		vp_fence_get(fence);
		ret = rhashtable_lookup_insert_fast(&client->fences,
						    &fence->by_id,
						    vp_fence_client_params);
		if (ret)
			vp_fence_put(fence);
	} while (ret == -EEXIST);
	/* Whatever else stops a table from growing is a lack of memory. */
	return ret ? -ENOMEM : 0;
}

/* The timeline of fences for writing, or for reading; most files never need one. */
static struct vp_timeline *
vp_fence_client_buffers(struct vp_fence_client *client, bool write)
{
	struct vp_timeline *timeline = smp_load_acquire(&client->buffers[write]);
	struct vp_timeline *other;

	if (timeline)
		return timeline;
	timeline = vp_timeline_create(VP_TIMELINE_BUFFERS,
				      &client->device->owner,
				      client->device->names[write]);
	if (IS_ERR(timeline))
		return timeline;
	/* Another thread may need its first one now, too. */
	other = cmpxchg(&client->buffers[write], NULL, timeline);
	if (!other)
		return timeline;
	vp_timeline_destroy(timeline, -ECANCELED);
	return other;
}

/**
 * vp_fence_client_attach - make a fence, and put it on a buffer
 * @client: whose fence it is to be
 * @resv: the buffer's reservation
 * @buffer: the buffer's number, to be shown
 * @write: whether the fence is of somebody who writes
 * @id: where the fence's number is stored
 *
 * Unlocked.
 *
 * Returns 0; -EBUSY when the buffer has a fence that such a user has to wait
 * for; -ENODEV when the device has gone; -ENOMEM; -EINTR when a signal came.
 */
int vp_fence_client_attach(struct vp_fence_client *client,
			   struct dma_resv *resv, u64 buffer, bool write,
			   u32 *id)
{
	struct vp_timeline *timeline;
	struct vp_fence *fence;
	int ret;

	/* A refusal makes no timeline, unless the buffer becomes busy just now. */
	if (!READ_ONCE(client->buffers[write]) &&
	    !dma_resv_test_signaled(resv, dma_resv_usage_rw(write)))
		return -EBUSY;
	timeline = vp_fence_client_buffers(client, write);
	if (IS_ERR(timeline))
		return PTR_ERR(timeline);
	fence = vp_fence_create(timeline,
				write ? VP_FENCE_WRITE : VP_FENCE_READ, buffer);
	if (!fence)
		return -ENOMEM;

	ret = dma_resv_lock_interruptible(resv, NULL);
	if (ret)
		goto out;
	ret = vp_resv_claim(resv, fence);
	dma_resv_unlock(resv);
	if (ret)
		goto out;

	/* The program may guess the number, and signal the fence at once. */
	ret = vp_fence_client_keep(client, fence);
	if (ret)
		vp_timeline_signal_one(fence);
	else
		*id = fence->id;
out:
	vp_fence_put(fence);
	return ret;
}

/**
 * vp_fence_client_signal - signal a fence that was put on a buffer
 * @client: whose it is
 * @id: its number, which is used up by that
 *
 * Unlocked.
 *
 * Returns 0; -ENOENT when there is none; -ETIMEDOUT when it had signalled by
 * itself.
 */
int vp_fence_client_signal(struct vp_fence_client *client, u32 id)
{
	struct vp_fence *fence = vp_fence_client_take(client, id);
	int ret;

	if (!fence)
		return -ENOENT;
	ret = vp_timeline_signal_one(fence);
	vp_fence_put(fence);
	return ret;
}

/**
 * vp_fence_client_add_timeline - make a timeline
 * @client: whose it is to be
 * @name: what for; copied
 * @handle: where its handle is stored
 *
 * Unlocked, sleeps.
 *
 * Returns 0; -ENODEV when the device has gone; -ENOMEM.
 */
int vp_fence_client_add_timeline(struct vp_fence_client *client,
				 const char *name, u32 *handle)
{
	struct vp_timeline *timeline;
	int ret;

	timeline = vp_timeline_create(VP_TIMELINE_ORDERED,
				      &client->device->owner, name);
	if (IS_ERR(timeline))
		return PTR_ERR(timeline);
	ret = xa_alloc(&client->timelines, handle, timeline, xa_limit_31b,
		       GFP_KERNEL);
	if (ret)
		vp_timeline_destroy(timeline, -ECANCELED);
	return ret;
}

/**
 * vp_fence_client_remove_timeline - destroy a timeline
 * @client: whose it is
 * @handle: its handle
 *
 * Unlocked, sleeps.
 *
 * Returns 0, or -ENOENT when there is none.
 */
int vp_fence_client_remove_timeline(struct vp_fence_client *client, u32 handle)
{
	struct vp_timeline *timeline = xa_erase(&client->timelines, handle);

	if (!timeline)
		return -ENOENT;
	vp_timeline_destroy(timeline, -ECANCELED);
	return 0;
}

/**
 * vp_fence_client_timeline - look a timeline up
 * @client: whose it is
 * @handle: its handle
 *
 * Returns it with a reference, or NULL when there is none.
 */
struct vp_timeline *vp_fence_client_timeline(struct vp_fence_client *client,
					     u32 handle)
{
	struct vp_timeline *timeline;

	/* Its maker's reference goes after it has left the array. */
	xa_lock(&client->timelines);
	timeline = xa_load(&client->timelines, handle);
	if (timeline)
		vp_timeline_get(timeline);
	xa_unlock(&client->timelines);
	return timeline;
}
