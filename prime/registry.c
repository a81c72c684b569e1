// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: the registry of buffers
 *
 * Each buffer has an id, which no other buffer has had, and can be found by it
 * from its initialisation until its last reference is dropped. Root names
 * buffers by id in debugfs, and a fence has the id of the buffer it was made
 * for.
 */
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "prime/dmabuf.h"
#include "prime/registry.h"

/*
 * Guards vp_registry and vp_registry_last_id. A buffer in the registry may be
 * losing its last reference: a reference is taken only if the count is not
 * zero, under this lock, which the release takes to remove the buffer before it
 * frees it.
 */
static DEFINE_SPINLOCK(vp_registry_lock);
/* All buffers, in the order of their ids. */
static LIST_HEAD(vp_registry);
static u64 vp_registry_last_id;

/**
 * vp_registry_add - give a buffer its id
 * @buf: the buffer; other threads can find it at once
 *
 * Context: Process context.
 */
void vp_registry_add(struct vp_dmabuf *buf)
{
	spin_lock(&vp_registry_lock);
	buf->id = ++vp_registry_last_id;
	list_add_tail(&buf->registered, &vp_registry);
	spin_unlock(&vp_registry_lock);
}

/**
 * vp_registry_del - remove a buffer
 * @buf: a buffer without references
 *
 * Context: Process context.
 */
void vp_registry_del(struct vp_dmabuf *buf)
{
	spin_lock(&vp_registry_lock);
	list_del(&buf->registered);
	spin_unlock(&vp_registry_lock);
}

/**
 * vp_registry_next - find the first buffer from an id on
 * @before: a buffer with a smaller id, to which the caller has a reference; or
 *	NULL
 * @id: the smallest id
 *
 * Context: Process context.
 * Return: The buffer, with a reference; NULL if there is none.
 */
struct vp_dmabuf *vp_registry_next(struct vp_dmabuf *before, u64 id)
{
	struct vp_dmabuf *buf;

	spin_lock(&vp_registry_lock);
	/* The reference keeps @before in the list. */
	buf = before ? list_next_entry(before, registered) :
		       list_first_entry(&vp_registry, struct vp_dmabuf,
					registered);
	list_for_each_entry_from(buf, &vp_registry, registered)
		if (buf->id >= id && kref_get_unless_zero(&buf->ref))
			goto out;
	buf = NULL;
out:
	spin_unlock(&vp_registry_lock);
	return buf;
}
