// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: moving and revoking
 *
 * A buffer without a pin can be moved: all importers drop their mappings, the
 * fences are waited for, the exporter moves the memory, and the next access
 * maps it at the new place.
 *
 * A buffer can also be revoked, pinned or not, which takes its memory away for
 * good. The importers that have pinned it have to be revocable. The first step
 * is that nothing gets access to the memory any more; after the last step
 * nothing has access. The waits in between are done without the reservation
 * lock, so that importers can take it to unmap.
 *
 * Foreign importers are notified by one call to the kernel, which notifies all
 * of them; one that has pinned may take that as a revocation. So a move is
 * refused, and no importer is notified, while the buffer is pinned. Kernels
 * before 7.x have no revocation: there a buffer that a foreign importer has
 * pinned is not revoked. Where such a kernel was built without
 * CONFIG_DMABUF_MOVE_NOTIFY, foreign dynamic importers pin at each map.
 */
#include <linux/jiffies.h>
#include <linux/wait.h>

#include "compat.h"
#include "fence/resv.h"
#include "prime/dmabuf.h"
#include "prime/export.h"
#include "prime/trace.h"

/*
 * How long an importer has to unmap a revoked buffer after all fences have
 * signalled.
 */
#define VP_REVOKE_TIMEOUT_MS	2000

/*
 * How often a move waits again for fences that were added during the previous
 * wait, before it gives up with -EBUSY.
 */
#define VP_MOVE_ROUNDS		16

static bool vp_attachment_is_dynamic(struct vp_attachment *attach)
{
	return attach->ops && attach->ops->invalidate_mappings;
}

/* Does the attachment keep the memory from being revoked? */
static bool vp_attachment_holds(struct vp_attachment *attach)
{
	if (!vp_attachment_is_dynamic(attach))
		return attach->pins || !list_empty(&attach->mappings);
	return attach->pins && !attach->ops->revocable;
}

/**
 * vp_attachment_invalidate - tell one importer to drop its mappings
 * @attach: an attachment with an invalidate_mappings callback
 *
 * Mappings that the importer keeps for now become stale.
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_attachment_invalidate(struct vp_attachment *attach)
{
	struct vp_mapping *mapping;

	dma_resv_assert_held(attach->buf->resv);

	attach->ops->invalidate_mappings(attach);
	list_for_each_entry(mapping, &attach->mappings, node)
		mapping->stale = true;
}

/**
 * vp_dmabuf_zap_cpu_mappings - remove all CPU mappings of a buffer
 * @buf: the buffer
 *
 * Mappings made through devices, and mappings of the dma_buf's file. The next
 * access faults, and maps the page that is there then.
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_dmabuf_zap_cpu_mappings(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_assert_held(buf->resv);

	list_for_each_entry(attach, &buf->attachments, node)
		if (attach->ops && attach->ops->zap_cpu_mappings)
			attach->ops->zap_cpu_mappings(attach);
	vp_export_zap_cpu_mappings(buf);
}

/* Of a pinned buffer too: for a revocation. */
static void vp_dmabuf_notify_importers(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	vp_export_invalidate_mappings(buf);
	list_for_each_entry(attach, &buf->attachments, node)
		if (vp_attachment_is_dynamic(attach))
			vp_attachment_invalidate(attach);
}

/**
 * vp_dmabuf_invalidate_mappings - remove mappings before the memory moves
 * @buf: the buffer
 *
 * Removes the movable device mappings and all CPU mappings; the next access
 * maps again. An importer whose device is at work may keep its mapping for a
 * while: it is &vp_mapping.stale then. A pinned buffer must not move, and
 * its importers are not notified. The counterpart of dma_buf_move_notify(),
 * since 7.x dma_buf_invalidate_mappings().
 *
 * Context: May sleep. The buffer's reservation is locked.
 */
void vp_dmabuf_invalidate_mappings(struct vp_dmabuf *buf)
{
	dma_resv_assert_held(buf->resv);

	if (!buf->pins)
		vp_dmabuf_notify_importers(buf);
	vp_dmabuf_zap_cpu_mappings(buf);
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_invalidate_mappings);

/* Returns -ERESTARTSYS if a signal ended the wait. */
static long vp_dmabuf_wait_all_fences(struct vp_dmabuf *buf)
{
	return vp_resv_wait(buf->resv, DMA_RESV_USAGE_BOOKKEEP,
			    MAX_SCHEDULE_TIMEOUT);
}

/**
 * vp_dmabuf_is_idle - have all fences of a buffer signalled
 * @buf: the buffer
 *
 * Context: Any context. The buffer's reservation is locked.
 * Return: Whether they have.
 */
bool vp_dmabuf_is_idle(struct vp_dmabuf *buf)
{
	dma_resv_assert_held(buf->resv);

	return dma_resv_test_signaled(buf->resv, DMA_RESV_USAGE_BOOKKEEP);
}

/* Can the buffer be moved as soon as its fences have signalled? */
static int vp_dmabuf_can_move(struct vp_dmabuf *buf)
{
	int ret = 0;

	dma_resv_assert_held(buf->resv);

	if (!buf->ops->move)
		ret = -EOPNOTSUPP;
	else if (buf->revoked)
		ret = -ENODEV;
	else if (buf->pins || buf->vmap_users)
		ret = -EBUSY;
	if (ret)
		trace_move(buf, 0, ret);
	return ret;
}

/**
 * vp_dmabuf_move_locked - move the memory of a buffer
 * @buf: the buffer
 *
 * The exporter decides where to. The wait for the fences holds the lock: a
 * caller that can wait without it calls vp_dmabuf_is_idle() first, so that only
 * the fences that importers add when they are notified are left.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is
 *	locked.
 * Return:
 * * 0: the memory has been moved
 * * -EOPNOTSUPP: the exporter cannot move memory, or is foreign
 * * -ENODEV: the buffer has been revoked
 * * -EBUSY: the buffer is pinned or mapped into the kernel
 * * -ERESTARTSYS: a signal ended the wait
 * * another errno: the exporter's; as after each errno, the memory is where it
 *   was
 */
int vp_dmabuf_move_locked(struct vp_dmabuf *buf)
{
	size_t bytes;
	long left;
	int ret;

	dma_resv_assert_held(buf->resv);

	ret = vp_dmabuf_can_move(buf);
	if (ret)
		return ret;

	vp_dmabuf_invalidate_mappings(buf);
	/*
	 * Importers may have added fences for work that still uses the old
	 * place.
	 */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;

	bytes = buf->ops->resident ? buf->ops->resident(buf) : buf->size;
	ret = buf->ops->move(buf);
	trace_move(buf, bytes, ret);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_move_locked);

/**
 * vp_dmabuf_move - move the memory of a buffer
 * @buf: the buffer
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is not
 *	locked.
 * Return: As vp_dmabuf_move_locked(); also -EBUSY if new fences were added
 *	during each of several waits, and -EINTR if a signal ended the wait for
 *	the lock.
 */
int vp_dmabuf_move(struct vp_dmabuf *buf)
{
	int rounds = VP_MOVE_ROUNDS, ret;
	long left;

	for (;;) {
		ret = dma_resv_lock_interruptible(buf->resv, NULL);
		if (ret)
			return ret;
		ret = vp_dmabuf_can_move(buf);
		if (ret || vp_dmabuf_is_idle(buf))
			break;
		if (!rounds--) {
			ret = -EBUSY;
			break;
		}
		/*
		 * The lock is dropped for the wait: the signaller may need it to touch
		 * the buffer first.
		 */
		dma_resv_unlock(buf->resv);
		left = vp_dmabuf_wait_all_fences(buf);
		if (left < 0)
			return left;
	}
	if (!ret)
		ret = vp_dmabuf_move_locked(buf);
	dma_resv_unlock(buf->resv);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_move);

static bool vp_dmabuf_is_held(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	if (buf->vmap_users)
		return true;
	list_for_each_entry(attach, &buf->attachments, node)
		if (vp_attachment_holds(attach))
			return true;
	return false;
}

static int vp_dmabuf_begin_revoke(struct vp_dmabuf *buf)
{
	int ret;

	ret = dma_resv_lock_interruptible(buf->resv, NULL);
	if (ret)
		return ret;
	if (buf->revoked)
		goto out;
	ret = -EBUSY;
	if (vp_dmabuf_is_held(buf))
		goto out;

	ret = 0;
	WRITE_ONCE(buf->revoked, true);
	vp_dmabuf_notify_importers(buf);
	vp_dmabuf_zap_cpu_mappings(buf);
out:
	dma_resv_unlock(buf->resv);
	return ret;
}

static void vp_dmabuf_report_mapped(struct vp_dmabuf *buf)
{
	struct vp_attachment *attach;

	dma_resv_lock(buf->resv, NULL);
	list_for_each_entry(attach, &buf->attachments, node)
		if (!list_empty(&attach->mappings))
			vp_dmabuf_misuse(buf, attach->dev,
					 VP_RULE_NOT_UNMAPPED);
	dma_resv_unlock(buf->resv);
}

static int vp_dmabuf_finish_revoke(struct vp_dmabuf *buf)
{
	long left;

	/* Importers unmap when their work is done. */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;
	left = wait_event_interruptible_timeout(vp_revokers,
			!READ_ONCE(buf->mapped),
			msecs_to_jiffies(VP_REVOKE_TIMEOUT_MS));
	if (left < 0)
		return left;
	if (!left) {
		vp_dmabuf_report_mapped(buf);
		return -ETIMEDOUT;
	}
	/* Fences that importers added while they still had a mapping. */
	left = vp_dmabuf_wait_all_fences(buf);
	if (left < 0)
		return left;

	dma_resv_lock(buf->resv, NULL);
	if (buf->ops->revoke && !buf->reclaimed)
		buf->ops->revoke(buf);
	buf->reclaimed = true;
	dma_resv_unlock(buf->resv);
	return 0;
}

/**
 * vp_dmabuf_revoke - take the memory of a buffer away for good
 * @buf: the buffer
 *
 * From the beginning on new access fails with -ENODEV, and a touch of a CPU
 * mapping raises SIGBUS; also after an -ETIMEDOUT or -ERESTARTSYS, when another
 * call goes on from there. The model is the kernel's since 7.x for revocable
 * importers.
 *
 * Context: May sleep, also until fences signal. The buffer's reservation is not
 *	locked.
 * Return:
 * * 0: there is no access to the memory any more, which the exporter may have
 *   freed; or the buffer had been revoked before
 * * -EOPNOTSUPP: the memory is foreign
 * * -EBUSY: nothing has changed: an importer that is not dynamic has the buffer
 *   mapped or pinned, or one that is not revocable has pinned it, or it is
 *   mapped into the kernel
 * * -ETIMEDOUT: an importer has not unmapped two seconds after all fences; it
 *   is reported by name
 * * -ERESTARTSYS or -EINTR: a signal ended a wait
 */
int vp_dmabuf_revoke(struct vp_dmabuf *buf)
{
	int ret = -EOPNOTSUPP;

	if (!buf->foreign)
		ret = vp_dmabuf_begin_revoke(buf);
	if (!ret)
		ret = vp_dmabuf_finish_revoke(buf);
	trace_revoke(buf, ret);
	return ret;
}
VP_EXPORT_FOR_TESTS(vp_dmabuf_revoke);
