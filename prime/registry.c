// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: the registry of buffers
 *
 * Every buffer has an id, which no other buffer has had, from the moment that it
 * is whole until its last reference goes. Root names buffers by it in debugfs,
 * and fences say which one they were made for.
 */
#include <linux/list.h>
#include <linux/spinlock.h>

#include "prime/dmabuf.h"
#include "prime/registry.h"

/*
 * Guards vp_registry and vp_registry_last_id. A buffer in the registry may be
 * losing its last reference: it is taken only with increment-unless-zero, under
 * this lock, which its release takes to leave before it is freed.
 */
static DEFINE_SPINLOCK(vp_registry_lock);
/* Every buffer, in the order of the ids. */
static LIST_HEAD(vp_registry);
static u64 vp_registry_last_id;

/**
 * vp_registry_add - a new buffer
 * @buf: the buffer, which gets its id; others may find it at once
 *
 * Context: process context, with whatever lock.
 */
void vp_registry_add(struct vp_dmabuf *buf)
{
	spin_lock(&vp_registry_lock);
	buf->id = ++vp_registry_last_id;
	list_add_tail(&buf->registered, &vp_registry);
	spin_unlock(&vp_registry_lock);
}

/**
 * vp_registry_del - a buffer goes
 * @buf: the buffer, whose last reference is gone
 *
 * Context: process context, with whatever lock.
 */
void vp_registry_del(struct vp_dmabuf *buf)
{
	spin_lock(&vp_registry_lock);
	list_del(&buf->registered);
	spin_unlock(&vp_registry_lock);
}

/**
 * vp_registry_next - the first living buffer from an id on
 * @before: a buffer with a smaller id, which the caller has a reference to; or
 *	NULL to look from the beginning
 * @id: the id
 *
 * Context: process context, with whatever lock.
 *
 * Return: the buffer, with a reference; NULL if there is none.
 */
struct vp_dmabuf *vp_registry_next(struct vp_dmabuf *before, u64 id)
{
	struct vp_dmabuf *buf;

	spin_lock(&vp_registry_lock);
	/* The reference keeps it in the list. */
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

/**
 * vp_registry_find - the buffer with an id
 * @id: the id
 *
 * Context: unlocked, may sleep.
 *
 * Return: the buffer, with a reference; NULL if there is none.
 */
struct vp_dmabuf *vp_registry_find(u64 id)
{
	struct vp_dmabuf *buf, *found = NULL;

	spin_lock(&vp_registry_lock);
	list_for_each_entry(buf, &vp_registry, registered) {
		if (buf->id != id)
			continue;
		if (kref_get_unless_zero(&buf->ref))
			found = buf;
		break;
	}
	spin_unlock(&vp_registry_lock);
	return found;
}
