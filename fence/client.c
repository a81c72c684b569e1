// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: clients
 *
 * A program makes fences and timelines through a file of a device, and names them
 * by ids and handles that are valid in that file only. When the file is closed
 * for the last time, because the program closed it or died, its timelines are
 * destroyed, and every fence that has not signalled does so with -ECANCELED. When
 * the device is unplugged, they signal with -ENODEV.
 */
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "compat.h"
#include "fence/client.h"
#include "fence/fence.h"

/*
 * Ids are given one after the other, so the lists are equally long; and a table
 * costs less than an xarray, as ids come and go all the time, and a new one would
 * often cost the nodes that lead to it. Lists are doubled when there are as many
 * fences, but not for ever: that is done under a lock.
 */
#define VP_CLIENT_LISTS_MIN	64
#define VP_CLIENT_LISTS_MAX	65536

/**
 * vp_fence_client_create - make the client of a file that makes its first fence
 * @device: what the clients of the device share
 *
 * Context: May sleep.
 * Return: The client, to be given to vp_fence_client_end() and then
 *	vp_fence_client_destroy(); or ERR_PTR(-ENOMEM).
 */
struct vp_fence_client *vp_fence_client_create(struct vp_fence_device *device)
{
	struct vp_fence_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->lists = VP_CLIENT_LISTS_MIN;
	client->grow_at = VP_CLIENT_LISTS_MIN;
	client->fences = kvcalloc(client->lists, sizeof(*client->fences),
				  GFP_KERNEL_ACCOUNT);
	if (!client->fences) {
		kfree(client);
		return ERR_PTR(-ENOMEM);
	}
	client->device = device;
	xa_init_flags(&client->timelines, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	spin_lock_init(&client->lock);
	return client;
}

/**
 * vp_fence_client_end - signal the fences of a file that is being closed
 * @client: from vp_fence_client_create()
 *
 * To be called before anything that takes the reservation lock of a buffer: the
 * task that holds the lock may be waiting for one of these fences.
 *
 * Context: May sleep. Takes the locks of timelines and fences; no reservation
 *	lock. No other function is called for the client at the same time, or
 *	later except vp_fence_client_destroy().
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

/**
 * vp_fence_client_destroy - free the client of a file that has been closed
 * @client: from vp_fence_client_create(), after vp_fence_client_end()
 *
 * Context: May sleep. Takes vp_timelines_lock, and the locks of timelines and
 *	fences.
 */
void vp_fence_client_destroy(struct vp_fence_client *client)
{
	struct vp_timeline *timeline;
	struct vp_fence *fence;
	unsigned long index;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(client->buffers); i++)
		if (client->buffers[i])
			vp_timeline_destroy(client->buffers[i], -ECANCELED);
	xa_for_each(&client->timelines, index, timeline)
		vp_timeline_destroy(timeline, -ECANCELED);

	xa_destroy(&client->timelines);
	for (i = 0; i < client->lists; i++)
		while ((fence = client->fences[i])) {
			client->fences[i] = fence->next;
			dma_fence_put(&fence->base);
			cond_resched();
		}
	kvfree(client->fences);
	kfree(client);
}

/* The link to the fence with this id; if there is none, the end of its list. */
static struct vp_fence **vp_fence_client_find(struct vp_fence_client *client,
					      u32 id)
{
	struct vp_fence **link = &client->fences[id & (client->lists - 1)];

	lockdep_assert_held(&client->lock);

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

/* Remove a fence from the table; the caller gets the table's reference. */
static struct vp_fence *vp_fence_client_take(struct vp_fence_client *client,
					     u32 id)
{
	struct vp_fence **link, *fence;

	spin_lock(&client->lock);
	link = vp_fence_client_find(client, id);
	fence = *link;
	if (fence) {
		*link = fence->next;
		client->count--;
	}
	spin_unlock(&client->lock);
	return fence;
}

/* Without memory the lists get longer, and nothing else. */
static void vp_fence_client_grow(struct vp_fence_client *client,
				 unsigned int lists)
{
	struct vp_fence **fences, **link, *fence;
	unsigned int i;

	fences = kvcalloc(lists, sizeof(*fences),
			  GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!fences)
		return;
	spin_lock(&client->lock);
	/* Another thread may have been faster. */
	if (client->lists < lists) {
		for (i = 0; i < client->lists; i++)
			while ((fence = client->fences[i])) {
				client->fences[i] = fence->next;
				link = &fences[fence->id & (lists - 1)];
				fence->next = *link;
				*link = fence;
			}
		swap(client->fences, fences);
		client->lists = lists;
	}
	spin_unlock(&client->lock);
	kvfree(fences);
}

/* Give a fence an id, with which the program can signal it from now on. */
static u32 vp_fence_client_keep(struct vp_fence_client *client,
				struct vp_fence *fence)
{
	struct vp_fence **link;
	unsigned int lists = 0;
	u32 id;

	spin_lock(&client->lock);
	/*
	 * Ids wrap around, and old ones may still be in use, millions in a row.
	 * Somewhere else most are free: memory ends long before ids do.
	 */
	do {
		id = ++client->last_id & INT_MAX;
		link = vp_fence_client_find(client, id);
		if (*link)
			client->last_id = get_random_u32();
	} while (!id || *link);
	fence->id = id;
	fence->next = NULL;
	dma_fence_get(&fence->base);
	*link = fence;
	if (++client->count > client->grow_at &&
	    client->lists < VP_CLIENT_LISTS_MAX) {
		client->grow_at *= 2;
		lists = min_t(unsigned int, client->grow_at,
			      VP_CLIENT_LISTS_MAX);
	}
	spin_unlock(&client->lock);
	if (lists)
		vp_fence_client_grow(client, lists);
	return id;
}

/* The timeline of fences for writing, or for reading; most files need none. */
static struct vp_timeline *
vp_fence_client_buffers(struct vp_fence_client *client, bool write)
{
	struct vp_timeline *timeline, *other;

	/* Pairs with the cmpxchg() below, of another thread. */
	timeline = smp_load_acquire(&client->buffers[write]);
	if (timeline)
		return timeline;
	timeline = vp_timeline_create(VP_TIMELINE_BUFFERS,
				      &client->device->owner,
				      client->device->names[write]);
	if (IS_ERR(timeline))
		return timeline;
	/* Another thread may be making one at the same time. */
	other = cmpxchg(&client->buffers[write], NULL, timeline);
	if (!other)
		return timeline;
	vp_timeline_destroy(timeline, -ECANCELED);
	return other;
}

/* Add a fence to its timeline, and to a buffer that has no conflicting one. */
static int vp_fence_client_claim(struct dma_resv *resv, struct vp_fence *fence)
{
	bool write = fence->usage == VP_FENCE_WRITE;
	struct dma_resv_iter cursor;
	struct dma_fence *other;
	int ret;

	dma_resv_for_each_fence(&cursor, resv, dma_resv_usage_rw(write), other)
		if (!dma_fence_is_signaled(other))
			return -EBUSY;
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		ret = vp_timeline_add(fence);
	if (!ret)
		dma_resv_add_fence(resv, &fence->base,
				   write ? DMA_RESV_USAGE_WRITE :
					   DMA_RESV_USAGE_READ);
	return ret;
}

/**
 * vp_fence_client_attach - make a fence, and add it to a buffer
 * @client: the file that makes it
 * @resv: reservation object of the buffer
 * @buffer: id of the buffer, to be listed
 * @write: the fence stands for writing the buffer, not for reading
 * @id: where the id of the fence is stored
 *
 * Context: May sleep. Takes @resv, and the locks of the timeline and the fence.
 * Return:
 * * 0: the fence is on the buffer
 * * -EBUSY: the buffer has a fence that such a user has to wait for
 * * -ENODEV: the device has been unplugged
 * * -EINTR: a signal arrived while another task held @resv
 * * -ENOMEM
 */
int vp_fence_client_attach(struct vp_fence_client *client,
			   struct dma_resv *resv, u64 buffer, bool write,
			   u32 *id)
{
	struct vp_timeline *timeline;
	struct vp_fence *fence;
	int ret;

	/* Do not make a timeline for a fence that will be refused. */
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
	ret = vp_fence_client_claim(resv, fence);
	dma_resv_unlock(resv);
	if (ret)
		goto out;

	/* From here on another thread that guesses the id can signal the fence. */
	*id = vp_fence_client_keep(client, fence);
out:
	dma_fence_put(&fence->base);
	return ret;
}

/**
 * vp_fence_client_signal - signal a fence that was added to a buffer
 * @client: the file that made it
 * @id: its id, which is not valid afterwards
 *
 * Context: Process context. Takes the locks of the timeline and the fence.
 * Return:
 * * 0: the fence has signalled
 * * -ENOENT: no fence has this id
 * * -ETIMEDOUT: the fence had signalled by itself
 * * -ENODEV: the device has been unplugged
 */
int vp_fence_client_signal(struct vp_fence_client *client, u32 id)
{
	struct vp_fence *fence = vp_fence_client_take(client, id);
	int ret;

	if (!fence)
		return -ENOENT;
	ret = vp_timeline_signal_one(fence);
	dma_fence_put(&fence->base);
	return ret;
}

/**
 * vp_fence_client_add_timeline - make an ordered timeline
 * @client: the file that makes it
 * @name: its name; copied
 * @handle: where its handle is stored
 *
 * Context: May sleep. Takes vp_timelines_lock.
 * Return: 0; -ENODEV when the device has been unplugged; -EBUSY when the file has
 *	2^31 - 1 timelines; -ENOMEM.
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
 * @client: the file that made it
 * @handle: its handle
 *
 * Context: May sleep. Takes vp_timelines_lock, and the locks of the timeline and
 *	its fences.
 * Return: 0, or -ENOENT when no timeline has this handle.
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
 * vp_fence_client_timeline - look up a timeline
 * @client: the file that made it
 * @handle: its handle
 *
 * Context: Process context.
 * Return: The timeline, with a reference for the caller; NULL when no timeline
 *	has this handle.
 */
struct vp_timeline *vp_fence_client_timeline(struct vp_fence_client *client,
					     u32 handle)
{
	struct vp_timeline *timeline;

	/* The maker's reference is dropped after it has left the array. */
	xa_lock(&client->timelines);
	timeline = xa_load(&client->timelines, handle);
	if (timeline)
		kref_get(&timeline->ref);
	xa_unlock(&client->timelines);
	return timeline;
}
